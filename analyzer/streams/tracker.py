"""All conversations of a run: finds each segment's conversation, and ends those that are over.

Time is packet time. Nothing here grows without bound: conversations in the table, bytes that wait, and how long
an idle conversation is remembered all have limits, and reaching one is counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal

import numpy as np

from analyzer.packets.segments import ACK, FIN, NO_MAC, RST, SYN, SegmentBatch
from analyzer.streams.conversation import Conversation, Listener
from analyzer.streams.doubt import Doubt, Segment
from analyzer.streams.grouping import Advance, Expected, Flows, Ints, Mask, advance, endpoints, group
from analyzer.streams.reassembly import Patience, flush, receive, surrender
from analyzer.streams.sequence import MODULUS
from analyzer.streams.turns import Progress, TurnTable

SECOND = 1_000_000_000
_NO_MAC = int(NO_MAC)

MAX_ROUNDS = 8
"""A flow may fall out of order and back as often within a batch before its segments are taken one by one."""

COLUMNS_FROM = 256
"""Segments below which vector arithmetic costs more than taking them one by one."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What bounds the memory of a run. Times are nanoseconds of packet time.

    Attributes:
        conversations: most conversations remembered at once; the longest silent one goes first.
        idle: silence after which a conversation is over. RFC 5321 section 4.5.3.2 lets a client wait ten minutes
            for the reply to a message, longer than for anything else.
        linger: how long late copies are expected after the end (twice RFC 9293's maximum segment lifetime of
            two minutes would be four; captures show them within seconds).
        held_bytes: memory of the segments that wait for reassembly in all conversations.
        patience: limits within one conversation.
    """

    conversations: int = 100_000
    idle: int = 900 * SECOND
    linger: int = 60 * SECOND
    held_bytes: int = 64 << 20
    patience: Patience = field(default_factory=Patience)


class ConversationTracker:
    """Delivers the segments of a run to one listener per conversation.

    Args:
        listen: called when a conversation first carries payload; returns its listener.
        on_close: called when a conversation that had a listener is over, with that listener.
        ports: ports of interest; they hint at who the server is when no SYN was captured.
        limits: bounds on memory.
        columns_from: segments from which vector arithmetic is used for flows that are in order; ``None``: never.
            The result is the same, and tests compare the two.

    Attributes:
        oddities: peculiarities that belong to no single conversation, counted.
        opened: conversations begun.
    """

    def __init__(
        self,
        listen: Callable[[Conversation], Listener],
        on_close: Callable[[Conversation, Listener], None],
        ports: frozenset[int],
        limits: Limits | None = None,
        *,
        columns_from: int | None = COLUMNS_FROM,
    ) -> None:
        self._listen = listen
        self._on_close = on_close
        self._ports = ports
        self._limits = limits or Limits()
        self._shortest = min(self._limits.idle, self._limits.linger)
        self._columns_from = columns_from
        self._table: dict[bytes, Conversation] = {}  # longest untouched first
        self._held_bytes = 0
        self._now = 0
        self.oddities: Counter[str] = Counter()
        self.opened = 0

    def __len__(self) -> int:
        return len(self._table)

    def add(self, batch: SegmentBatch) -> None:
        """Take the next segments."""
        if not len(batch):
            return
        latest = int(batch.time.max())
        if self._columns_from is not None:
            for _ in range(MAX_ROUNDS):
                if len(batch) < self._columns_from:
                    break
                batch = self._round(batch)
        if len(batch):
            flows = group(batch)
            for flow in np.argsort(flows.order[flows.first]).tolist():
                self._receive_each(batch, flows, flow, 0)
        self._sweep(latest)

    def finish(self) -> None:
        """The input has ended: everything still open is over."""
        for key, conversation in self._table.items():
            self._end(key, conversation)
        self._table.clear()

    def earliest_open(self) -> int | None:
        """Start of the oldest conversation that is not over, nanoseconds; ``None`` when all are."""
        return min((c.start for c in self._table.values() if not c.closed), default=None)

    # --- in order --------------------------------------------------------------------------------

    def _round(self, batch: SegmentBatch) -> SegmentBatch:
        """Deliver the flows that are in order, and of the others what precedes and what causes the disorder.

        Returns:
            The segments that follow a disorder already overcome: another round may find them in order. Wherever
            segments are cut into batches the result is the same, so where a disorder ends is as good a place as any.
        """
        flows = group(batch)
        ahead = self._advance(batch, flows)
        self._deliver(batch, flows, ahead)
        disturbed = np.flatnonzero(~ahead.in_order)
        if not len(disturbed):
            return batch.take(disturbed)
        before = _ranges(flows.first[disturbed], ahead.run[disturbed])
        if len(before):
            undisturbed = batch.take(np.sort(flows.order[before]))
            leading = group(undisturbed)
            ahead_of_disorder = self._advance(undisturbed, leading)
            self._deliver(undisturbed, leading, ahead_of_disorder)
            for flow in np.flatnonzero(~ahead_of_disorder.in_order).tolist():
                self._receive_each(undisturbed, leading, flow, 0)
        rest = []
        opening = flows.order[flows.first[disturbed]]
        for flow in disturbed[np.argsort(opening)].tolist():
            rest.append(self._receive_each(batch, flows, flow, int(ahead.run[flow]), until_calm=True))
        return batch.take(np.sort(np.concatenate(rest)))

    def _deliver(self, batch: SegmentBatch, flows: Flows, ahead: Advance) -> None:
        """Deliver the flows that are in order."""
        turns = TurnTable(batch, flows, ahead.in_order)
        progress = Progress.of(batch, flows, ahead)
        table = self._table
        opening = flows.order[flows.first]
        chosen = np.flatnonzero(ahead.in_order)
        for flow in chosen[np.argsort(opening[chosen])].tolist():
            key = flows.keys[flow]
            conversation = table.pop(key, None)
            if conversation is None:
                at = flows.first[flow : flow + 1]
                conversation = self._open(key, next(_segments(batch, flows.order[at], flows.downward[at])))
            table[key] = conversation
            # First where the flow has come to, then what it said: a listener may ask whether the beginning was seen.
            progress.apply(flow, conversation)
            if turns.count(flow):
                if conversation.listener is None:
                    conversation.listener = self._listen(conversation)
                turns.deliver(flow, conversation)
            if _is_over(conversation):
                self._close(conversation)
            else:
                turns.remember(flow, conversation)

    def _advance(self, batch: SegmentBatch, flows: Flows) -> Advance:
        count = len(flows.keys)
        following = np.zeros((count, 2), np.uint32)
        known = np.zeros((count, 2), np.bool_)
        hinted = np.zeros((count, 2), np.bool_)
        silent = np.ones((count, 2), np.bool_)
        last = batch.time[flows.order[flows.first]].copy()
        slow = []
        for flow, conversation in enumerate(map(self._table.get, flows.keys)):
            if conversation is None:
                continue
            last[flow] = conversation.heard
            if not conversation.calm:
                slow.append(flow)
                continue
            client, server = conversation.directions
            for side, direction in enumerate((server, client) if conversation.flipped else (client, server)):
                if direction.next is not None:
                    following[flow, side] = direction.next
                    known[flow, side], hinted[flow, side] = direction.seen, not direction.seen
                    silent[flow, side] = direction.first is not None and not direction.payload
        expected = Expected(following, known, hinted, silent, last)
        ahead = advance(batch, flows, expected, self._limits.idle, self._limits.linger)
        ahead.in_order[slow] = False
        ahead.run[slow] = 0
        return ahead

    # --- one segment at a time -------------------------------------------------------------------

    def _receive_each(
        self, batch: SegmentBatch, flows: Flows, flow: int, done: int, *, until_calm: bool = False
    ) -> Ints:
        """Take the segments of ``flow`` behind the first ``done`` one by one, if wished until the disorder is over.

        Returns:
            Positions in ``batch`` of the segments not taken.
        """
        key = flows.keys[flow]
        begin = int(flows.first[flow]) + done
        end = int(flows.first[flow + 1]) if flow + 1 < len(flows.first) else len(flows.order)
        order = flows.order[begin:end]
        conversation = self._table.pop(key, None)
        taken = 0
        for segment in _segments(batch, order, flows.downward[begin:end]):
            conversation = self._take(key, conversation, segment)
            taken += 1
            if until_calm and conversation.calm:
                break
        if conversation is not None:
            self._table[key] = conversation
        return order[taken:]

    def _take(self, key: bytes, conversation: Conversation | None, segment: Segment) -> Conversation:
        """Take one segment; returns the conversation that the endpoints are in after it."""
        down, seq, ack, flags, data, wire, time, *_ = segment
        while conversation is not None and (verdict := self._judge(conversation, segment)) != "own":
            if verdict == "doubtful":
                return self._doubt(key, conversation, segment)
            conversation = self._succeed(key, conversation)
        if conversation is None:
            conversation = self._open(key, segment)
        if time > conversation.heard:
            conversation.heard = time
        if conversation.closed:
            if wire:
                self.oddities["segment-after-close"] += 1
            return conversation
        if conversation.doubt is not None and conversation.doubt.interrupt():
            self._dismiss(key, conversation)
        if wire or flags & (SYN | FIN | RST):
            conversation.end = max(conversation.end, time)
            if wire and conversation.listener is None and not flags & RST:  # its text is no part of the stream
                conversation.listener = self._listen(conversation)
        waiting = conversation.held_bytes
        side = down ^ conversation.flipped
        receive(conversation, side, seq, ack, flags, data, wire, time, self._limits.patience)
        if conversation.held_bytes != waiting:
            self._account(conversation, waiting)
        if _is_over(conversation):
            return self._succeed(key, conversation) or conversation
        return conversation

    def _account(self, conversation: Conversation, before: int) -> None:
        """Keep the sum of what waits in all conversations; whoever exceeds it waits no longer."""
        self._held_bytes += conversation.held_bytes - before
        if self._held_bytes > self._limits.held_bytes:
            self.oddities["reassembly-limit"] += 1
            self._held_bytes -= conversation.held_bytes
            surrender(conversation)

    def _judge(self, conversation: Conversation, segment: Segment) -> Literal["own", "over", "doubtful"]:
        """Whether a segment with a known conversation's endpoints is its own, begins another one, or may do so."""
        down, seq, ack, flags, _, _, time, *_ = segment
        closed, doubt = conversation.closed, conversation.doubt
        silence = time - conversation.heard
        side = down ^ conversation.flipped
        own, peer = conversation.directions[side], conversation.directions[1 - side]
        if seq == own.next and doubt is None and silence <= self._shortest and not (closed or flags & SYN):
            return "own"  # as most are
        ended = closed or conversation.reset
        if silence > (self._limits.linger if ended else self._limits.idle):
            return "over"
        if closed and own.seen and own.next is not None and not flags & RST and own.lies_off(seq):
            return "over"  # no late copy
        known = ack if flags & ACK else None
        if flags & SYN:
            following = (seq + 1) % MODULUS
            first = own.origin if own.first is None else own.first
            if first == following or (known is None and own.next is None):
                return "own"  # sent again, or captured late
            if doubt is not None and doubt.takes(segment):
                return "doubtful"
            if known is None and (ended or not any(direction.payload for direction in conversation.directions)):
                return "over"
            if not ended and (known is None or (own.seen and own.next is not None and own.lies_off(seq))):
                return "doubtful"  # anybody can inject a SYN into a live conversation
        if closed:
            return "own"
        if conversation.is_foreign(side, seq, known):
            if not flags & RST:
                return "over" if ended else "doubtful"
            return "doubtful" if doubt is not None and doubt.takes(segment) else "own"
        if doubt is not None and doubt.meets(segment):
            continues = seq == own.next and (known is None or peer.next is None or not peer.lies_off(known))
            if flags & SYN or not continues:
                return "doubtful"
        return "own"

    # --- segments that cannot be the conversation's own ---------------------------------------------

    def _doubt(self, key: bytes, conversation: Conversation, segment: Segment) -> Conversation:
        """Keep a doubtful segment; returns the conversation it proves to have begun, else the old one."""
        if segment.time > conversation.heard:
            conversation.heard = segment.time
        doubt = conversation.doubt
        if doubt is not None and doubt.takes(segment) and not doubt.full:
            doubt.add(segment)
        else:
            self._dismiss(key, conversation)
            doubt = conversation.doubt = Doubt(segment)
        self._held_bytes += segment.cost
        if doubt.proven:
            return self._succeed(key, conversation) or conversation
        if self._held_bytes > self._limits.held_bytes:
            self.oddities["reassembly-limit"] += 1
            self._dismiss(key, conversation)
        return conversation

    def _dismiss(self, key: bytes, conversation: Conversation) -> None:
        """The old conversation stays. What was in doubt were strays, or else part of another one beside it."""
        doubt, conversation.doubt = conversation.doubt, None
        if doubt is None:
            return
        self._held_bytes -= doubt.cost
        if doubt.likely:
            self._end(key, self._begin(key, doubt))
        else:
            for segment in doubt.segments:
                conversation.note(segment.oddity)

    def _succeed(self, key: bytes, conversation: Conversation) -> Conversation | None:
        """End a conversation; returns the one that has begun meanwhile, if what is in doubt was that."""
        doubt = conversation.doubt
        if doubt is None or not doubt.likely:
            self._dismiss(key, conversation)
            self._close(conversation)
            return None
        conversation.doubt = None
        self._held_bytes -= doubt.cost
        self._close(conversation)
        return self._begin(key, doubt)

    def _begin(self, key: bytes, doubt: Doubt) -> Conversation:
        """The conversation that what was in doubt is part of."""
        conversation = self._open(key, doubt.segments[0])
        for segment in doubt.segments:
            conversation = self._take(key, conversation, segment)
        return conversation

    def _end(self, key: bytes, conversation: Conversation | None) -> None:
        """End a conversation, and what may have begun after it."""
        while conversation is not None and not conversation.closed:
            conversation = self._succeed(key, conversation)

    # --- beginning and end -----------------------------------------------------------------------

    def _open(self, key: bytes, segment: Segment) -> Conversation:
        """A new conversation between the endpoints of ``key``, which begins with ``segment``."""
        down, flags = segment.down, segment.flags
        low, high = endpoints(key)
        flipped = down ^ bool(flags & ACK) if flags & SYN else self._looks_like_server(low[1], high[1])
        client, server = (high, low) if flipped else (low, high)
        conversation = Conversation(
            (client[0], server[0]),
            (client[1], server[1]),
            flipped=flipped,
            roles_certain=bool(flags & SYN),
            start=segment.time,
            source=segment.source,
        )
        macs = tuple(None if mac == _NO_MAC else mac for mac in (segment.src_mac, segment.dst_mac))
        if down == flipped:
            conversation.macs = (macs[0], macs[1])
            conversation.ttl = segment.ttl
        else:
            conversation.macs = (macs[1], macs[0])
        self.opened += 1
        return conversation

    def _looks_like_server(self, low_port: int, high_port: int) -> bool:
        """Whether the lower endpoint's port is rather the server's."""
        low_known, high_known = low_port in self._ports, high_port in self._ports
        if low_known != high_known:
            return low_known
        return low_port <= high_port

    def _close(self, conversation: Conversation) -> None:
        """Hand over what is left and tell the owner; the empty shell stays in the table for late copies."""
        if conversation.closed:
            return
        self._held_bytes -= conversation.held_bytes
        flush(conversation)
        conversation.closed = True
        listener, conversation.listener = conversation.listener, None
        for direction in conversation.directions:
            direction.tail = b""
        if listener is not None:
            self._on_close(conversation, listener)

    def _sweep(self, now: int) -> None:
        """Forget conversations that have been silent long enough.

        Twice as long as it takes for a segment to begin a new conversation: so the moment of sweeping, which
        depends on how the capture was cut into batches, never shows in the result.
        """
        self._now = max(self._now, now)
        limits = self._limits
        over = []
        for key, conversation in self._table.items():
            silent = self._now - conversation.heard
            if silent > 2 * limits.idle or (conversation.closed and silent > 2 * limits.linger):
                over.append(key)
            elif silent < 2 * self._shortest:
                break
        for key in over:
            self._end(key, self._table.pop(key))
        for key in list(islice(self._table, max(0, len(self._table) - limits.conversations))):
            conversation = self._table.pop(key)
            if not conversation.closed:
                self.oddities["conversation-evicted"] += 1
                self._end(key, conversation)


