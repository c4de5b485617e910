"""Writes in, pcap records out: segmentation, acknowledgements, sequence numbers and checksums, in numpy."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .script import ACK, FIN, SYN, Flow, Script

Ints = npt.NDArray[np.int64]

FILE_HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1)
EPOCH = 1_795_460_400  # 2026-11-23T19:00:00Z; the offset of every time below

_ROW = np.dtype(
    [
        ("seconds", "<u4"),
        ("microseconds", "<u4"),
        ("captured", "<u4"),
        ("wire", "<u4"),
        ("mac_dst", "u1", 6),
        ("mac_src", "u1", 6),
        ("ethertype", ">u2"),
        ("version_ihl", "u1"),
        ("tos", "u1"),
        ("total_length", ">u2"),
        ("id", ">u2"),
        ("fragment", ">u2"),
        ("ttl", "u1"),
        ("protocol", "u1"),
        ("ip_checksum", ">u2"),
        ("src", ">u4"),
        ("dst", ">u4"),
        ("transport", "u1", 40),
    ]
)
"""A pcap record up to the payload; the transport header takes the first bytes of its field."""

_TCP = np.dtype(
    [
        ("sport", ">u2"),
        ("dport", ">u2"),
        ("seq", ">u4"),
        ("ack", ">u4"),
        ("offset", "u1"),
        ("flags", "u1"),
        ("window", ">u2"),
        ("checksum", ">u2"),
        ("urgent", ">u2"),
        ("options", "u1", 20),
    ]
)
_UDP = np.dtype([("sport", ">u2"), ("dport", ">u2"), ("length", ">u2"), ("checksum", ">u2"), ("rest", "u1", 32)])
_TIMESTAMPS = np.dtype([("kind", "u1", 4), ("value", ">u4"), ("echo", ">u4")])
_SYN_OPTIONS = bytes.fromhex("020405b40402080a000000000000000001030307")  # MSS, SACK permitted, timestamps, scale
_SYN_OPTIONS_PLAIN = bytes.fromhex("020405b401010402")  # MSS, SACK permitted: a small embedded stack

RETRANSMITTED = 0.001  # of segments with payload
LATE = 0.001
LATE_BY = 90  # microseconds: behind its successors in a bulk transfer, never behind the answer to it
ACK_OF_LAST = 0.8  # how often a turn's last segment gets a pure ACK before the answer carries one


@dataclass(frozen=True, slots=True)
class _Segments:
    """Columns, one entry per packet; ``to_server`` is 0 or 1."""

    flow: Ints
    to_server: Ints
    flags: Ints
    offset: Ints
    length: Ints
    delay: Ints

    def take(self, index: Ints) -> _Segments:
        columns = (self.flow, self.to_server, self.flags, self.offset, self.length, self.delay)
        return _Segments(*(column[index] for column in columns))


def build(script: Script, rng: np.random.Generator) -> tuple[Ints, list[bytes]]:
    """Times (microseconds since EPOCH) and pcap records of every packet of ``script``, unsorted.

    The flows' ``sent`` counters are advanced, so that a later script can carry on with them.
    """
    segments = _segments(script, rng)
    time = _within(segments.flow, segments.delay) + segments.delay
    seq, ack = _sequence(script.flows, segments)
    carries = (segments.length > 0) & ~_udp(script.flows)[segments.flow]
    late = carries & (rng.random(len(time)) < LATE)
    again = np.flatnonzero(carries & (rng.random(len(time)) < RETRANSMITTED))
    pick = np.concatenate([np.arange(len(time)), again])
    time = np.concatenate([time + late * LATE_BY, time[again] + 230])
    return time, _records(script, time, segments.take(pick), seq[pick], ack[pick], rng)


def _udp(flows: list[Flow]) -> npt.NDArray[np.bool_]:
    return np.array([flow.udp for flow in flows])


def _segments(script: Script, rng: np.random.Generator) -> _Segments:
    flow, to_server, flags, offset, length, delay = script.columns()
    mss = np.array([each.mss for each in script.flows])[flow]
    pieces = np.maximum(1, -(-length // mss))
    write = np.repeat(np.arange(len(flow)), pieces)
    nth = np.arange(len(write)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    position = nth * mss[write]
    last = nth == pieces[write] - 1
    segments = _Segments(
        flow=flow[write],
        to_server=to_server[write],
        flags=np.where(last, flags[write], ACK),
        offset=offset[write] + position,
        length=np.minimum(mss[write], length[write] - position),
        delay=np.where(nth == 0, delay[write], 12),
    )
    # Delayed acknowledgements: every second full segment, and most of the last ones (RFC 1122 section 4.2.3.2).
    due = (nth % 2 == 1) | (last & (rng.random(len(nth)) < ACK_OF_LAST))
    acked = due & (segments.length > 0) & ~_udp(script.flows)[segments.flow]
    item = np.repeat(np.arange(len(nth)), 1 + acked)
    pure = np.diff(item, prepend=-1) == 0
    doubled = segments.take(item)
    return _Segments(
        flow=doubled.flow,
        to_server=doubled.to_server ^ pure,
        flags=np.where(pure, ACK, doubled.flags),
        offset=doubled.offset,
        length=np.where(pure, 0, doubled.length),
        delay=np.where(pure, 25, doubled.delay),
    )


def _within(flow: Ints, values: Ints) -> Ints:
    """Running sum of ``values`` inside each flow, up to but without the entry itself."""
    total = np.cumsum(values) - values
    first = np.flatnonzero(np.diff(flow, prepend=-1))
    return total - np.repeat(total[first], np.diff(first, append=len(flow)))


def _sequence(flows: list[Flow], segments: _Segments) -> tuple[Ints, Ints]:
    """Sequence and acknowledgement numbers; SYN and FIN use one each (RFC 9293 section 3.4)."""
    flow, to_server = segments.flow, segments.to_server
    used = segments.length + ((segments.flags & (SYN | FIN)) != 0)
    base = np.array([[each.isn[side] + each.sent[side] for side in (0, 1)] for each in flows])
    sides = [np.where(to_server == side, used, 0) for side in (0, 1)]
    before = [_within(flow, side) for side in sides]
    for side in (0, 1):
        for each, total in zip(flows, np.bincount(flow, sides[side], len(flows)).tolist(), strict=True):
            each.sent[side] += int(total)
    mine = np.where(to_server == 1, before[1], before[0]) + base[flow, to_server]
    other = np.where(to_server == 1, before[0], before[1]) + base[flow, 1 - to_server]
    return mine & 0xFFFFFFFF, np.where(segments.flags & ACK, other, 0) & 0xFFFFFFFF


def _records(
    script: Script, time: Ints, segments: _Segments, seq: Ints, ack: Ints, rng: np.random.Generator
) -> list[bytes]:
    flows, flow, flags = script.flows, segments.flow, segments.flags
    offset, length = segments.offset, segments.length
    up = segments.to_server == 1
    address = np.array([(f.client_ip, f.server_ip, f.client_port, f.server_port) for f in flows])[flow]
    src, dst = np.where(up, address[:, 0], address[:, 1]), np.where(up, address[:, 1], address[:, 0])
    sport, dport = np.where(up, address[:, 2], address[:, 3]), np.where(up, address[:, 3], address[:, 2])
    stamped = np.array([f.timestamps for f in flows])[flow]
    udp = _udp(flows)[flow]
    syn = (flags & SYN) != 0
    transport = np.where(udp, 8, np.where(syn, np.where(stamped, 40, 28), np.where(stamped, 32, 20)))

    rows = np.zeros(len(time), _ROW)
    rows["seconds"], rows["microseconds"] = EPOCH + time // 1_000_000, time % 1_000_000
    rows["captured"] = rows["wire"] = 34 + transport + length
    macs = np.array([(f.client_mac, f.server_mac) for f in flows], ">u8").view(np.uint8).reshape(-1, 2, 8)[flow, :, 2:]
    rows["mac_src"] = np.where(up[:, None], macs[:, 0], macs[:, 1])
    rows["mac_dst"] = np.where(up[:, None], macs[:, 1], macs[:, 0])
    rows["ethertype"], rows["version_ihl"], rows["fragment"] = 0x0800, 0x45, 0x4000
    rows["total_length"] = 20 + transport + length
    rows["id"] = rng.integers(0, 65536, len(time))
    rows["ttl"] = np.where(up, 64, 58)
    rows["protocol"] = np.where(udp, 17, 6)
    rows["src"], rows["dst"] = src, dst
    rows["ip_checksum"] = _checksum(_word_sum(rows, "version_ihl", 20))

    tcp: npt.NDArray[Any] = rows["transport"].view(_TCP)[:, 0]  # a view: what is set here is set in the rows
    tcp["sport"], tcp["dport"] = sport, dport
    for name, values in (("seq", seq), ("ack", ack), ("offset", transport << 2), ("flags", flags)):
        tcp[name][~udp] = values[~udp]
    tcp["window"][~udp] = 501
    _fill_options(tcp["options"], ~udp & stamped, ~udp & syn & ~stamped, syn, time // 1000)
    datagram: npt.NDArray[Any] = rows["transport"].view(_UDP)[:, 0]
    datagram["length"][udp] = (transport + length)[udp]

    pool = script.pool()
    words = src // 65536 + src % 65536 + dst // 65536 + dst % 65536 + rows["protocol"] + transport + length
    words += _payload_sum(pool, offset, length) + _word_sum(rows, "transport", 40)
    checksum = _checksum(words)
    tcp["checksum"][~udp] = checksum[~udp]
    datagram["checksum"][udp] = np.where(checksum == 0, 0xFFFF, checksum)[udp]  # zero would mean "none", RFC 768
    return _join(rows, 16 + 34 + transport, pool, offset, length)


def _fill_options(
    options: npt.NDArray[Any],
    stamped: npt.NDArray[np.bool_],
    plain_syn: npt.NDArray[np.bool_],
    syn: npt.NDArray[np.bool_],
    milliseconds: Ints,
) -> None:
    """Timestamps (RFC 7323) on every segment of a stack that has them; SYNs also negotiate."""
    clock = milliseconds.astype(">u4")
    options[plain_syn, :8] = np.frombuffer(_SYN_OPTIONS_PLAIN, np.uint8)
    options[stamped & syn] = np.frombuffer(_SYN_OPTIONS, np.uint8)
    options[stamped & syn, 8:12] = clock[stamped & syn].view(np.uint8).reshape(-1, 4)
    block = np.zeros(int((stamped & ~syn).sum()), _TIMESTAMPS)
    block["kind"] = np.frombuffer(bytes.fromhex("0101080a"), np.uint8)
    block["value"] = block["echo"] = clock[stamped & ~syn]
    options[stamped & ~syn, :12] = block.view(np.uint8).reshape(-1, 12)


def _word_sum(rows: npt.NDArray[Any], field: str, size: int) -> Ints:
    """Sum of the 16-bit words of ``size`` bytes of each row, from ``field`` on."""
    at = _ROW.fields[field][1] if _ROW.fields else 0
    every: npt.NDArray[np.uint8] = rows.view(np.uint8).reshape(len(rows), -1)[:, at : at + size]
    total: Ints = np.ascontiguousarray(every).view(">u2").sum(axis=1, dtype=np.int64)
    return total


def _payload_sum(pool: npt.NDArray[np.uint8], offset: Ints, length: Ints) -> Ints:
    """One's complement sum of each payload's words, out of one running sum over the whole pool."""
    weighted = pool.astype(np.int64)
    weighted[::2] <<= 8
    running = np.concatenate([[0], np.cumsum(weighted)])
    total = _fold(running[offset + length] - running[offset])
    swapped = (total >> 8) | ((total & 0xFF) << 8)  # the sum does not mind byte order, RFC 1071 section 2 (B)
    return np.where(offset % 2 == 1, swapped, total)


def _fold(total: Ints) -> Ints:
    while (total > 0xFFFF).any():
        total = (total & 0xFFFF) + (total >> 16)
    return total


def _checksum(total: Ints) -> Ints:
    return ~_fold(total) & 0xFFFF


def _join(rows: npt.NDArray[Any], header: Ints, pool: npt.NDArray[np.uint8], offset: Ints, length: Ints) -> list[bytes]:
    heads, payload = rows.tobytes(), pool.tobytes()
    starts = np.arange(len(rows)) * _ROW.itemsize
    return [
        heads[a:b] + payload[c:d]
        for a, b, c, d in zip(
            starts.tolist(), (starts + header).tolist(), offset.tolist(), (offset + length).tolist(), strict=True
        )
    ]
