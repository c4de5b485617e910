"""After missing bytes less may be known, and nothing that is said is wrong."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.smtp import CLIENT, SERVER, DialogueParser
from tests.smtp.canaries import assert_silent
from tests.smtp.dialogues import CASES, CHUNKING, PASSWORD, PLAIN, USER
from tests.smtp.gaps import Gap, assert_nothing_is_wrong, play_with_gaps, turn_edges, without_lone_dots
from tests.smtp.playing import GO, MAIL, OK, QUIT, SECRET, greeting, joined, playbook, read

PLAYED = {name: joined(without_lone_dots(case.turns)) for name, case in CASES.items()}
WHOLE = {name: read(turns) for name, turns in PLAYED.items()}


def check(name: str, gaps: list[Gap], *, sizes_known: bool) -> None:
    dialogue = play_with_gaps(DialogueParser(), PLAYED[name], gaps, sizes_known=sizes_known)
    assert_nothing_is_wrong(dialogue, WHOLE[name], CASES[name])
    assert_silent(dialogue, SECRET)


@pytest.mark.parametrize("sizes_known", [True, False])
@pytest.mark.parametrize("side", [CLIENT, SERVER])
@pytest.mark.parametrize("name", CASES)
def test_no_run_of_missing_turns_makes_a_wrong_answer(name: str, side: int, sizes_known: bool) -> None:
    edges = turn_edges(PLAYED[name], side)
    for number, begin in enumerate(edges):
        for end in edges[number + 1 :]:
            check(name, [(side, begin, end)], sizes_known=sizes_known)


@settings(deadline=None)
@given(
    st.sampled_from(sorted(CASES)),
    st.lists(st.tuples(st.sampled_from([CLIENT, SERVER]), st.integers(0, 400), st.integers(1, 120)), max_size=3),
    st.booleans(),
)
def test_no_missing_bytes_make_a_wrong_answer(name: str, holes: list[tuple[int, int, int]], sizes_known: bool) -> None:
    check(name, [(side, begin, begin + size) for side, begin, size in holes], sizes_known=sizes_known)


@pytest.mark.parametrize("name", CASES)
def test_a_conversation_joined_anywhere_makes_no_wrong_answer(name: str) -> None:
    turns = PLAYED[name]
    for begin in range(1, len(turns)):
        dialogue = read(turns[begin:], from_start=False)
        assert_nothing_is_wrong(dialogue, WHOLE[name], CASES[name])


# --- nothing is paired across a gap ----------------------------------------------------------------


def test_the_reply_after_a_hole_in_the_servers_side_is_not_that_to_the_command_before_it() -> None:
    turns = playbook(*greeting(), "C: MAIL FROM:<a@b>", "C: NOOP")
    parser = DialogueParser()
    for side, data in turns:
        parser.feed(side, data, 0)
    parser.gap(SERVER, None, 0)
    parser.feed(SERVER, b"250 ok\r\n", 0)
    assert not parser.finish().relayed


def test_an_auth_whose_reply_is_missing_does_not_get_the_next_ones() -> None:
    parser = DialogueParser()
    for side, data in playbook(*greeting(), f"C: AUTH PLAIN {PLAIN}"):
        parser.feed(side, data, 0)
    parser.gap(SERVER, 14, 0)
    for side, data in playbook("C: MAIL FROM:<a@b>", "S: 550 no"):
        parser.feed(side, data, 0)
    (attempt,) = parser.finish().auth
    assert (attempt.username, attempt.outcome, attempt.code) == ("user", "unknown", None)


def test_a_success_after_a_hole_in_the_clients_side_is_of_an_unknown_login() -> None:
    parser = DialogueParser()
    for side, data in playbook(*greeting(), f"C: AUTH PLAIN {PLAIN}", "S: 535 5.7.8 no"):
        parser.feed(side, data, 0)
    parser.gap(CLIENT, 40, 0)
    parser.feed(SERVER, b"235 2.7.0 ok\r\n", 0)
    first, second = parser.finish().auth
    assert (first.mechanism, first.outcome, second.mechanism, second.method, second.outcome) == (
        *("PLAIN", "failure"),
        *(None, "unknown", "success"),
    )


@pytest.mark.parametrize("lost", [f"C: {USER}", f"C: {PASSWORD}"])
def test_a_password_is_not_the_name_where_the_name_is_missing(lost: str) -> None:
    script = [*greeting(), "C: AUTH LOGIN", f"{GO}eA==", f"C: {USER}", f"{GO}eA==", f"C: {PASSWORD}", OK]
    parser = DialogueParser()
    for line in script:
        ((side, data),) = playbook(line)
        if line == lost:
            parser.gap(side, len(data), 0)
        else:
            parser.feed(side, data, 0)
    for attempt in parser.finish().auth:
        assert attempt.username in (None, "user")


def test_auth_is_found_again_after_a_hole() -> None:
    parser = DialogueParser()
    parser.gap(CLIENT, None, 0)
    parser.feed(CLIENT, b"rest of a line\r\nAUTH LOGIN \r\n", 0)
    for side, data in playbook(f"{GO}eA==", f"C: {USER}", f"{GO}eA==", f"C: {PASSWORD}", OK):
        parser.feed(side, data, 0)
    (attempt,) = parser.finish().auth
    assert (attempt.mechanism, attempt.username, attempt.outcome) == ("LOGIN", "user", "success")


def test_without_bytes_missing_the_absence_of_auth_is_certain_and_else_it_is_not() -> None:
    turns = playbook(*greeting(), "C: QUIT", "S: 221 bye")
    assert not read(turns).auth_may_be_hidden
    assert read(turns[3:], from_start=False).auth_may_be_hidden
    for at in range(len(turns)):
        parser = DialogueParser()
        for number, (side, data) in enumerate(turns):
            if number == at:
                parser.gap(CLIENT, 10, 0)
            parser.feed(side, data, 0)
        assert parser.finish().auth_may_be_hidden


@pytest.mark.parametrize("size", [1, 5, 20])
def test_a_hole_within_message_text_of_known_size_hides_nothing(size: int) -> None:
    parser = DialogueParser()
    for side, data in playbook(*greeting(), "C: MAIL FROM:<a@b>", "S: 250 ok", "C: DATA", "S: 354 go", "C: text"):
        parser.feed(side, data, 0)
    parser.gap(CLIENT, size, 0)
    for side, data in playbook("C: AUTH LOGIN", "C: .", "S: 250 ok", "C: QUIT", "S: 221 bye"):
        parser.feed(side, data, 0)
    dialogue = parser.finish()
    assert (dialogue.auth, dialogue.messages, dialogue.auth_may_be_hidden) == ([], 1, False)


def test_a_hole_within_a_chunk_hides_nothing_and_one_beyond_it_does() -> None:
    for size, hidden in ((4, False), (10, False), (11, True)):
        parser = DialogueParser()
        for side, data in playbook(*greeting(), "C: MAIL FROM:<a@b>", "S: 250 ok"):
            parser.feed(side, data, 0)
        parser.feed(CLIENT, b"BDAT 10 LAST\r\n", 0)
        parser.gap(CLIENT, size, 0)
        parser.feed(CLIENT, b"x" * max(0, 10 - size), 0)
        parser.feed(SERVER, b"250 ok\r\n", 0)
        assert parser.finish().auth_may_be_hidden is hidden


# --- text and offers, torn ---------------------------------------------------------------------------


def test_the_second_greeting_of_xclient_is_no_answer_to_starttls() -> None:
    """XCLIENT is answered by a new greeting; where the command is missing, the greeting still is one."""
    parser = DialogueParser()
    for side, data in playbook(*greeting("XCLIENT"), "C: XCLIENT ADDR=192.0.2.1", "S: 220 mail.example ESMTP"):
        if data.startswith(b"XCLIENT"):
            parser.gap(CLIENT, len(data), 0)
        else:
            parser.feed(side, data, 0)
    starttls = parser.finish().starttls
    assert (starttls.requested, starttls.accepted) == (None, None)


def test_a_line_with_a_dot_within_a_chunk_ends_no_message() -> None:
    parser = DialogueParser()
    for side, data in playbook(*greeting(), *MAIL[:4]):
        parser.feed(side, data, 0)
    parser.feed(CLIENT, b"BDAT 30 LAST\r\n", 0)
    parser.gap(CLIENT, None, 0)
    for side, data in playbook("C: x", "C: .", "C: y", "S: 250 ok", "C: NOOP", "S: 250 ok", *QUIT):
        parser.feed(side, data, 0)
    assert parser.finish().messages <= 1


def test_message_text_after_a_hole_of_unknown_size_is_no_login() -> None:
    parser = DialogueParser()
    turns = playbook(*greeting(), *MAIL[:6], "C: Dear colleague,", "C: AUTH LOGIN", "C: fails.", "C: .", "S: 250 ok")
    for number, (side, data) in enumerate(turns):
        if number == 10:
            parser.gap(CLIENT, None, 0)
        else:
            parser.feed(side, data, 0)
    assert all(attempt.method == "unknown" for attempt in parser.finish().auth)


def test_message_text_before_anything_else_is_no_login() -> None:
    turns = playbook("C: Dear colleague,", "C: AUTH LOGIN", "C: fails.", "C: .", "S: 250 queued", *QUIT)
    assert all(attempt.method == "unknown" for attempt in read(turns, from_start=False).auth)


def test_message_text_that_greets_does_not_make_the_absence_of_a_login_certain() -> None:
    turns = playbook("C: Dear colleague,", "C: EHLO x", "C: fails.", "C: .", "S: 250 queued", *QUIT)
    assert read(turns, from_start=False).auth_may_be_hidden


def test_an_offer_with_lines_missing_is_not_taken_for_whole() -> None:
    offer = ["S: 250-mail.example", "S: 250-STARTTLS", "S: 250-AUTH PLAIN", "S: 250-SIZE", "S: 250-DSN", "S: 250 HELP"]
    turns = playbook("S: 220 mail.example ESMTP", "C: EHLO c", *offer)
    for begin in range(2, 6):
        for end in range(begin + 1, 7):
            parser = DialogueParser()
            for number, (side, data) in enumerate(turns):
                if begin <= number < end:
                    parser.gap(side, len(data), 0)
                else:
                    parser.feed(side, data, 0)
            dialogue = parser.finish()
            assert dialogue.starttls.offered is not False, (begin, end)
            assert dialogue.mechanisms_before_tls in (None, ("PLAIN",)), (begin, end)


def test_a_goodbye_is_not_the_acceptance_of_a_message() -> None:
    parser = DialogueParser()
    for side, data in playbook(*greeting(), *MAIL[:5], "S: 554 no recipients", "C: QUIT", "S: 221 bye"):
        if data.startswith(b"554"):
            parser.gap(SERVER, len(data), 0)
        else:
            parser.feed(side, data, 0)
    assert parser.finish().messages == 0


def test_a_lone_dot_in_a_chunk_whose_beginning_is_missing_is_no_second_message() -> None:
    """Text in chunks is not dot-stuffed (RFC 3030 section 2)."""
    turns, _, messages = CHUNKING["chunks pipelined"]
    dialogue = play_with_gaps(DialogueParser(), joined(turns), [(CLIENT, 28, 148)], sizes_known=False)
    assert dialogue.messages <= messages


def test_a_quit_that_proves_to_be_text_does_not_end_the_conversation() -> None:
    turns = playbook("C: QUIT", "C: said the client, and that was all.", "C: .", "S: 250 queued")
    assert not read(turns, from_start=False).ended
