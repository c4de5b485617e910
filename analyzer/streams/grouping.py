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
Numbers = npt.NDArray[np.uint32]
"""Sequence numbers: sums and differences wrap around as they must (RFC 9293 section 3.4)."""
Mask = npt.NDArray[np.bool_]

# Odd multipliers drawn per process: nobody can prepare addresses whose flows collide here.
_MIX = [np.uint64(secrets.randbits(64) | 1) for _ in range(5)]


@dataclass(slots=True)
class Flows:
    """The segments of a batch, grouped by flow.

    A flow's key is its two endpoints, the lower first; a segment is *upward* when its sender is the lower one.

    Attributes:
        order: ``int64[n]``, positions in the batch, flow by flow, each in capture order.
        first: ``int64[g]``, index in ``order`` of each flow's first segment.
        sizes: ``int64[g]``, segments of each.
        flow: ``int64[n]`` in ``order``'s order, the flow of each segment.
        keys: ``g`` byte strings of :data:`~analyzer.streams.keys.KEY_BYTES`.
        downward: ``bool[n]`` in ``order``'s order; the sender is the higher endpoint.
    """

    order: Ints
    first: Ints
    sizes: Ints
    flow: Ints
    keys: list[bytes]
    downward: Mask


def group(batch: SegmentBatch) -> Flows:
    """Sort ``batch`` into flows. Capture order is kept within each; flows come in no particular order."""
    src_high, src = batch.src[:, 0], batch.src[:, 1]
    dst_high, dst = batch.dst[:, 0], batch.dst[:, 1]
    down = src > dst
    down |= (src == dst) & (batch.sport > batch.dport)
    version6 = bool(src_high.any() or dst_high.any())
    if version6:
        down &= src_high == dst_high
        down |= src_high > dst_high
    swap = -down.astype(np.uint64)  # all bits where the two endpoints are to change places
    change = (src ^ dst) & swap
    ports = (batch.sport ^ batch.dport) & swap.astype(np.uint16)
    columns = [src ^ change, dst ^ change]
    low_port, high_port = batch.sport ^ ports, batch.dport ^ ports
    columns.append(low_port.astype(np.uint64) << np.uint64(16) | high_port)
    if version6:
        change = (src_high ^ dst_high) & swap
        columns += [src_high ^ change, dst_high ^ change]
    mixed = columns[0] * _MIX[0]
    for column, factor in zip(columns[1:], _MIX[1:], strict=False):
        mixed += column * factor
    mixed ^= mixed >> np.uint64(32)

    # The positions take the place of the hash's lower bits: one sort of numbers, faster than one of their indices.
    places = np.uint64((1 << (len(batch) - 1).bit_length()) - 1)
    mixed &= ~places
    mixed |= np.arange(len(batch), dtype=np.uint64)
    mixed.sort()
    order = (mixed & places).astype(np.int64)
    mixed &= ~places
    differs = _differs(columns, order)
    if (differs & (mixed[1:] == mixed[:-1])).any():  # two flows share a hash: sort by the whole key instead
        order = np.lexsort(columns)
        differs = _differs(columns, order)
    first = np.concatenate(([0], np.flatnonzero(differs) + 1))
    sizes = np.diff(first, append=len(order))
    rows = np.zeros(len(first), KEY)
    at = order[first]
    rows["low"][:, 1], rows["high"][:, 1] = columns[0][at], columns[1][at]
    if version6:
        rows["low"][:, 0], rows["high"][:, 0] = columns[3][at], columns[4][at]
    rows["low_port"], rows["high_port"] = low_port[at], high_port[at]
    blob = rows.tobytes()
    keys = [blob[i : i + KEY_BYTES] for i in range(0, len(blob), KEY_BYTES)]
    return Flows(order, first, sizes, np.repeat(np.arange(len(first)), sizes), keys, down[order])


def _differs(columns: list[npt.NDArray[np.uint64]], order: Ints) -> Mask:
    """``bool[n - 1]``: in ``order``, the next one differs in any of ``columns``."""
    differs = np.zeros(len(order) - 1, np.bool_)
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

    next: Numbers
    known: Mask
    hinted: Mask
    silent: Mask
    last: Ints

    @classmethod
    def of_new(cls, count: int, last: Ints) -> Expected:
        """Nothing is known of ``count`` flows."""
        shape = count, 2
        unknown = np.zeros((2, *shape), np.bool_)
        return cls(np.zeros(shape, np.uint32), unknown[0], unknown[1], np.ones(shape, np.bool_), last)


