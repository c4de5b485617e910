"""Every limit is reached, what lies beyond it is passed over or counted, and what follows is read all the same."""

from __future__ import annotations

import sys

import pytest

from analyzer.smtp import CLIENT, SERVER, DialogueParser, limits
from tests.smtp.canaries import reachable
from tests.smtp.dialogues import PLAIN, REFUSED, TOKEN
from tests.smtp.playing import (
    GO,
    MAIL,
    NO,
    OK,
    QUIT,
    Turns,
    b64,
    greeting,
    playbook,
    read,
    rechunked,
    session,
)

LOGIN_AFTER = playbook(f"C: AUTH PLAIN {PLAIN}", OK)


def pieces(turns: Turns, size: int) -> Turns:
    return rechunked(turns, set(range(0, sum(len(data) for _, data in turns), size)))


# --- lines -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1000, 65536, 1 << 20])
@pytest.mark.parametrize("excess", [0, 1, 100_000])
def test_a_line_over_the_limit_is_counted_and_passed_over(excess: int, size: int) -> None:
    line = b"NOOP ".ljust(limits.MAX_LINE - 1 + excess, b"x") + b"\r\n"
    turns = [*playbook(*greeting()), *pieces([(CLIENT, line)], size), *playbook("S: 250 ok"), *LOGIN_AFTER]
    dialogue = read(turns)
    assert dialogue.oddities["line-too-long"] == bool(excess)
    assert [attempt.outcome for attempt in dialogue.auth] == ["success"]


