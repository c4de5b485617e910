"""What the conversations of a batch said, turn by turn; and how far in-order flows have come by it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from analyzer.packets.headers import gather
from analyzer.packets.segments import SegmentBatch
from analyzer.streams.conversation import Conversation
from analyzer.streams.grouping import Advance, Flows, Mask
from analyzer.streams.sequence import MODULUS

TAIL_BYTES = 512
"""Delivered bytes kept per direction to compare late copies with: a retransmitted SMTP turn, or the end of a full
segment. Most of the memory of a conversation would be these, if there were more."""

HEAD_BYTES = 8
_HEAD = np.dtype(">u8")


class OneTurn:
    """A single piece; see :class:`~analyzer.streams.conversation.Turns`."""

    __slots__ = ("_data", "heads", "lengths", "sides", "times")

    def __init__(self, side: int, data: bytes, time: int) -> None:
        self.sides = (side,)
        self.lengths = (len(data),)
        self.heads = (int.from_bytes(data[:HEAD_BYTES], "big") if len(data) >= HEAD_BYTES else 0,)
        self.times = (time,)
        self._data = data

    def payload(self, turn: int) -> bytes:
        """The piece."""
        return self._data


class _Stretch:
    """The turns of one flow; see :class:`~analyzer.streams.conversation.Turns`."""

    __slots__ = ("_first", "_payload", "heads", "lengths", "sides", "times")

    def __init__(
        self,
        sides: Sequence[int],
        lengths: Sequence[int],
        heads: Sequence[int],
        times: Sequence[int],
        first: int,
        payload: Callable[[int], bytes],
    ) -> None:
        self.sides = sides
        self.lengths = lengths
        self.heads = heads
        self.times = times
        self._first = first
        self._payload = payload

    def payload(self, turn: int) -> bytes:
        """All bytes of a turn."""
        return self._payload(self._first + turn)


class TurnTable:
    """Payload of in-order flows as turns: runs of segments of one direction, each delivered as one piece.

    Args:
        batch: the segments.
        flows: the same, grouped.
        in_order: ``bool[g]``, the flows to deliver.
    """

    __slots__ = ("_end", "_first", "_heads", "_last_turn", "_lengths", "_sides", "_start", "_times", "_view")

    def __init__(self, batch: SegmentBatch, flows: Flows, in_order: Mask) -> None:
        chosen = np.flatnonzero((batch.length[flows.order] > 0) & np.repeat(in_order, flows.sizes))
        at = flows.order[chosen]
        flow, down = flows.flow[chosen], flows.downward[chosen]
        begins = np.ones(len(chosen), np.bool_)
        begins[1:] = (flow[1:] != flow[:-1]) | (down[1:] != down[:-1])
        first = np.flatnonzero(begins)
        start, length = batch.start[at], batch.length[at]
        heads = np.zeros(len(first), np.uint64)
        roomy = np.flatnonzero(length[first] >= HEAD_BYTES)
        heads[roomy] = gather(batch.data, start[first[roomy]], _HEAD)
        self._view = batch.data.data
        # Segments: offsets of their payload. Turns: index of the first segment, and what Turns tells of each.
        self._start: list[int] = start.tolist()
        self._end: list[int] = (start + length).tolist()
        self._first: list[int] = [*first.tolist(), len(chosen)]
        self._lengths: list[int] = np.add.reduceat(length, first).tolist() if len(first) else []
        self._heads: list[int] = heads.tolist()
        self._times: list[int] = batch.time[at[first]].tolist()
        downward = down[first].astype(np.int8)
        self._sides: tuple[list[int], list[int]] = (downward.tolist(), (1 - downward).tolist())
        ends = np.searchsorted(flow[first], np.arange(len(flows.first)), side="right")
        self._last_turn: list[int] = [*ends.tolist(), 0]  # with [-1] for the flow before the first

    def count(self, flow: int) -> int:
        """Number of turns of ``flow``."""
        return self._last_turn[flow] - self._last_turn[flow - 1]

    def deliver(self, flow: int, conversation: Conversation) -> None:
        """Hand the turns of ``flow`` to the conversation's listener."""
        if conversation.listener is not None:
            first = self._last_turn[flow - 1]
            turns = slice(first, self._last_turn[flow])
            sides = self._sides[conversation.flipped][turns]
            stretch = _Stretch(
                sides, self._lengths[turns], self._heads[turns], self._times[turns], first, self._payload
            )
            conversation.listener.turns(stretch)

    def _payload(self, turn: int) -> bytes:
        return self._joined(self._first[turn], self._first[turn + 1])

    def _joined(self, begin: int, stop: int) -> bytes:
        """Payload of the segments from ``begin`` up to ``stop``."""
        view = self._view
        if stop - begin == 1:
            return bytes(view[self._start[begin] : self._end[begin]])
        return b"".join([view[a:b] for a, b in zip(self._start[begin:stop], self._end[begin:stop], strict=True)])

    def remember(self, flow: int, conversation: Conversation) -> None:
        """Keep the last bytes of both directions, as reassembly does, to compare late copies with."""
        pieces: tuple[list[bytes], list[bytes]] = ([], [])
        room = [TAIL_BYTES, TAIL_BYTES]
        sides = self._sides[conversation.flipped]
        for turn in range(self._last_turn[flow] - 1, self._last_turn[flow - 1] - 1, -1):
            side = sides[turn]
            if room[side] > 0:
                pieces[side].append(self._last(turn, room[side]))
                room[side] -= self._lengths[turn]
            elif room[1 - side] <= 0:
                break
        for direction, latest_first in zip(conversation.directions, pieces, strict=True):
            if latest_first:
                direction.tail = b"".join((direction.tail, *reversed(latest_first)))[-TAIL_BYTES:]

    def _last(self, turn: int, size: int) -> bytes:
        """The end of a turn, at least ``size`` bytes where it has them: the segments that hold them."""
        begin = stop = self._first[turn + 1]
        if self._lengths[turn] <= size:
            return self._payload(turn)
        while size > 0:
            begin -= 1
            size -= self._end[begin] - self._start[begin]
        return self._joined(begin, stop)


