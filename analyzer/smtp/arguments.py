"""Arguments of the commands that every conversation has, in the forms in which they hold nothing but what they should.

Where packets overlap, the end of a line can be lost, and the next one, with a secret in it, be glued to it; and some
clients say a password where a server does not expect one. So what is remembered of a line, or shown of it, is what has
the form of its kind.
"""

from __future__ import annotations

import re
from typing import Final

MAX_LINE: Final = 4096
"""Bytes of a line that has a form; RFC 5321 section 4.5.3.1.4 allows 512 and some for parameters."""

MAX_HELLO: Final = 512
"""Bytes of EHLO and its argument (RFC 5321 section 4.5.3.1.4); a host name has 255 at most."""

# RFC 5321 section 4.1.2; without the brackets, too, which some leave out. Nothing that another line could begin with.
_ENVELOPE = re.compile(
    rb"(MAIL[ \t]+FROM|RCPT[ \t]+TO):[ \t]*"
    rb"(<>|<postmaster>|<[^<>\x00- ]*@[^<>\x00- ]+>|[^<>\x00- ]+@[^<>\x00- ]+)(|[ \t].*)",
    re.IGNORECASE | re.DOTALL,
)
# A host name or literal (section 4.1.3), or what devices say in its place: a word or a few.
_HELLO = re.compile(rb"[A-Z]{4}(?:[ \t]+[\w.:@#*'()\[\]\x80-\xff-]{1,255}){0,4}[ \t\0]*", re.IGNORECASE)
_GLUED = re.compile(
    rb"bearer|(?:auth|login|pass|user|x-exps|ehlo|helo|mail|rcpt|data|bdat|noop|help|vrfy|expn|etrn|rset|quit|proxy"
    rb"|xclient|xforward|starttls)[ \t]",
    re.IGNORECASE,
)
# Parameters whose values are numbers and words of a list: RFC 1870, 6152, 3030, 6531, 3461, 2852, 8689.
_PARAMETER = re.compile(
    rb"SIZE=\d{1,20}|BODY=(?:7BIT|8BITMIME|BINARYMIME)|SMTPUTF8|RET=(?:FULL|HDRS)|REQUIRETLS"
    rb"|NOTIFY=(?:NEVER|SUCCESS|FAILURE|DELAY)(?:,(?:SUCCESS|FAILURE|DELAY)){0,2}|BY=-?\d{1,9};[NR]T?",
    re.IGNORECASE,
)


def is_hello(line: bytes) -> bool:
    """Whether EHLO, HELO or LHLO in ``line`` names a host, or has a few words in place of that, and nothing else."""
    return len(line) <= MAX_HELLO and _HELLO.fullmatch(line) is not None and not _is_glued(line)


def hello_name(line: bytes) -> bytes:
    """What the client calls itself in EHLO, HELO or LHLO: all of the argument, or what comes before another command."""
    argument = line[5:].strip()
    return argument.split(None, 1)[0] if _is_glued(line) else argument


def envelope(line: bytes) -> tuple[bytes, bytes, list[bytes]] | None:
    """The parts of MAIL FROM and RCPT TO.

    Returns:
        Up to the colon; the address as it is written; and the parameters. ``None`` if the line has another form.
    """
    found = _ENVELOPE.fullmatch(line) if len(line) <= MAX_LINE else None
    return None if found is None else (found[1], found[2], found[3].split())


def is_plain_parameter(word: bytes) -> bool:
    """Whether a parameter of MAIL or RCPT is one whose value is a number or a word of a list."""
    return _PARAMETER.fullmatch(word) is not None


def _is_glued(line: bytes) -> bool:
    return b" " in line[5:].strip() and _GLUED.search(line, 5) is not None
