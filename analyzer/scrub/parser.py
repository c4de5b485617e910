"""What each line of a dialogue was taken for, told by the parser that finds the verdict."""

from __future__ import annotations

from typing import Final

from analyzer.smtp.records import AuthAttempt
from analyzer.smtp.state import CHUNK, MESSAGE
from analyzer.smtp.transcript import CHALLENGE, REPLY, Allowance, Entry, TranscriptParser

_ROOM: Final = 1 << 20
"""Bytes that the entries of one line may take: they are looked at and forgotten at once."""

_IN_TEXT: Final = 1 << 62
"""More bytes of message text than there are."""


class ScrubParser(TranscriptParser):
    """A transcript that is looked at line by line, and not kept.

    Args:
        from_start: the conversation's beginning was captured.

    Attributes:
        noted: what happened since :meth:`forget` was called.
    """

    __slots__ = ("noted",)

    def __init__(self, *, from_start: bool) -> None:
        super().__init__(Allowance(_ROOM), from_start=from_start)
        self.noted: list[Entry] = []

    def _note(self, side: int, kind: str, *text: str, attempt: AuthAttempt | None = None) -> Entry:
        entry = super()._note(side, kind, *text, attempt=attempt)
        self.noted.append(entry)
        return entry

    def forget(self) -> None:
        """What was noted has been looked at."""
        self.noted = []
        self.discard()

    @property
    def has_heard_client(self) -> bool:
        """The client has said enough to tell whether a proxy speaks first."""
        return self._client_seen

    @property
    def text_ahead(self) -> int:
        """How many of the client's next bytes are message text for sure, unless it ends before."""
        if self._mode == CHUNK:
            return self._chunk
        return _IN_TEXT if self._mode == MESSAGE and self._go_ahead and self._text is not None else 0

    @property
    def in_chunk(self) -> bool:
        """The client's next bytes are a BDAT chunk (RFC 3030), which ends where its length says."""
        return self._mode == CHUNK

    @property
    def refusal(self) -> dict[str, str] | None:
        """Why the server refused the token of the login that is under way, as far as records hold it."""
        return None if self._exchange is None else self._exchange.attempt.refusal

    @property
    def over(self) -> bool:
        """This is no SMTP any more, and nothing is followed."""
        return self._dead


def is_withheld(entry: Entry) -> bool:
    """Whether a transcript would not show the text of this reply."""
    return len(entry.text) == 1 and entry.text[0].endswith((CHALLENGE, REPLY))
