"""The program that wrote a message is read from its header, and nothing else of the text ever is."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.smtp import CLIENT, SERVER, DialogueParser
from analyzer.smtp.limits import MAX_HEADER, MAX_HEADERS, MAX_PROGRAM
from tests.smtp.canaries import reachable
from tests.smtp.playing import QUIT, SECRET, Turns, greeting, one_side, play, playbook, read, rechunked

OPEN = playbook(*greeting(), "C: MAIL FROM:<a@b>", "S: 250 ok", "C: RCPT TO:<c@d>", "S: 250 ok")
TAKEN = playbook("S: 250 queued")
END = b"\r\n\r\ntext\r\n.\r\n"


def message(header: bytes, end: bytes = END) -> Turns:
    return [*playbook("C: DATA", "S: 354 go"), (CLIENT, header + end), *TAKEN]


def program(header: bytes, end: bytes = END) -> str | None:
    return read([*OPEN, *message(header, end), *playbook(*QUIT)]).mail_program


@pytest.mark.parametrize(
    ("header", "named"),
    [
        (b"X-Mailer: KYOCERA Scan 3.1", "KYOCERA Scan 3.1"),
        (b"Subject: x\r\nx-mAILER:Canon iR-ADV C3530\r\nTo: <a@b>", "Canon iR-ADV C3530"),
        (b"User-Agent: Mozilla Thunderbird", "Mozilla Thunderbird"),
        (b"X-MimeOLE: Produced By Microsoft MimeOLE V6.1", "Produced By Microsoft MimeOLE V6.1"),
        (b"X-MimeOLE: MimeOLE\r\nUser-Agent: agent\r\nX-Mailer: mailer", "mailer"),
        (b"X-Mailer:\r\nUser-Agent: agent", "agent"),
        (b"X-Mailer: first\r\nX-Mailer: second", "first"),
        (b"Subject: X-Mailer: none\r\n", None),
        (b"X-Mailer-Info: none", None),
        (b"Subject: folded\r\n X-Mailer: none", None),
        (b"Subject: x", None),
        (b"", None),
    ],
)
def test_three_fields_of_the_header_name_a_program(header: bytes, named: str | None) -> None:
    assert program(header) == named


def test_lines_may_end_with_lf_alone() -> None:
    assert program(b"Subject: x\nX-Mailer: embedded 1.0\nTo: <a@b>\n\nX-Mailer: no", b"\n\r\n.\r\n") == "embedded 1.0"


@pytest.mark.parametrize("blank", [b"\r\n", b"Subject: x\r\n\r\n"])
def test_behind_the_header_nothing_counts(blank: bytes) -> None:
    assert program(blank + b"X-Mailer: quoted") is None


def test_a_message_that_is_all_header_ends_where_it_ends() -> None:
    text = (CLIENT, b"X-Mailer: a\r\n.\r\nNOOP\r\nX-Mailer: b\r\n\r\n")
    assert read([*OPEN, *playbook("C: DATA", "S: 354 go"), text, *TAKEN]).mail_program == "a"


@settings(deadline=None)
@given(st.sets(st.integers(1, 500), max_size=20))
def test_in_any_pieces_the_program_is_the_same(cuts: set[int]) -> None:
    turns = rechunked(
        [*OPEN, *message(b"Subject: x\r\nX-Mailer: KYOCERA Scan 3.1\r\nTo: <a@b>"), *playbook(*QUIT)], cuts
    )
    assert read(turns).mail_program == "KYOCERA Scan 3.1"


def test_the_first_message_that_names_one_decides() -> None:
    turns = [*OPEN, *message(b"Subject: x"), *message(b"X-Mailer: second"), *message(b"X-Mailer: third")]
    assert read(turns).mail_program == "second"


def test_of_so_many_messages_the_header_is_looked_at() -> None:
    silent = message(b"Subject: x")
    late = message(b"X-Mailer: late")
    assert read([*OPEN, *silent * (MAX_HEADERS - 1), *late]).mail_program == "late"
    assert read([*OPEN, *silent * MAX_HEADERS, *late]).mail_program is None


@pytest.mark.parametrize("size", [1000, 1 << 20])
def test_a_long_header_is_looked_at_so_far_and_counted(size: int) -> None:
    long = b"X-Spam: ".ljust(MAX_HEADER + 10, b"x")
    turns = [*OPEN, *message(b"X-Mailer: early\r\n" + long), *message(long + b"\r\nX-Mailer: late")]
    chunked = rechunked(turns, set(range(0, sum(len(data) for _, data in turns), size)))
    assert read(chunked).mail_program == "early"
    late = read([*OPEN, *message(long + b"\r\nX-Mailer: late")])
    assert (late.mail_program, late.oddities["header-too-long"]) == (None, 1)


def test_a_line_that_is_cut_by_the_limit_says_nothing() -> None:
    text = b"X-Spam: ".ljust(MAX_HEADER - 20, b"x") + b"\r\nX-Mailer: half of a name"
    assert program(text) is None


def test_after_missing_bytes_nothing_more_is_read() -> None:
    parser = play(DialogueParser(), [*OPEN, *playbook("C: DATA", "S: 354 go")])
    parser.feed(CLIENT, b"Subject: x\r\nX-Mai", 0)
    parser.gap(CLIENT, 40, 0)
    parser.feed(CLIENT, b"\r\nX-Mailer: made up" + END, 0)
    assert parser.finish().mail_program is None


def test_what_a_terminal_obeys_is_taken_out_and_the_rest_is_cut() -> None:
    assert program(b"X-Mailer: \x1b]0;owned\x07\x9b31m" + b"y" * 500) == ("]0;owned31m" + "y" * 500)[:MAX_PROGRAM]


@pytest.mark.parametrize("side", [CLIENT, SERVER])
def test_one_side_alone_shows_what_it_has(side: int) -> None:
    turns = one_side([*OPEN, *message(b"X-Mailer: a"), *playbook(*QUIT)], side)
    assert read(turns).mail_program == ("a" if side == CLIENT else None)


def test_what_follows_a_refused_data_is_no_header() -> None:
    turns = [*OPEN, *playbook("C: DATA", "S: 503 no"), (CLIENT, b"X-Mailer: " + SECRET.encode() + END)]
    assert read(turns).mail_program is None


def test_nothing_else_of_a_message_is_kept() -> None:
    secret = SECRET.encode()
    header = b"Subject: " + secret + b"\r\nX-Mailer: scanner\r\nPassword: " + secret + b"\r\nX-Auth: " + secret
    parser = play(DialogueParser(), [*OPEN, *message(header, b"\r\n\r\n" + secret + b"\r\n.\r\n")])
    assert parser.finish().mail_program == "scanner"
    assert not [found for found in reachable(parser) if SECRET in str(found)]
