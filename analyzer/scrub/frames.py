"""The way from a frame's first byte to its TCP header, and what encloses it repaired when its length has changed."""

from __future__ import annotations

import struct
from collections import Counter
from dataclasses import dataclass
from typing import Final

from analyzer.packets.unwrap import FoundTcp, Step, Unwrapper
from analyzer.packets.wrappings import Layer
from analyzer.streams.keys import KEY_BYTES

LINK_LAYERS: Final[dict[int, Layer]] = {
    0: "null",
    1: "ethernet",
    9: "ppp",
    12: "ip",
    14: "ip",
    50: "ppp-hdlc",
    51: "pppoe",
    101: "ip",
    104: "ppp-hdlc",
    108: "null",
    113: "cooked",
    219: "mpls",
    228: "ip",
    229: "ip",
    276: "cooked2",
}
"""What frames of each link type begin with (https://www.tcpdump.org/linktypes.html): those that are decoded."""

MAX_JOINED: Final = 4
"""Times that fragments are put together in one frame: fragments of a tunnel that carries fragments are two."""

_KEY = struct.Struct(">QQQQHH")
_HALF: Final = (1 << 64) - 1
_MOST_U16: Final = 0xFFFF
_LEAST_TYPE: Final = 0x0600
"""EtherTypes begin here; what is below is a length (IEEE 802.3 section 3.2.6)."""

_GRE_HAS_CHECKSUM: Final = 0x8000  # RFC 2784 section 2.1
_TCP, _UDP = 6, 17
_ROUTING, _SEGMENT_ROUTING = 43, 4
_EXTENSIONS: Final = (0, _ROUTING, 60)

Layers = tuple[tuple[Layer, int], ...]
"""Headers from the outside in: which, and at what offset."""


@dataclass(frozen=True, slots=True)
class Path:
    """Where the TCP segment lies in a frame.

    Attributes:
        frame: captured bytes; where the segment came in fragments, one frame that holds all of it.
        layers: the headers before the TCP header.
        tcp: offset of the TCP header.
        end: offset one past the last captured byte of the segment.
        wire_end: the same on the wire.
        key: the endpoints, see :mod:`analyzer.streams.keys`.
        seq: sequence number of the segment.
        upward: the sender is the lower endpoint.
    """

    frame: bytes
    layers: Layers
    tcp: int
    end: int
    wire_end: int
    key: bytes
    seq: int
    upward: bool


class Walker(Unwrapper):
    """Finds TCP segments on the ports of interest, and remembers the way.

    Args:
        ports: the ports of interest.
    """

    def __init__(self, ports: frozenset[int]) -> None:
        super().__init__(ports.__contains__, Counter())
        self._ports = ports
        self._layers: list[tuple[Layer, int]] = []
        self._joined: bytes | None = None

    def walk(self, frame: bytes, wire: int, time: int, link: int) -> Path | None:
        """The way to the segment in ``frame``; ``None`` where there is none of interest, or not all of it yet."""
        layer = LINK_LAYERS.get(link)
        if layer is None:
            return None
        for _ in range(MAX_JOINED):
            self._layers, self._joined = [], None
            found = self.unwrap(memoryview(frame), wire, time, layer)
            if self._joined is None:
                return self._path(frame, found) if found is not None else None
            frame, wire = self._joined, len(self._joined)
        return None

    def _peel(self, layer: Layer, offset: int) -> Step | FoundTcp | None:
        self._layers.append((layer, offset))
        return super()._peel(layer, offset)

    def _fragment(self, protocol: int, ident: int, position: int, more: bool, offset: int) -> Step | FoundTcp | None:
        fragment = bytes(self._frame)
        step = super()._fragment(protocol, ident, position, more, offset)
        if self._whole:
            self._joined = _joined(fragment, tuple(self._layers), offset, bytes(self._frame))
            return None
        return step

    def _path(self, frame: bytes, found: FoundTcp) -> Path | None:
        if len(frame) < found.tcp + 20:
            return None
        sport, dport, seq = struct.unpack_from(">HHI", frame, found.tcp)
        if sport not in self._ports and dport not in self._ports:
            return None
        ends = (found.src, sport), (found.dst, dport)
        (low, low_port), (high, high_port) = sorted(ends)
        key = _KEY.pack(low >> 64, low & _HALF, high >> 64, high & _HALF, low_port, high_port)
        assert len(key) == KEY_BYTES  # noqa: S101 - one layout, two rooms
        upward = ends[0] <= ends[1]
        return Path(frame, tuple(self._layers), found.tcp, found.end, found.wire_end, key, seq, upward)


