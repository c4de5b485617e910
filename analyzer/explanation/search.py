"""Finds one session among all of a run, and keeps nothing of the others but what helps to name it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from analyzer.decryption.stage import Decryption
from analyzer.explanation.account import Account
from analyzer.explanation.target import Target
from analyzer.explanation.witness import Witness
from analyzer.inventory.observer import SessionObserver
from analyzer.inventory.session import Session
from analyzer.smtp import DialogueParser
from analyzer.smtp.transcript import Allowance, TranscriptParser
from analyzer.streams import Conversation

if TYPE_CHECKING:
    from analyzer.decryption.plaintext import Decrypted

MAX_TRANSCRIPTS: Final = 64 << 20
"""Bytes of memory that the transcripts of conversations which are open at a time may take, about."""

LISTED: Final = 20
"""Sessions that are listed where several match."""

MAX_CLIENTS: Final = 1000
"""Clients that are counted, for the case that the one that is looked for is not there."""

_Key = tuple[int, str, int, str, int]


@dataclass(slots=True)
class Result:
    """What was found.

    Attributes:
        found: the session and its account, where one was meant.
        matches: sessions that matched.
        listed: the first of them.
        others: sessions of the client that began at another time or came from another port; the first ones.
        clients: sessions of each client that was seen.
    """

    found: tuple[Session, Account] | None = None
    matches: int = 0
    listed: list[Session] = field(default_factory=list)
    others: list[Session] = field(default_factory=list)
    clients: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class _Waiting:
    """The account of a session that is over and has not passed yet, and the parsers that hold its memory."""

    account: Account
    parsers: list[TranscriptParser]

    def discard(self) -> None:
        """Nobody needs it."""
        for parser in self.parsers:
            parser.discard()


class Search:
    """Listens to a run, takes its sessions, and keeps the one that is meant.

    Args:
        target: whose sessions.
        nth: which of those that match, from 1, in order of their start; ``None``: there must be one only.

    Attributes:
        result: what was found so far.
    """

    def __init__(self, target: Target, nth: int | None) -> None:
        self.result = Result()
        self._target = target
        self._nth = nth
        self._in_clear = Allowance(MAX_TRANSCRIPTS)
        self._in_tls = Allowance(MAX_TRANSCRIPTS)  # another thread's
        self._accounts: dict[_Key, list[_Waiting]] = {}
        self._of_found: _Waiting | None = None

    def listen(self, decryption: Decryption, conversation: Conversation) -> SessionObserver:
        """The listener of a conversation; a costly one only for those that may be meant."""
        if not self._target.may_be(conversation):
            return SessionObserver(conversation)
        return Witness(conversation, decryption.tap(conversation), self._in_clear, self._testify)

    def listen_inside(self, *, inside_tls: bool, greets: bool) -> DialogueParser:
        """What follows a dialogue that is decrypted; :meth:`listen` lets through those that may be meant."""
        return TranscriptParser(self._in_tls, inside_tls=inside_tls, greets=greets)

    def read_inside(self, session: Session, decrypted: Decrypted) -> None:
        """``session`` is over, and what was said inside its TLS connection is ``decrypted``."""
        parser = decrypted.parser
        waiting = self._accounts.get(_key(session))
        if waiting and isinstance(parser, TranscriptParser) and decrypted.readable:
            waiting[0].account.inside = parser.entries
            waiting[0].parsers.append(parser)

    def _testify(self, session: Session, account: Account, parser: TranscriptParser | None) -> None:
        waiting = _Waiting(account, [] if parser is None else [parser])
        self._accounts.setdefault(_key(session), []).append(waiting)

    def wants(self, session: Session) -> bool:
        """Count a session that is over, in no particular order; whether it is the client's, and so has its place."""
        clients = self.result.clients
        if session.client_ip in clients or len(clients) < MAX_CLIENTS:
            clients[session.client_ip] += 1
        if self._target.is_client_of(session):
            return True
        if session.client_ip == self._target.client:
            _list(self.result.others, session)
        self._forget(session)
        return False

    def take(self, session: Session, start: str | None) -> None:
        """The client's next session, in order of their start.

        Args:
            start: when it began, ISO 8601.
        """
        result = self.result
        if not self._target.begins(start):
            _list(result.others, session)
            self._forget(session)
            return
        result.matches += 1
        _list(result.listed, session)
        if result.matches == (self._nth or 1):
            self._of_found = self._claim(session)
            result.found = (session, self._of_found.account)
            return
        self._forget(session)
        if self._nth is None and self._of_found is not None:
            result.found = None
            self._of_found.discard()
            self._of_found = None

    def _claim(self, session: Session) -> _Waiting:
        waiting = self._accounts.get(_key(session))
        if not waiting:
            return _Waiting(Account(), [])
        claimed = waiting.pop(0)
        if not waiting:
            del self._accounts[_key(session)]
        return claimed

    def _forget(self, session: Session) -> None:
        self._claim(session).discard()


def _list(sessions: list[Session], session: Session) -> None:
    if len(sessions) < LISTED:
        sessions.append(session)


def _key(session: Session) -> _Key:
    """What tells conversations apart; two that agree in all of it, in packets without times, come in order."""
    return (session.start, session.client_ip, session.client_port, session.server_ip, session.server_port)
