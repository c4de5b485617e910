"""Reply lines (RFC 5321 section 4.2), enhanced status codes (RFC 2034) and what an EHLO reply offers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from analyzer.smtp.limits import MAX_EXTENSIONS
from analyzer.smtp.mechanisms import is_mechanism_name
from analyzer.smtp.text import is_host_name, shown

# The first four bytes of a line say all: which code, and whether the reply goes on. Looked up, not computed.
LAST_LINE: Final = {b"%d " % code: code for code in range(200, 600)}
MORE_LINES: Final = {b"%d-" % code: code for code in range(200, 600)}

_CODE_ALONE = re.compile(rb"([2-5]\d\d)\s*")
_ENHANCED = re.compile(rb"[2-5]\d\d[ -]\s*([245])\.(\d{1,3})\.(\d{1,3})(?![\w.])")
_GO_AHEAD = re.compile(
    rb"\b(?:start|begin|ready for|go ahead|negotiat\w*)\b.*\b(?:TLS|SSL)\b|\bTLS go ahead\b", re.IGNORECASE
)
_KEYWORD = re.compile(rb"[A-Z0-9][A-Z0-9-]{0,63}")  # RFC 5321 section 4.1.1.1, ehlo-keyword
# Firewalls overwrite the word in place: STARTTLS has eight letters, and some mark it by a last letter (XXXXXXXA).
# Words of other lengths stand over other extensions, SIZE or AUTH say.
_MANGLED = re.compile(rb"X{7}[A-Z]")
_CACHED = 2048

KNOWN_KEYWORDS: Final = frozenset(
    (
        "8BITMIME",
        "AUTH",
        "BINARYMIME",
        "BURL",
        "CHUNKING",
        "CHECKPOINT",
        "CONPERM",
        "DELIVERBY",
        "DSN",
        "ENHANCEDSTATUSCODES",
        "ETRN",
        "EXPN",
        "FUTURERELEASE",
        "HELP",
        "LIMITS",
        "MT-PRIORITY",
        "MTRK",
        "NO-SOLICITING",
        "ONEX",
        "PIPELINING",
        "PRDR",
        "REQUIRETLS",
        "RRVS",
        "SIZE",
        "SMTPUTF8",
        "STARTTLS",
        "TIME",
        "TURN",
        "VERB",
        "VRFY",
        "X-ANONYMOUSTLS",
        "X-EXPS",
        "X-RCPTLIMIT",
        "XCLIENT",
        "XFORWARD",
        "XEXCH50",
        "XRDST",
        "XXXXXXXA",
    )
)
"""Service extensions: IANA's registry of SMTP service extensions, and those of servers in use."""


class Extensions(NamedTuple):
    """What an EHLO reply offers (RFC 5321 section 4.1.1.1, RFC 4954 section 3)."""

    keywords: tuple[str, ...]
    mechanisms: tuple[str, ...]
    starttls: bool
    mangled: bool  # STARTTLS is not offered, but a word of X's stands there


def code_of(line: bytes) -> tuple[int, bool] | None:
    """Code of a reply line and whether more lines follow; ``None`` when it is no reply line."""
    head = line[:4]
    if code := LAST_LINE.get(head):
        return code, False
    if code := MORE_LINES.get(head):
        return code, True
    alone = _CODE_ALONE.fullmatch(line)
    return (int(alone[1]), False) if alone else None


def enhanced_code(code: int, lines: Sequence[bytes]) -> str | None:
    """Enhanced status code such as ``5.7.139``: of the first line that has one of the reply code's class."""
    for line in lines:
        match = _ENHANCED.match(line)
        if match and match[1][0] - 48 == code // 100:
            return b".".join(match.groups()).decode()
    return None


def speaks_of_tls(line: bytes) -> bool:
    """A 220 that accepts STARTTLS ("220 2.0.0 Ready to start TLS"), not a greeting, which begins with a host name."""
    return _ENHANCED.match(line) is not None or _GO_AHEAD.search(line) is not None


def text_of(lines: Sequence[bytes]) -> str:
    """Text of the whole reply, codes removed."""
    return " ".join(shown(line[4:]) for line in lines[:8])


def extensions(lines: Sequence[bytes]) -> Extensions:
    """Read the lines after the first. Cached, for one server gives the same answer in thousands of conversations."""
    rest = tuple(lines[1:])
    return _extensions(rest) if sum(map(len, rest)) <= _CACHED else _extensions.__wrapped__(rest)


@lru_cache(maxsize=256)
def _extensions(lines: tuple[bytes, ...]) -> Extensions:
    keywords: dict[str, None] = {}
    mechanisms: dict[str, None] = {}
    masked = False
    for line in lines[:MAX_EXTENSIONS]:
        words = line[4:].upper().replace(b"=", b" ", 1).split()  # "AUTH=LOGIN" is a form from before RFC 2554
        if not words or not _KEYWORD.fullmatch(words[0]):
            continue
        keywords[words[0].decode()] = None
        masked = masked or _MANGLED.fullmatch(words[0]) is not None
        if words[0] == b"AUTH":
            names = b" ".join(words[1 : MAX_EXTENSIONS + 1]).replace(b"=", b" ").split()
            mechanisms.update((name.decode(), None) for name in names if is_mechanism_name(name))
    starttls = "STARTTLS" in keywords
    return Extensions(tuple(keywords), tuple(mechanisms), starttls, masked and not starttls)


def is_ehlo_reply(lines: Sequence[bytes]) -> bool:
    """Told by content alone: a multi-line 250 with keywords of service extensions."""
    return len(lines) > 1 and not KNOWN_KEYWORDS.isdisjoint(extensions(lines).keywords)


def name_in_greeting(text: str) -> str | None:
    """Host name in the text of a 220 greeting, which should begin with it (RFC 5321 section 4.2)."""
    first, _, rest = text.partition(" ")
    if is_host_name(first) and ("." in first or first.startswith("[")):
        return first
    following = rest.partition(" ")[0].upper()
    return first if following in ("ESMTP", "SMTP", "LMTP") and is_host_name(first) else None


def name_in_ehlo_reply(text: str) -> str | None:
    """Host name in the first line of the reply to EHLO or HELO, which should begin with it."""
    first, _, rest = text.partition(" ")
    if not is_host_name(first):
        return None
    if "." in first or first.startswith("["):
        return first
    greets = rest.partition(" ")[0].rstrip(",").lower() in ("", "hello", "greets", "hi", "pleased")
    return first if greets and first.lower() not in ("ok", "hello", "hi", "welcome") else None
