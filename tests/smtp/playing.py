"""Dialogues as text, and the parser that reads them."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from itertools import groupby

from analyzer.smtp import CLIENT, SERVER, DialogueParser
from analyzer.smtp.records import Dialogue

SECRET = "s3cr3t-c4n4ry"  # noqa: S105 - made up, to be looked for
Turns = list[tuple[int, bytes]]

OFFER = "AUTH PLAIN LOGIN CRAM-MD5 DIGEST-MD5 SCRAM-SHA-256 NTLM XOAUTH2 OAUTHBEARER"
MAIL = ["C: MAIL FROM:<a@b>", "S: 250 ok", "C: RCPT TO:<c@d>", "S: 250 ok", "C: DATA", "S: 354 go"]
MAIL += ["C: Subject: AUTH LOGIN", "C: ..", "C: .", "S: 250 queued"]
QUIT = ["C: QUIT", "S: 221 bye"]

GO = "S: 334 "
OK = "S: 235 2.7.0 ok"
NO = "S: 535 5.7.8 no"


def b64(message: str | bytes) -> str:
    return base64.b64encode(message.encode() if isinstance(message, str) else message).decode()


def playbook(*lines: str) -> Turns:
    """Lines that begin with ``C:`` or ``S:``, as turns with CRLF."""
    turns: Turns = []
    for line in (line.lstrip() for text in lines for line in text.splitlines()):
        side, _, text = line.partition(": ")
        turns.append((CLIENT if side.rstrip(":") == "C" else SERVER, text.encode() + b"\r\n"))
    return turns


def greeting(offer: str = OFFER) -> list[str]:
    return ["S: 220 mail.example ESMTP", "C: EHLO copier.example", "S: 250-mail.example", f"S: 250 {offer}"]


def session(*auth: str, offer: str = OFFER) -> Turns:
    """A session with ``auth`` in its place and one message after it."""
    return playbook(*greeting(offer), *auth, *MAIL, *QUIT)


def play(parser: DialogueParser, turns: Iterable[tuple[int, bytes]]) -> DialogueParser:
    """Feed ``turns``, none of which is TLS."""
    for side, data in turns:
        assert parser.feed(side, data, 0) is None
    return parser


def read(turns: Iterable[tuple[int, bytes]], *, from_start: bool = True) -> Dialogue:
    return play(DialogueParser(from_start=from_start), turns).finish()


def rechunked(turns: Turns, cuts: set[int]) -> Turns:
    """``turns`` cut again before the byte numbers in ``cuts``, counted over the whole dialogue."""
    chunks: Turns = []
    number = 0
    for side, data in turns:
        begin = 0
        for at in range(1, len(data)):
            if number + at in cuts:
                chunks.append((side, data[begin:at]))
                begin = at
        chunks.append((side, data[begin:]))
        number += len(data)
    return chunks


def byte_by_byte(turns: Turns) -> Turns:
    return [(side, bytes((byte,))) for side, data in turns for byte in data]


def joined(turns: Turns) -> Turns:
    """Neighbouring turns of one side in one piece, as the conversation would bring them."""
    return [(side, b"".join(data for _, data in group)) for side, group in groupby(turns, lambda turn: turn[0])]


def one_side(turns: Turns, side: int) -> Turns:
    return [turn for turn in turns if turn[0] == side]
