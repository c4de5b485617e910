"""STARTTLS as it goes: accepted, refused, overwritten, injected into, and read by a decrypting tap."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.smtp import CLIENT, SERVER, DialogueParser
from analyzer.smtp.records import StartTls
from tests.smtp.dialogues import PLAIN
from tests.smtp.playing import MAIL, NO, OK, QUIT, Turns, greeting, one_side, playbook, read, rechunked, session

CLIENT_HELLO = bytes.fromhex("16030100050100000100")
SERVER_HELLO = bytes.fromhex("16030300050200000100")
SSL_2_HELLO = bytes.fromhex("802e010301001500000010")


def begins_tls(parser: DialogueParser, turns: Turns) -> DialogueParser:
    for side, data in turns:
        assert parser.feed(side, data, 0) is None
    assert parser.feed(CLIENT, CLIENT_HELLO, 0) == CLIENT_HELLO
    assert parser.feed(SERVER, SERVER_HELLO, 0) == SERVER_HELLO
    return parser


ACCEPTED = playbook(*greeting("STARTTLS"), "C: STARTTLS", "S: 220 go")


@pytest.mark.parametrize("command", ["STARTTLS", "starttls", "X-ANONYMOUSTLS", "STARTTLS "])
def test_tls_is_handed_over_where_it_begins(command: str) -> None:
    turns = playbook(*greeting("STARTTLS"), f"C: {command}", "S: 220 go")
    dialogue = begins_tls(DialogueParser(), turns).finish()
    assert dialogue.starttls == StartTls(offered=True, requested=True, accepted=True)
    assert dialogue.mechanisms_after_tls is None
    assert not dialogue.auth_may_be_hidden


def test_tls_may_follow_in_the_same_piece() -> None:
    parser = DialogueParser()
    for side, data in ACCEPTED[:-2]:
        parser.feed(side, data, 0)
    assert parser.feed(CLIENT, b"STARTTLS\r\n" + CLIENT_HELLO, 0) == CLIENT_HELLO
    assert parser.feed(SERVER, b"220 go\r\n" + SERVER_HELLO, 0) == SERVER_HELLO


@settings(deadline=None)
@given(st.sets(st.integers(1, 200)))
def test_in_any_chunks_tls_begins_at_the_same_byte(cuts: set[int]) -> None:
    parser = DialogueParser()
    taken = {CLIENT: b"", SERVER: b""}
    over = [False, False]
    for side, data in rechunked([*ACCEPTED, (CLIENT, CLIENT_HELLO * 2), (SERVER, SERVER_HELLO * 2)], cuts):
        rest = data if over[side] else parser.feed(side, data, 0)
        if rest is not None:
            over[side] = True
            taken[side] += rest
    assert taken == {CLIENT: CLIENT_HELLO * 2, SERVER: SERVER_HELLO * 2}
    assert not parser.finish().oddities


@pytest.mark.parametrize("hello", [CLIENT_HELLO, SSL_2_HELLO])
def test_a_client_may_begin_with_tls(hello: bytes) -> None:
    parser = DialogueParser()
    assert parser.feed(CLIENT, hello, 0) == hello


def test_a_servers_tls_alone_is_handed_over() -> None:
    parser = DialogueParser()
    for side, data in one_side(ACCEPTED, SERVER):
        parser.feed(side, data, 0)
    assert parser.feed(SERVER, SERVER_HELLO, 0) == SERVER_HELLO


def test_after_a_hole_that_may_hold_starttls_tls_is_handed_over() -> None:
    parser = DialogueParser()
    for side, data in playbook(*greeting("STARTTLS")):
        parser.feed(side, data, 0)
    parser.gap(CLIENT, 10, 0)
    assert parser.feed(SERVER, b"220 go\r\n", 0) is None
    assert parser.feed(CLIENT, CLIENT_HELLO, 0) == CLIENT_HELLO


@pytest.mark.parametrize("refusal", ["454 TLS not available", "502 what", "501 no", "554 no"])
def test_a_refusal_is_no_tls_and_what_follows_is_smtp(refusal: str) -> None:
    turns = [*ACCEPTED[:-1], *playbook(f"S: {refusal}", f"C: AUTH PLAIN {PLAIN}", OK)]
    dialogue = read(turns)
    assert dialogue.starttls == StartTls(offered=True, requested=True, accepted=False)
    assert [attempt.username for attempt in dialogue.auth] == ["user"]


def test_after_a_refusal_starttls_may_be_tried_again() -> None:
    turns = [*ACCEPTED[:-1], *playbook("S: 454 later", "C: STARTTLS", "S: 220 go")]
    assert begins_tls(DialogueParser(), turns).finish().starttls.accepted is True


def test_smtp_may_go_on_in_the_clear_after_starttls_where_a_tap_decrypts() -> None:
    turns = [*ACCEPTED, *playbook(*greeting("AUTH PLAIN")[1:], f"C: AUTH PLAIN {PLAIN}", "S: 235 ok")]
    dialogue = read(turns)
    assert dialogue.starttls == StartTls(offered=True, requested=True, accepted=True, still_plain=True)
    assert (dialogue.mechanisms_before_tls, dialogue.mechanisms_after_tls) == ((), ("PLAIN",))
    assert [attempt.username for attempt in dialogue.auth] == ["user"]


@pytest.mark.parametrize("mangled", ["XXXXXXXA", "XXXXXXXX", "xxxxxxxx"])
def test_an_overwritten_offer_is_noticed(mangled: str) -> None:
    starttls = read(session(offer=mangled)).starttls
    assert (starttls.offered, starttls.mangled, starttls.requested) == (False, True, None)


def test_an_overwritten_command_is_a_request_that_failed() -> None:
    turns = playbook(*greeting("STARTTLS"), "C: XXXXXXXX", "S: 500 what", "C: MAIL FROM:<a@b>", "S: 250 ok")
    assert read(turns).starttls == StartTls(offered=True, requested=True, accepted=False, mangled=True)


@pytest.mark.parametrize("offer", ["SIZE 1", "X-ANONYMOUSTLS", "XXXX"])
def test_what_is_not_offered_is_not_mangled_either(offer: str) -> None:
    starttls = read(session(offer=offer)).starttls
    assert (starttls.offered, starttls.mangled) == (False, False)


def test_without_an_ehlo_reply_nobody_knows_what_was_offered() -> None:
    turns = playbook("S: 220 mail.example ESMTP", "C: HELO copier", "S: 250 mail.example", "C: QUIT", "S: 221 bye")
    assert read(turns).starttls.offered is None
    assert read(one_side(ACCEPTED[:-2], CLIENT)).starttls.offered is None


def test_a_command_slipped_in_before_the_answer_is_an_injection() -> None:
    turns = [*ACCEPTED[:-2], (CLIENT, b"STARTTLS\r\nRSET\r\n"), (SERVER, b"220 go\r\n")]
    parser = DialogueParser()
    for side, data in turns:
        parser.feed(side, data, 0)
    assert parser.finish().starttls.injected


def test_an_offer_changes_after_tls() -> None:
    turns = [*ACCEPTED, *playbook("C: EHLO c", "S: 250-mail.example", "S: 250 AUTH XOAUTH2")]
    dialogue = read(turns)
    assert dialogue.mechanisms_after_tls == ("XOAUTH2",)
    assert dialogue.extensions == ("AUTH",)


# --- where the answer to it was not seen -------------------------------------------------------------

REFUSED_TLS = playbook(*greeting("STARTTLS"), "C: STARTTLS", "S: 454 no", f"C: AUTH PLAIN {PLAIN}", OK, *MAIL, *QUIT)


def test_after_an_injected_command_tls_still_begins() -> None:
    parser = DialogueParser()
    for side, data in [*playbook(*greeting("STARTTLS")), (CLIENT, b"STARTTLS\r\nRSET\r\n"), (SERVER, b"220 go\r\n")]:
        assert parser.feed(side, data, 0) is None
    assert parser.feed(CLIENT, CLIENT_HELLO, 0) == CLIENT_HELLO
    assert parser.feed(SERVER, SERVER_HELLO, 0) == SERVER_HELLO
    assert parser.finish().starttls.injected


def test_without_the_servers_side_a_command_after_starttls_is_no_injection() -> None:
    """The server may well have refused, and nobody saw it."""
    assert not read(one_side(REFUSED_TLS, CLIENT)).starttls.injected


def test_where_the_reply_to_starttls_is_missing_a_command_after_it_is_no_injection() -> None:
    parser = DialogueParser()
    for side, data in REFUSED_TLS:
        if data.startswith(b"454"):
            parser.gap(SERVER, len(data), 0)
        else:
            parser.feed(side, data, 0)
    assert not parser.finish().starttls.injected


def test_a_hole_after_a_refused_starttls_makes_no_injection() -> None:
    parser = DialogueParser()
    for side, data in REFUSED_TLS:
        if data.startswith(b"AUTH"):
            parser.gap(CLIENT, len(data), 0)
        else:
            parser.feed(side, data, 0)
    starttls = parser.finish().starttls
    assert (starttls.accepted, starttls.injected) == (False, False)


def test_an_offer_after_starttls_of_unknown_outcome_is_not_the_one_before_tls() -> None:
    parser = DialogueParser()
    turns = playbook(*greeting("STARTTLS"), "C: STARTTLS", "S: 220 go", *greeting()[1:])
    for number, (side, data) in enumerate(turns):
        if number in (2, 3, 5):  # the first reply to EHLO, and that to STARTTLS
            parser.gap(side, len(data), 0)
        else:
            parser.feed(side, data, 0)
    assert parser.finish().starttls.offered is not False


def test_what_is_neither_tls_nor_smtp_after_starttls_is_counted() -> None:
    turns = playbook(*greeting("STARTTLS"), "C: STARTTLS", "S: 220 go")
    dialogue = read([*turns, (CLIENT, b"\x01\x02\x03\x04 what is this?\r\n")])
    assert dialogue.oddities["not-tls-after-starttls"] == 1
    assert not dialogue.starttls.still_plain


def test_each_login_is_known_to_come_before_or_after_starttls() -> None:
    turns = playbook(*greeting("STARTTLS"), f"C: AUTH PLAIN {PLAIN}", NO, "C: STARTTLS", "S: 220 go", *greeting()[1:])
    dialogue = read([*turns, *playbook(f"C: AUTH PLAIN {PLAIN}", OK)])
    assert [attempt.after_starttls for attempt in dialogue.auth] == [False, True]


def test_ftp_that_logs_in_by_auth_is_not_smtp() -> None:
    dialogue = read(playbook("S: 220 FTP server", "C: AUTH GSSAPI", "S: 334 go", "C: ADAT YWJj", "S: 235 ADAT=abc"))
    assert not dialogue.is_smtp
