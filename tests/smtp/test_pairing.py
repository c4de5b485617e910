"""Which reply belongs to which command, in order and out of it."""

from __future__ import annotations

import pytest

from analyzer.smtp import CLIENT, SERVER, DialogueParser, limits
from tests.smtp.dialogues import CASES, PLAIN, TOKEN
from tests.smtp.playing import MAIL, OK, QUIT, Turns, greeting, one_side, playbook, read, session

FAILED = sorted(name for name, case in CASES.items() if case.auth and all(auth.code != 235 for auth in case.auth))


@pytest.mark.parametrize("name", FAILED)
def test_the_servers_side_alone_does_not_rule_out_a_login_that_failed(name: str) -> None:
    """501, 504, 534 and 421 may answer AUTH: that none took place is then not certain."""
    dialogue = read(one_side(CASES[name].turns, SERVER))
    assert dialogue.auth or dialogue.auth_may_be_hidden


def test_the_clients_side_alone_sees_messages_end_that_use_lf_alone() -> None:
    turns = [(side, data.replace(b"\r\n", b"\n")) for side, data in session(f"C: AUTH PLAIN {PLAIN}", OK)]
    assert read(one_side(turns, CLIENT)).messages == 1


def test_replies_to_two_logins_in_one_go_are_not_swapped() -> None:
    turns: Turns = [
        *playbook(*greeting()),
        (CLIENT, f"AUTH PLAIN {PLAIN}\r\nAUTH XOAUTH2 {TOKEN}\r\n".encode()),
        (SERVER, b"535 5.7.8 no\r\n235 2.7.0 ok\r\n"),
    ]
    plain, xoauth2 = read(turns).auth
    assert plain.outcome in ("failure", "unknown")
    assert xoauth2.outcome in ("success", "unknown")


def test_beyond_the_limit_of_pending_commands_no_reply_is_paired_with_the_wrong_one() -> None:
    excess = 5
    parser = DialogueParser()
    for side, data in playbook(*greeting()):
        parser.feed(side, data, 0)
    parser.feed(CLIENT, b"NOOP\r\n" * (limits.MAX_PENDING + excess) + f"AUTH PLAIN {PLAIN}\r\n".encode(), 0)
    parser.feed(SERVER, b"250 ok\r\n" * limits.MAX_PENDING + b"550 no\r\n" * excess + b"235 ok\r\n", 0)
    for attempt in parser.finish().auth:
        assert attempt.outcome in ("success", "unknown")


def test_after_a_refusal_in_the_midst_of_the_text_the_rest_is_still_text() -> None:
    turns = playbook(*greeting(), *MAIL[:6], "C: Dear colleague,", "S: 552 too big", "C: AUTH LOGIN", "C: .", *QUIT)
    assert read(turns).auth == []


def test_after_turn_nothing_is_interpreted() -> None:
    turns = playbook(*greeting("TURN"), "C: TURN", "S: 250 ok", "C: 220 copier.example ESMTP", "S: EHLO mail.example")
    dialogue = read([*turns, *playbook("C: 250-copier.example", "C: 250 AUTH PLAIN", "S: QUIT", "C: 221 bye")])
    assert dialogue.oddities == {"turn": 1}
