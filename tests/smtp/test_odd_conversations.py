"""Conversations that begin, go on or end in odd ways, and those that are not SMTP at all."""

from __future__ import annotations

import pytest

from analyzer.smtp import CLIENT, SERVER, DialogueParser, limits
from analyzer.smtp.records import Dialogue
from tests.smtp.dialogues import PLAIN
from tests.smtp.playing import MAIL, OK, QUIT, Turns, byte_by_byte, greeting, one_side, playbook, read, session

LOGGED_IN = session(f"C: AUTH PLAIN {PLAIN}", OK)


def test_a_server_may_greet_after_the_client_said_all_it_had_to_say() -> None:
    late = [*one_side(LOGGED_IN, CLIENT), *one_side(LOGGED_IN, SERVER)]
    (attempt,) = read(late).auth
    assert (attempt.mechanism, attempt.username) == ("PLAIN", "user")
    assert attempt.outcome in ("success", "unknown")


def test_a_server_that_never_greets_answers_the_commands_all_the_same() -> None:
    (attempt,) = read(LOGGED_IN[1:]).auth
    assert (attempt.mechanism, attempt.username) == ("PLAIN", "user")
    assert attempt.outcome in ("success", "unknown")


@pytest.mark.parametrize("version", [b"PROXY TCP6 2001:db8::1 2001:db8::2 40000 25\r\n", b"PROXY UNKNOWN\r\n"])
def test_a_proxy_header_before_the_first_command_is_stepped_over(version: bytes) -> None:
    dialogue = read([(CLIENT, version), *LOGGED_IN])
    assert (dialogue.ehlo, dialogue.oddities["proxy-header"]) == ("copier.example", 1)
    assert [attempt.outcome for attempt in dialogue.auth] == ["success"]
    assert not dialogue.auth_may_be_hidden


def test_a_proxy_header_of_version_2_is_stepped_over() -> None:
    header = b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c" + bytes(range(12))
    dialogue = read([(CLIENT, header), *LOGGED_IN])
    assert (dialogue.ehlo, dialogue.oddities["proxy-header"]) == ("copier.example", 1)
    assert [attempt.outcome for attempt in dialogue.auth] == ["success"]


def test_xclient_begins_the_session_anew_and_its_login_is_not_the_clients() -> None:
    turns = playbook(*greeting("XCLIENT"), "C: XCLIENT LOGIN=someone", "S: 220 mail.example ESMTP", *greeting()[1:])
    dialogue = read([*turns, *playbook(f"C: AUTH PLAIN {PLAIN}", OK, *MAIL, *QUIT)])
    assert [attempt.username for attempt in dialogue.auth] == ["user"]
    assert "someone" not in repr(dialogue)


def test_xforward_changes_nothing() -> None:
    turns = playbook(*greeting(), "C: XFORWARD NAME=x ADDR=192.0.2.1", "S: 250 ok", f"C: AUTH PLAIN {PLAIN}", OK)
    assert [attempt.outcome for attempt in read(turns).auth] == ["success"]


@pytest.mark.parametrize("command", ["TURN", "ATRN example.com"])
def test_a_change_of_roles_is_counted(command: str) -> None:
    assert read(playbook(*greeting(), f"C: {command}", "S: 250 ok")).oddities["turn"] == 1


def test_a_queue_may_be_asked_for_before_the_login() -> None:
    turns = session("C: ETRN example.com", "S: 250 ok", f"C: AUTH PLAIN {PLAIN}", OK)
    assert [attempt.outcome for attempt in read(turns).auth] == ["success"]


def test_lmtp_is_spoken_alike() -> None:
    turns = playbook("S: 220 mail.example LMTP", "C: LHLO front.example", "S: 250-mail.example", "S: 250 AUTH PLAIN")
    dialogue = read([*turns, *playbook(f"C: AUTH PLAIN {PLAIN}", OK, *MAIL, *QUIT)])
    assert (dialogue.ehlo, dialogue.mechanisms_before_tls, dialogue.messages) == ("front.example", ("PLAIN",), 1)
    assert [attempt.outcome for attempt in dialogue.auth] == ["success"]


def test_lmtp_answers_once_for_each_recipient() -> None:
    """RFC 2033 section 4.2: a message that one of them gets was accepted."""
    turns = playbook("S: 220 mail.example LMTP", "C: LHLO front", "S: 250-mail.example", "S: 250 PIPELINING")
    turns += playbook(*MAIL[:4], "C: RCPT TO:<e@f>", "S: 250 ok", *MAIL[4:9], "S: 550 full", "S: 250 ok", *QUIT)
    dialogue = read(turns)
    assert dialogue.messages == 1
    assert "unsolicited-reply" not in dialogue.oddities


