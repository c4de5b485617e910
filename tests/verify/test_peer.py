from __future__ import annotations

from collections.abc import Callable
from typing import Any

from analyzer.verify.peer import MAX_ATTEMPTS, PeerSessions
from analyzer.verify.records import PeerAuth, PeerSession
from analyzer.verify.rows import Command, Row

CLIENT, SERVER = ("10.0.0.1", 40000), ("10.0.0.2", 587)


class Talk:
    """Rows of one connection in the order of the calls."""

    def __init__(self) -> None:
        self.sessions = PeerSessions()
        self._frame = 0
        self.take: Callable[[Row], None] = self.sessions.add

    def _row(self, from_client: bool, **fields: Any) -> Talk:
        self._frame += 1
        source, target = (CLIENT, SERVER) if from_client else (SERVER, CLIENT)
        fields = {"frame": self._frame, "time": self._frame * 1_000_000, **fields}
        self.take(Row(stream=0, source=source, target=target, **fields))
        return self

    def client(self, *verbs: str, mechanism: str | None = None, **fields: Any) -> Talk:
        commands = tuple(Command(verb, mechanism if verb == "AUTH" else None) for verb in verbs)
        return self._row(True, commands=commands, **fields)

    def server(self, *codes: int, **fields: Any) -> Talk:
        return self._row(False, codes=codes, **fields)

    def result(self) -> PeerSession:
        (session,) = self.sessions.sessions()
        return session


def test_a_login_has_mechanism_user_and_the_code_that_ended_it() -> None:
    talk = Talk().server(220).client("EHLO").server(250).client("AUTH", mechanism="LOGIN")
    session = talk.server(334).client(user=b"u").server(334).client().server(235).result()
    assert session.auth == [PeerAuth("LOGIN", b"u", 235)]
    assert (session.client, session.server) == (CLIENT, SERVER)
    assert session.greeted


def test_a_reply_to_an_earlier_pipelined_command_does_not_end_the_exchange() -> None:
    session = Talk().client("RSET", "AUTH", mechanism="PLAIN").server(250, 535).result()
    assert session.auth == [PeerAuth("PLAIN", None, 535, alone=False)]


def test_each_attempt_gets_its_own_reply() -> None:
    talk = Talk().client("AUTH", mechanism="PLAIN").server(535).client("AUTH", mechanism="LOGIN").server(235)
    assert [attempt.code for attempt in talk.result().auth] == [535, 235]


def test_a_user_name_after_the_end_of_an_exchange_belongs_to_none() -> None:
    session = Talk().client("AUTH", mechanism="PLAIN").server(235).client(user=b"x").result()
    assert session.auth[0].user is None


def test_starttls_counts_as_answered_only_when_nothing_else_was_waiting() -> None:
    assert Talk().client("STARTTLS").server(220).result().starttls_code == 220
    session = Talk().client("EHLO", "STARTTLS").server(250, 220).result()
    assert session.starttls
    assert session.starttls_code is None


def test_tls_that_the_client_opens_with_is_implicit_even_when_the_server_greeted_first() -> None:
    assert Talk().server(220).client(hello=1, sni="a").result().implicit
    assert not Talk().client("EHLO").client("STARTTLS").client(hello=1).result().implicit
    assert Talk().server(hello=2, version="1.3", cipher="X").result().implicit
    assert not Talk().server(220).server(hello=2).result().implicit


def test_the_second_reading_adds_only_what_the_first_did_not_show() -> None:
    talk = Talk().client(hello=1, sni="mail.example.com", frame=9)
    talk.take = talk.sessions.second_reading()
    session = talk.client("STARTTLS", frame=5).server(220, frame=6).client(hello=1, sni="other", frame=9).result()
    assert (session.starttls, session.starttls_code, session.tls_sni) == (True, 220, "mail.example.com")
    assert not session.implicit  # by the order of packets, not of readings


def test_packets_in_which_nothing_was_decoded_ask_for_a_second_reading_and_make_no_session() -> None:
    sessions = PeerSessions()
    sessions.add(Row(0, 1, 0, CLIENT, SERVER, unfit=True))
    assert (sessions.unfit, sessions.sessions()) == (1, [])


def test_another_protocol_read_as_smtp_is_no_session() -> None:
    talk = Talk().client("").server(200).client("")
    assert talk.sessions.sessions() == []


def test_attempts_are_kept_up_to_a_limit_and_the_others_counted() -> None:
    talk = Talk()
    for _ in range(MAX_ATTEMPTS + 3):
        talk.client("AUTH", mechanism="PLAIN").server(535)
    session = talk.result()
    assert (len(session.auth), session.omitted) == (MAX_ATTEMPTS, 3)
    assert session.auth[-1].code == 535
