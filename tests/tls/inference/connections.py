"""Whole TCP connections with TLS in them, as captures: hellos are real, what is encrypted is as long as it would be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path

from analyzer.inventory.session import Session
from analyzer.tls import CLIENT, SERVER
from tests.support.scans import sessions_of
from tests.tls import wire
from tests.tls.inference.sealing import TLS_1_3, Record, Suite, Turn, sealed
from tests.verify.dialogues import Line, Pcap

_SIDES = {CLIENT: "C", SERVER: "S"}
_PACKET = 60_000

GREETED: tuple[Line, ...] = (
    ("S", b"220 mail.example.org ESMTP Postfix\r\n"),
    ("C", b"EHLO copier.office.example\r\n"),
    ("S", b"250-mail.example.org\r\n250-PIPELINING\r\n250-STARTTLS\r\n250 8BITMIME\r\n"),
    ("C", b"STARTTLS\r\n"),
    ("S", b"220 2.0.0 Ready to start TLS\r\n"),
)
"""What comes before TLS on a port for submission."""


def client_hello(*extensions: bytes) -> bytes:
    offered = (wire.supported_versions(0x0304, 0x0303), wire.server_name(b"mail.example.org"))
    return wire.record(22, wire.message(1, wire.client_hello(*offered, *extensions)))


def server_hello(suite: Suite, *extensions: bytes, compression: int = 0) -> bytes:
    chosen = (wire.extension(43, wire.numbers(suite.version)),) if suite.version >= TLS_1_3 else ()
    body = wire.server_hello(
        *chosen, *extensions, version=min(suite.version, 0x0303), suite=suite.number, compression=compression
    )
    return wire.record(22, wire.message(2, body))


def opened(
    suite: Suite, *, offer: Sequence[bytes] = (), answer: Sequence[bytes] = (), compression: int = 0
) -> list[Line]:
    """The handshake as far as it is not in application-data records, with further extensions of the hellos."""
    chosen = server_hello(suite, *answer, compression=compression)
    hellos: list[Line] = [("C", client_hello(*offer)), ("S", chosen)]
    if suite.version >= TLS_1_3:
        return hellos
    finished = wire.CCS + wire.record(22, b"f" * suite.sealed(suite.finished))
    key_exchange = wire.record(22, wire.message(16, b"k" * 66))
    return [*hellos, ("S", wire.SERVER_HELLO_DONE), ("C", key_exchange + finished), ("S", finished)]


def lines(records: Iterable[Record]) -> list[Line]:
    """Application-data records, those of one side in a row together as far as a packet holds."""
    found: list[Line] = []
    for side, turn in groupby(records, lambda record: record[0]):
        data = b"".join(wire.data(length) for _, length in turn)
        found += [(_SIDES[side], data[at : at + _PACKET]) for at in range(0, len(data), _PACKET)]
    return found


def connection(turns: Sequence[Turn], suite: Suite, *, tickets: int = 0) -> list[Line]:
    """What is sent in a connection with this dialogue; after STARTTLS where the client speaks first."""
    before = GREETED if turns and turns[0][0] == CLIENT else ()
    return [*before, *opened(suite), *lines(sealed(turns, suite, tickets=tickets))]


def seen(folder: Path, sent: Iterable[Line], *, port: int = 587, begun: bool = True, ended: bool = True) -> Session:
    """The session that a capture of ``sent`` shows; without its TCP handshake or end, if so wished."""
    capture = Pcap().add(sent, server_port=port, handshake=begun, close=ended)
    (folder / "one.pcap").write_bytes(capture.bytes())
    (session,) = sessions_of(folder / "one.pcap")
    return session
