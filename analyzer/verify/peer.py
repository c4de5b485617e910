"""tshark's packets put together to sessions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from analyzer.tls.code_points import CLIENT_HELLO
from analyzer.verify.records import PeerAuth, PeerSession
from analyzer.verify.rows import Row

MAX_ATTEMPTS: Final = 256
"""AUTH commands kept of one session; servers hang up after a handful, and a hostile client could send millions."""

_OPENING: Final = frozenset((220, 421, 521, 554))
"""Replies a server may open with (RFC 5321 section 4.2.4.2; 521: RFC 7504)."""

_NEVER: Final = 1 << 62

_STARTTLS: Final = frozenset(("STARTTLS", "X-ANONYMOUSTLS"))


class PeerSessions:
    """Collects rows, in capture order, by tshark's number of the connection.

    Attributes:
        unfit: packets that showed something which tshark had not been told to decode.
    """

    def __init__(self) -> None:
        self._building: dict[int, _Building] = {}
        self.unfit = 0

    def add(self, row: Row) -> None:
        """Take what one packet shows."""
        if row.unfit:
            self.unfit += 1
            return
        building = self._building.get(row.stream)
        if building is None:
            building = self._building[row.stream] = _Building(row)
        building.add(row)

    def second_reading(self) -> Callable[[Row], None]:
        """Takes the rows of the same capture read another way: they count where the first way showed nothing."""
        smtp = {stream for stream, item in self._building.items() if item.smtp}
        tls = {stream for stream, item in self._building.items() if item.hello}

        def add(row: Row) -> None:
            if row.stream not in (smtp if row.hello is None else tls):
                self.add(row)

        return add

    def sessions(self) -> list[PeerSession]:
        """The connections that are mail or TLS, in order of their first packet."""
        found = (item.finish() for item in self._building.values() if item.session.is_session)
        return sorted(found, key=lambda session: session.start)


class _Building:
    """A session that grows.

    Attributes:
        verb, reply, client_hello, server_hello: packet in which the first of each was decoded.
    """

    __slots__ = ("_auth_open", "_starttls_open", "_waiting", "client_hello", "reply", "server_hello", "session", "verb")

    def __init__(self, row: Row) -> None:
        from_client = bool(row.commands) or row.user is not None or row.hello == CLIENT_HELLO
        client, server = (row.source, row.target) if from_client else (row.target, row.source)
        self.session = PeerSession(client, server, row.time, row.time)
        self.session.greeted = bool(row.codes) and row.codes[0] in _OPENING
        self.verb = self.reply = self.client_hello = self.server_hello = _NEVER
        self._auth_open = self._starttls_open = False
        self._waiting = 0  # commands since the last reply

    @property
    def smtp(self) -> bool:
        """SMTP was decoded."""
        return min(self.verb, self.reply) < _NEVER

    @property
    def hello(self) -> bool:
        """A TLS hello was decoded."""
        return min(self.client_hello, self.server_hello) < _NEVER

    def add(self, row: Row) -> None:
        session = self.session
        session.start, session.end = min(session.start, row.time), max(session.end, row.time)
        session.decrypted = session.decrypted or row.decrypted
        if row.hello is not None:
            self._hello(row)
        for command in row.commands:
            self._command(command.verb, command.mechanism)
            if command.verb:
                self.verb = min(self.verb, row.frame)
        if row.user is not None and session.auth and self._auth_open:
            session.auth[-1].user = row.user
        for code in row.codes:
            self._reply(code)
            self.reply = min(self.reply, row.frame)

    def finish(self) -> PeerSession:
        """The session, when all rows were taken; they may come out of order, for the capture may be read twice."""
        session = self.session
        if session.client_hello:
            session.implicit = self.client_hello < self.verb
        elif session.server_hello:
            session.implicit = self.server_hello < min(self.verb, self.reply)
        return session

    def _hello(self, row: Row) -> None:
        session = self.session
        if row.hello == CLIENT_HELLO:
            self.client_hello = min(self.client_hello, row.frame)
            session.client_hello = True
            session.tls_sni = session.tls_sni or row.sni  # after a HelloRetryRequest there is a second one
        else:
            self.server_hello = min(self.server_hello, row.frame)
            session.server_hello = True
            session.tls_version, session.tls_cipher = row.version, row.cipher

    def _command(self, verb: str, mechanism: str | None) -> None:
        session = self.session
        session.verbs += bool(verb)
        if verb == "AUTH":
            self._auth_open = len(session.auth) < MAX_ATTEMPTS
            if self._auth_open:
                session.auth.append(PeerAuth(mechanism, alone=self._waiting == 0))
            else:
                session.omitted += 1
        elif verb in _STARTTLS:
            session.starttls = True
            self._starttls_open = self._waiting == 0  # else the next reply may be another command's
        self._waiting += 1

    def _reply(self, code: int) -> None:
        self._waiting = 0
        if self._auth_open and (code == 235 or 400 <= code <= 599):  # 334 goes on, other replies are other commands'
            self.session.auth[-1].code = code
            self._auth_open = False
        elif self._starttls_open:
            self.session.starttls_code = code
            self._starttls_open = False
