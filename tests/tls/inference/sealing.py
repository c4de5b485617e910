"""Dialogues in text as the records they make: lengths alone, by the arithmetic of the RFCs. Nothing is encrypted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from analyzer.tls import CLIENT, SERVER
from analyzer.tls.inference import Clues, Inference, infer
from analyzer.tls.inference.turns import Dialogue, RecordLog, dialogue_of

TLS_1_0, TLS_1_1, TLS_1_2, TLS_1_3 = 0x0301, 0x0302, 0x0303, 0x0304

Turn = tuple[int, bytes]
"""Who speaks, and what."""
Record = tuple[int, int]
"""Who sends, and how many bytes of payload."""

EMPTY_CERTIFICATE, CERTIFICATE, CERTIFICATE_VERIFY = 8, 900, 264
"""Bytes of the messages by which a client answers the request for a certificate."""
TICKET = 233
CLOSE_NOTIFY = 2


def filled(length: int, block: int) -> int:
    """``length`` and the padding that fills its last block, at least a byte of it (RFC 5246 section 6.2.3.2)."""
    return (length // block + 1) * block


class Suite(NamedTuple):
    """A cipher suite under a version.

    Attributes:
        sealed: payload of the record with so many bytes of plaintext.
        finished: bytes of a Finished message.
    """

    name: str
    version: int
    number: int
    sealed: Callable[[int], int]
    finished: int

    def __str__(self) -> str:
        return self.name


GCM_13 = Suite("1.3 GCM", TLS_1_3, 0x1301, lambda length: length + 1 + 16, 4 + 32)
GCM_13_SHA384 = Suite("1.3 GCM SHA384", TLS_1_3, 0x1302, lambda length: length + 1 + 16, 4 + 48)
CHACHA20_13 = Suite("1.3 ChaCha20", TLS_1_3, 0x1303, lambda length: length + 1 + 16, 4 + 32)
CCM_8_13 = Suite("1.3 CCM_8", TLS_1_3, 0x1305, lambda length: length + 1 + 8, 4 + 32)
GCM_12 = Suite("1.2 GCM", TLS_1_2, 0xC02F, lambda length: 8 + length + 16, 4 + 12)
CHACHA20_12 = Suite("1.2 ChaCha20", TLS_1_2, 0xCCA8, lambda length: length + 16, 4 + 12)
CBC_12 = Suite("1.2 CBC SHA", TLS_1_2, 0xC013, lambda length: 16 + filled(length + 20, 16), 4 + 12)
CBC_12_SHA256 = Suite("1.2 CBC SHA256", TLS_1_2, 0xC027, lambda length: 16 + filled(length + 32, 16), 4 + 12)
CBC_12_ETM = Suite("1.2 CBC, encrypt-then-MAC", TLS_1_2, 0xC013, lambda length: 36 + filled(length, 16), 4 + 12)
CBC_10 = Suite("1.0 CBC", TLS_1_0, 0xC013, lambda length: filled(length + 20, 16), 4 + 12)

EXACT = (GCM_13, GCM_13_SHA384, CHACHA20_13, CCM_8_13, GCM_12, CHACHA20_12)
IN_BLOCKS = (CBC_12, CBC_12_SHA256, CBC_12_ETM, CBC_10)


def joined(turns: Iterable[Turn]) -> list[Turn]:
    """``turns``, those of one side in a row in one."""
    return [(side, b"".join(text for _, text in group)) for side, group in groupby(turns, lambda turn: turn[0])]


def written(*lines: str) -> list[Turn]:
    """Lines that begin with ``C: `` or ``S: ``; those of one side in a row are one turn."""
    parts = (line.partition(": ") for line in lines)
    return joined([(CLIENT if side == "C" else SERVER, text.encode() + b"\r\n") for side, _, text in parts])


def application(turns: Iterable[Turn], suite: Suite) -> list[Record]:
    """The records of ``turns``. Under TLS 1.0, a byte of the client's goes ahead, against an attack on CBC."""
    records: list[Record] = []
    for side, text in turns:
        for at in range(0, len(text), 1 << 14):
            length = min(len(text) - at, 1 << 14)
            if suite.version == TLS_1_0 and side == CLIENT and length > 1:
                records.append((side, suite.sealed(1)))
                length -= 1
            records.append((side, suite.sealed(length)))
    return records


def flight(suite: Suite) -> list[Record]:
    """What the server hides of a TLS 1.3 handshake in application-data records; nothing before."""
    messages = (10, 1200, CERTIFICATE_VERIFY, suite.finished) if suite.version >= TLS_1_3 else ()
    return [(SERVER, suite.sealed(length)) for length in messages]


def handshake(suite: Suite) -> list[Record]:
    """The same of both sides."""
    return [*flight(suite), (CLIENT, suite.sealed(suite.finished))] if suite.version >= TLS_1_3 else []


def log_of(records: Iterable[Record], suite: Suite) -> RecordLog:
    """The log of a connection with these application-data records."""
    log = RecordLog()
    if suite.version < TLS_1_3:
        for side in (CLIENT, SERVER):
            log.handshake(side, suite.sealed(suite.finished))
    for side, length in records:
        log.application_data(side, length)
    return log


def sealed(turns: Sequence[Turn], suite: Suite, *, tickets: int = 0) -> list[Record]:
    """The records of a whole connection: handshake, so many session tickets, the dialogue, close_notify."""
    records = handshake(suite)
    if suite.version >= TLS_1_3:
        records += [(SERVER, suite.sealed(TICKET))] * tickets
    records += application(turns, suite)
    if suite.version >= TLS_1_3:
        records += [(SERVER, suite.sealed(CLOSE_NOTIFY)), (CLIENT, suite.sealed(CLOSE_NOTIFY))]
    return records


def dialogue(records: Iterable[Record], suite: Suite, *, client_first: bool = False) -> Dialogue:
    """What is read from ``records``."""
    return dialogue_of(log_of(records, suite), suite.version, suite.number, client_first=client_first)


def inferred(
    turns: Sequence[Turn], suite: Suite = GCM_13, *, tickets: int = 0, certificate: bool = False, **clues: Any
) -> Inference:
    """What is inferred of ``turns``. Where they begin with the client, that is after STARTTLS."""
    client_first = turns[0][0] == CLIENT
    log = log_of(sealed(turns, suite, tickets=tickets), suite)
    found = dialogue_of(log, suite.version, suite.number, client_first=client_first)
    known = Clues(client_first=client_first, **{"submission": True, **clues})
    return infer(found, known, client_certificate=certificate, whole=not log.overflow)