class Progress:
    """:class:`~analyzer.streams.grouping.Advance` flow by flow."""

    __slots__ = ("_hints", "_rows")

    def __init__(self, batch: SegmentBatch, flows: Flows, ahead: Advance) -> None:
        """Read ``ahead`` and the time of each flow's last segment."""
        heard = batch.time[flows.order[flows.first + flows.sizes - 1]]
        begun = np.where(ahead.syn, (ahead.base + np.uint32(1)).astype(np.int64), -1)
        sides = [
            zip(
                ahead.seen[:, side].tolist(),
                ahead.next[:, side].tolist(),
                begun[:, side].tolist(),
                ahead.fin[:, side].tolist(),
                ahead.payload[:, side].tolist(),
                strict=True,
            )
            for side in (0, 1)
        ]
        self._rows = list(zip(heard.tolist(), ahead.end.tolist(), ahead.reset.tolist(), *sides, strict=True))
        hinted = np.argwhere(ahead.hinted)
        base, acked = ahead.base[ahead.hinted].tolist(), ahead.acked[ahead.hinted].tolist()
        self._hints = {(flow, side): hint for (flow, side), *hint in zip(hinted.tolist(), base, acked, strict=True)}

    def apply(self, flow: int, conversation: Conversation) -> None:
        """Move ``conversation`` to where the in-order ``flow`` has taken it."""
        heard, end, reset, up, down = self._rows[flow]
        if heard > conversation.heard:
            conversation.heard = heard
        if end > conversation.end:
            conversation.end = end
        directions = conversation.directions
        first, second = directions
        for direction, row in ((second, up), (first, down)) if conversation.flipped else ((first, up), (second, down)):
            seen, following, begun, finished, payload = row
            if seen:
                direction.seen = True
                direction.next = following
                direction.payload += payload
                if begun >= 0:
                    direction.first = begun
                if finished:
                    direction.finished = True
        for side in (0, 1) if self._hints else ():
            hint = self._hints.get((flow, side))
            if hint is not None:
                direction = directions[side ^ conversation.flipped]
                direction.next, acked = hint
                if acked > 0:
                    direction.raise_acked((direction.next + acked) % MODULUS)
        if reset and not (first.finished and second.finished):
            conversation.reset = True
            conversation.end = max(conversation.end, reset)
