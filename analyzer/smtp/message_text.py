"""The text of a message, stepped over to its end (RFC 5321 sections 4.1.1.4 and 4.5.2)."""

from __future__ import annotations

from typing import Final

from analyzer.smtp.message_header import MessageHeader

_END: Final = b"\r\n.\r\n"
_BARE_END: Final = b"\n.\n"
_SEAM: Final = 4  # bytes of an end that may lie in an earlier piece


class MessageText:
    """Looks for the end of one message.

    Attributes:
        header: looks for the program that wrote it; ``None`` where nobody wants to know.
        size: bytes of text so far.
        torn: bytes of it are missing, and the end may have been among them.
        refused: the server has refused the message before its end was seen.
    """

    __slots__ = ("_ends", "_tail", "header", "refused", "size", "torn")

    def __init__(self, *, bare: bool, header: MessageHeader | None = None) -> None:
        """``bare``: the client ends its lines with LF alone, so its message may end with LF.LF too."""
        self.header = header
        self._ends = (_END, _BARE_END) if bare else (_END,)
        self._tail = b"\r\n"  # the line before the text has ended
        self.size = 0
        self.torn = False
        self.refused = False

    def skip(self, data: bytes, at: int) -> int | None:
        """Step over the text in ``data`` from ``at`` on.

        Returns:
            Where what follows the message begins; ``None`` when all of ``data`` belongs to it.
        """
        after = self._after(data, at)
        if self.header is not None and not self.header.done:
            self.header.take(data, at, len(data) if after is None else after)
            if after is not None:
                self.header.finish()
        return after

    def _after(self, data: bytes, at: int) -> int | None:
        tail = self._tail
        seam = tail + data[at : at + _SEAM]
        after = _behind(seam, 0, self._ends)
        if after is not None:
            return after + at - len(tail)
        after = _behind(data, at, self._ends)
        if after is None:
            self._tail = (tail + data[max(at, len(data) - _SEAM) :])[-_SEAM:]
            self.size += len(data) - at
        return after

    def gap(self) -> None:
        """Bytes of the text are missing."""
        if self.header is not None:
            self.header.finish()
        self._tail = b""
        self.torn = True


def _behind(data: bytes, at: int, ends: tuple[bytes, ...]) -> int | None:
    """Where the first of ``ends`` ends in ``data``."""
    first: int | None = None
    for end in ends:
        found = data.find(end, at)
        if found >= 0 and (first is None or found + len(end) < first):
            first = found + len(end)
    return first