def _joined(fragment: bytes, layers: Layers, data: int, datagram: bytes) -> bytes:
    """One frame in place of the fragments of ``datagram``, the last of which is ``fragment``.

    Args:
        fragment: the frame.
        layers: its headers up to the one that says that it is a fragment.
        data: offset of what follows that header.
        datagram: all that followed it in all fragments.
    """
    layer, at = layers[-1]
    if layer == "fragment6":  # RFC 8200 section 4.5: the header goes, and the one before names what followed it
        before, before_at = layers[-2]
        frame = bytearray(fragment[:at] + datagram)
        frame[before_at + (6 if before in ("ip", "ipv6") else 0)] = fragment[at]
        layers = layers[:-1]
    else:
        frame = bytearray(fragment[:data] + datagram)
        frame[at + 6] &= 0x40  # RFC 791 section 3.1: "don't fragment" stays, "more fragments" and the offset go
        frame[at + 7] = 0
    set_lengths(frame, layers, len(frame))
    set_checksums(frame, layers, len(frame), whole=True)
    return bytes(frame)


def set_lengths(frame: bytearray, layers: Layers, end: int) -> None:
    """Let every header in ``layers`` say that its content ends at ``end``; lengths left to the card (0) stay so."""
    for layer, at in layers:
        version = frame[at] >> 4 if layer == "ip" else {"ipv4": 4, "ipv6": 6}.get(layer)
        if version == 4:
            _set_length(frame, at + 2, end - at)
        elif version == 6:
            _set_length(frame, at + 4, end - at - 40)
        elif layer == "udp":
            _set_length(frame, at + 4, end - at)
        elif layer == "pppoe":
            _set_length(frame, at + 4, end - at - 6)
        elif layer in ("ethernet", "tag"):
            type_at = at + (12 if layer == "ethernet" else 2)
            if int.from_bytes(frame[type_at : type_at + 2], "big") < _LEAST_TYPE:
                _set_length(frame, type_at, end - type_at - 2)


def _set_length(frame: bytearray, at: int, length: int) -> None:
    if frame[at : at + 2] != b"\0\0":
        frame[at : at + 2] = (length if length <= _MOST_U16 else 0).to_bytes(2, "big")


def set_checksums(frame: bytearray, layers: Layers, end: int, *, whole: bool) -> None:
    """Compute the checksums of every header in ``layers``, the innermost first.

    Args:
        frame: with lengths that are right.
        layers: the headers.
        end: of the content.
        whole: all of it is there; else nobody can say what checksums over the content should be.
    """
    for index in range(len(layers) - 1, -1, -1):
        layer, at = layers[index]
        if layer == "ipv4" or (layer == "ip" and frame[at] >> 4 == 4):
            header = (frame[at] & 15) * 4
            _set_checksum(frame, at + 10, at, at + header, 0)
        elif layer == "udp" and frame[at + 6 : at + 8] != b"\0\0":  # 0: none was computed (RFC 768)
            if whole:
                set_transport_checksum(frame, layers[:index], at, end, _UDP, at + 6)
            else:
                frame[at + 6 : at + 8] = b"\0\0"
        elif layer == "gre" and int.from_bytes(frame[at : at + 2], "big") & _GRE_HAS_CHECKSUM and whole:
            _set_checksum(frame, at + 4, at, end, 0)


def set_transport_checksum(frame: bytearray, layers: Layers, at: int, end: int, protocol: int, field: int) -> None:
    """Compute a checksum over the pseudo header of the innermost of ``layers`` that is IP, and over ``frame[at:end]``.

    Args:
        frame: the frame.
        layers: what encloses the transport header.
        at, end: where it begins, and where its content ends.
        protocol: its number.
        field: where the checksum goes (RFC 9293 section 3.1, RFC 768, RFC 8200 section 8.1).
    """
    for layer, ip in reversed(layers):
        if layer in ("ip", "ipv4", "ipv6"):
            four = frame[ip] >> 4 == 4
            addresses = frame[ip + 12 : ip + 20] if four else frame[ip + 8 : ip + 24] + _destination(frame, ip)
            pseudo = int.from_bytes(addresses, "big") + protocol + (end - at)
            _set_checksum(frame, field, at, end, pseudo)
            if protocol == _UDP and frame[field : field + 2] == b"\0\0":
                frame[field : field + 2] = b"\xff\xff"
            return


def _destination(frame: bytearray, ip: int) -> bytearray:
    """The final destination of an IPv6 packet: the last one that a routing header names (RFC 8200 section 8.1)."""
    protocol, at = frame[ip + 6], ip + 40
    while protocol in _EXTENSIONS and at + 8 <= len(frame):
        size = 8 + frame[at + 1] * 8
        if protocol == _ROUTING and frame[at + 3]:  # segments left
            # The segments of type 4 stand in reverse order, RFC 8754 section 2.
            return frame[at + 8 : at + 24] if frame[at + 2] == _SEGMENT_ROUTING else frame[at + size - 16 : at + size]
        protocol, at = frame[at], at + size
    return frame[ip + 24 : ip + 40]


def _set_checksum(frame: bytearray, field: int, begin: int, end: int, pseudo: int) -> None:
    """The ones' complement sum (RFC 1071): a number modulo 65535, since 65536 is 1 by it."""
    frame[field : field + 2] = b"\0\0"
    data = frame[begin:end]
    total = int.from_bytes(data + b"\0" * (len(data) % 2), "big") + pseudo
    remainder = total % _MOST_U16
    if total and not remainder:
        remainder = _MOST_U16
    frame[field : field + 2] = (_MOST_U16 - remainder).to_bytes(2, "big")
