"""tshark's output, cut into lines."""

from __future__ import annotations

from typing import Final

MAX_LINE: Final = 1 << 20
"""Bytes of one line of output; an honest one has a few KB. Longer ones are dropped and counted."""


class LineSplitter:
    """Cuts a stream of bytes into lines of bounded length.

    Attributes:
        dropped: lines that were longer than :data:`MAX_LINE`.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._dropping = False
        self.dropped = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines that ``chunk`` completes, without their ends."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if self._dropping and lines:
            self._dropping = False
            del lines[0]
        if len(self._rest) > MAX_LINE:
            self.dropped += not self._dropping
            self._dropping, self._rest = True, b""
        return lines
