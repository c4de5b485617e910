"""What goes into tshark's standard input: a pcapng stream of packets that we made up ourselves.

Every connection gets addresses of its own (its number, and the side), so that tshark's lines say whose they are. The
packets are raw IPv6 and TCP, in order and without holes; tshark is told by port that they hold TLS, and that what is
inside is to be shown as it is. Keys go before the packets they open, as a decryption secrets block.

The same way, and in the same order, go signs of ours: packets without payload to other ports, which tshark prints,
too. So the reader of its lines learns that a connection ended, or that bytes are missing, at the right place.
"""

from __future__ import annotations

from ipaddress import IPv6Address
from struct import Struct
from typing import Final

CLIENT: Final = 0
SERVER: Final = 1

TLS_PORT: Final = 4433
_CLIENT_PORT: Final = 40000  # means nothing to tshark

END: Final = 4434
GAP: Final = 4435
"""Signs, by their port: the connection is over; bytes of the sender's side are missing, and the rest of it will not
come."""

MAX_PAYLOAD: Final = 1 << 15
"""Bytes of one packet; IPv6 allows twice as many. tshark joins records that cross packets."""

_NETWORK: Final = 0xFD00_534D_5450 << 80  # unique local addresses (RFC 4193); the side's number goes 64 bits up
_SIDE_BITS: Final = 64

_LINK_RAW: Final = 101  # LINKTYPE_RAW: an IP header comes first
_SECRETS_OF_TLS: Final = 0x544C_534B

_block = Struct("<II").pack
_tail = Struct("<I").pack
_packet_head = Struct("<IIIIIII").pack
_ip = Struct(">IHBB16s16s").pack
_tcp = Struct(">HHIIBBHHH").pack
_IP_BYTES: Final = 40
_TCP_BYTES: Final = 20
_PSH_ACK: Final = 0x18


def _framed(kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    total = len(body) + 12
    return _block(kind, total) + body + _tail(total)


BEGINNING: Final = _framed(0x0A0D_0D0A, Struct("<IHHq").pack(0x1A2B_3C4D, 1, 0, -1)) + _framed(
    1, Struct("<HHI").pack(_LINK_RAW, 0, 0)
)
"""Section header and the one interface."""


def secrets(lines: bytes) -> bytes:
    """A block of keys, as lines of a key log."""
    return _framed(10, _block(_SECRETS_OF_TLS, len(lines)) + lines)


def packet(number: int, side: int, sequence: int, acknowledged: int, payload: bytes) -> bytes:
    """A packet of connection ``number`` with at most :data:`MAX_PAYLOAD` bytes of TLS."""
    ports = (TLS_PORT, _CLIENT_PORT) if side else (_CLIENT_PORT, TLS_PORT)
    return _segment(number, side, ports, sequence, acknowledged, payload)


def sign(number: int, side: int, what: int) -> bytes:
    """A sign of ours, :data:`END` or :data:`GAP`."""
    return _segment(number, side, (_CLIENT_PORT, what), 0, 0, b"")


def _segment(number: int, side: int, ports: tuple[int, int], sequence: int, acknowledged: int, payload: bytes) -> bytes:
    tcp = _tcp(*ports, (sequence + 1) & 0xFFFF_FFFF, (acknowledged + 1) & 0xFFFF_FFFF, 0x50, _PSH_ACK, 65535, 0, 0)
    ip = _ip(6 << 28, _TCP_BYTES + len(payload), 6, 64, _address(number, side), _address(number, 1 - side))
    size = _IP_BYTES + _TCP_BYTES + len(payload)
    padding = bytes(-size % 4)
    total = size + len(padding) + 32
    return b"".join((_packet_head(6, total, 0, 0, 0, size, size), ip, tcp, payload, padding, _tail(total)))


def _address(number: int, side: int) -> bytes:
    return (_NETWORK | (side << _SIDE_BITS) | number).to_bytes(16, "big")


def whose(address: str) -> tuple[int, int]:
    """Number of the connection, and side, of an address in a line of tshark's.

    Raises:
        ValueError: it is none of ours.
    """
    low = int(IPv6Address(address)) - _NETWORK
    side, number = divmod(low, 1 << _SIDE_BITS)
    if side not in (CLIENT, SERVER):
        raise ValueError
    return number, side
