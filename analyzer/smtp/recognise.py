"""Is this SMTP, and who says it? Told by one piece of payload alone."""

from __future__ import annotations

import re

from analyzer.smtp.commands import is_command, is_foreign_command, is_foreign_reply
from analyzer.smtp.replies import code_of

_LOOKED_AT = 1024
_FTP = re.compile(rb"FTPD?(?![A-Z0-9-])(?!\.[A-Z])")


def _first_line(data: bytes) -> bytes:
    return data[:_LOOKED_AT].lstrip(b"\r\n").partition(b"\n")[0].rstrip(b"\r")


def looks_like_client(data: bytes) -> bool:
    """``data`` begins with a command that only an SMTP client sends."""
    line = _first_line(data)
    return is_command(line) and not is_foreign_command(line)


def looks_like_server(data: bytes) -> bool:
    """``data`` begins with a reply in SMTP's form; FTP's has the same, but names itself."""
    line = _first_line(data)
    return code_of(line) is not None and not is_foreign_reply(line) and not names_ftp(line)


def names_ftp(line: bytes) -> bool:
    """A 220 greeting that says it is an FTP server's (RFC 959 has the same reply form).

    As a word or at the end of one (ProFTPD, vsFTPd): a mail host may be called softpro or swiftpost.
    """
    if line[:3] != b"220":
        return False
    upper = line.upper()
    return b"FTP" in upper and b"SMTP" not in upper and _FTP.search(upper) is not None


def begins_tls(data: bytes | bytearray, at: int) -> bool | None:
    """A TLS record begins at ``at``, where a line of SMTP would (RFC 8446 section 5.1), or SSL 2.0's ClientHello.

    ``None`` where too few bytes are there to say.
    """
    head = data[at : at + 3]
    if 0x14 <= head[0] <= 0x17:
        looks = head[1:2] in (b"\x03", b"")
    elif head[0] >= 0x80:
        looks = head[2:3] in (b"\x01", b"")
    else:
        return False
    return (True if len(head) == 3 else None) if looks else False
