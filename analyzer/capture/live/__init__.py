"""Frames from network interfaces, in the same batches as those from files.

:class:`LiveCapture` opens the interfaces, :func:`capture_filter` says what the kernel lets through,
:func:`drop_privileges` gives up what opening them needed.
"""

from analyzer.capture.live.capture import LiveCapture
from analyzer.capture.live.counters import InterfaceCounters
from analyzer.capture.live.filters import CaptureFilter, capture_filter
from analyzer.capture.live.interface import Interface, interfaces
from analyzer.capture.live.privileges import drop_privileges

__all__ = [
    "CaptureFilter",
    "Interface",
    "InterfaceCounters",
    "LiveCapture",
    "capture_filter",
    "drop_privileges",
    "interfaces",
]
