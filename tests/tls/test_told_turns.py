"""What an inference tells of its reading, for people who check it: turns in order, shares, the client's certificate."""

from __future__ import annotations

import pytest

from analyzer.tls import Clues, TlsSession, TlsTracker
from analyzer.tls.inference import Inference, infer
from analyzer.tls.inference.phrases import heard, said
from analyzer.tls.inference.turns import Exchange
from tests.tls.conversations import Conversation


def exchange(client: int | None, *server: int) -> Exchange:
    return Exchange(None if client is None else (client, client), tuple((size, size) for size in server))


LOGIN = [
    exchange(22, 180),
    exchange(12, 18),
    exchange(26, 18),
    exchange(18, 37),
    exchange(33, 14),
    exchange(31, 14),
    exchange(6, 37),
    exchange(1800, 40),
    exchange(6, 15),
]
"""EHLO, AUTH LOGIN with its two responses, a message, QUIT."""

TOLD = [
    ("EHLO", "what it offers"),
    ("AUTH LOGIN", "prompt"),
    ("user name", "prompt"),
    ("password", "login accepted"),
    ("MAIL", "accepted"),
    ("RCPT", "accepted"),
    ("DATA", "go ahead"),
    ("message, to its end", "message accepted"),
]


def read(exchanges: list[Exchange], *, starttls: bool = True, ended: bool = True) -> Inference:
    clues = Clues(submission=True, client_first=starttls, ended=ended, offered=("PLAIN", "LOGIN"), thorough=True)
    return infer(exchanges, clues, client_certificate=False)


def test_a_login_is_told_exchange_by_exchange() -> None:
    inference = read(LOGIN)
    assert [(said(turn), heard(turn)) for turn in inference.turns[:8]] == TOLD
    assert [turn.mechanism for turn in inference.turns[:5]] == [None, "LOGIN", "LOGIN", "LOGIN", None]
    assert [turn.why for turn in inference.turns[1:4]] == [("auth-keyword",), ("response",), ("response",)]


def test_the_greeting_comes_first_where_the_server_speaks_first() -> None:
    inference = read([exchange(None, 60), *LOGIN], starttls=False)
    assert [(said(turn), heard(turn)) for turn in inference.turns[:3]] == [("", "greeting"), *TOLD[:2]]
    assert read([exchange(None), *LOGIN], starttls=False).turns[0].name == "ehlo"


def test_an_exchange_without_an_answer_is_told_as_one() -> None:
    inference = read([*LOGIN[:3], exchange(18)])
    assert (said(inference.turns[-1]), heard(inference.turns[-1])) == ("password", "no answer")


def test_shares_are_those_of_the_families_and_the_verdict_is_the_greatest() -> None:
    inference = read(LOGIN)
    assert inference.method == max(inference.shares, key=lambda family: inference.shares[family]) == "basic"
    assert 0.95 < sum(inference.shares.values()) <= 1 + 1e-9
    assert inference.confidence is not None
    assert inference.confidence <= inference.shares["basic"]


def test_what_is_unknown_has_its_shares_too() -> None:
    inference = read([exchange(22, 180), exchange(6, 15)][:1], ended=False)
    assert inference.method == "unknown"
    assert inference.shares


def test_a_reading_that_was_settled_early_says_that_more_followed() -> None:
    once = read(LOGIN)
    assert not read([*LOGIN[:-1], *LOGIN[4:8] * 20, LOGIN[-1]]).whole
    assert once.whole == (len(once.turns) == len(LOGIN))


def certificates(conversations: list[Conversation]) -> dict[str, bool | None]:
    found: dict[str, bool | None] = {}
    for conversation in conversations:
        found[conversation.name] = finished(conversation).client_certificate
    return found


def finished(conversation: Conversation) -> TlsSession:
    tracker = TlsTracker()
    for side, piece in conversation.turns:
        tracker.feed(side, piece, 0)
    return tracker.finish(complete=True, clues=Clues())


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_a_clients_certificate_is_seen(version: str, conversations: list[Conversation]) -> None:
    shown = certificates(conversations)
    assert shown[f"{version} client certificate"] is True
    assert shown[f"{version} client certificate missing"] is False
    assert shown[f"{version} resumed" if version == "1.3" else "1.2 resumed by ticket"] is False


def test_whether_there_was_a_certificate_is_unknown_where_the_handshake_is_not_read(
    conversations: list[Conversation],
) -> None:
    shown = certificates(conversations)
    assert shown["no common version"] is None
    assert shown["1.3 client vanishes"] is None
