"""Frames built with scapy, batches of them, and segments read back as plain rows."""

from __future__ import annotations

import ipaddress
import struct
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scapy.layers.inet import IP, TCP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether
from scapy.packet import Raw

from analyzer.capture.frames import FrameBatch
from analyzer.packets import SUBMISSION_PORTS, SegmentBatch, SegmentDecoder
from analyzer.packets.unwrap import Unwrapper

ETHERNET, NULL, LOOP, PPP, RAW, COOKED, COOKED2 = 1, 0, 108, 9, 101, 113, 276
LAYERS = {
    1: "ethernet",
    0: "null",
    108: "null",
    9: "ppp",
    50: "ppp-hdlc",
    104: "ppp-hdlc",
    51: "pppoe",
    12: "ip",
    14: "ip",
    101: "ip",
    228: "ip",
    229: "ip",
    113: "cooked",
    276: "cooked2",
    219: "mpls",
}
"""Every link type that can be read, and the layer its frames begin with."""

CLIENT_MAC, SERVER_MAC = "00:17:c8:01:02:03", "00:50:56:0a:0b:0c"
OUTER_MACS: dict[str, Any] = {"src": "02:00:00:00:00:01", "dst": "02:00:00:00:00:02"}
CLIENT, SERVER = "10.10.0.103", "10.10.0.11"
CLIENT6, SERVER6 = "2001:db8::67", "2001:db8::b"
SPORT, DPORT, SEQ, ACKNOWLEDGED, FLAGS, TTL = 35878, 587, 0xFFFF_FFF0, 0x8000_0001, "PA", 57
PAYLOAD = b"EHLO copier3.example.com\r\n"


def tcp(payload: bytes = PAYLOAD, **fields: Any) -> Any:
    """The segment that every encapsulation must give back."""
    settings = {"sport": SPORT, "dport": DPORT, "seq": SEQ, "ack": ACKNOWLEDGED, "flags": FLAGS, **fields}
    return TCP(**settings) / Raw(payload)


def ip(payload: bytes = PAYLOAD, *, ttl: int = TTL, ident: int = 1, **fields: Any) -> Any:
    return IP(src=CLIENT, dst=SERVER, ttl=ttl, id=ident) / tcp(payload, **fields)


def ip6(payload: bytes = PAYLOAD, **fields: Any) -> Any:
    return IPv6(src=CLIENT6, dst=SERVER6, hlim=TTL) / tcp(payload, **fields)


def ether(**fields: Any) -> Any:
    return Ether(src=CLIENT_MAC, dst=SERVER_MAC, **fields)


@dataclass(frozen=True)
class Frame:
    """One frame of a capture; ``wire`` defaults to the captured length."""

    data: bytes
    link: int = ETHERNET
    wire: int | None = None
    time: int = 0


def batch_of(frames: Iterable[Frame | bytes], *, between: bytes = b"\xa5" * 16) -> FrameBatch:
    """A batch with foreign bytes between the frames, as record headers are in a file; none behind the last."""
    whole = [frame if isinstance(frame, Frame) else Frame(frame) for frame in frames]
    data = bytearray()
    start = []
    for frame in whole:
        data += between
        start.append(len(data))
        data += frame.data
    captured = [len(frame.data) for frame in whole]
    return FrameBatch(
        np.frombuffer(bytes(data), np.uint8),
        np.array(start, np.int64),
        np.array(captured, np.int64),
        np.array([max(f.wire or 0, n) for f, n in zip(whole, captured, strict=True)], np.int64),
        np.array([frame.time for frame in whole], np.int64),
        np.array([frame.link for frame in whole], np.uint16),
        np.arange(len(whole), dtype=np.int32),
    )


class Row(NamedTuple):
    """One segment as plain values; ``frame`` is its frame's position."""

    frame: int
    time: int
    src: int
    dst: int
    sport: int
    dport: int
    seq: int
    ack: int
    flags: int
    payload: bytes
    wire: int
    src_mac: int
    dst_mac: int
    ttl: int


