"""Turns that have been said before, and what they mean.

A device says the same lines in every conversation, and its server gives the same answers; reading them anew each
time would be most of the work. So the meaning of a whole turn is remembered, bounded, for turns that can hold no
secret: command lines other than AUTH that have the form of their kind, and replies that accept something. (A challenge
is part of a secret's exchange, and a refusal may repeat what it refuses.) Any other turn is read line by line.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from analyzer.smtp.arguments import envelope, hello_name, is_hello, is_plain_parameter
from analyzer.smtp.replies import LAST_LINE, MORE_LINES
from analyzer.smtp.text import shown

REMEMBERED: Final = 4096
"""Turns of each side; when so many are known, all are forgotten, and the frequent ones are soon known again."""

LONGEST_TURN: Final = 1024
"""Bytes of a turn that is remembered: an EHLO reply has a few hundred. Bounds the memory to some 10 MB."""

_REFUSED: Final = 400
_CHALLENGE: Final = 334

_COMMANDS: Final = {
    b"EHLO": "EHLO",
    b"LHLO": "LHLO",
    b"HELO": "HELO",
    b"MAIL": "MAIL",
    b"RCPT": "RCPT",
    b"DATA": "DATA",
    b"RSET": "RSET",
    b"NOOP": "NOOP",
    b"QUIT": "QUIT",
}
_HELLO: Final = ("EHLO", "HELO", "LHLO")
_ENVELOPE: Final = ("MAIL", "RCPT")
_AFTER_VERB: Final = (b"", b" ", b"\t")


class Command(NamedTuple):
    """A command without secrets: its kind, and the name that the client gives itself in EHLO or HELO."""

    kind: str
    name: str | None = None


class Reply(NamedTuple):
    """A whole reply (RFC 5321 section 4.2): its code, and its lines without line ends."""

    code: int
    lines: tuple[bytes, ...]


KNOWN_COMMANDS: Final[dict[bytes, Command]] = {}
KNOWN_REPLIES: Final[dict[bytes, tuple[Reply, ...]]] = {}
"""Turns remembered, with their line ends."""


def read_command(line: bytes) -> Command | None:
    """The command that ``line``, without its line end, is, if it is one of those without secrets."""
    kind = _COMMANDS.get(line[:4].upper())
    if kind is None or line[4:5] not in _AFTER_VERB or (kind == "DATA" and line[4:].strip()):
        return None
    return Command(kind, shown(hello_name(line)) if kind in _HELLO else None)


def command_of(turn: bytes) -> Command | None:
    """The command that ``turn`` is, if it is one line with one of the frequent ones; remembered if it can be."""
    known = KNOWN_COMMANDS.get(turn)
    if known is not None:
        return known
    if turn[:4].upper() not in _COMMANDS or len(turn) > LONGEST_TURN:
        return None
    if turn.find(b"\n") != len(turn) - 1 or turn[-2:-1] != b"\r":
        return None
    line = turn[:-1].rstrip(b"\r")
    known = read_command(line)
    if known is not None and _has_its_form(known.kind, line):
        if len(KNOWN_COMMANDS) >= REMEMBERED:
            KNOWN_COMMANDS.clear()
        KNOWN_COMMANDS[turn] = known
    return known


def _has_its_form(kind: str, line: bytes) -> bool:
    """Whether there is nothing in a command but what its kind has there."""
    if kind in _HELLO:
        return is_hello(line)
    if kind in _ENVELOPE:
        parts = envelope(line)
        return parts is not None and all(map(is_plain_parameter, parts[2]))
    return len(line) == len(kind)


def replies_of(turn: bytes) -> tuple[Reply, ...] | None:
    """The replies that ``turn`` consists of, if nothing is odd about them and all of them accept something."""
    known = KNOWN_REPLIES.get(turn)
    if known is not None:
        return known
    if len(turn) > LONGEST_TURN or turn[-2:] != b"\r\n":
        return None
    replies: list[Reply] = []
    lines: list[bytes] = []
    for line in turn[:-2].split(b"\r\n"):
        code, more = LAST_LINE.get(line[:4]), False
        if code is None:
            code, more = MORE_LINES.get(line[:4]), True
        if code is None or code == _CHALLENGE or code >= _REFUSED or b"\n" in line or line[-1:] == b"\r":
            return None
        if lines and lines[0][:3] != line[:3]:
            return None
        lines.append(line)
        if not more:
            replies.append(Reply(code, tuple(lines)))
            lines = []
    if lines:
        return None
    known = tuple(replies)
    if len(KNOWN_REPLIES) >= REMEMBERED:
        KNOWN_REPLIES.clear()
    KNOWN_REPLIES[turn] = known
    return known
