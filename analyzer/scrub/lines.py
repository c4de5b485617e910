"""What may be shown of a client's lines, and what stands in place of the rest.

Each replacement is taken by a parser for what the line itself was taken for: a command for the same command, and
anything else for no command at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from analyzer.smtp.arguments import envelope, is_hello, is_plain_parameter
from analyzer.smtp.commands import is_command, is_mangled_starttls

WITHHELD: Final = b"withheld"
"""Stands for words that are not shown."""

_FILLING: Final = b"#"
"""Fills lines whose length is kept. No command holds it where a verb would be, and base64 does not know it."""

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


def may_be_proxy_header(data: bytes) -> bool:
    """Whether ``data``, a client's first bytes, are too few to say so."""
    return len(data) < _PROXY_2_FIXED and data[: len(_PROXY_2)] == _PROXY_2[: len(data)]


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
        shown = show(line)
    elif kind in ("mail", "rcpt"):
        shown = _envelope(line, hide_users=hide_users)
    else:
        return filler(size)
    verb = re.split(rb"[ \t:]", shown, maxsplit=1)[0].upper()
    return fitted(shown, size) if verb in _VERBS or is_mangled_starttls(verb) else filler(size)


def login(line: bytes, mechanism: str | None) -> tuple[bytes, bytes]:
    """A command that begins a login.

    Args:
        line: without its line end.
        mechanism: that it was taken to name; ``None`` where it named none that is known.

    Returns:
        What is shown of it, up to the initial response; and that.
    """
    verb, named, message = (*line.split(None, 2), b"", b"")[:3]
    head = verb if verb.upper() in _LOGIN_VERBS else b"AUTH"
    if named:
        known = mechanism is not None and named.upper() == mechanism.encode()
        head += b" " + (named if known else WITHHELD)
    message = message.strip()
    return head + b" " if message else head, message


def _hello(line: bytes) -> bytes:
    line = line.lstrip(b" \t\0")
    return line if is_hello(line) else line[:4] + b" " + WITHHELD


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
    found = envelope(line.strip(b" \t\0"))
    if found is None:
        verb = line.lstrip(b" \t\0")[:4]
        if not is_command(line.strip(b" \t\0")):
            return verb + b" " + WITHHELD
        return verb + (b" FROM:" if verb.upper() == b"MAIL" else b" TO:") + _ADDRESS
    verb, address, parameters = found
    if hide_users and address != b"<>":
        address = _ADDRESS
    return b" ".join((verb + b":" + address, *filter(is_plain_parameter, parameters)))


_SHOWN: Final[dict[str, Callable[[bytes], bytes]]] = {
    "ehlo": _hello,
    "lhlo": _hello,
    "helo": _hello,
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

_VERBS: Final = frozenset(
    b"EHLO LHLO HELO MAIL RCPT DATA RSET NOOP QUIT VRFY EXPN HELP ETRN ATRN XCLIENT XFORWARD BDAT STARTTLS "
    b"X-ANONYMOUSTLS PROXY *".split()
)
_LOGIN_VERBS: Final = (b"AUTH", b"X-EXPS")
"""What a line that is shown begins with."""

KNOWN: Final = frozenset((*_SHOWN, "mail", "rcpt"))
"""Kinds of lines of which something is shown."""
