"""A TCP segment written anew by the plan of its conversation (RFC 9293, RFC 2018, RFC 7323)."""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from analyzer.packets.segments import ACK, FIN, RST, SYN
from analyzer.scrub.frames import Path, set_checksums, set_lengths, set_transport_checksum
from analyzer.scrub.plan import StreamPlan
from analyzer.scrub.spool import Spool
from analyzer.streams.sequence import MODULUS

_HEADER = struct.Struct(">HHIIBBHHH")
_URGENT: Final = 0x20
_TCP: Final = 6
_END_OF_OPTIONS, _NOTHING, _SACK = 0, 1, 5
_PLAIN_OPTIONS: Final = frozenset((2, 3, 4, 8))
"""Maximum segment size, window scale, SACK permitted, timestamps. Cookies and signatures could be attacked."""

_MOST_ON_WIRE: Final = 65_535 - 120
"""Payload of a segment that any IP header has room for."""


class Segment(NamedTuple):
    """A frame, and how long it was on the wire: longer where a part of it was never captured."""

    data: bytes
    wire: int


def rewritten(path: Path, own: StreamPlan, peer: StreamPlan, spool: Spool) -> Segment | None:
    """The frame in which the segment at ``path`` is shown.

    Args:
        path: where it is.
        own, peer: plans of its sender and of the other direction.
        spool: what may be shown.

    Returns:
        ``None`` where there is nothing to show: a part of what another segment shows as a whole, or an acknowledgement
        of such a part, or no header that could be read.
    """
    sport, dport, seq, ack, offset, flags, window, _, urgent = _HEADER.unpack_from(path.frame, path.tcp)
    header = (offset >> 4) * 4
    payload = path.wire_end - path.tcp - header
    if header < _HEADER.size or payload < 0:
        return None
    control = flags & (SYN | FIN | RST)
    begin = own.position((seq + bool(flags & SYN)) % MODULUS)
    end = begin + payload
    first = last = own.shown(begin)
    if payload <= 1 and end + 1 - payload == own.sent and not control:  # a keep-alive, RFC 9293 section 3.8.4
        first = max(own.shown(own.sent) - 1, 0)
        last = first + payload
    elif payload:
        # Bytes outside of what was followed are nobody's: keep-alives before the first one, data behind the last one.
        from_, to = (min(max(bound, 0), own.length) for bound in (begin, end))
        if from_ < to:
            own.last = from_
            own.sent = max(own.sent, to)
            first, last = own.shown(from_), own.shown(to)
        if first == last and not control:
            return None
    if not payload and not control and flags & ACK and peer.hides(peer.position(ack)):
        return None
    if last - first > _MOST_ON_WIRE:
        return None
    wire = last - first
    options = _options(path.frame[path.tcp + _HEADER.size : min(path.tcp + header, path.end)], peer)
    if flags & _URGENT:
        urgent = min(max(own.shown(begin + urgent) - first, 0), 0xFFFF)
    new = _HEADER.pack(
        sport,
        dport,
        (own.start + first - bool(flags & SYN)) % MODULUS,
        peer.sequence(ack) if flags & ACK else 0,
        offset & 0xF0,
        flags,
        window,
        0,
        urgent if flags & _URGENT else 0,
    )
    frame = bytearray(path.frame[: path.tcp] + new + options)
    if path.end - path.tcp >= header:  # else the capture cut it off within its header
        frame += own.read(first, last, spool)
    total = path.tcp + header + wire
    whole = len(frame) == total
    set_lengths(frame, path.layers, total)
    if whole:
        set_transport_checksum(frame, path.layers, path.tcp, total, _TCP, path.tcp + 16)
    set_checksums(frame, path.layers, total, whole=whole)
    return Segment(bytes(frame), total)


def _options(raw: bytes, peer: StreamPlan) -> bytes:
    """Options of known kinds, with the numbers in SACK blocks mapped; nothing in place of others."""
    shown = bytearray()
    at = 0
    while at < len(raw):
        kind = raw[at]
        if kind == _END_OF_OPTIONS:
            break
        size = 1 if kind == _NOTHING else raw[at + 1] if at + 1 < len(raw) else 0
        if size < 1 or (kind != _NOTHING and size < 2) or at + size > len(raw):
            break
        option = raw[at : at + size]
        if kind in _PLAIN_OPTIONS:
            shown += option
        elif kind == _SACK and (size - 2) % 8 == 0:
            edges = struct.unpack(f">{(size - 2) // 4}I", option[2:])
            shown += option[:2] + struct.pack(f">{len(edges)}I", *map(peer.sequence, edges))
        else:
            shown += bytes((_NOTHING,)) * size
        at += size
    return bytes(shown).ljust(len(raw), b"\0")
