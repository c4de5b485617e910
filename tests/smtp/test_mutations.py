"""Any bytes, and any damage to dialogues: never an exception, always a documented result, in bounded memory."""

from __future__ import annotations

import re
import sys
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.smtp import CLIENT, SERVER, DialogueParser, limits
from analyzer.smtp.oddities import ODDITIES
from analyzer.smtp.records import Dialogue, Method, Outcome
from tests.smtp.canaries import reachable
from tests.smtp.dialogues import CASES
from tests.smtp.playing import Turns, byte_by_byte, greeting, joined, playbook

BOUND = 4 << 20
"""Bytes that one parser may hold: two unfinished lines, a reply of as many and as long lines as are kept, commands
awaiting replies, and attempts with their names; rounded up to the next power of two."""

ODD_PIECES = [
    *(b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b".", b"\r\n.\r\n", b"*", b"=", b"\xff"),
    *(b"\x80\x2e\x01", b"\x16\x03\x01", b"\r\n\r\n\0\r\nQUIT\n", b"AUTH ", b"AUTH PLAIN ", b"220 ", b"250-", b"334 "),
]
LINES = [
    *(
        "AUTH LOGIN",
        "AHVzZXIAcGFzcw==",
        "dXNlcg==",
        "EHLO x",
        "STARTTLS",
        "X-ANONYMOUSTLS",
        "XXXXXXXX",
        "DATA",
        "BDAT 5",
    ),
    *(
        "BDAT 5 LAST",
        "BDAT 99999999999999999999",
        "QUIT",
        "RSET",
        "TURN",
        "XCLIENT A=b",
        "PROXY TCP4",
        "GET / HTTP/1.1",
    ),
    *(
        "220 x ESMTP",
        "250 ok",
        "250-AUTH PLAIN",
        "334 ",
        "235 ok",
        "535 5.7.8 no",
        "354 go",
        "421 bye",
        "503 no",
        "+OK",
    ),
]
PIECES = st.sampled_from([*ODD_PIECES, *(line.encode() + b"\r\n" for line in LINES)])
BYTES = st.binary(max_size=30) | st.lists(PIECES, max_size=6).map(b"".join)
EVENT = st.tuples(st.sampled_from([CLIENT, SERVER]), BYTES | st.none(), st.none() | st.integers(0, 3000))


def check(dialogue: Dialogue) -> None:
    """Every field holds what its documentation says it may hold."""
    assert set(dialogue.oddities) <= set(ODDITIES)
    assert all(number > 0 for number in dialogue.oddities.values())
    assert dialogue.messages >= 0
    for text in (dialogue.greeting, dialogue.server_name, dialogue.ehlo):
        assert text is None or (text.isprintable() and 0 < len(text) <= limits.MAX_TEXT)
    for word in (*dialogue.extensions, *(dialogue.mechanisms_before_tls or ()), *(dialogue.mechanisms_after_tls or ())):
        assert re.fullmatch(r"[A-Z0-9][A-Z0-9_-]{0,63}|[A-Z0-9_-]{1,20}", word)
    assert len(dialogue.auth) <= limits.MAX_ATTEMPTS
    for attempt in dialogue.auth:
        assert attempt.mechanism is None or re.fullmatch(r"[A-Z0-9_-]{1,20}", attempt.mechanism)
        assert attempt.method in get_args(Method)
        assert attempt.outcome in get_args(Outcome)
        for name in (attempt.username, attempt.authzid, attempt.realm):
            assert name is None or (name.isprintable() and 0 < len(name) <= limits.MAX_NAME)
        assert attempt.code is None or 200 <= attempt.code < 600
        assert (attempt.outcome == "success") == (attempt.code == 235)
        assert attempt.outcome != "failure" or (attempt.code or 0) >= 400
        assert attempt.enhanced is None or re.fullmatch(r"[245](\.\d{1,3}){2}", attempt.enhanced)
        assert attempt.mechanism is not None or attempt.username is None


def held(parser: DialogueParser) -> int:
    """Bytes of memory that can be reached from ``parser``."""
    return sum(sys.getsizeof(item) for item in reachable(parser))


def play(parser: DialogueParser, events: list[tuple[int, bytes | None, int | None]]) -> Dialogue:
    """Feed each side until it turns to TLS; ``None`` in place of bytes is a gap."""
    over = [False, False]
    said = [b"", b""]
    for side, data, size in events:
        if data is None:
            parser.gap(side, size, 0)
        elif not over[side]:
            said[side] += data
            rest = parser.feed(side, data, 0)
            assert rest is None or said[side].endswith(rest)  # what was not enough to tell is handed over too
            over[side] = rest is not None
    assert held(parser) < BOUND
    return parser.finish()


