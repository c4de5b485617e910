"""Limits are reached, counted, and cost text but no secret."""

from __future__ import annotations

from analyzer.scrub import Plans, Policy, Scrubbed, Scrubber, Spool, Survey
from analyzer.scrub.observer import MAX_HELD_LINES, MAX_UNDECIDED
from analyzer.scrub.plan import BUFFERED, MAX_PIECES
from analyzer.smtp.arguments import MAX_LINE
from analyzer.streams import CLIENT, SERVER
from tests.scrub.scrubbing import Turns, assert_silent, batch_of, connection, on_the_wire, said, sessions
from tests.smtp.playing import SECRET, b64, greeting, playbook, session


def surveyed(turns: Turns, plans: Plans | None = None) -> tuple[list[Scrubbed], Survey]:
    full = [(side, data[at : at + 1460]) for side, data in turns for at in range(0, len(data), 1460)]
    frames = on_the_wire(connection(full).packets)
    with Spool() as spool:
        known = Plans() if plans is None else plans
        survey = Survey(Policy(), spool, known)
        survey.feed(batch_of(frames))
        survey.finish()
        return list(Scrubber(known, spool).scrub(batch_of(frames))), survey


def test_responses_beyond_the_limit_show_no_name() -> None:
    line = (f"C: AUTH PLAIN {b64(f'{chr(0)}user{chr(0)}{SECRET}')}", "S: 535 no")
    shown, survey = surveyed(playbook(*greeting(), *line * (MAX_UNDECIDED + 2), "C: QUIT", "S: 221 bye"))
    assert survey.counts["too-many-responses"] == 2
    assert survey.counts["credentials"] == MAX_UNDECIDED + 2
    assert_silent(shown, SECRET)
    assert said(shown, CLIENT).count(b64("\0user\0xxxxxxxx").encode()) == MAX_UNDECIDED


def test_lines_of_a_reply_beyond_the_limit_show_no_text() -> None:
    lines = [f"S: 250-{SECRET} {number}" for number in range(MAX_HELD_LINES)]
    shown, survey = surveyed(playbook(*greeting(), "C: NOOP", *lines, "S: 250 end", "C: QUIT", "S: 221 bye"))
    assert survey.counts["reply-too-long"] == 1
    assert_silent(shown, SECRET)


def test_a_line_is_kept_as_far_as_it_may_be_shown_and_a_long_one_has_its_end() -> None:
    for end in (b"\r\n", b"\n"):
        long = b"EHLO " + b"x" * (MAX_LINE * 3) + end
        shown, _ = surveyed([(SERVER, b"220 mail.example ESMTP\r\n"), (CLIENT, long), (SERVER, b"500 too long\r\n")])
        assert said(shown, CLIENT) == b"EHLO withheld" + end


def test_a_token_longer_than_any_line_is_blanked() -> None:
    token = b64(f"user=user\1auth=Bearer {SECRET * 20_000}\1\1")
    shown, survey = surveyed(session("C: AUTH XOAUTH2", "S: 334 ", f"C: {token}", "S: 535 no"))
    assert survey.counts["credentials"] == 1
    assert_silent(shown, SECRET)
    assert [attempt.mechanism for attempt in sessions(shown)[0].auth] == ["XOAUTH2"]


def test_a_long_message_is_shown_whole_in_few_pieces() -> None:
    text = b"x" * 70 + b"\r\n"
    size = BUFFERED * 3 // len(text)
    turns = [*playbook(*greeting(), "C: MAIL FROM:<a@b>", "S: 250 ok", "C: DATA", "S: 354 go"), (CLIENT, text * size)]
    plans = Plans()
    shown, _ = surveyed([*turns, (CLIENT, b".\r\n"), (SERVER, b"250 ok\r\n")], plans)
    assert said(shown, CLIENT).endswith(text * size + b".\r\n")
    assert MAX_PIECES - plans.room.left < 10


def test_a_conversation_without_a_plan_is_left_out_and_counted() -> None:
    plans = Plans(most=0)
    shown, survey = surveyed(session("C: AUTH LOGIN", "S: 504 no"), plans)
    assert not shown
    assert (plans.refused, survey.conversations) == (1, 0)


def test_a_conversation_of_more_pieces_than_there_is_room_for_is_left_out_and_counted() -> None:
    plans = Plans(most_pieces=3)
    shown, survey = surveyed(session("C: AUTH LOGIN", "S: 504 no"), plans)
    assert not shown
    assert (plans.refused, survey.conversations, survey.others, plans.room.left) == (1, 0, 0, 3)


def test_what_is_neither_smtp_nor_tls_is_left_out() -> None:
    turns = [(CLIENT, b"GET / HTTP/1.1\r\nAuthorization: Basic czNjcjN0\r\n\r\n"), (SERVER, b"HTTP/1.1 200 OK\r\n\r\n")]
    shown, survey = surveyed(turns)
    assert not shown
    assert survey.others == 1
