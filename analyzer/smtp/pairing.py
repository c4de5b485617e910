"""Which reply can answer which command (RFC 5321 section 4.3.2, RFC 4954 section 4, RFC 3207 section 4).

Replies come in the order of their commands, so this is not needed to pair them. It is needed where that order is in
doubt: after missing bytes, and where lines that looked like commands may have been message text.
"""

from __future__ import annotations

from typing import Final

_SUCCESS: Final[dict[str, frozenset[int]]] = {
    "GREETING": frozenset((220,)),
    "EHLO": frozenset((250,)),
    "HELO": frozenset((250,)),
    "LHLO": frozenset((250,)),
    "AUTH": frozenset((235, 334)),
    "MAIL": frozenset((250,)),
    "RCPT": frozenset((250, 251, 252)),
    "DATA": frozenset((354,)),
    "CHUNK": frozenset((250,)),
    "MESSAGE": frozenset((250,)),
    "COPY": frozenset((250,)),
    "RSET": frozenset((250,)),
    "NOOP": frozenset((250,)),
    "STARTTLS": frozenset((220,)),
    "QUIT": frozenset((221,)),
}

ONLY_TO: Final[dict[int, str]] = {235: "AUTH", 334: "AUTH", 354: "DATA"}
"""Codes that answer one command and no other."""

REFUSALS_OF_AUTH: Final = frozenset((432, 454, 500, 501, 502, 503, 504, 530, 534, 535, 538))
"""Codes that may have refused an AUTH command where the command itself was not seen (RFC 4954 sections 4 and 6)."""


def may_answer(kind: str, code: int) -> bool:
    """``code`` is a reply that a command of ``kind`` can get; anything can be refused."""
    expected = _SUCCESS.get(kind)
    return expected is None or code in expected or (code >= 400 and not (kind == "MESSAGE" and code in (530, 535)))
