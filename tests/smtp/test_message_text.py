"""Message text is stepped over, however it comes and whatever stands in it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.smtp import CLIENT, SERVER
from analyzer.smtp.limits import MAX_CHUNK, MAX_CHUNK_DIGITS
from tests.smtp.dialogues import CHUNKING, PLAIN
from tests.smtp.playing import MAIL, OK, QUIT, Turns, greeting, one_side, playbook, read, rechunked

ENVELOPE = playbook(*greeting("CHUNKING"), *MAIL[:4])
GO_AHEAD = playbook("C: DATA", "S: 354 go")
END = playbook("S: 250 queued", *QUIT)

# What looks like commands, replies, logins, TLS or the end of the message, and is none of it.
TEXT_LINES = [
    b"AUTH PLAIN AHVzZXIAcGFzcw==",
    b"AUTH LOGIN",
    b"dXNlcg==",
    b"..",
    b".AUTH LOGIN",
    b". ",
    b"",
    b"QUIT",
    b"RSET",
    b"EHLO other.example",
    b"STARTTLS",
    b"\x16\x03\x01\x00\x05",
    b"BDAT 10 LAST",
    b"235 2.7.0 ok",
    b"\0\xff\xfe",
    b"x\ry",
    b"x\n.\ny",
    b"x" * 3000,
]


@pytest.mark.parametrize("line", TEXT_LINES)
def test_no_line_of_the_text_is_taken_for_anything_else(line: bytes) -> None:
    text = (CLIENT, b"Subject: x\r\n\r\n" + line + b"\r\nend\r\n.\r\n")
    dialogue = read([*ENVELOPE, *GO_AHEAD, text, *END])
    assert (dialogue.auth, dialogue.messages, dialogue.ehlo) == ([], 1, "copier.example")
    assert dialogue.starttls.requested is None
    assert not dialogue.oddities


@settings(deadline=None)
@given(st.lists(st.sampled_from(TEXT_LINES), max_size=6), st.sets(st.integers(1, 400)))
def test_in_any_chunks_the_text_ends_at_the_same_place(text_lines: list[bytes], cuts: set[int]) -> None:
    text = b"".join(line + b"\r\n" for line in text_lines) + b".\r\n"
    tail = playbook("S: 250 queued", f"C: AUTH PLAIN {PLAIN}", OK, *QUIT)
    turns = [*ENVELOPE, *GO_AHEAD, *rechunked([(CLIENT, text)], cuts), *tail]
    dialogue = read(turns)
    assert [attempt.username for attempt in dialogue.auth] == ["user"]
    assert (dialogue.messages, dialogue.oddities) == (1, {})


def test_an_empty_message_ends_at_once() -> None:
    assert read([*ENVELOPE, *GO_AHEAD, *playbook("C: ."), *END]).messages == 1


@pytest.mark.parametrize("reply", ["S: 550 spam", "S: 451 later", "S: 421 bye"])
def test_a_refused_message_is_not_counted(reply: str) -> None:
    assert read([*ENVELOPE, *GO_AHEAD, *playbook("C: x", "C: .", reply)]).messages == 0


def test_a_message_without_an_answer_counts_only_where_no_answers_were_seen() -> None:
    turns = [*ENVELOPE, *GO_AHEAD, *playbook("C: x", "C: .")]
    assert read(turns).messages == 0
    assert read(one_side(turns, CLIENT)).messages == 1


@pytest.mark.parametrize("refusal", ["554 no valid recipients", "503 need MAIL", "451 later", "421 bye"])
def test_after_a_refusal_of_data_commands_go_on(refusal: str) -> None:
    turns = [*ENVELOPE, *playbook("C: DATA", f"S: {refusal}", f"C: AUTH PLAIN {PLAIN}", OK)]
    dialogue = read(turns)
    assert [(attempt.username, attempt.outcome) for attempt in dialogue.auth] == [("user", "success")]
    assert dialogue.messages == 0


def test_text_sent_in_spite_of_a_refusal_is_noticed() -> None:
    turns: Turns = [*ENVELOPE, (CLIENT, b"DATA\r\ntext of the message\r\n"), *playbook("S: 554 no")]
    dialogue = read([*turns, *playbook("C: more text", "S: 500 what", "C: RSET", "S: 250 ok", *QUIT)])
    assert dialogue.oddities["data-without-go-ahead"] == 1
    assert (dialogue.auth, dialogue.messages) == ([], 0)


@pytest.mark.parametrize("end", [b"\n.\n", b"\n.\r\n", b"\r\n.\n"])
def test_an_end_that_only_the_server_took_for_one_is_noticed(end: bytes) -> None:
    turns: Turns = [
        *ENVELOPE,
        *GO_AHEAD,
        (CLIENT, b"text" + end),
        *playbook("S: 250 queued", f"C: AUTH PLAIN {PLAIN}", OK),
    ]
    dialogue = read(turns)
    assert (dialogue.messages, dialogue.oddities["message-ended-by-reply"]) == (1, 1)
    assert [attempt.username for attempt in dialogue.auth] == ["user"]


# --- BDAT, RFC 3030 --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CHUNKING)
@settings(deadline=None)
@given(cuts=st.sets(st.integers(1, 500)))
def test_chunks_are_stepped_over_byte_by_byte(name: str, cuts: set[int]) -> None:
    turns, auth, messages = CHUNKING[name]
    dialogue = read(rechunked(turns, cuts))
    assert (len(dialogue.auth), dialogue.messages, dialogue.oddities) == (len(auth), messages, {})


def test_chunks_and_commands_may_come_in_one_go() -> None:
    piece = b"BDAT 12\r\nAUTH LOGIN\r\nBDAT 0\r\nBDAT 6 LAST\r\nQUIT\r\nRSET\r\n"
    turns: Turns = [*ENVELOPE, (CLIENT, piece), *playbook(*["S: 250 ok"] * 4, *QUIT)]
    dialogue = read(turns)
    assert (dialogue.auth, dialogue.messages, dialogue.oddities) == ([], 1, {})


@pytest.mark.parametrize("command", ["bdat 5 last", "BDAT  5  LAST", "BDAT 5 LAST ", "BDAT 005 LAST"])
def test_the_last_chunk_is_told_in_any_writing(command: str) -> None:
    turns = [*ENVELOPE, *playbook(f"C: {command}"), (CLIENT, b"QUIT\n"), *END]
    dialogue = read(turns)
    assert (dialogue.messages, dialogue.oddities) == (1, {})


@pytest.mark.parametrize("size", ["", "x", "-1", "1x", "9" * (MAX_CHUNK_DIGITS + 1)])
def test_a_chunk_of_no_size_is_a_refused_command(size: str) -> None:
    dialogue = read([*ENVELOPE, *playbook(f"C: BDAT {size}", "S: 501 what", f"C: AUTH PLAIN {PLAIN}", OK)])
    assert dialogue.oddities == {"bdat-malformed": 1}
    assert [attempt.outcome for attempt in dialogue.auth] == ["success"]


@pytest.mark.parametrize("size", [MAX_CHUNK + 1, 10 ** (MAX_CHUNK_DIGITS - 1)])
def test_a_chunk_of_an_implausible_size_swallows_nothing(size: int) -> None:
    dialogue = read([*ENVELOPE, *playbook(f"C: BDAT {size} LAST", "S: 552 no", f"C: AUTH PLAIN {PLAIN}", OK)])
    assert dialogue.oddities == {"bdat-size-implausible": 1}
    assert [attempt.outcome for attempt in dialogue.auth] == ["success"]


def test_the_largest_plausible_chunk_is_awaited() -> None:
    dialogue = read([*ENVELOPE, *playbook(f"C: BDAT {MAX_CHUNK} LAST", f"C: AUTH PLAIN {PLAIN}")])
    assert (dialogue.auth, dialogue.oddities) == ([], {})


def test_a_servers_side_without_the_client_counts_messages_after_the_go_ahead() -> None:
    turns = playbook(*greeting(), *MAIL, *MAIL, *QUIT)
    assert read(one_side(turns, SERVER)).messages == 2
