"""Dialogues of SMTP with AUTH: whole, re-chunked, one side only, with bytes missing, and mangled."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.smtp import CLIENT, SERVER, DialogueParser
from analyzer.smtp.records import Dialogue

SECRET = "s3cr3t-c4n4ry"  # noqa: S105 - made up, to be looked for
Turns = list[tuple[int, bytes]]


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def playbook(script: str) -> Turns:
    """Lines that begin with ``C:`` or ``S:``, as turns with CRLF."""
    turns: Turns = []
    for line in script.splitlines():
        side, _, text = line.lstrip().partition(": ")
        turns.append((CLIENT if side == "C" else SERVER, text.encode() + b"\r\n"))
    return turns


def session(*auth: str, offer: str = "AUTH PLAIN LOGIN CRAM-MD5 DIGEST-MD5 SCRAM-SHA-256 XOAUTH2 OAUTHBEARER") -> Turns:
    """A session with ``auth`` in its place and one message after it."""
    head = ["S: 220 mail.example ESMTP", "C: EHLO copier.example", "S: 250-mail.example", f"S: 250 {offer}"]
    tail = ["C: MAIL FROM:<a@b>", "S: 250 ok", "C: RCPT TO:<c@d>", "S: 250 ok", "C: DATA", "S: 354 go"]
    tail += ["C: Subject: AUTH LOGIN", "C: ..", "C: .", "S: 250 queued", "C: QUIT", "S: 221 bye"]
    return playbook("\n".join([*head, *auth, *tail]))


OK = "S: 235 2.7.0 ok"
NO = "S: 535 5.7.8 no"
GO = "S: 334 "
PLAIN = b64(f"\0user\0{SECRET}")
TOKEN = b64(f"user=user\1auth=Bearer {SECRET}\1\1")
BEARER = b64(f"n,a=user,\1host=mail.example\1auth=Bearer {SECRET}\1\1")
REFUSED = b64('{"status":"401","schemes":"bearer","scope":"mail"}')

# name: turns, mechanism, initial response, user, outcome
DIALOGUES: dict[str, tuple[Turns, str, bool, str | None, str]] = {
    "plain-ir": (session(f"C: AUTH PLAIN {PLAIN}", OK), "PLAIN", True, "user", "success"),
    "plain": (session("C: auth plain", GO, f"C: {PLAIN}", OK), "PLAIN", False, "user", "success"),
    "login": (
        session("C: AUTH LOGIN", f"{GO}VXNlcg==", f"C: {b64('user')}", f"{GO}UA==", f"C: {b64(SECRET)}", OK),
        *("LOGIN", False, "user", "success"),
    ),
    "login-ir": (
        session(f"C: AUTH LOGIN {b64('user')}", f"{GO}UA==", f"C: {b64(SECRET)}", NO),
        *("LOGIN", True, "user", "failure"),
    ),
    "login-user-twice": (
        session(f"C: AUTH LOGIN {b64('user')}", f"{GO}eA==", f"C: {b64('user')}", f"{GO}eA==", f"C: {b64(SECRET)}", OK),
        *("LOGIN", True, "user", "success"),
    ),
    "cram": (
        session("C: AUTH CRAM-MD5", f"{GO}PDFAeD4=", f"C: {b64('user ' + 'ab' * 16)}", OK),
        *("CRAM-MD5", False, "user", "success"),
    ),
    "scram": (
        session(
            f"C: AUTH SCRAM-SHA-256 {b64('n,,n=user,r=abc')}",
            f"{GO}{b64('r=abcd,s=eA==,i=9')}",
            f"C: {b64('c=biws,r=abcd,p=eA==')}",
            OK,
        ),
        *("SCRAM-SHA-256", True, "user", "success"),
    ),
    "xoauth2-refused": (
        session(f"C: AUTH XOAUTH2 {TOKEN}", f"{GO}{REFUSED}", "C: ", "S: 535 5.7.3 no"),
        *("XOAUTH2", True, "user", "failure"),
    ),
    "oauthbearer": (session("C: AUTH OAUTHBEARER", GO, f"C: {BEARER}", OK), "OAUTHBEARER", False, "user", "success"),
    "cancelled": (session("C: AUTH LOGIN", f"{GO}eA==", "C: *", "S: 501 5.0.0 ok"), "LOGIN", False, None, "cancelled"),
    "refused-mechanism": (session("C: AUTH GSSAPI", "S: 504 5.5.4 no"), "GSSAPI", False, None, "failure"),
}  # fmt: skip


def read(turns: Turns, *, from_start: bool = True) -> Dialogue:
    parser = DialogueParser(from_start=from_start)
    for side, data in turns:
        assert parser.feed(side, data, 0) is None
    return parser.finish()


def rechunked(turns: Turns, cuts: set[int]) -> Turns:
    """``turns`` cut again before the byte numbers in ``cuts``, counted over the whole dialogue."""
    chunks: Turns = []
    number = 0
    for side, data in turns:
        begin = 0
        for at in range(1, len(data)):
            if number + at in cuts:
                chunks.append((side, data[begin:at]))
                begin = at
        chunks.append((side, data[begin:]))
        number += len(data)
    return chunks


@pytest.mark.parametrize("name", DIALOGUES)
def test_mechanism_user_and_outcome_are_read(name: str) -> None:
    turns, mechanism, initial, user, outcome = DIALOGUES[name]
    dialogue = read(turns)
    (attempt,) = dialogue.auth
    assert (attempt.mechanism, attempt.initial_response, attempt.username, attempt.outcome) == (
        mechanism,
        initial,
        user,
        outcome,
    )
    assert (dialogue.messages, dialogue.ehlo, dialogue.server_name) == (1, "copier.example", "mail.example")
    assert not dialogue.auth_may_be_hidden


def test_the_reason_of_a_refused_token_is_kept() -> None:
    (attempt,) = read(DIALOGUES["xoauth2-refused"][0]).auth
    assert attempt.refusal == {"status": "401", "schemes": "bearer", "scope": "mail"}


@pytest.mark.parametrize("name", DIALOGUES)
def test_byte_by_byte_gives_the_same(name: str) -> None:
    turns = DIALOGUES[name][0]
    assert read(rechunked(turns, set(range(100_000)))) == read(turns)


@given(st.sampled_from(sorted(DIALOGUES)), st.sets(st.integers(1, 900)))
def test_any_chunks_give_the_same(name: str, cuts: set[int]) -> None:
    turns = DIALOGUES[name][0]
    assert read(rechunked(turns, cuts)) == read(turns)


@pytest.mark.parametrize("name", DIALOGUES)
def test_the_clients_side_alone_shows_all_but_the_outcome(name: str) -> None:
    turns, mechanism, initial, user, outcome = DIALOGUES[name]
    (attempt,) = read([turn for turn in turns if turn[0] == CLIENT]).auth
    assert (attempt.mechanism, attempt.initial_response, attempt.username) == (mechanism, initial, user)
    assert attempt.outcome == ("cancelled" if outcome == "cancelled" else "unknown")


@pytest.mark.parametrize("name", ["plain", "login", "cram", "oauthbearer"])
def test_the_servers_side_alone_shows_that_a_login_took_place(name: str) -> None:
    (attempt,) = read([turn for turn in DIALOGUES[name][0] if turn[0] == SERVER]).auth
    assert (attempt.mechanism, attempt.method, attempt.outcome) == (None, "unknown", "success")


@pytest.mark.parametrize("size_known", [True, False])
@pytest.mark.parametrize("name", DIALOGUES)
def test_a_missing_turn_never_makes_a_wrong_answer(name: str, size_known: bool) -> None:
    turns, mechanism, _, user, outcome = DIALOGUES[name]
    for lost, (side, data) in enumerate(turns):
        parser = DialogueParser()
        for number, (from_side, piece) in enumerate(turns):
            if number == lost:
                parser.gap(side, len(data) if size_known else None, 0)
            else:
                parser.feed(from_side, piece, 0)
        dialogue = parser.finish()
        assert dialogue.auth or dialogue.auth_may_be_hidden, (lost, data)
        for attempt in dialogue.auth:
            assert attempt.mechanism in (mechanism, None), (lost, data)
            assert attempt.username in (user, None), (lost, data)
            assert attempt.outcome in (outcome, "unknown"), (lost, data)
        assert SECRET not in repr(dialogue)


@given(
    st.sampled_from(sorted(DIALOGUES)),
    st.lists(st.tuples(st.integers(0, 40), st.binary(max_size=30), st.sampled_from([CLIENT, SERVER])), max_size=6),
)
def test_nothing_on_the_wire_raises_or_shows_the_secret(name: str, extra: list[tuple[int, bytes, int]]) -> None:
    turns = list(DIALOGUES[name][0])
    for at, data, side in extra:
        turns.insert(at, (side, data))
    parser = DialogueParser()
    for side, data in turns:
        parser.feed(side, data, 0)
    dialogue = parser.finish()
    assert SECRET not in repr(dialogue)
    assert b64(SECRET)[:12] not in repr(dialogue)


def test_message_text_is_never_taken_for_commands() -> None:
    text = playbook("C: AUTH PLAIN AHVzZXIAcGFzcw==\nC: .AUTH LOGIN")
    turns = session()
    at = next(i for i, turn in enumerate(turns) if turn[1].startswith(b"Subject")) + 1
    dialogue = read(turns[:at] + text + turns[at:])
    assert dialogue.auth == []
    assert dialogue.messages == 1


def test_a_second_auth_after_success_does_not_change_the_first() -> None:
    turns = session(f"C: AUTH PLAIN {PLAIN}", OK, f"C: AUTH PLAIN {PLAIN}", "S: 503 5.5.1 already")
    assert [(a.outcome, a.code) for a in read(turns).auth] == [("success", 235), ("failure", 503)]


def test_starttls_hands_over_where_tls_begins() -> None:
    hello = b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00"
    parser = DialogueParser()
    for side, data in playbook("S: 220 x ESMTP\nC: EHLO c\nS: 250-x\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go"):
        assert parser.feed(side, data, 0) is None
    assert parser.feed(CLIENT, hello, 0) == hello
    assert parser.feed(SERVER, hello, 0) == hello
    starttls = parser.finish().starttls
    assert (starttls.offered, starttls.requested, starttls.accepted) == (True, True, True)


def test_smtp_may_go_on_in_the_clear_after_starttls() -> None:
    turns = playbook(
        "S: 220 x ESMTP\nC: EHLO c\nS: 250-x\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\nC: EHLO c\nS: 250-x"
    )
    turns += playbook(f"S: 250 AUTH PLAIN\nC: AUTH PLAIN {PLAIN}\nS: 235 ok")
    dialogue = read(turns)
    assert dialogue.starttls.still_plain
    assert dialogue.mechanisms_after_tls == ("PLAIN",)
    assert [attempt.username for attempt in dialogue.auth] == ["user"]


def test_a_mangled_keyword_is_noticed() -> None:
    assert read(session(offer="XXXXXXXA")).starttls.mangled


@pytest.mark.parametrize(
    "turns",
    [
        playbook("C: GET / HTTP/1.1\nS: HTTP/1.1 200 OK"),
        playbook("S: 220 ftp FTP server\nC: USER x\nS: 331 password\nC: PASS y\nS: 230 in"),
        playbook("S: +OK POP3\nC: USER x\nS: +OK"),
        playbook("S: * OK IMAP4\nC: a LOGIN x y\nS: a OK"),
        playbook("S: SSH-2.0-x\nC: SSH-2.0-y"),
    ],
)
def test_other_protocols_are_not_smtp(turns: Turns) -> None:
    assert not read(turns).is_smtp


def test_message_text_in_any_chunks_ends_at_the_same_place() -> None:
    body = b"x" * 1000 + b"\r\n..\r\n.x\r\n.\r\n"
    turns = session()
    start = next(i for i, turn in enumerate(turns) if turn[1].startswith(b"354")) + 1
    for cut in range(len(body) + 1):
        parts = [(CLIENT, part) for part in (body[:cut], body[cut:]) if part]
        assert read(turns[:start] + parts + turns[start + 3 :]).messages == 1


def test_records_of_two_reads_do_not_share_state() -> None:
    first = read(DIALOGUES["plain"][0])
    assert replace(first) == read(DIALOGUES["plain"][0])
