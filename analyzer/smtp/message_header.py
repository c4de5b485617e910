"""The program that wrote a message, from the header of its text (RFC 5322 section 2.2).

Of the whole text only three fields are looked at, in its header alone; everything else is forgotten as it comes. A
header that is long, or of which bytes are missing, says nothing from there on.
"""

from __future__ import annotations

from typing import Final

from analyzer.smtp.limits import MAX_HEADER, MAX_PROGRAM
from analyzer.smtp.text import shown

FIELDS: Final = (b"\nx-mailer:", b"\nuser-agent:", b"\nx-mimeole:")
"""In order of what they tell: the first two name the program, the last one a library of Microsoft's."""

_END: Final = b"\r\n\r\n"
_ENDS: Final = (b"\n\r\n", b"\n\n")


class MessageHeader:
    """Takes the text of one message, in pieces of any size, until its header is over.

    Attributes:
        done: the header is over, or given up.
        too_long: it was longer than what is looked at.
        program: what it names, made fit to be shown; ``None`` where it names none.
    """

    __slots__ = ("_kept", "done", "program", "too_long")

    def __init__(self) -> None:
        self._kept = b"\n"  # the line before the text has ended
        self.done = self.too_long = False
        self.program: str | None = None

    def take(self, data: bytes, at: int, end: int) -> None:
        """The next bytes of the text: ``data`` from ``at`` to ``end``."""
        end = min(end, at + MAX_HEADER - len(self._kept))
        if len(self._kept) == 1 and (over := data.find(_END, at, end)) >= 0:
            self._kept += data[at : over + 2]  # most headers come in one piece; all that follows need not be copied
            self.finish()
            return
        self._kept += data[at:end]
        if any(end in self._kept for end in _ENDS):
            self.finish()
        elif len(self._kept) >= MAX_HEADER:
            self.too_long = True
            self.finish()

    def finish(self) -> None:
        """The header is over, or what follows in it will not be seen."""
        if self.done:
            return
        header, self._kept, self.done = self._kept, b"", True
        over = min((at for end in _ENDS if (at := header.find(end)) >= 0), default=header.rfind(b"\n"))
        folded = header[: over + 1].lower()  # of a line that is cut off nobody knows what it says
        for field in FIELDS:
            at = folded.find(field)
            if at >= 0:
                start = at + len(field)
                self.program = shown(header[start : folded.index(b"\n", start)], MAX_PROGRAM) or None
                if self.program is not None:
                    return
