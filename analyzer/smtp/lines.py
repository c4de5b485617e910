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

    __slots__ = ("_passing", "bare", "part", "too_long")

    def __init__(self) -> None:
        self.part = bytearray()
        self._passing = False
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
            if not self._passing:
                self.part += data[at:]
                if len(self.part) > MAX_LINE:
                    del self.part[LINE_HEAD:]
                    self._passing = True
                    self.too_long += 1
            return None, len(data)
        line = data[at:end]
        if self.part:
            line = bytes(self.part) if self._passing else bytes(self.part) + line
            if len(line) > MAX_LINE:
                line = line[:LINE_HEAD]
                self.too_long += 1
            self.clear()
        elif len(line) > MAX_LINE:
            line = line[:LINE_HEAD]
            self.too_long += 1
        if line[-1:] == b"\r":
            line = line.rstrip(b"\r")  # some clients end lines with \r\r\n
        else:
            self.bare += 1
        return line, end + 1
