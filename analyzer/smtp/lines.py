"""Bytes of one side cut into lines, whatever the chunks they come in."""

from __future__ import annotations

from analyzer.smtp.limits import LINE_HEAD, MAX_LINE


class LineBuffer:
    """Holds the beginning of a line until its end arrives.

    Attributes:
        too_long: lines so far that were longer than :data:`MAX_LINE`; only their beginning was kept.
        bare: lines so far that ended with LF alone.
        part: the beginning of a line whose end has not come yet.
    """

    __slots__ = ("_last", "_passing", "bare", "part", "too_long")

    def __init__(self) -> None:
        self.part = bytearray()
        self._passing = False  # the line is too long, and no more of it is kept
        self._last = b""  # its last byte so far
        self.too_long = 0
        self.bare = 0

    def clear(self) -> None:
        """Forget the unfinished line."""
        self.part = bytearray()
        self._passing = False

    def take(self, data: bytes, at: int) -> tuple[bytes | None, int]:
        """The next line of ``data`` from ``at`` on.

        Returns:
            The line without its line end (``None`` when it is not finished), and where the next one begins.
        """
        end = data.find(b"\n", at)
        if end < 0:
            self._hold(data[at:])
            return None, len(data)
        line = data[at:end]
        if self._passing:
            last = line[-1:] or self._last
            line = bytes(self.part)
            self.clear()
        else:
            if self.part:
                line = bytes(self.part) + line
                self.part = bytearray()
            last = line[-1:]
            if len(line) > MAX_LINE:
                line = line[:LINE_HEAD]
                self.too_long += 1
        if last == b"\r":
            line = line.rstrip(b"\r")  # some clients end lines with \r\r\n
        else:
            self.bare += 1
        return line, end + 1

    def _hold(self, piece: bytes) -> None:
        if self._passing:
            self._last = piece[-1:] or self._last
            return
        self.part += piece
        if len(self.part) > MAX_LINE:
            self._last = bytes(self.part[-1:])
            del self.part[LINE_HEAD:]
            self._passing = True
            self.too_long += 1
