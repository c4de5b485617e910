"""Turns taken many at a time, some of them known from other conversations, are read like any bytes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.smtp import CLIENT, SERVER, DialogueParser
from analyzer.smtp.records import Dialogue
from analyzer.smtp.repertoire import (
    KNOWN_COMMANDS,
    KNOWN_REPLIES,
    LONGEST_TURN,
    REMEMBERED,
    Command,
    command_of,
    read_command,
    replies_of,
)
from tests.smtp.canaries import shows
from tests.smtp.dialogues import CASES, PASSWORD, PLAIN, USER
from tests.smtp.playing import GO, NO, OK, SECRET, Turns, byte_by_byte, greeting, joined, playbook, read, session

Events = list[tuple[int, bytes | None]]
CLIENT_HELLO = bytes.fromhex("16030100050100000100")
TURNS = sorted({turn for case in CASES.values() for turn in joined(case.turns)})


def forget() -> None:
    KNOWN_COMMANDS.clear()
    KNOWN_REPLIES.clear()


def followed(events: Events, *, from_start: bool = True) -> Dialogue:
    """Runs of turns by :meth:`DialogueParser.follow`, the gaps between them one by one."""
    parser = DialogueParser(from_start=from_start)
    run: Turns = []
    for side, data in [*events, (CLIENT, None)]:
        if data is not None:
            run.append((side, data))
            continue
        if run:
            sides = [which for which, _ in run]
            turn, rest = parser.follow(sides, lambda number, run=run: run[number][1], 0, 0)  # type: ignore[misc]
            if rest is not None:
                return parser.finish()
            assert turn == len(run) - 1
        parser.gap(side, None, 0)
        run = []
    return parser.finish()


def fed(events: Events, *, from_start: bool = True) -> Dialogue:
    parser = DialogueParser(from_start=from_start)
    for side, data in [*events, (CLIENT, None)]:
        if data is None:
            parser.gap(side, None, 0)
        elif parser.feed(side, data, 0) is not None:
            break
    return parser.finish()


@pytest.mark.parametrize("name", CASES)
def test_a_dialogue_followed_at_once_is_the_same_the_first_time_and_later(name: str) -> None:
    events: Events = [*joined(CASES[name].turns)]
    forget()
    first = followed(events)
    assert first == followed(events) == fed(events)


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(TURNS) | st.tuples(st.sampled_from([CLIENT, SERVER]), st.none()), max_size=25),
    st.booleans(),
)
def test_any_turns_in_any_order_are_the_same(events: Events, from_start: bool) -> None:
    forget()
    plainly = fed([(side, piece) for side, data in events for piece in pieces(data)], from_start=from_start)
    for _ in range(2):
        assert followed(events, from_start=from_start) == fed(events, from_start=from_start) == plainly


def pieces(data: bytes | None) -> list[bytes | None]:
    """One byte at a time, of which nothing can be known beforehand."""
    return [None] if data is None else [data[at : at + 1] for at in range(len(data))]


def test_tls_ends_the_run_in_the_turn_where_it_begins() -> None:
    turns: Turns = [
        *playbook(*greeting("STARTTLS"), "C: STARTTLS", "S: 220 go"),
        (CLIENT, CLIENT_HELLO),
        (SERVER, b"x"),
    ]
    parser = DialogueParser()
    turn, rest = parser.follow([side for side, _ in turns], lambda number: turns[number][1], 0, 0)
    assert (turn, rest) == (len(turns) - 2, CLIENT_HELLO)


def test_a_run_may_begin_anywhere() -> None:
    turns = session(f"C: AUTH PLAIN {PLAIN}", OK)
    parser = DialogueParser()
    for side, data in turns[:5]:
        parser.feed(side, data, 0)
    parser.follow([side for side, _ in turns], lambda number: turns[number][1], 5, 0)
    assert parser.finish() == read(turns)


# --- what is remembered ----------------------------------------------------------------------------


def test_no_turn_of_a_login_is_remembered() -> None:
    forget()
    for final in (OK, NO):
        for auth in ([f"C: AUTH PLAIN {PLAIN}"], ["C: AUTH LOGIN", GO, f"C: {USER}", GO, f"C: {PASSWORD}"]):
            late = [f"C: {PASSWORD}", f'S: 500 unknown: "{PASSWORD}"']
            followed([*joined(session(*auth, final, *late))])
            followed([*byte_by_byte(session(*auth, final, *late))])
    for turn in (*KNOWN_COMMANDS, *KNOWN_REPLIES):
        assert not shows(turn, SECRET)
    assert KNOWN_COMMANDS
    assert KNOWN_REPLIES


@pytest.mark.parametrize(
    "turn", [b"AUTH LOGIN\r\n", b"EHLO x", b"EHLO x\n", b"EHLO x\r\nQUIT\r\n", b"DATAX\r\n", b"", b"\r\n"]
)
def test_what_is_not_one_whole_frequent_command_is_not_remembered(turn: bytes) -> None:
    assert command_of(turn) is None
    assert turn not in KNOWN_COMMANDS


@pytest.mark.parametrize(
    "line",
    [
        f"MAIL FROM:<a@b> AUTH={SECRET}",
        f"RCPT TO:<a@b> X={SECRET}",
        f"MAIL FROM:{SECRET}",
        f"EHLO copier AUTH PLAIN {PLAIN}",
        f"EHLO {SECRET}\x01",
        f"NOOP {SECRET}",
        f"RSET {SECRET}",
        f"QUIT {SECRET}",
    ],
)
def test_a_command_with_more_in_it_than_its_kind_has_is_read_and_not_remembered(line: str) -> None:
    assert command_of(f"{line}\r\n".encode()) is not None
    assert not [turn for turn in KNOWN_COMMANDS if shows(turn, SECRET)]


def test_a_client_that_says_another_command_after_its_name_is_known_by_its_name_alone() -> None:
    told = read_command(f"EHLO copier AUTH PLAIN {PLAIN}".encode())
    assert told == Command("EHLO", "copier")


@pytest.mark.parametrize(
    "turn", [b"334 \r\n", b"250-x\r\n", b"250 x", b"250 x\n", b"what?\r\n", b"535 no\r\n", b"250-x\r\n354 y\r\n", b""]
)
def test_what_is_not_whole_plain_replies_is_not_remembered(turn: bytes) -> None:
    assert replies_of(turn) is None
    assert turn not in KNOWN_REPLIES


def test_the_memory_is_bounded() -> None:
    forget()
    for number in range(REMEMBERED + 10):
        command_of(b"EHLO host%d\r\n" % number)
        replies_of(b"250 host%d\r\n" % number)
        assert len(KNOWN_COMMANDS) <= REMEMBERED
        assert len(KNOWN_REPLIES) <= REMEMBERED
    assert command_of(b"EHLO ".ljust(LONGEST_TURN, b"x") + b"\r\n") is None
    assert replies_of(b"250 ".ljust(LONGEST_TURN, b"x") + b"\r\n") is None
    forget()
