"""Dialogues of SMTP with AUTH: whole, in any chunks, pipelined, and one side only."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.smtp import CLIENT, SERVER, DialogueParser
from analyzer.smtp.oddities import ODDITIES
from analyzer.smtp.records import AuthAttempt, Outcome
from tests.smtp.canaries import assert_forgotten, assert_silent
from tests.smtp.dialogues import CASES, MECHANISMS, OUTCOMES, PASSWORD, PLAIN, REFUSED, TOKEN, USER, told
from tests.smtp.playing import (
    GO,
    NO,
    OK,
    SECRET,
    Turns,
    b64,
    byte_by_byte,
    greeting,
    joined,
    one_side,
    play,
    playbook,
    read,
    rechunked,
    session,
)

SOLICITED = sorted(name for name, case in (MECHANISMS | OUTCOMES).items() if any(a.code == 235 for a in case.auth))


@pytest.mark.parametrize("name", CASES)
def test_what_took_place_is_read(name: str) -> None:
    turns, auth, messages = CASES[name]
    parser = DialogueParser()
    dialogue = play(parser, turns).finish()
    assert told(dialogue) == auth
    assert (dialogue.messages, dialogue.server_name, dialogue.is_smtp) == (messages, "mail.example", True)
    assert not dialogue.auth_may_be_hidden
    assert set(dialogue.oddities) <= set(ODDITIES)
    assert_silent(dialogue, SECRET)
    assert_forgotten(parser, SECRET)


@pytest.mark.parametrize("name", CASES)
def test_byte_by_byte_and_in_whole_turns_it_is_the_same(name: str) -> None:
    turns = CASES[name].turns
    assert read(byte_by_byte(turns)) == read(joined(turns)) == read(turns)


@settings(deadline=None)
@given(st.sampled_from(sorted(CASES)), st.sets(st.integers(1, 900)))
def test_in_any_chunks_it_is_the_same(name: str, cuts: set[int]) -> None:
    turns = joined(CASES[name].turns)
    assert read(rechunked(turns, cuts)) == read(turns)


@pytest.mark.parametrize("name", CASES)
def test_the_clients_side_alone_shows_all_but_the_outcome(name: str) -> None:
    dialogue = read(one_side(CASES[name].turns, CLIENT))
    assert len(dialogue.auth) == len(CASES[name].auth)
    for said, auth in zip(told(dialogue), CASES[name].auth, strict=True):
        # The name of a mechanism that nobody knows may be kept back, for no server was seen to offer it.
        mechanism = said.mechanism if auth.method == "unknown" else auth.mechanism
        outcome: Outcome = "cancelled" if auth.outcome == "cancelled" else "unknown"
        assert said == auth._replace(mechanism=mechanism, outcome=outcome, code=0)


@pytest.mark.parametrize("name", SOLICITED)
def test_the_servers_side_alone_shows_that_a_login_took_place(name: str) -> None:
    dialogue = read(one_side(CASES[name].turns, SERVER))
    assert all((a.mechanism, a.method, a.username) == (None, "unknown", None) for a in dialogue.auth)
    assert "success" in [attempt.outcome for attempt in dialogue.auth]


ONE_AUTH = sorted(name for name, case in (MECHANISMS | OUTCOMES).items() if len(case.auth) == 1)


@pytest.mark.parametrize("name", ONE_AUTH)
def test_prompts_answered_before_they_came_make_no_difference(name: str) -> None:
    """The client says all it has to say once the server has greeted it, and the answers come in one go."""
    greets, *rest = CASES[name].turns
    early = [greets, *one_side(rest, CLIENT), *one_side(rest, SERVER)]
    auth = told(read(early))
    assert auth == told(read(joined(early)))
    for said, true in zip(auth, CASES[name].auth, strict=True):
        assert said == true or (said == true._replace(mechanism=None) and true.method == "unknown")
    assert read(early).messages == CASES[name].messages


@pytest.mark.parametrize("name", CASES)
def test_a_client_that_speaks_before_the_greeting_makes_no_difference(name: str) -> None:
    turns = list(CASES[name].turns)
    first = next(number for number, (side, data) in enumerate(turns) if data.startswith((b"EHLO", b"HELO", b"LHLO")))
    begin = next(number for number, (side, _) in enumerate(turns) if side == SERVER)
    early = [*turns[:begin], turns[first], *turns[begin:first], *turns[first + 1 :]]
    assert read(early) == read(turns)


def test_commands_that_need_no_turn_of_their_own_may_come_in_one_go() -> None:
    mail = b"MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nRCPT TO:<e@f>\r\nDATA\r\n"
    turns: Turns = [
        *playbook(*greeting("PIPELINING"), f"C: AUTH PLAIN {PLAIN}", OK),
        (CLIENT, mail),
        (SERVER, b"250 ok\r\n250 ok\r\n550 no\r\n354 go\r\n"),
        (CLIENT, b"text\r\n.\r\n" + mail),
        (SERVER, b"250 queued\r\n250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n"),
        (CLIENT, b"text\r\n.\r\nQUIT\r\n"),
        (SERVER, b"250 queued\r\n221 bye\r\n"),
    ]
    dialogue = read(turns)
    assert (dialogue.messages, [a.outcome for a in dialogue.auth]) == (2, ["success"])
    assert dialogue == read(byte_by_byte(turns))


# --- where others go wrong -------------------------------------------------------------------------


def only(turns: Turns) -> AuthAttempt:
    (attempt,) = read(turns).auth
    return attempt


def test_login_with_initial_response_shows_the_user_and_not_the_password() -> None:
    assert only(session(f"C: AUTH LOGIN {USER}", f"{GO}UGFzc3dvcmQ6", f"C: {PASSWORD}", OK)).username == "user"


def test_login_succeeds_whatever_the_text_of_its_replies() -> None:
    attempt = only(session("C: AUTH LOGIN", "S: 334 x", f"C: {USER}", "S: 334 y", f"C: {PASSWORD}", "S: 235 welcome"))
    assert (attempt.username, attempt.outcome) == ("user", "success")


def test_a_mechanism_that_begins_like_another_is_another() -> None:
    offer = "AUTH PLAINTEXT LOGINX"
    assert only(session("C: AUTH PLAINTEXT", "S: 535 no", offer=offer)).mechanism == "PLAINTEXT"
    assert only(session("C: AUTH LOGINX", "S: 535 no", offer=offer)).method == "unknown"


def test_a_token_of_many_kilobytes_is_one_line() -> None:
    token = b64(f"user=user\1auth=Bearer {SECRET * 5000}\1\1")
    attempt = only(session("C: AUTH XOAUTH2", GO, f"C: {token}", OK))
    assert (attempt.username, attempt.outcome) == ("user", "success")


def test_prompts_in_the_password_line_are_no_prompts() -> None:
    turns = session("C: AUTH LOGIN", f"{GO}VXNlcm5hbWU6", f"C: {USER}", f"{GO}VXNlcm5hbWU6", f"C: {PASSWORD}", OK)
    assert only(turns).username == "user"


# --- AUTH within the dialogue ----------------------------------------------------------------------


def test_the_reason_of_a_refused_token_is_kept() -> None:
    for answer in ("C: ", "C: AQ=="):
        attempt = only(session(f"C: AUTH XOAUTH2 {TOKEN}", f"{GO}{REFUSED}", answer, "S: 535 5.7.3 no"))
        assert attempt.refusal == {"status": "401", "schemes": "bearer", "scope": "mail"}
        assert attempt.meaning is not None


def test_a_refusal_says_what_it_means() -> None:
    attempt = only(session(f"C: AUTH PLAIN {PLAIN}", "S: 535-5.7.139 Authentication unsuccessful,", "S: 535 5.7.139 x"))
    assert (attempt.enhanced, attempt.meaning) == (
        "5.7.139",
        "basic authentication is disabled for the tenant or mailbox, or blocked by policy",
    )


def test_a_refused_sender_shows_that_a_login_is_asked_for() -> None:
    for reply in ("530 5.7.0 Authentication required", "550 5.7.57 Client not authenticated to send mail"):
        assert read(playbook(*greeting(), "C: MAIL FROM:<a@b>", f"S: {reply}")).auth_required
    dialogue = read(playbook(*greeting(), "C: MAIL FROM:<a@b>", "S: 530 Must issue a STARTTLS command first"))
    assert not dialogue.auth_required


def test_mail_that_is_taken_without_login_is_relayed() -> None:
    assert read(session()).relayed
    assert read(session(f"C: AUTH PLAIN {PLAIN}", NO)).relayed
    assert not read(session(f"C: AUTH PLAIN {PLAIN}", OK)).relayed


def test_the_attempt_is_told_by_its_time() -> None:
    parser = DialogueParser()
    for number, (side, data) in enumerate(session(f"C: AUTH PLAIN {PLAIN}", OK)):
        parser.feed(side, data, number)
    assert parser.finish().auth[0].time == len(greeting())


def test_closing_unasked_ends_nothing_else() -> None:
    turns = session(f"C: AUTH PLAIN {PLAIN}", OK)
    dialogue = read([*turns[:6], *playbook("S: 421 4.4.2 timeout")])
    assert [a.outcome for a in dialogue.auth] == ["success"]


def test_a_code_that_changes_within_a_reply_ends_with_the_last_line() -> None:
    attempt = only(session(f"C: AUTH PLAIN {PLAIN}", "S: 235-half", "S: 535 5.7.8 no"))
    assert (attempt.outcome, attempt.code) == ("failure", 535)


def test_lines_of_the_server_that_are_no_replies_are_counted_and_passed_over() -> None:
    turns = session(f"C: AUTH PLAIN {PLAIN}", "S: what?", "S: 23", OK)
    dialogue = read(turns)
    assert [a.outcome for a in dialogue.auth] == ["success"]
    assert dialogue.oddities["reply-malformed"] == 2


def test_records_of_two_reads_do_not_share_state() -> None:
    turns = session(f"C: AUTH PLAIN {PLAIN}", OK)
    first = read(turns)
    assert replace(first) == read(turns)
    first.auth.clear()
    first.oddities["x"] += 1
    assert read(turns).auth
    assert not read(turns).oddities


def test_a_dialogue_can_be_written_down_as_a_dict() -> None:
    dialogue = read(session("C: XYZZY", "S: 500 what"))
    assert asdict(dialogue)["oddities"] == {"command-unknown": 1}


def test_a_command_as_answer_is_counted() -> None:
    dialogue = read(session("C: AUTH LOGIN", GO, "C: QUIT", "S: 501 5.5.2 no"))
    assert dialogue.auth[0].username is None
    assert dialogue.oddities["command-as-response"] == 1
