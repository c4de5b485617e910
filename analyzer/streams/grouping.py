"""A batch of segments sorted into flows, and which flows are plainly in order: all in vector arithmetic."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analyzer.packets.segments import ACK, FIN, RST, SYN, SegmentBatch
from analyzer.streams.keys import KEY, KEY_BYTES
from analyzer.streams.sequence import LATE_WINDOW, MAX_WINDOW

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

# Odd multipliers drawn per process: nobody can prepare addresses whose flows collide here.
_MIX = [np.uint64(secrets.randbits(64) | 1) for _ in range(5)]

_NEVER = np.iinfo(np.int64).max


@dataclass(slots=True)
class Flows:
    """The segments of a batch, grouped by flow.

    A flow's key is its two endpoints, the lower first; a segment is *upward* when its sender is the lower one.

    Attributes:
        order: ``int64[n]``, positions in the batch, flow by flow, each in capture order.
        first: ``int64[g]``, index in ``order`` of each flow's first segment.
        keys: ``g`` byte strings of :data:`~analyzer.streams.keys.KEY_BYTES`.
        downward: ``bool[n]`` in ``order``'s order; the sender is the higher endpoint.
    """

    order: Ints
    first: Ints
    keys: list[bytes]
    downward: Mask


def group(batch: SegmentBatch) -> Flows:
    """Sort ``batch`` into flows. Capture order is kept within each; flows come in no particular order."""
    src_high, src_low = batch.src[:, 0], batch.src[:, 1]
    dst_high, dst_low = batch.dst[:, 0], batch.dst[:, 1]
    same_high = src_high == dst_high
    down = (src_high > dst_high) | (same_high & (src_low > dst_low))
    down |= same_high & (src_low == dst_low) & (batch.sport > batch.dport)
    low = np.where(down[:, None], batch.dst, batch.src)
    high = np.where(down[:, None], batch.src, batch.dst)
    low_port = np.where(down, batch.dport, batch.sport)
    high_port = np.where(down, batch.sport, batch.dport)
    ports = low_port.astype(np.uint64) << np.uint64(16) | high_port
    mixed = low[:, 0] * _MIX[0] + low[:, 1] * _MIX[1] + high[:, 0] * _MIX[2] + high[:, 1] * _MIX[3] + ports * _MIX[4]
    mixed ^= mixed >> np.uint64(32)
    order = np.argsort(mixed, kind="stable")
    ordered = mixed[order]
    columns = (low[:, 0], low[:, 1], high[:, 0], high[:, 1], ports)
    changes = ordered[1:] != ordered[:-1]
    differs = _differs(columns, order)
    if (differs & ~changes).any():  # two flows share a hash: sort by the whole key instead
        order = np.lexsort(columns)
        differs = _differs(columns, order)
    first = np.concatenate(([0], np.flatnonzero(differs) + 1))
    rows = np.empty(len(first), KEY)
    at = order[first]
    rows["low"], rows["high"], rows["low_port"], rows["high_port"] = low[at], high[at], low_port[at], high_port[at]
    blob = rows.tobytes()
    keys = [blob[i : i + KEY_BYTES] for i in range(0, len(blob), KEY_BYTES)]
    return Flows(order, first, keys, down[order])


def _differs(columns: tuple[npt.NDArray[np.uint64], ...], order: Ints) -> Mask:
    differs = np.zeros(max(len(order) - 1, 0), np.bool_)
    for column in columns:
        ordered = column[order]
        differs |= ordered[1:] != ordered[:-1]
    return differs


@dataclass(slots=True)
class Expected:
    """What is already known of each flow of a batch, ``[g, 2]`` for upward and downward.

    Attributes:
        next: ``uint32[g, 2]``, sequence number expected next.
        known: ``bool[g, 2]``, the direction was captured and ``next`` says where it stands.
        hinted: ``bool[g, 2]``, it was not, and ``next`` is where its peer's acknowledgements say that it began.
        silent: ``bool[g, 2]``, it began with a SYN and has said nothing since; new directions are silent, too.
        last: ``int64[g]``, time of the flow's last segment in nanoseconds; of its first one here if it is new.
    """

    next: npt.NDArray[np.uint32]
    known: Mask
    hinted: Mask
    silent: Mask
    last: Ints


@dataclass(slots=True)
class Advance:
    """Where in-order flows stand after the batch, ``[g, 2]`` for upward and downward.

    Attributes:
        in_order: ``bool[g]``, every segment continued its direction exactly, acknowledged nothing that had not
            been captured, and nothing else about the flow needs a closer look.
        run: ``int64[g]``, segments before the first of which that is not so.
        base: ``uint32[g, 2]``, where each direction stood before; of its SYN if that is among the segments; of a
            direction not captured, where it began.
        next: ``uint32[g, 2]``, sequence number expected next.
        seen: ``bool[g, 2]``, the flow has segments in this direction.
        syn, fin: ``bool[g, 2]``, the direction's SYN or FIN is among them.
        reset: ``int64[g]``, time of the first RST among them, or 0.
        hinted: ``bool[g, 2]``, the direction was never captured, and ``base`` is what its peer's acknowledgements say.
        acked: ``int64[g, 2]``, how far these acknowledgements went beyond ``base``.
        payload: ``int64[g, 2]``, payload bytes.
        end: ``int64[g]``, time of the last segment that used up sequence space, or 0.
    """

    in_order: Mask
    run: Ints
    base: npt.NDArray[np.uint32]
    next: npt.NDArray[np.uint32]
    seen: Mask
    syn: Mask
    fin: Mask
    reset: Ints
    hinted: Mask
    acked: Ints
    payload: Ints
    end: Ints


def advance(batch: SegmentBatch, flows: Flows, expected: Expected, idle: int, linger: int) -> Advance:
    """Tell the flows that are in order from those that need reassembly.

    Sequence numbers are compared modulo 2**32 (RFC 9293 section 3.4) by unsigned wrap-around.

    Args:
        batch: the segments.
        flows: the same, grouped.
        expected: what is known of each flow.
        idle: nanoseconds of silence after which a segment begins a new conversation.
        linger: the same once the conversation has ended.
    """
    order, first, n = flows.order, flows.first, len(flows.order)
    sizes = np.diff(first, append=n)
    flow = np.repeat(np.arange(len(first)), sizes)
    down = flows.downward
    flags = batch.flags[order]
    wire = batch.wire[order]
    syn, fin, rst = (flags & SYN) != 0, (flags & FIN) != 0, (flags & RST) != 0
    span = wire + syn + fin
    span[rst] = 0

    # Sequence space each direction used up in this flow before each segment, and its own starting point.
    used = np.empty((2, n), np.int64)
    total = np.empty((len(first), 2), np.int64)
    base = expected.next.astype(np.int64)
    seen = np.empty((len(first), 2), np.bool_)
    began = np.zeros(n, np.bool_)  # the segment is the first of a direction not known before
    for side, mine in ((0, ~down), (1, down)):
        own = np.where(mine, span, 0)
        sums = np.cumsum(own)
        before = sums - own
        used[side] = before - before[first][flow]
        total[:, side] = np.add.reduceat(own, first)
        count = np.cumsum(mine)
        seen[:, side] = np.add.reduceat(mine.astype(np.int64), first) > 0
        position = np.flatnonzero(mine)
        new = np.flatnonzero(seen[:, side] & ~expected.known[:, side])
        opening = position[(count[first[new]] - mine[first[new]])]
        base[new, side] = batch.seq[order[opening]]
        began[opening] = True

    side_of = down.astype(np.int64)
    seq = batch.seq[order].astype(np.int64)
    ack = batch.ack[order].astype(np.int64)
    at = np.arange(n)
    behind = _signed(seq - base[flow, side_of] - used[side_of, at])
    fine = np.where((span > 0) | rst, behind == 0, (behind <= 0) & (behind > -LATE_WINDOW))
    peer = 1 - side_of
    acks = (flags & ACK) != 0
    unseen = ~(seen | expected.known)
    hinted, acked = unseen & expected.hinted, np.zeros((len(first), 2), np.int64)
    alone = np.flatnonzero(unseen[flow, peer]) if unseen.any() else np.empty(0, np.int64)
    if len(alone):
        _take_hints(base, hinted, expected.silent, flow[alone], peer[alone], ack[alone], acks[alone])
    ahead = _signed(ack - base[flow, peer] - used[peer, at])
    if len(alone):
        fine[alone] &= acks[alone] | syn[alone]
        hint = alone[hinted[flow[alone], peer[alone]] & acks[alone]]
        np.maximum.at(acked, (flow[hint], peer[hint]), ahead[hint])
        fine[hint] &= np.abs(ahead[hint]) < MAX_WINDOW
        ahead[alone] = 0
    fine &= ((ahead <= 0) & (ahead > -MAX_WINDOW)) | ~acks
    if expected.hinted.any():
        fine &= ~np.logical_or.reduce(expected.hinted & seen, axis=1)[flow]
    # A direction must begin with its SYN, and only there; a cut payload leaves a gap.
    fine &= syn == began
    fine[began] &= (ahead[began] > -LATE_WINDOW) | ~acks[began]  # else it may answer another conversation's
    opening = np.flatnonzero(syn)
    said = np.cumsum(wire) - wire
    fine[opening] &= said[opening] == said[first[flow[opening]]]  # before anything is said
    opening = np.flatnonzero(syn & ~acks)  # after anything else it may begin another conversation
    fine[opening] &= opening == first[flow[opening]]
    fine &= ~((syn & (fin | rst)) | ((syn | rst) & (wire > 0))) & (batch.length[order] == wire)
    # Nothing but acknowledgements may follow a RST or, in its direction, a FIN; and not much later.
    occupied = span > 0
    patience = np.full(n, idle)
    for marker, spans in ((rst, occupied), (fin & ~down, occupied & ~down), (fin & down, occupied & down)):
        if marker.any():
            marked = np.cumsum(marker) - marker
            after = marked - marked[first][flow] > 0
            fine &= ~(spans & after)
            patience[after] = min(idle, linger)
    time = batch.time[order]
    previous = np.empty(n, np.int64)
    previous[1:] = time[:-1]
    previous[first] = expected.last
    fine &= (time >= previous) & (time - previous <= patience)

    run = np.minimum.reduceat(np.where(fine, n, at), first) - first
    in_order = run >= sizes
    by_side = np.stack((~down, down), axis=1)
    return Advance(
        in_order=in_order,
        run=np.minimum(run, sizes),
        base=base.astype(np.uint32),
        next=((base + total) & 0xFFFF_FFFF).astype(np.uint32),
        seen=seen,
        syn=np.logical_or.reduceat(by_side & syn[:, None], first),
        fin=np.logical_or.reduceat(by_side & fin[:, None], first),
        reset=np.where(np.logical_or.reduceat(rst, first), np.minimum.reduceat(np.where(rst, time, _NEVER), first), 0),
        hinted=hinted,
        acked=acked,
        payload=np.add.reduceat(by_side * wire[:, None], first),
        end=np.maximum.reduceat(np.where(occupied, time, 0), first),
    )


def _take_hints(base: Ints, hinted: Mask, silent: Mask, flow: Ints, peer: Ints, ack: Ints, acks: Mask) -> None:
    """Where directions that were not captured began: at the first thing that their peer acknowledged.

    Args:
        base, hinted: ``[g, 2]``, filled in.
        silent: ``bool[g, 2]``, the direction has said nothing before.
        flow, peer, ack, acks: of each segment whose peer was not captured: its flow, the other side, and what it
            acknowledges if it does.
    """
    position = np.flatnonzero(acks & silent[flow, 1 - peer] & ~hinted[flow, peer])
    _, earliest = np.unique(flow[position] * 2 + peer[position], return_index=True)
    position = position[earliest]
    base[flow[position], peer[position]] = ack[position]
    hinted[flow[position], peer[position]] = True


def _signed(difference: Ints) -> Ints:
    """Distance modulo 2**32 as a number from -2**31 to 2**31 - 1."""
    return ((difference + 0x8000_0000) & 0xFFFF_FFFF) - 0x8000_0000
