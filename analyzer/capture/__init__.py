"""Capture files, pipes and rotated sets as one stream of frames.

``open_captures(paths).batches()`` is all a reader of captures needs; what passes on is
:class:`~analyzer.capture.frames.FrameBatch`.
"""

from analyzer.capture.captures import CaptureSet, open_captures
from analyzer.capture.frames import FrameBatch
from analyzer.capture.names import inert
from analyzer.capture.sources import Source

__all__ = ["CaptureSet", "FrameBatch", "Source", "inert", "open_captures"]