@pytest.mark.parametrize("size", [1000, 1 << 20])
def test_a_reply_line_over_the_limit_keeps_its_code(size: int) -> None:
    line = b"235 ".ljust(limits.MAX_LINE + 100, b"x") + b"\r\n"
    turns = [*playbook(*greeting(), f"C: AUTH PLAIN {PLAIN}"), *pieces([(SERVER, line)], size), *playbook(*MAIL, *QUIT)]
    dialogue = read(turns)
    assert [attempt.outcome for attempt in dialogue.auth] == ["success"]
    assert (dialogue.messages, dialogue.oddities["line-too-long"]) == (1, 1)


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "XOAUTH2", "CRAM-MD5", "NTLM"])
def test_of_an_auth_line_over_the_limit_the_mechanism_is_known(mechanism: str) -> None:
    secret = b64("s3cr3t-c4n4ry" * (limits.MAX_LINE // 8))
    for turns in (
        session(f"C: AUTH {mechanism} {secret}", NO),
        session(f"C: AUTH {mechanism}", GO, f"C: {secret}", NO),
    ):
        dialogue = read(turns)
        assert [(a.mechanism, a.username, a.outcome) for a in dialogue.auth] == [(mechanism, None, "failure")]
        assert dialogue.oddities["line-too-long"] == 1


def test_the_head_that_is_kept_of_a_line_holds_verb_and_mechanism() -> None:
    assert len(b"X-ANONYMOUSTLS ") + len(b"AUTH ") + 20 <= limits.LINE_HEAD
    assert limits.LINE_HEAD < limits.MAX_LINE


def test_the_longest_token_that_is_accepted_anywhere_is_read() -> None:
    token = b64("user=user\1auth=Bearer " + "x" * 65536 + "\1\1")
    (attempt,) = read(session("C: AUTH XOAUTH2", GO, f"C: {token}", OK)).auth
    assert attempt.username == "user"


# --- other protocols -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "read_on"), [(limits.MAX_FOREIGN_LINES, True), (limits.MAX_FOREIGN_LINES + 1, False)]
)
def test_lines_without_a_sign_of_smtp_are_followed_up_to_the_limit(lines: int, read_on: bool) -> None:
    turns = [(CLIENT, b"what is this?\r\n")] * lines
    dialogue = read([*turns, *playbook("C: EHLO x", f"C: AUTH PLAIN {PLAIN}")])
    assert (dialogue.is_smtp, len(dialogue.auth)) == (read_on, read_on)
    assert dialogue.oddities["command-unknown"] == lines


# --- replies and commands --------------------------------------------------------------------------


@pytest.mark.parametrize("excess", [0, 10])
def test_a_reply_of_more_lines_than_the_limit_is_counted_and_ends_where_it_ends(excess: int) -> None:
    lines = ["S: 235-text"] * (limits.MAX_REPLY_LINES - 1 + excess)
    dialogue = read(playbook(*greeting(), f"C: AUTH PLAIN {PLAIN}", *lines, OK, *MAIL, *QUIT))
    assert (dialogue.oddities["reply-too-long"] > 0) == bool(excess)
    assert [attempt.outcome for attempt in dialogue.auth] == ["success"]
    assert dialogue.messages == 1


def test_of_a_long_line_within_a_reply_the_beginning_is_read() -> None:
    for blanks, mechanisms in ((10, ("PLAIN", "LOGIN")), (limits.MAX_REPLY_LINE, ("PLAIN",))):
        assert read(session(offer=f"AUTH PLAIN{' ' * blanks}LOGIN")).mechanisms_before_tls == mechanisms


def test_no_more_extensions_are_kept_than_the_limit() -> None:
    lines = [f"S: 250-X-{number}" for number in range(limits.MAX_EXTENSIONS + 5)]
    turns = playbook("S: 220 mail.example ESMTP", "C: EHLO c", "S: 250-mail.example", *lines, "S: 250 HELP")
    assert len(read(turns).extensions) == limits.MAX_EXTENSIONS


def test_more_commands_than_the_limit_may_await_replies_and_are_counted() -> None:
    for excess in (0, 10):
        parser = DialogueParser()
        for side, data in playbook(*greeting()):
            parser.feed(side, data, 0)
        parser.feed(CLIENT, b"NOOP\r\n" * (limits.MAX_PENDING + excess), 0)
        assert parser.finish().oddities.get("too-many-pending", 0) == excess


# --- AUTH ------------------------------------------------------------------------------------------


def test_beyond_the_limit_attempts_are_counted_and_the_successful_ones_are_kept() -> None:
    failures = [f"C: AUTH PLAIN {PLAIN}", NO] * limits.MAX_ATTEMPTS
    for first, last in (([f"C: AUTH PLAIN {PLAIN}", OK], []), ([], [f"C: AUTH PLAIN {PLAIN}", OK])):
        dialogue = read(playbook(*greeting(), *first, *failures, *last))
        assert len(dialogue.auth) == limits.MAX_ATTEMPTS
        assert [attempt.outcome for attempt in dialogue.auth].count("success") == 1
        assert dialogue.oddities["auth-attempts-dropped"] == 1


def test_a_name_over_the_limit_is_left_out_and_counted() -> None:
    for size, shown in ((limits.MAX_NAME, True), (limits.MAX_NAME + 1, False)):
        message = b64(b"\0" + b"u" * size + b"\0secret")
        dialogue = read(session(f"C: AUTH PLAIN {message}", OK))
        assert (dialogue.auth[0].username is not None) is shown
        assert dialogue.oddities == ({} if shown else {"name-of-secret-form": 1})


def test_a_refusal_over_the_limit_is_left_out() -> None:
    for size, told in ((0, True), (limits.MAX_REFUSAL, False)):
        refused = b64('{"status":"401","scope":"' + "x" * size + '"}')
        (attempt,) = read(session(f"C: AUTH XOAUTH2 {TOKEN}", f"{GO}{refused}", "C: ", NO)).auth
        assert (attempt.refusal is not None) is told
    assert len(REFUSED) < limits.MAX_REFUSAL


def test_texts_end_at_the_limit() -> None:
    name = "x" * 1000
    turns = playbook(f"S: 220 {name}", f"C: EHLO {name}", f"S: 250-{name}.example", "S: 250 AUTH XOAUTH2")
    refused = b64('{"status":"' + name + '"}')
    dialogue = read([*turns, *playbook(f"C: AUTH XOAUTH2 {TOKEN}", f"{GO}{refused}", "C: ", NO)])
    texts = [dialogue.greeting, dialogue.ehlo, (dialogue.auth[0].refusal or {})["status"]]
    assert texts == ["x" * limits.MAX_TEXT] * 3
    assert len(dialogue.server_name or "") <= limits.MAX_TEXT


def test_a_challenge_of_many_long_lines_takes_no_more_memory_than_another_reply() -> None:
    parser = DialogueParser()
    for side, data in playbook(*greeting(), "C: AUTH LOGIN"):
        parser.feed(side, data, 0)
    for _ in range(limits.MAX_REPLY_LINES):
        parser.feed(SERVER, b"334-" + b"x" * 100_000 + b"\r\n", 0)
    assert sum(sys.getsizeof(item) for item in reachable(parser)) < 4 << 20
