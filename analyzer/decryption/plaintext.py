"""The SMTP dialogue inside one TLS connection, followed as it is decrypted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from analyzer.decryption.rows import Row
from analyzer.smtp import CLIENT, SERVER, DialogueParser
from analyzer.smtp.records import Dialogue

MAX_EMPTY_RECORD: Final = 96
"""Payload of the longest record that holds nothing: IV, MAC and padding (RFC 5246 section 6.2.3.2). Before TLS 1.1
some programs send one ahead of every other, against an attack on block ciphers (CVE-2011-3389)."""


@dataclass(slots=True)
class Decrypted:
    """What was read inside one TLS connection.

    Attributes:
        dialogue: as far as it could be read.
        parser: what followed it, where it may have remembered more of it.
        readable: the keys opened it: something in it was decrypted, be it the end of both sides' handshakes.
        whole: so was all the rest.
    """

    dialogue: Dialogue
    readable: bool
    whole: bool
    parser: DialogueParser | None = None


class Listen(Protocol):
    """Makes what follows a dialogue: :class:`~analyzer.smtp.dialogue.DialogueParser`, or one that remembers more."""

    def __call__(self, *, inside_tls: bool, greets: bool) -> DialogueParser:
        """See there."""


class Plaintext:
    """Feed it a connection's rows; ask it when the connection is over.

    Args:
        time: nanoseconds since 1970-01-01 UTC, when the conversation began.
        greets: the server speaks first, as it does but after STARTTLS; ``None``: nobody knows, whoever speaks decides.
        listen: see :class:`Listen`.
    """

    __slots__ = ("_finished", "_greets", "_listen", "_over", "_parser", "_said", "_silent", "_time", "_whole")

    def __init__(self, time: int, greets: bool | None, listen: Listen = DialogueParser) -> None:
        self._time = time
        self._listen = listen
        self._greets = greets
        self._parser: DialogueParser | None = None
        self._silent = [False, False]  # the latest records of a side were empty, or could not be decrypted
        self._over = False
        self._finished = [False, False]
        self._said = [False, False]
        self._whole = True

    def take(self, row: Row) -> None:
        """The next packet."""
        side = row.side
        self._finished[side] |= row.finished
        # A long record without content is one that could not be decrypted; so are short ones after which the side
        # never gets back to being readable.
        if row.failed or any(length > MAX_EMPTY_RECORD for length in row.silent):
            self.gap(side)
        elif row.silent:
            self._silent[side] = not row.plain
        elif row.plain:
            self._silent[side] = False
        for piece in row.plain:
            self._feed(side, piece)

    def gap(self, side: int) -> None:
        """Something that this side said cannot be read."""
        self._whole = False
        self._talk(side).gap(side, None, self._time)

    def _feed(self, side: int, piece: bytes) -> None:
        self._said[side] = True
        if not self._over and self._talk(side).feed(side, piece, self._time) is not None:
            self._over, self._whole = True, False  # TLS inside TLS

    def _talk(self, side: int) -> DialogueParser:
        if self._parser is None:
            greets = side == SERVER if self._greets is None else self._greets
            self._parser = self._listen(inside_tls=True, greets=greets)
        return self._parser

    def finish(self) -> Decrypted:
        """What the dialogue was."""
        for side, silent in enumerate(self._silent):
            if silent:
                self.gap(side)
        dialogue = self._parser.finish() if self._parser is not None else Dialogue()
        if self._whole and not self._said[CLIENT]:
            dialogue.auth_may_be_hidden = False  # the parser cannot know that the client's silence was captured
        parser = None if type(self._parser) is DialogueParser else self._parser
        return Decrypted(dialogue, any(self._said) or all(self._finished), self._whole, parser)
