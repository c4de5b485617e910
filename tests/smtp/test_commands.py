"""Lines that can only be commands, and how other protocols begin."""

from __future__ import annotations

import base64
import binascii

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.smtp.commands import is_command, is_foreign_command, is_foreign_reply, is_mangled_starttls
from analyzer.smtp.recognise import looks_like_client, looks_like_server, names_ftp

COMMANDS = [
    b"EHLO copier.example",
    b"HELO [192.0.2.1]",
    b"LHLO copier",
    b"EHLO",
    b"MAIL FROM:<a@b> SIZE=1000 BODY=8BITMIME AUTH=<>",
    b"MAIL FROM: <a@b>",
    b"RCPT TO:<c@d> NOTIFY=NEVER",
    b"AUTH LOGIN",
    b"AUTH PLAIN AHVzZXIAcGFzcw==",
    b"AUTH PLAIN =",
    b"X-EXPS GSSAPI",
    b"X-EXPS LOGIN",
    b"X-EXPS EXCHANGEAUTH SHA256 YII=",
    b"BDAT 100",
    b"BDAT 0 LAST",
    b"NOOP",
    b"NOOP still here",
    b"HELP STARTTLS",
    b"VRFY postmaster",
    b"EXPN staff",
    b"ETRN example.com",
    b"ATRN example.com",
    b"XCLIENT ADDR=192.0.2.1 NAME=x",
    b"XFORWARD NAME=x",
    b"QUIT",
    b"RSET",
    b"DATA",
    b"STARTTLS",
    b"X-ANONYMOUSTLS",
]
NO_COMMANDS = [
    b"",
    b" QUIT",
    b"QUITE",
    b"MAIL",
    b"MAIL TO:<a@b>",
    b"RCPT FROM:<a@b>",
    b"RCPT",
    b"AUTH",
    b"AUTH PLAIN a b",
    b"AUTHPLAIN",
    b"BDAT",
    b"BDAT x",
    b"VRFY",
    b"ETRN ",
    b"Subject: AUTH LOGIN",
    b"DATA now",
    b"XYZZY",
    b"TURN",
    b".",
    b"*",
    b"MDM=",
]


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_is_one_in_any_case_and_with_blanks_at_its_end(line: bytes) -> None:
    for written in (line, line.lower(), line + b" ", line + b"\t "):
        assert is_command(written)
    assert looks_like_client(line + b"\r\n")
    assert not is_foreign_command(line)


@pytest.mark.parametrize("line", NO_COMMANDS)
def test_other_lines_may_be_anything(line: bytes) -> None:
    assert not is_command(line)


@pytest.mark.parametrize("line", [line for line in COMMANDS if b" " not in line])
def test_no_command_without_a_blank_is_base64_of_a_word(line: bytes) -> None:
    for written in (line, line.lower()):
        try:
            word = binascii.a2b_base64(written + b"=" * (-len(written) % 4), strict_mode=True)
        except ValueError:
            continue
        text = word.decode("utf-8", "replace")
        assert not text.isprintable() or "\ufffd" in text


@settings(deadline=None)
@given(st.text(min_size=1))
def test_base64_of_any_word_is_no_command(word: str) -> None:
    if word.isprintable():
        assert not is_command(base64.b64encode(word.encode()))


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_any_line_is_judged(line: bytes) -> None:
    if is_command(line):
        assert looks_like_client(line) or is_foreign_command(line) or b"\n" in line or b"\r" in line


@pytest.mark.parametrize(
    "line",
    [
        b"GET / HTTP/1.1",
        b"CONNECT mail.example:25 HTTP/1.0",
        b"PRI * HTTP/2.0",
        b"SSH-2.0-OpenSSH_9.6",
        b"USER anonymous",
        b"PASS secret",
        b"CAPA",
        b"NICK bot",
        b"AUTH TLS",
        b"AUTH SSL",
        b"a1 LOGIN user pass",
        b"A001 CAPABILITY",
        b". STARTTLS",
        b"a AUTHENTICATE PLAIN",
    ],
)
def test_other_protocols_begin_otherwise(line: bytes) -> None:
    assert is_foreign_command(line)
    assert not looks_like_client(line + b"\r\n")


@pytest.mark.parametrize(
    "line", [b"EHLO login.example.com", b"HELO login", b"VRFY login", b"AUTH LOGIN", b"X-EXPS LOGIN"]
)
def test_a_word_of_another_protocol_within_a_command_does_not_make_it_foreign(line: bytes) -> None:
    assert not is_foreign_command(line)
    assert looks_like_client(line + b"\r\n")


@pytest.mark.parametrize(
    "line", [b"HTTP/1.1 400 Bad Request", b"SSH-2.0-x", b"+OK POP3", b"-ERR", b"* OK IMAP4", b"RFB 003.008"]
)
def test_servers_of_other_protocols_begin_otherwise(line: bytes) -> None:
    assert is_foreign_reply(line)
    assert not looks_like_server(line + b"\r\n")


@pytest.mark.parametrize("line", [b"220 mail.example ESMTP", b"220-mail.example", b"250 ok", b"554 go away", b"220"])
def test_replies_of_smtp_are_a_servers(line: bytes) -> None:
    assert looks_like_server(line + b"\r\n")
    assert not looks_like_client(line + b"\r\n")
    assert not is_foreign_reply(line)


@pytest.mark.parametrize(
    ("line", "ftp"),
    [
        (b"220 ftp.example FTP ready", True),
        (b"220 (vsFTPd 3.0)", True),
        (b"220 mail ESMTP, not FTP but SMTP", False),
        (b"230 FTP", False),
    ],
)
def test_an_ftp_server_names_itself(line: bytes, ftp: bool) -> None:
    assert names_ftp(line) is ftp
    assert looks_like_server(line) is not ftp


def test_the_first_line_decides_and_blank_lines_before_it_do_not() -> None:
    assert looks_like_client(b"\r\n\r\nEHLO x\r\nGET / HTTP/1.1\r\n")
    assert not looks_like_client(b"Subject: x\r\nEHLO x\r\n")
    assert looks_like_client(b"AUTH PLAIN " + b"A" * 5000)
    assert not looks_like_client(b"")
    assert not looks_like_server(b"")


@pytest.mark.parametrize(
    ("verb", "mangled"),
    [
        (b"XXXXXXXX", True),
        (b"xxxxxxxa", True),
        (b"XXXXXXX", False),
        (b"XXXXXXXXX", False),
        (b"XXXX", False),
        (b"STARTTLS", False),
    ],
)
def test_firewalls_overwrite_the_command_letter_by_letter(verb: bytes, mangled: bool) -> None:
    assert is_mangled_starttls(verb) is mangled