def _is_over(conversation: Conversation) -> bool:
    """Whether both ends have finished, or one broke off and nothing is waited for."""
    client, server = conversation.directions
    if client.finished and server.finished:
        return True
    return conversation.reset and not (client.held or client.behind or server.held or server.behind)


def _segments(batch: SegmentBatch, at: Ints, down: Mask) -> Iterator[Segment]:
    """Segments of ``batch`` at the positions ``at``, one by one; ``down`` says which of them are downward."""
    view = batch.data.data
    columns = (batch.seq, batch.ack, batch.flags, batch.start, batch.length, batch.wire, batch.time)
    origins = (batch.source, batch.src_mac, batch.dst_mac, batch.ttl)
    rows = zip(down.tolist(), *(column[at].tolist() for column in (*columns, *origins)), strict=True)
    for of, seq, ack, flags, start, length, wire, time, source, src_mac, dst_mac, ttl in rows:
        data = bytes(view[start : start + length]) if length else b""
        yield Segment(of, seq, ack, flags, data, wire, time, source, src_mac, dst_mac, ttl)


def _ranges(first: Ints, count: Ints) -> Ints:
    """All of ``first[i]`` to ``first[i] + count[i] - 1``, one range after the other."""
    ends = np.cumsum(count)
    ranges: Ints = np.arange(int(ends[-1])) + np.repeat(first - (ends - count), count)
    return ranges
