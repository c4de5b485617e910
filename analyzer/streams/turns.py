"""What in-order flows of a batch deliver, and how far that takes them: column results read flow by flow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analyzer.packets.segments import SegmentBatch
from analyzer.streams.conversation import Conversation
from analyzer.streams.grouping import Advance, Flows, Mask
from analyzer.streams.reassembly import TAIL_BYTES
from analyzer.streams.sequence import MODULUS


class Turns:
    """Payload of in-order flows as turns: runs of segments of one direction, each delivered as one piece.

    Args:
        batch: the segments.
        flows: the same, grouped.
        in_order: ``bool[g]``, the flows to deliver.
    """

    __slots__ = ("_downward", "_end", "_first", "_last_turn", "_start", "_time", "_view")

    def __init__(self, batch: SegmentBatch, flows: Flows, in_order: Mask) -> None:
        count = len(flows.order)
        flow = np.repeat(np.arange(len(flows.first)), np.diff(flows.first, append=count))
        chosen = np.flatnonzero((batch.length[flows.order] > 0) & in_order[flow])
        at = flows.order[chosen]
        flow, down = flow[chosen], flows.downward[chosen]
        begins = np.ones(len(chosen), np.bool_)
        begins[1:] = (flow[1:] != flow[:-1]) | (down[1:] != down[:-1])
        first = np.flatnonzero(begins)
        start = batch.start[at]
        self._view = batch.data.data
        # Segments: offsets of their payload. Turns: index of the first segment, time and direction.
        self._start: list[int] = start.tolist()
        self._end: list[int] = (start + batch.length[at]).tolist()
        self._first: list[int] = [*first.tolist(), len(chosen)]
        self._time: list[int] = batch.time[at[first]].tolist()
        self._downward: list[bool] = down[first].tolist()
        ends = np.searchsorted(flow[first], np.arange(len(flows.first)), side="right")
        self._last_turn: list[int] = [*ends.tolist(), 0]  # with [-1] for the flow before the first

    def count(self, flow: int) -> int:
        """Number of turns of ``flow``."""
        return self._last_turn[flow] - self._last_turn[flow - 1]

    def deliver(self, flow: int, conversation: Conversation) -> None:
        """Hand the turns of ``flow`` to the conversation's listener."""
        listener = conversation.listener
        if listener is None:
            return
        view, starts, ends, first = self._view, self._start, self._end, self._first
        flipped, take = conversation.flipped, listener.data
        for turn in range(self._last_turn[flow - 1], self._last_turn[flow]):
            begin, stop = first[turn], first[turn + 1]
            if stop - begin == 1:
                data = bytes(view[starts[begin] : ends[begin]])
            else:
                data = b"".join([view[a:b] for a, b in zip(starts[begin:stop], ends[begin:stop], strict=True)])
            take(self._downward[turn] ^ flipped, data, self._time[turn])

    def remember(self, flow: int, conversation: Conversation) -> None:
        """Keep the last bytes of both directions, as reassembly does, to compare late copies with."""
        pieces: tuple[list[memoryview | bytes], list[memoryview | bytes]] = ([], [])
        room = [TAIL_BYTES, TAIL_BYTES]
        for turn in range(self._last_turn[flow] - 1, self._last_turn[flow - 1] - 1, -1):
            side = self._downward[turn] ^ conversation.flipped
            for index in range(self._first[turn + 1] - 1, self._first[turn] - 1, -1):
                if room[side] <= 0:
                    break
                piece = self._view[self._start[index] : self._end[index]]
                room[side] -= len(piece)
                pieces[side].append(piece)
            if room[0] <= 0 and room[1] <= 0:
                break
        for direction, latest_first in zip(conversation.directions, pieces, strict=True):
            if latest_first:
                direction.tail = b"".join((direction.tail, *reversed(latest_first)))[-TAIL_BYTES:]


@dataclass(slots=True)
class Progress:
    """:class:`Advance` as plain lists, which is what reading flow by flow needs."""

    base: list[list[int]]
    next: list[list[int]]
    seen: list[list[bool]]
    syn: list[list[bool]]
    fin: list[list[bool]]
    hinted: list[list[bool]]
    acked: list[list[int]]
    payload: list[list[int]]
    reset: list[int]
    end: list[int]
    heard: list[int]

    @classmethod
    def of(cls, batch: SegmentBatch, flows: Flows, ahead: Advance) -> Progress:
        """Read ``ahead`` and the time of each flow's last segment."""
        last = np.append(flows.first[1:], len(flows.order)) - 1
        return cls(
            ahead.base.tolist(),
            ahead.next.tolist(),
            ahead.seen.tolist(),
            ahead.syn.tolist(),
            ahead.fin.tolist(),
            ahead.hinted.tolist(),
            ahead.acked.tolist(),
            ahead.payload.tolist(),
            ahead.reset.tolist(),
            ahead.end.tolist(),
            batch.time[flows.order[last]].tolist(),
        )

    def apply(self, flow: int, conversation: Conversation) -> None:
        """Move ``conversation`` to where the in-order ``flow`` has taken it."""
        conversation.heard = max(conversation.heard, self.heard[flow])
        conversation.end = max(conversation.end, self.end[flow])
        for side in (0, 1):
            if self.seen[flow][side]:
                direction = conversation.directions[side ^ conversation.flipped]
                direction.seen = True
                direction.next = self.next[flow][side]
                if self.syn[flow][side]:
                    direction.first = (self.base[flow][side] + 1) % MODULUS
                direction.finished |= self.fin[flow][side]
                direction.payload += self.payload[flow][side]
            elif self.hinted[flow][side]:
                direction = conversation.directions[side ^ conversation.flipped]
                direction.next = self.base[flow][side]
                if self.acked[flow][side] > 0:
                    direction.raise_acked((direction.next + self.acked[flow][side]) % MODULUS)
        if self.reset[flow] and not all(direction.finished for direction in conversation.directions):
            conversation.reset = True
            conversation.end = max(conversation.end, self.reset[flow])
