"""What reads one interface, whatever the system offers for it."""

from __future__ import annotations

from typing import Protocol

from analyzer.capture.live.collector import Collector


class Tap(Protocol):
    """Frames from one interface.

    Attributes:
        link_type: LINKTYPE_* number of its frames.
        dropped: frames so far for which the kernel had no room.
    """

    link_type: int
    dropped: int

    def read(self, collector: Collector, source: int) -> int:
        """Move some frames into ``collector``, as coming from ``source``; how many.

        0 where none are there, or no room for them: then :attr:`backlog` is true.
        """

    @property
    def backlog(self) -> bool:
        """Whether so much has come that it should be read without delay."""

    def count_drops(self) -> None:
        """Bring :attr:`dropped` up to date."""

    def shut(self) -> None:
        """Let nothing more in; what is there already can still be read."""

    def close(self) -> None:
        """Give everything back."""
