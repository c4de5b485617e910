"""Listens to a conversation as the observer does, and remembers what it was told."""

from __future__ import annotations

from collections.abc import Callable

from analyzer.decryption.stage import TappedObserver
from analyzer.decryption.tap import Tap
from analyzer.explanation.account import Account
from analyzer.inventory.session import Session
from analyzer.smtp import DialogueParser
from analyzer.smtp.transcript import Allowance, TranscriptParser
from analyzer.streams import Conversation, Turns
from analyzer.streams.turns import OneTurn
from analyzer.tls import Clues, TlsSession

Tell = Callable[[Session, Account, TranscriptParser | None], None]
"""Receives a session, the account of it, and the parser that holds the account's memory, before the session passes."""


class Witness(TappedObserver):
    """The observer of a conversation that is to be explained.

    Args:
        conversation: as it stands when its first payload arrives.
        tap: see :class:`~analyzer.decryption.tap.Tap`.
        allowance: memory of all witnesses together.
        tell: receives the account when the conversation is over.
    """

    __slots__ = ("_allowance", "_now", "_seen", "_tell")

    def __init__(self, conversation: Conversation, tap: Tap, allowance: Allowance, tell: Tell) -> None:
        super().__init__(conversation, tap)
        self._allowance = allowance
        self._tell = tell
        self._now = conversation.start
        self._seen: TlsSession | None = None

    def turns(self, turns: Turns) -> None:
        """See :class:`analyzer.streams.Listener`."""
        for turn, (side, time) in enumerate(zip(turns.sides, turns.times, strict=True)):
            self._set_time(time)
            super().turns(OneTurn(side, turns.payload(turn), time))

    def _set_time(self, time: int) -> None:
        self._now = time
        if isinstance(self._dialogue, TranscriptParser):
            self._dialogue.now = time

    def _hear(self, side: int, data: bytes, time: int) -> None:
        self._set_time(time)  # what waited for the protocol to show has a time of its own
        super()._hear(side, data, time)

    def _parser(self) -> DialogueParser:
        parser = TranscriptParser(self._allowance, from_start=self._from_start)
        parser.now = self._now
        return parser

    def _begin_tls(self, side: int, rest: bytes, time: int) -> None:
        if self._tls is None and isinstance(self._dialogue, TranscriptParser):
            self._dialogue.tls_begins(side)
        super()._begin_tls(side, rest, time)

    def _finish_tls(self, *, complete: bool, clues: Clues) -> TlsSession:
        tls = super()._finish_tls(complete=complete, clues=clues._replace(thorough=True))
        if self._tls is not None:
            self._seen = tls
        return tls

    def finish(self, conversation: Conversation, source: str) -> Session:
        """See :class:`~analyzer.inventory.observer.SessionObserver`."""
        session = super().finish(conversation, source)
        parser = self._dialogue if isinstance(self._dialogue, TranscriptParser) else None
        self._tell(session, Account(parser.entries if parser else (), self._seen), parser)
        return session