@settings(deadline=None)
@given(st.lists(EVENT, max_size=20), st.booleans())
def test_any_bytes_give_a_documented_result(
    events: list[tuple[int, bytes | None, int | None]], from_start: bool
) -> None:
    check(play(DialogueParser(from_start=from_start), events))


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from([CLIENT, SERVER]), BYTES), max_size=20), st.booleans())
def test_any_bytes_are_read_the_same_in_any_pieces(turns: Turns, from_start: bool) -> None:
    whole, pieces = (
        play(DialogueParser(from_start=from_start), [(side, data, None) for side, data in cut])
        for cut in (joined([turn for turn in turns if turn[1]]), byte_by_byte(turns))
    )
    assert whole == pieces


MUTATIONS = st.lists(
    st.tuples(
        st.integers(0, 40),
        st.integers(0, 60),
        st.sampled_from(["drop", "twice", "swap", "side", "cut", "insert", "replace", "bit", "gap"]),
        BYTES,
    ),
    max_size=5,
)


@settings(deadline=None)
@given(st.sampled_from(sorted(CASES)), MUTATIONS, st.booleans(), st.booleans())
def test_any_damage_to_a_dialogue_gives_a_documented_result(
    name: str, mutations: list[tuple[int, int, str, bytes]], in_bytes: bool, from_start: bool
) -> None:
    events: list[tuple[int, bytes | None, int | None]] = [(side, data, None) for side, data in CASES[name].turns]
    for place, offset, what, extra in mutations:
        at = place % len(events)
        side, data, size = events[at]
        if what == "drop" and len(events) > 1:
            del events[at]
        elif what == "twice":
            events.insert(at, events[at])
        elif what == "swap":
            events.insert(0, events.pop(at))
        elif what == "side":
            events[at] = (1 - side, data, size)
        elif what == "gap":
            events.insert(at, (side, None, offset or None))
        elif data is not None:
            head, tail = data[:offset], data[offset:]
            if what == "cut":
                head, tail = head, tail[1:]
            elif what == "insert":
                head += extra
            elif what == "replace":
                tail = extra + tail[len(extra) :]
            elif tail:
                tail = bytes((tail[0] ^ 1 << offset % 8,)) + tail[1:]
            events[at] = (side, head + tail, None)
    if in_bytes:
        events = [
            (side, piece, size)
            for side, data, size in events
            for piece in ([None] if data is None else [data[n : n + 1] for n in range(len(data))])
        ]
    check(play(DialogueParser(from_start=from_start), events))


@settings(deadline=None)
@given(st.sampled_from(sorted(CASES)), st.sets(st.integers(0, 40), max_size=4))
def test_whatever_turns_are_left_out_chunks_make_no_difference(name: str, left_out: set[int]) -> None:
    """A dialogue that never took place like this is still read the same however it is cut."""
    turns = [turn for number, turn in enumerate(CASES[name].turns) if number not in left_out]
    results = []
    for cut in (turns, joined(turns), byte_by_byte(turns)):
        results.append(play(DialogueParser(), [(side, data, None) for side, data in cut]))
    assert results[0] == results[1] == results[2]


# --- floods ----------------------------------------------------------------------------------------

FLOODS: dict[str, tuple[int, bytes]] = {
    "one endless line of the client": (CLIENT, b"x" * 65536),
    "one endless line of the server": (SERVER, b"x" * 65536),
    "empty lines": (CLIENT, b"\r\n" * 5000),
    "commands": (CLIENT, b"NOOP\r\n" * 5000),
    "unknown commands": (CLIENT, b"XYZZY\r\n" * 5000),
    "recipients": (CLIENT, b"RCPT TO:<a@b>\r\n" * 5000),
    "logins": (CLIENT, b"AUTH PLAIN AHVzZXIAcGFzcw==\r\n" * 2000),
    "logins with the longest names": (CLIENT, b"AUTH LOGIN " + b"8J2EnvCdhJ7w" * 13 + b"\r\n"),
    "greetings of the client": (CLIENT, b"EHLO " + b"x" * 60000 + b"\r\n"),
    "chunks": (CLIENT, b"BDAT 0\r\n" * 5000),
    "replies": (SERVER, b"250 ok\r\n" * 5000),
    "one endless reply": (SERVER, b"250-" + b"x" * 60000 + b"\r\n"),
    "one endless reply of short lines": (SERVER, b"250-AUTH PLAIN\r\n" * 5000),
    "challenges": (SERVER, b"334 " + b"x" * 60000 + b"\r\n"),
    "successes": (SERVER, b"235 ok\r\n" * 5000),
    "message text": (CLIENT, b"DATA\r\n" + b"text\r\n.x\r\n" * 5000),
}  # fmt: skip


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS)
@pytest.mark.parametrize("begun", [True, False])
def test_no_flood_takes_more_memory_than_the_bound(flood: tuple[int, bytes], begun: bool) -> None:
    parser = DialogueParser()
    turns: Turns = playbook(*greeting(), "C: AUTH LOGIN") if begun else []
    for side, data in [*turns, *[flood] * 20]:
        parser.feed(side, data, 0)
    assert held(parser) < BOUND
    check(parser.finish())
    assert held(parser) < BOUND
