from __future__ import annotations

import pytest

from analyzer.decryption import relay as module
from analyzer.decryption.plaintext import Decrypted
from analyzer.decryption.relay import Relay
from analyzer.tshark.program import find_tshark
from tests.decryption.sealed import Sealed, sealed, session
from tests.smtp.playing import OK, b64
from tests.support.tools import children, needs_tshark

pytestmark = needs_tshark


def connection(number: int) -> Sealed:
    return sealed(session(f"C: AUTH EXTERNAL {b64(f'user{number}')}", OK))


def names(answers: dict[int, Decrypted]) -> dict[int, list[str | None]]:
    return {number: [a.username or a.authzid for a in one.dialogue.auth] for number, one in answers.items()}


def test_tshark_is_started_anew_in_time_and_connections_stay_where_they_began(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RENEW_AT", 40_000)  # one connection
    before = children()
    connections = [connection(number) for number in range(6)]
    with Relay(find_tshark()) as relay:
        begun: list[tuple[int, Sealed]] = []
        for each in connections:
            begun.append((relay.begin(5, True, each.keys), each))
            if len(begun) == 2:  # each goes on while the next one begins
                number, earlier = begun.pop(0)
                for side, data in earlier.sent:
                    relay.feed(number, side, data)
                relay.end(number)
        for number, last in begun:
            for side, data in last.sent:
                relay.feed(number, side, data)
            relay.end(number)
        relay.close()
        answers = dict(relay.answers())
    assert relay.fault is None
    assert names(answers) == {number + 1: [f"user{number}"] for number in range(6)}
    assert all(one.whole for one in answers.values())
    assert children() == before


def test_a_connection_that_outlasts_two_runs_is_cut_off_and_what_was_read_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "RENEW_AT", 30_000)
    long = connection(0)
    with Relay(find_tshark()) as relay:
        first = relay.begin(5, True, long.keys)
        for side, data in long.sent[:-4]:
            relay.feed(first, side, data)
        for number in (1, 2, 3):
            other = connection(number)
            begun = relay.begin(5, True, other.keys)
            for side, data in other.sent:
                relay.feed(begun, side, data)
            relay.end(begun)
        for side, data in long.sent[-4:]:
            relay.feed(first, side, data)
        relay.gap(first, 0)
        relay.end(first)
        relay.close()
        answers = dict(relay.answers())
    assert relay.fault is None
    assert names(answers) == {number + 1: [f"user{number}"] for number in range(4)}
    assert not answers[first].whole
    assert not answers[first].dialogue.ended


def test_a_connection_of_endless_length_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RENEW_AT", 100_000)
    endless = sealed([*session()[:-2], (0, b"NOOP\r\n" * 200_000)])
    with Relay(find_tshark()) as relay:
        number = relay.begin(5, True, endless.keys)
        for side, data in endless.sent:
            relay.feed(number, side, data)
        relay.close()
        answers = dict(relay.answers())
        relay.end(number)
    assert not answers[number].whole


def test_answers_come_while_others_are_fed() -> None:
    each = connection(1)
    with Relay(find_tshark()) as relay:
        waiting = set()
        for _ in range(2000):
            number = relay.begin(5, True, each.keys)
            for side, data in each.sent:
                relay.feed(number, side, data)
            relay.end(number)
            waiting.add(number)
            waiting -= {answered for answered, _ in relay.answers(wait=len(waiting) > 500)}
            assert len(waiting) <= 501
        relay.close()
        assert waiting == {answered for answered, _ in relay.answers()}
