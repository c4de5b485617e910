"""What may be shown of a client's lines, and what stands in place of the rest.

Each replacement is taken by a parser for what the line itself was taken for: a command for the same command, and
anything else for no command at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from analyzer.smtp.commands import is_command

WITHHELD: Final = b"withheld"
"""Stands for words that are not shown."""

MAX_LITERAL: Final = 4096
"""Bytes of a line that are shown at most; RFC 5321 section 4.5.3.1.4 allows 512 and some for parameters."""

_FILLING: Final = b"#"
"""Fills lines whose length is kept. No command holds it where a verb would be, and base64 does not know it."""

_ENVELOPE = re.compile(rb"(MAIL[ \t]+FROM|RCPT[ \t]+TO):[ \t]*(<[^<>]*>|[^<>\s]+)(.*)", re.IGNORECASE | re.DOTALL)
# Parameters whose values are numbers and words of a list: RFC 1870, 6152, 3030, 6531, 3461, 2852, 8689.
_PARAMETER = re.compile(
    rb"SIZE=\d{1,20}|BODY=(?:7BIT|8BITMIME|BINARYMIME)|SMTPUTF8|RET=(?:FULL|HDRS)|REQUIRETLS"
    rb"|NOTIFY=(?:NEVER|SUCCESS|FAILURE|DELAY)(?:,(?:SUCCESS|FAILURE|DELAY)){0,2}|BY=-?\d{1,9};[NR]T?",
    re.IGNORECASE,
)
_CHUNK = re.compile(rb"BDAT[ \t]+\d{1,20}(?:[ \t]+LAST)?[ \t]*", re.IGNORECASE)
_PROXY_2: Final = b"\r\n\r\n\0\r\nQUIT\n"
_PROXY_2_FIXED: Final = 16
"""Bytes of it that there always are; the last two say how many follow."""

_ADDRESS = b"<user@withheld.invalid>"  # RFC 2606 section 2


def proxy_header(data: bytes) -> int:
    """Bytes of haproxy's PROXY header, version 2, that ``data``, a client's first bytes, begins with; 0: none."""
    if not data.startswith(_PROXY_2) or len(data) < _PROXY_2_FIXED:
        return 0
    return min(_PROXY_2_FIXED + int.from_bytes(data[14:16], "big"), len(data))


def without_addresses(header: bytes) -> bytes:
    """A PROXY header, version 2, that says nothing but how long it is."""
    return header[:_PROXY_2_FIXED].ljust(len(header), b"\0")


def filler(size: int | None, text: bytes = WITHHELD) -> bytes:
    """What stands for a text that is not shown: ``text``, or as many characters as the text had.

    Args:
        size: ``None`` where nothing may tell how long it was.
        text: in place of it.
    """
    return text if size is None else _FILLING * size


def fitted(shown: bytes, size: int | None) -> bytes:
    """``shown``, cut or filled to ``size`` where lengths are kept."""
    if size is None or len(shown) == size:
        return shown
    return shown[:size] if len(shown) > size else shown + b" " + _FILLING * (size - len(shown) - 1)


def command(kind: str, line: bytes, size: int | None, *, hide_users: bool) -> bytes:
    """A client's line as it may be shown.

    Args:
        kind: what the parser took it for, see :class:`analyzer.smtp.transcript.Entry`.
        line: without its line end.
        size: its length where lengths are kept.
        hide_users: of senders and recipients nothing is shown.
    """
    if not line.strip() or line == b".":
        return line
    show = _SHOWN.get(kind)
    if show is not None:
        return fitted(show(line), size)
    if kind in ("mail", "rcpt"):
        return fitted(_envelope(line, hide_users=hide_users), size)
    return filler(size)


def _whole(line: bytes) -> bytes:
    return line[:MAX_LITERAL]


def _verb(line: bytes) -> bytes:
    return line.split(None, 1)[0]


def _verb_alone(line: bytes) -> bytes:
    """The verb, and where an argument decides whether it is a command, one that says nothing."""
    verb = _verb(line)
    alone = is_command(verb) == is_command(line.strip(b" \t\0"))
    return verb if alone else verb + b" " + WITHHELD


def _chunk(line: bytes) -> bytes:
    return line if _CHUNK.fullmatch(line) else _verb(line) + b" " + WITHHELD


def _envelope(line: bytes, *, hide_users: bool) -> bytes:
    found = _ENVELOPE.fullmatch(line.strip(b" \t\0")) if len(line) <= MAX_LITERAL else None
    if found is None:
        verb = line.lstrip(b" \t\0")[:4]
        if not is_command(line.strip(b" \t\0")):
            return verb + b" " + WITHHELD
        return verb + (b" FROM:" if verb.upper() == b"MAIL" else b" TO:") + _ADDRESS
    address = _ADDRESS if hide_users and found[2] != b"<>" else found[2]
    parameters = [word for word in found[3].split() if _PARAMETER.fullmatch(word)]
    return b" ".join((found[1] + b":" + address, *parameters))


_SHOWN: Final[dict[str, Callable[[bytes], bytes]]] = {
    "ehlo": _whole,
    "lhlo": _whole,
    "helo": _whole,
    "data": _verb,
    "rset": _verb_alone,
    "noop": _verb_alone,
    "quit": _verb_alone,
    "other": _verb_alone,
    "starttls": _verb,
    "bdat": _chunk,
    "proxy-header": lambda _: b"PROXY UNKNOWN",
    "cancel": lambda _: b"*",
}
"""What is shown of lines of each kind; of any other nothing is."""

KNOWN: Final = frozenset((*_SHOWN, "mail", "rcpt"))
"""Kinds of lines of which something is shown."""
