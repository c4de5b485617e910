from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from analyzer.decryption.keylog import KeyRing
from analyzer.decryption.tap import Tap
from analyzer.streams import Conversation
from analyzer.streams.turns import OneTurn
from tests.decryption.sealed import sealed
from tests.smtp.playing import playbook

SEALED = sealed(playbook("S: 220 mail.example ESMTP", "C: QUIT", "S: 221 bye"))
HELLO = SEALED.sent[0][1]
START = 1_795_466_935_000_000_000


class Sink:
    """Notes what it is given."""

    def __init__(self) -> None:
        self.begun: list[tuple[int, bool | None, bytes]] = []
        self.said: list[tuple[int, int, bytes]] = []
        self.gaps: list[tuple[int, int]] = []

    def begin(self, time: int, greets: bool | None, keys: bytes) -> int:
        self.begun.append((time, greets, keys))
        return 7

    def feed(self, number: int, side: int, data: bytes) -> None:
        self.said.append((number, side, data))

    def gap(self, number: int, side: int) -> None:
        self.gaps.append((number, side))


def ring() -> KeyRing:
    found = KeyRing()
    found.add(SEALED.keys.splitlines())
    return found


def tap(sink: Sink | None, keys: KeyRing | None = None, *, from_start: bool = True) -> Tap:
    direction = SimpleNamespace(first=1 if from_start else None)
    conversation: Any = SimpleNamespace(start=START, directions=(direction, direction))
    return Tap(cast(Conversation, conversation), ring() if keys is None else keys, lambda: sink)


def hear(listener: Tap, turns: list[tuple[int, bytes]]) -> None:
    for side, data in turns:
        listener.turns(OneTurn(side, data, START))


def test_implicit_tls_goes_to_the_sink_from_its_first_byte_with_its_keys() -> None:
    sink = Sink()
    listener = tap(sink)
    hear(listener, SEALED.sent)
    assert sink.said == [(7, side, data) for side, data in SEALED.sent]
    ((time, greets, keys),) = sink.begun
    assert (time, greets) == (START, True)
    assert b"CLIENT_TRAFFIC_SECRET_0" in keys
    assert (listener.fits, listener.number, listener.hidden) == (True, 7, False)


def test_after_starttls_only_tls_goes_to_the_sink_and_nobody_greets_in_it() -> None:
    sink = Sink()
    clear = playbook("S: 220 mail.example", "C: EHLO a", "S: 250 STARTTLS", "C: STARTTLS", "S: 220 go")
    hear(tap(sink), clear + SEALED.sent)
    assert sink.said == [(7, side, data) for side, data in SEALED.sent]
    assert sink.begun[0][1] is False


def test_whoever_sends_the_client_hello_is_the_client_whatever_was_guessed() -> None:
    sink = Sink()
    hear(tap(sink), [(1 - side, data) for side, data in SEALED.sent])
    assert sink.said == [(7, side, data) for side, data in SEALED.sent]


@pytest.mark.parametrize("size", [1, 4, 5, 7, 42, 43])
def test_a_client_hello_may_come_in_pieces(size: int) -> None:
    sink = Sink()
    pieces = [(0, HELLO[at : at + size]) for at in range(0, len(HELLO), size)]
    hear(tap(sink), pieces + SEALED.sent[1:])
    assert b"".join(data for _, side, data in sink.said if side == 0) == b"".join(
        data for side, data in SEALED.sent if side == 0
    )


def test_what_only_begins_like_a_client_hello_is_let_go() -> None:
    sink = Sink()
    hear(tap(sink), [(0, HELLO[:5]), (0, b"\x02 no hello"), *SEALED.sent])
    assert len(sink.begun) == 1


def test_a_connection_without_keys_goes_nowhere() -> None:
    sink = Sink()
    listener = tap(sink, KeyRing())
    hear(listener, SEALED.sent)
    listener.gap(0, 9, START)
    assert (sink.begun, sink.said, sink.gaps, listener.fits, listener.number) == ([], [], [], False, None)


def test_without_a_sink_the_tap_says_that_keys_would_fit() -> None:
    listener = tap(None)
    hear(listener, SEALED.sent)
    listener.gap(1, 9, START)
    assert (listener.fits, listener.number) == (True, None)


def test_a_hole_inside_tls_is_handed_on_and_one_before_it_is_remembered() -> None:
    sink = Sink()
    listener = tap(sink)
    listener.gap(0, 9, START)
    hear(listener, [(1 - side, data) for side, data in SEALED.sent])
    listener.gap(0, 9, START)
    assert listener.hidden
    assert sink.gaps == [(7, 1)]
    assert sink.begun[0][1] is None


def test_joined_midway_nobody_knows_what_was_said_before() -> None:
    assert tap(Sink(), from_start=False).hidden