def rows_of(segments: SegmentBatch) -> list[Row]:
    """The columns, row by row; ``batch_of`` numbers the frames in ``source``."""
    view = segments.data.tobytes()
    rows = []
    for i in range(len(segments)):
        start, length = int(segments.start[i]), int(segments.length[i])
        payload = view[start : start + length]
        assert len(payload) == length, "the payload lies within the bytes"
        rows.append(
            Row(
                int(segments.source[i]),
                int(segments.time[i]),
                int(segments.src[i, 0]) << 64 | int(segments.src[i, 1]),
                int(segments.dst[i, 0]) << 64 | int(segments.dst[i, 1]),
                int(segments.sport[i]),
                int(segments.dport[i]),
                int(segments.seq[i]),
                int(segments.ack[i]),
                int(segments.flags[i]),
                payload,
                int(segments.wire[i]),
                int(segments.src_mac[i]),
                int(segments.dst_mac[i]),
                int(segments.ttl[i]),
            )
        )
    return rows


def decode(frames: Sequence[Frame | bytes], ports: Iterable[int] = SUBMISSION_PORTS) -> tuple[list[Row], Counter[str]]:
    """What the decoder makes of one batch of ``frames``, and what it could not read."""
    decoder = SegmentDecoder(ports)
    rows = rows_of(decoder.decode(batch_of(frames)))
    decoder.finish()
    return rows, decoder.undecoded


def decode_one_by_one(
    frames: Sequence[Frame | bytes], ports: Iterable[int] = SUBMISSION_PORTS
) -> tuple[list[Row], Counter[str]]:
    """The slow, obvious reference: every frame through the unwrapper, its TCP header read with struct."""
    wanted = frozenset(ports)
    reasons: Counter[str] = Counter()
    unwrapper = Unwrapper(wanted.__contains__, reasons)
    rows = []
    for position, item in enumerate(frames):
        frame = item if isinstance(item, Frame) else Frame(item)
        if frame.link not in LAYERS:
            reasons[f"link-type-{frame.link}"] += 1
            continue
        wire = max(frame.wire or 0, len(frame.data))
        found = unwrapper.unwrap(memoryview(frame.data), wire, frame.time, LAYERS[frame.link])
        if found is None:
            continue
        header = bytes(found.frame[found.tcp : found.tcp + 20])
        if len(header) >= 4 and not wanted & set(struct.unpack(">HH", header[:4])):
            continue
        if len(header) < 20:
            reasons["truncated-header"] += 1
            continue
        sport, dport, seq, ack, offset, flags = struct.unpack(">HHIIBB", header[:14])
        payload = found.tcp + (offset >> 4) * 4
        if offset >> 4 < 5 or payload > found.wire_end:
            reasons["bad-tcp-header"] += 1
            continue
        captured = bytes(found.frame[payload : max(found.end, payload)])
        macs = found.macs or (0xFFFF_FFFF_FFFF_FFFF, 0xFFFF_FFFF_FFFF_FFFF)
        rows.append(
            Row(
                position,
                frame.time,
                found.src,
                found.dst,
                sport,
                dport,
                seq,
                ack,
                flags,
                captured,
                found.wire_end - payload,
                *macs,
                found.ttl,
            )
        )
    unwrapper.finish()
    return rows, reasons


def number(address: str) -> int:
    """An address as the 128-bit number that segments hold."""
    parsed = ipaddress.ip_address(address)
    return int(parsed) | (0xFFFF << 32 if parsed.version == 4 else 0)


def essence(row: Row) -> tuple[Any, ...]:
    """What must be the same however the segment was wrapped."""
    return row.src, row.dst, row.sport, row.dport, row.seq, row.ack, row.flags, row.payload, row.wire, row.ttl


PLAIN = (
    number(CLIENT),
    number(SERVER),
    SPORT,
    DPORT,
    SEQ,
    ACKNOWLEDGED,
    0x18,
    PAYLOAD,
    len(PAYLOAD),
    TTL,
)
PLAIN6 = (number(CLIENT6), number(SERVER6), *PLAIN[2:])
