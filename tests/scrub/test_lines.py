"""What is shown of a client's lines is taken for what the line was taken for, and holds no word of the client's own."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.scrub.lines import KNOWN, command, filler, login, may_be_proxy_header, proxy_header, without_addresses
from analyzer.smtp.commands import is_command, is_foreign_command, is_mangled_starttls
from analyzer.smtp.recognise import begins_tls
from analyzer.smtp.repertoire import read_command
from tests.smtp.dialogues import PROXY_2


def shown(kind: str, line: bytes, size: int | None = None, *, hide_users: bool = False) -> bytes:
    return command(kind, line, size, hide_users=hide_users)


@pytest.mark.parametrize(
    ("kind", "line", "expected"),
    [
        ("ehlo", b"EHLO copier3.example.com", b"EHLO copier3.example.com"),
        ("ehlo", b"EHLO my printer", b"EHLO my printer"),
        ("ehlo", b"EHLO caf\xe9\0", b"EHLO caf\xe9\0"),
        ("ehlo", b"EHLO", b"EHLO"),
        ("ehlo", b"EHLO copier\rAUTH PLAIN s3cr3t", b"EHLO withheld"),
        ("ehlo", b"EHLO copierAUTH PLAIN s3cr3t", b"EHLO withheld"),
        ("ehlo", b"EHLO copierNOOP s3cr3t", b"EHLO withheld"),
        ("helo", b"helo " + b"x" * 600, b"helo withheld"),
        ("mail", b"MAIL FROM:<a@b\rAUTH PLAIN s3cr3t>", b"MAIL FROM:<user@withheld.invalid>"),
        ("mail", b"MAIL FROM:<a@b> SIZE=1000 BODY=8BITMIME", b"MAIL FROM:<a@b> SIZE=1000 BODY=8BITMIME"),
        ("mail", b"MAIL FROM:<a@b> AUTH=s3cr3t X=s3cr3t SIZE=s3cr3t", b"MAIL FROM:<a@b>"),
        ("mail", b"MAIL FROM:a@b s3cr3t", b"MAIL FROM:a@b"),
        ("mail", b"MAIL FROM:<s3cr3t>", b"MAIL FROM:<user@withheld.invalid>"),
        ("mail", b"MAIL FROM:s3cr3t", b"MAIL FROM:<user@withheld.invalid>"),
        ("mail", b"MAIL FROM:<", b"MAIL FROM:<user@withheld.invalid>"),
        ("mail", b"MAIL s3cr3t", b"MAIL withheld"),
        ("rcpt", b"RCPT TO:<c@d> NOTIFY=SUCCESS,DELAY", b"RCPT TO:<c@d> NOTIFY=SUCCESS,DELAY"),
        ("noop", b"NOOP s3cr3t", b"NOOP"),
        ("quit", b"QUIT s3cr3t", b"QUIT withheld"),
        ("other", b"VRFY s3cr3t", b"VRFY withheld"),
        ("other", b"XCLIENT LOGIN=s3cr3t", b"XCLIENT withheld"),
        ("other", b"HELP s3cr3t", b"HELP"),
        ("starttls", b"STARTTLS s3cr3t", b"STARTTLS"),
        ("starttls", b"XXXXXXXX", b"XXXXXXXX"),
        ("bdat", b"BDAT 86 LAST", b"BDAT 86 LAST"),
        ("bdat", b"BDAT s3cr3t", b"BDAT withheld"),
        ("proxy-header", b"PROXY TCP4 192.0.2.1 192.0.2.2 40000 25", b"PROXY UNKNOWN"),
        ("cancel", b" * ", b"*"),
        ("unknown", b"s3cr3t", b"withheld"),
        ("passed-over", b"MAIL FROM:<a@b>", b"withheld"),
        ("", b"s3cr3t", b"withheld"),
        ("", b"", b""),
        ("", b".", b"."),
    ],
)
def test_a_line_is_shown_as_far_as_its_form_is_known(kind: str, line: bytes, expected: bytes) -> None:
    assert shown(kind, line) == expected


@pytest.mark.parametrize(("verb", "shown_"), [(b"MAIL FROM", b"MAIL FROM"), (b"rcpt to", b"rcpt to")])
def test_addresses_are_hidden_where_users_are(verb: bytes, shown_: bytes) -> None:
    kind = verb[:4].decode().lower()
    assert shown(kind, verb + b":<scan@example.com> ", hide_users=True) == shown_ + b":<user@withheld.invalid>"
    assert shown("mail", b"MAIL FROM:<>", hide_users=True) == b"MAIL FROM:<>"


words = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30).map(str.encode)
verbs = st.sampled_from(
    [
        b"MAIL",
        b"MAIL FROM:",
        b"RCPT TO:",
        b"RSET",
        b"NOOP",
        b"QUIT",
        b"VRFY",
        b"HELP",
        b"ETRN",
        b"EHLO",
        b"DATA",
        b"BDAT",
    ]
)


@given(verbs, words, st.booleans())
def test_what_is_shown_of_a_command_is_the_same_command(verb: bytes, argument: bytes, hide_users: bool) -> None:
    line = verb + b" " + argument
    known = read_command(line)
    kind = known.kind.lower() if known else "other"
    told = shown(kind, line, hide_users=hide_users)
    now = read_command(told)
    assert (now and now.kind) == (known and known.kind)
    if known:
        assert is_command(told) == is_command(line)


@given(st.integers(0, 200), st.binary(max_size=40))
def test_what_stands_for_a_line_that_is_not_shown_is_nothing_else(size: int, line: bytes) -> None:
    line = re.sub(rb"[\r\n]", b"", line)
    for told in (shown("unknown", line), shown("unknown", line, size), filler(size)):
        assert not is_command(told)
        assert not is_foreign_command(told)
        assert not is_mangled_starttls(told)
        assert read_command(told) is None
        assert not told or begins_tls(told, 0) is False or told == line


@given(st.sampled_from([*sorted(KNOWN), "unknown"]), words)
def test_where_lengths_are_kept_every_line_keeps_its_own(kind: str, argument: bytes) -> None:
    line = (
        {"mail": b"MAIL FROM:", "rcpt": b"RCPT TO:", "cancel": b"*"}.get(kind, kind.upper().encode()) + b" " + argument
    )
    assert len(shown(kind, line, len(line))) == len(line)


def test_of_a_proxy_header_only_the_length_is_shown() -> None:
    header = PROXY_2 + b"EHLO x\r\n"
    size = proxy_header(header)
    assert header[size:] == b"EHLO x\r\n"
    told = without_addresses(header[:size])
    assert (len(told), told[:16], set(told[16:])) == (size, header[:16], {0})
    assert proxy_header(b"EHLO x\r\n") == proxy_header(header[:15]) == 0
    assert [may_be_proxy_header(header[:size]) for size in (1, 15, 16)] == [True, True, False]
    assert not may_be_proxy_header(b"\r\nEHLO x")


@pytest.mark.parametrize("kind", [*sorted(KNOWN), "auth"])
def test_a_line_that_does_not_begin_as_its_kind_does_is_not_shown(kind: str) -> None:
    """Bytes before it that the parser does not know of, say: what it was taken for is no proof then."""
    if kind == "auth":
        assert login(b"s3cr3t PLAIN eA==", "PLAIN") == (b"AUTH PLAIN ", b"eA==")
        assert login(b"AUTH s3cr3t eA==", "PLAIN") == (b"AUTH withheld ", b"eA==")
    else:
        assert b"s3cr3t" not in shown(kind, b"s3cr3t s3cr3t@s3cr3t")