def test_a_conversation_cut_within_the_login_leaves_it_open() -> None:
    for cut in range(5, 8):
        turns = session("C: AUTH LOGIN", "S: 334 eA==", "C: dXNlcg==", "S: 334 eA==", "C: cGFzcw==")[:cut]
        (attempt,) = read(turns).auth
        assert (attempt.mechanism, attempt.outcome, attempt.code) == ("LOGIN", "unknown", None)


def test_a_refused_connection_is_smtp_without_login() -> None:
    dialogue = read(playbook("S: 554 5.7.1 go away", "C: QUIT", "S: 221 bye"))
    assert (dialogue.is_smtp, dialogue.auth, dialogue.greeting) == (True, [], None)


def test_nothing_at_all_is_no_smtp() -> None:
    dialogue = DialogueParser().finish()
    assert (dialogue.is_smtp, dialogue.auth, dialogue.messages) == (False, [], 0)


def test_a_parser_is_silent_until_the_client_speaks() -> None:
    parser = DialogueParser()
    parser.feed(SERVER, b"220 mail.example ESMTP\r\n", 0)
    assert parser.silent
    parser.feed(CLIENT, b"EHLO x\r\n", 0)
    assert not parser.silent


OTHERS = {
    "http": playbook("C: GET / HTTP/1.1", "C: Host: x", "S: HTTP/1.1 200 OK"),
    "ftp": playbook("S: 220 ftp FTP server", "C: USER x", "S: 331 password", "C: PASS y", "S: 230 in"),
    "pop3": playbook("S: +OK POP3", "C: USER x", "S: +OK", "C: PASS y", "S: +OK"),
    "imap": playbook("S: * OK IMAP4", "C: a LOGIN x y", "S: a OK"),
    "ssh": playbook("S: SSH-2.0-x", "C: SSH-2.0-y"),
    "irc": playbook("C: NICK x", "C: USER x 0 * :x", "S: :server NOTICE * :hello"),
    "vnc": playbook("S: RFB 003.008", "C: RFB 003.008"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_protocols_are_not_smtp(name: str) -> None:
    assert not read(OTHERS[name]).is_smtp


@pytest.mark.parametrize("name", ["pop3", "imap", "ssh", "vnc", "http"])
@pytest.mark.parametrize("side", [CLIENT, SERVER])
def test_one_side_of_another_protocol_is_not_smtp(name: str, side: int) -> None:
    assert not read(one_side(OTHERS[name], side)).is_smtp


def test_binary_protocols_are_not_smtp() -> None:
    turns: Turns = [(CLIENT, bytes(range(256)) * 20), (SERVER, bytes(range(255, -1, -1)) * 20)]
    dialogue = read([(side, data.replace(b"\x16", b"\x17\0")) for side, data in turns])
    assert (dialogue.is_smtp, dialogue.auth) == (False, [])


# --- how it comes ------------------------------------------------------------------------------------

PROXY_2 = b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c" + bytes(range(12))


@pytest.mark.parametrize("cut", [1, 12, 15, 16, 20])
def test_a_proxy_header_of_version_2_may_come_in_pieces(cut: int) -> None:
    parts: Turns = [(CLIENT, PROXY_2[:cut]), (CLIENT, PROXY_2[cut:])]
    dialogue = read([*parts, *session(f"C: AUTH PLAIN {PLAIN}", OK)])
    assert dialogue == read([(CLIENT, PROXY_2), *session(f"C: AUTH PLAIN {PLAIN}", OK)])


def test_a_tab_may_follow_a_verb() -> None:
    (attempt,) = read(session(f"C: AUTH\tPLAIN\t{PLAIN}", OK)).auth
    assert (attempt.mechanism, attempt.username, attempt.outcome) == ("PLAIN", "user", "success")


@pytest.mark.parametrize("first", [b"\x80\x80\x80", b"\xe9\xe9x", b"\x16x", b"\x17\x00"])
def test_what_is_no_tls_is_none_in_any_pieces(first: bytes) -> None:
    whole = [(CLIENT, first + b"\r\n"), *session(f"C: AUTH PLAIN {PLAIN}", OK)]

    def fed(turns: Turns) -> tuple[bool, Dialogue]:
        parser = DialogueParser()
        handed_over = [parser.feed(side, data, 0) is not None for side, data in turns]
        return any(handed_over), parser.finish()

    assert fed(whole) == fed(byte_by_byte(whole))


def test_the_end_of_a_line_over_the_limit_is_seen() -> None:
    line = b"NOOP ".ljust(limits.MAX_LINE + 10, b"x") + b"\r\n"
    for parts in ([line], [line[:-5], line[-5:]]):
        assert read([*playbook(*greeting()), *((CLIENT, part) for part in parts)]).oddities == {"line-too-long": 1}