@dataclass(slots=True)
class Advance:
    """Where in-order flows stand after the batch, ``[g, 2]`` for upward and downward.

    Only of flows that are in order is everything true.

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
    base: Numbers
    next: Numbers
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
    order, first, sizes, flow, down = flows.order, flows.first, flows.sizes, flows.flow, flows.downward
    n, count = len(order), len(first)
    at, last = np.arange(n), first + sizes - 1
    up = ~down
    flags = batch.flags[order]
    wire = batch.wire[order]
    syn, fin, rst = (flags & SYN) != 0, (flags & FIN) != 0, (flags & RST) != 0
    acks = (flags & ACK) != 0
    seq, ack = batch.seq[order], batch.ack[order]
    span = wire.astype(np.uint32)  # sequence numbers that a segment takes up
    span += syn
    span += fin
    span *= ~rst

    # Which directions there are, and where those begin that were not known before.
    heard = np.cumsum(down)
    seen = np.empty((count, 2), np.bool_)
    downward = heard[last] - heard[first] + down[first]
    seen[:, 0], seen[:, 1] = downward < sizes, downward > 0
    base = expected.next.copy()
    began = np.zeros(n, np.bool_)  # the segment is the first of a direction not known before
    for side, mine in ((0, up), (1, down)):
        new = np.flatnonzero(seen[:, side] & ~expected.known[:, side])
        if len(new):
            before: Ints = heard[first[new]] - down[first[new]]  # downward segments of all flows before
            opening = np.flatnonzero(mine)[before if side else first[new] - before]
            base[new, side] = seq[opening]
            began[opening] = True
    unseen = ~(seen | expected.known)
    hinted = unseen & expected.hinted
    alone = np.empty(0, np.int64)  # segments whose peer was never captured
    if unseen.any():
        alone = np.flatnonzero((np.repeat(unseen[:, 0], sizes) & down) | (np.repeat(unseen[:, 1], sizes) & up))
        peer = up[alone].astype(np.int64)
        _take_hints(base, hinted, expected.silent, flow[alone], peer, ack[alone], acks[alone])

    # Where each direction stands before each segment.
    used_down = span * down
    used_up = span - used_down
    stands_up, total_up = _before(used_up, base[:, 0], flows)
    stands_down, total_down = _before(used_down, base[:, 1], flows)
    own = stands_up + (stands_down - stands_up) * down
    peers = stands_up + stands_down - own
    behind = (seq - own).view(np.int32)
    ahead = (ack - peers).view(np.int32)

    occupied = span > 0
    fine = (behind == 0) | ((behind < 0) & (behind > -LATE_WINDOW) & ~(occupied | rst))
    acked = np.zeros((count, 2), np.int64)
    if len(alone):
        fine[alone] &= acks[alone] | syn[alone]
        hints = hinted[flow[alone], peer] & acks[alone]
        hint, peer = alone[hints], peer[hints]
        np.maximum.at(acked, (flow[hint], peer), ahead[hint])
        fine[hint] &= np.abs(ahead[hint].astype(np.int64)) < MAX_WINDOW
        ahead[alone] = 0
    fine &= ((ahead <= 0) & (ahead > -MAX_WINDOW)) | ~acks
    if expected.hinted.any():
        fine &= ~np.repeat((expected.hinted & seen).any(axis=1), sizes)
    # A direction must begin with its SYN, and only there; a cut payload leaves a gap.
    fine &= (syn == began) & (batch.length[order] == wire)
    fine &= ~((syn & (fin | rst)) | ((syn | rst) & (wire > 0)))
    fine[began] &= (ahead[began] > -LATE_WINDOW) | ~acks[began]  # else it may answer another conversation's
    opening = np.flatnonzero(syn)
    said = np.cumsum(wire) - wire
    fine[opening] &= said[opening] == said[first[flow[opening]]]  # before anything is said
    opening = np.flatnonzero(syn & ~acks)  # after anything else it may begin another conversation
    fine[opening] &= opening == first[flow[opening]]
    # Nothing but acknowledgements may follow a RST or, in its direction, a FIN; and not much later.
    finished_up, finished_down = _first_of(fin & up, flows), _first_of(fin & down, flows)
    broken = _first_of(rst, flows)
    over = np.minimum(np.minimum(finished_up, finished_down), broken)
    time = batch.time[order]
    waited = np.empty(n, np.int64)
    waited[1:] = time[1:] - time[:-1]
    waited[first] = time[first] - expected.last
    fine &= (waited >= 0) & (waited <= idle)
    if (over < n).any():
        stops_up, stops_down = np.minimum(finished_up, broken), np.minimum(finished_down, broken)
        stops = np.repeat(stops_up, sizes) * up + np.repeat(stops_down, sizes) * down
        fine &= ~(occupied & (at > stops))
        fine &= (waited <= min(idle, linger)) | (at <= np.repeat(over, sizes))

    wrong = np.flatnonzero(~fine)[::-1]
    run = sizes.copy()
    run[flow[wrong]] = wrong - first[flow[wrong]]  # the first one of each flow is written last
    total = np.stack((total_up, total_down), axis=1)
    begun, finished = np.zeros((count, 2), np.bool_), np.zeros((count, 2), np.bool_)
    for where, mark in ((syn, begun), (fin, finished)):
        marked = np.flatnonzero(where)
        mark[flow[marked], down[marked].astype(np.int64)] = True
    reset = np.zeros(count, np.int64)
    broken_off = broken < n
    reset[broken_off] = time[broken[broken_off]]
    return Advance(
        in_order=run == sizes,
        run=run,
        base=base,
        next=base + total,
        seen=seen,
        syn=begun,
        fin=finished,
        reset=reset,
        hinted=hinted,
        acked=acked,
        payload=total.astype(np.int64) - begun - finished,
        end=np.maximum.reduceat(time * occupied, first),
    )


def _before(used: Numbers, base: Numbers, flows: Flows) -> tuple[Numbers, Numbers]:
    """Where a direction stands before each segment, and how far it comes in all.

    Args:
        used: ``uint32[n]``, sequence numbers that each segment takes up of this direction.
        base: ``uint32[g]``, where the direction stands at first.
        flows: the segments' flows.
    """
    until = np.cumsum(used, dtype=np.uint32)
    before = until - used
    origin = before[flows.first]
    total = until[flows.first + flows.sizes - 1] - origin
    before += np.repeat(base - origin, flows.sizes)
    return before, total


def _first_of(marked: Mask, flows: Flows) -> Ints:
    """``int64[g]``: index of the first marked segment of each flow, ``n`` where there is none."""
    result = np.full(len(flows.first), len(marked))
    position = np.flatnonzero(marked)[::-1]
    result[flows.flow[position]] = position  # the first one of each flow is written last
    return result


def _take_hints(base: Numbers, hinted: Mask, silent: Mask, flow: Ints, peer: Ints, ack: Numbers, acks: Mask) -> None:
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
