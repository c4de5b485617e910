"""All conversations of a run: finds each segment's conversation, and ends those that are over.

Time is packet time. Nothing here grows without bound: conversations in the table, bytes that wait, and how long
an idle conversation is remembered all have limits, and reaching one is counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, islice, takewhile

import numpy as np

from analyzer.packets.segments import ACK, FIN, RST, SYN, SegmentBatch
from analyzer.streams.conversation import Conversation, Listener
from analyzer.streams.doubt import Doubt, Segment
from analyzer.streams.ended import Ended
from analyzer.streams.grouping import Advance, Expected, Flows, Ints, Mask, advance, group
from analyzer.streams.keys import ports
from analyzer.streams.reassembly import Patience, flush, receive, surrender
from analyzer.streams.turns import Progress, TurnTable
from analyzer.streams.verdict import judge

SECOND = 1_000_000_000

MAX_ROUNDS = 8
"""A flow may fall out of order and back as often within a batch before its segments are taken one by one."""

SEGMENTS_AT_ONCE = 1 << 16
"""Segments that are sorted into flows at a time: more would only take more memory, at some 600 bytes each."""

ROWS_AT_ONCE = 64
"""Segments read from the columns at a time where they are taken one by one: most disorders are over before."""

COLUMNS_FROM = 256
"""Segments below which vector arithmetic costs more than taking them one by one."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What bounds the memory of a run. Times are nanoseconds of packet time.

    Attributes:
        conversations: most conversations remembered at once. What is left of those that are over goes first, then those
            in which nothing was said, then the longest silent one. One takes 1 KB until something is said, then 3 KB
            to 4 KB with what its listener usually knows; a run takes about 200 MB without any.
        idle: silence after which a conversation is over. RFC 5321 section 4.5.3.2 lets a client wait ten minutes
            for the reply to a message, longer than for anything else.
        linger: how long late copies are expected after the end (twice RFC 9293's maximum segment lifetime of
            two minutes would be four; captures show them within seconds).
        held_bytes: memory of the segments that wait for reassembly in all conversations.
        patience: limits within one conversation.
    """

    conversations: int = 30_000
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
        self._columns_from = columns_from
        # By key, longest untouched first; no key is in two of them.
        self._opening: dict[bytes, Conversation] = {}  # nothing was said yet
        self._open: dict[bytes, Conversation] = {}
        self._ended: dict[bytes, Ended] = {}
        self._held_bytes = 0
        self._now = 0
        self._earliest: int | None = None
        self._unsettled = 0  # segments since that was last looked up
        self.oddities: Counter[str] = Counter()
        self.opened = 0

    def __len__(self) -> int:
        return len(self._opening) + len(self._open) + len(self._ended)

    def add(self, batch: SegmentBatch) -> None:
        """Take the next segments."""
        for begin in range(0, len(batch), SEGMENTS_AT_ONCE):
            whole = len(batch) <= SEGMENTS_AT_ONCE
            self._add(batch if whole else batch.take(slice(begin, begin + SEGMENTS_AT_ONCE)))

    def advance(self, now: int) -> None:
        """It is ``now``, although no segment says so: end what has been silent long enough."""
        self._sweep(now)

    @property
    def open(self) -> int:
        """Conversations that are not over."""
        return len(self._opening) + len(self._open)

    def finish(self) -> None:
        """The input has ended: everything still open is over."""
        for table in (self._opening, self._open):
            for key, conversation in table.items():
                self._end(key, conversation)
            table.clear()
        self._ended.clear()

    def earliest_open(self) -> int | None:
        """A time before which no open conversation began, nanoseconds; ``None`` when none is open.

        Exactly when the first of them began, or earlier: looking at all of them has to be worth its while.
        """
        if self._unsettled >= len(self._opening) + len(self._open):
            self._unsettled = 0
            both = chain(self._opening.values(), self._open.values())
            self._earliest = min((conversation.start for conversation in both), default=None)
        return self._earliest

    def _add(self, batch: SegmentBatch) -> None:
        latest = int(batch.time.max())
        self._unsettled += len(batch)
        if self._columns_from is not None:
            for _ in range(MAX_ROUNDS):
                if len(batch) < self._columns_from:
                    break
                batch = self._round(batch)
        if len(batch):
            flows = group(batch)
            for flow in np.argsort(flows.order[flows.first]).tolist():
                self._take_each(batch, flows, flow, 0)
        self._sweep(latest)

    # --- in order --------------------------------------------------------------------------------

    def _round(self, batch: SegmentBatch) -> SegmentBatch:
        """Deliver the flows that are in order, and of the others what precedes and what causes the disorder.

        Returns:
            The segments that follow a disorder already overcome: another round may find them in order. Wherever
            segments are cut into batches the result is the same, so where a disorder ends is as good a place as any.
        """
        flows = group(batch)
        ahead = self._deliver(batch, flows)
        disturbed = np.flatnonzero(~ahead.in_order)
        if not len(disturbed):
            return batch.take(disturbed)
        before = _ranges(flows.first[disturbed], ahead.run[disturbed])
        if len(before):
            undisturbed = batch.take(np.sort(flows.order[before]))
            leading = group(undisturbed)
            for flow in np.flatnonzero(~self._deliver(undisturbed, leading).in_order).tolist():
                self._take_each(undisturbed, leading, flow, 0)
        rest = []
        opening = flows.order[flows.first[disturbed]]
        for flow in disturbed[np.argsort(opening)].tolist():
            rest.append(self._take_each(batch, flows, flow, int(ahead.run[flow]), until_calm=True))
        return batch.take(np.sort(np.concatenate(rest)))

    def _deliver(self, batch: SegmentBatch, flows: Flows) -> Advance:
        """Deliver the flows that are in order, and say which these are."""
        ahead, conversations = self._advance(batch, flows)
        turns = TurnTable(batch, flows, ahead.in_order)
        progress = Progress(batch, flows, ahead)
        opening = flows.order[flows.first]
        chosen = np.flatnonzero(ahead.in_order)
        chosen = chosen[np.argsort(opening[chosen])]
        new = chosen[[conversations[flow] is None for flow in chosen.tolist()]]
        begin = _segments(batch, opening[new], flows.downward[flows.first[new]])
        for flow in chosen.tolist():
            key, conversation = flows.keys[flow], conversations[flow]
            if conversation is None:
                conversation = self._begin(key, next(begin))
            else:
                del self._table(conversation)[key]
            # First where the flow has come to, then what it said: a listener may ask whether the beginning was seen.
            progress.apply(flow, conversation)
            if turns.count(flow):
                if conversation.listener is None:
                    conversation.listener = self._listen(conversation)
                turns.deliver(flow, conversation)
            if _is_over(conversation):
                self._close(conversation)
                self._ended[key] = Ended(conversation)
            else:
                turns.remember(flow, conversation)
                self._table(conversation)[key] = conversation
        return ahead

    def _advance(self, batch: SegmentBatch, flows: Flows) -> tuple[Advance, list[Conversation | None]]:
        """How far the flows come in order, and the open conversations that they belong to."""
        keys = flows.keys
        opening, ended = self._opening, self._ended
        conversations = [found or opening.get(key) for key, found in zip(keys, map(self._open.get, keys), strict=True)]
        expected = Expected.of_new(len(keys), batch.time[flows.order[flows.first]])
        slow, calm, heard = [], [], []
        stands: list[int] = []
        states: list[tuple[bool, bool, bool]] = []
        for flow, conversation in enumerate(conversations):
            if conversation is None:
                if keys[flow] in ended:
                    slow.append(flow)
            elif conversation.calm:
                calm.append(flow)
                heard.append(conversation.heard)
                client, server = conversation.directions
                for direction in (server, client) if conversation.flipped else (client, server):
                    seen, following = direction.seen, direction.next
                    if following is None:
                        stands.append(0)
                        states.append((False, False, True))
                    else:
                        stands.append(following)
                        states.append((seen, not seen, direction.first is not None and not direction.payload))
            else:
                slow.append(flow)
        if calm:
            expected.last[calm] = heard
            expected.next[calm] = np.array(stands, np.uint32).reshape(-1, 2)
            state = np.array(states, np.bool_).reshape(-1, 2, 3)
            expected.known[calm], expected.hinted[calm], expected.silent[calm] = np.moveaxis(state, 2, 0)
        ahead = advance(batch, flows, expected, self._limits.idle, self._limits.linger)
        ahead.in_order[slow] = False
        ahead.run[slow] = 0
        return ahead, conversations

    # --- one segment at a time -------------------------------------------------------------------

    def _take_each(self, batch: SegmentBatch, flows: Flows, flow: int, done: int, *, until_calm: bool = False) -> Ints:
        """Take the segments of ``flow`` behind the first ``done`` one by one, if wished until the disorder is over.

        Returns:
            Positions in ``batch`` of the segments not taken.
        """
        key = flows.keys[flow]
        begin = int(flows.first[flow]) + done
        end = int(flows.first[flow + 1]) if flow + 1 < len(flows.first) else len(flows.order)
        order = flows.order[begin:end]
        known = self._open.pop(key, None) or self._opening.pop(key, None) or self._ended.pop(key, None)
        taken = 0
        for segment in _segments(batch, order, flows.downward[begin:end]):
            known = self._take(key, known, segment)
            taken += 1
            if until_calm and isinstance(known, Conversation) and known.calm:
                break
        if isinstance(known, Conversation):
            self._table(known)[key] = known
        elif known is not None:
            self._ended[key] = known
        return order[taken:]

    def _take(self, key: bytes, known: Conversation | Ended | None, segment: Segment) -> Conversation | Ended:
        """Take one segment.

        Args:
            key: its endpoints.
            known: what is known of the conversation between them.
            segment: the segment.

        Returns:
            What is known after it.
        """
        limits = self._limits
        while isinstance(known, Conversation):
            verdict = judge(known, segment, limits.idle, limits.linger)
            if verdict == "own":
                return self._receive(key, known, segment)
            if verdict == "doubtful":
                return self._doubt(key, known, segment)
            known = self._succeed(key, known)
        if known is not None and known.expects(segment, limits.linger):
            if segment.wire:
                self.oddities["segment-after-close"] += 1
            return known
        return self._receive(key, self._begin(key, segment), segment)

    def _receive(self, key: bytes, conversation: Conversation, segment: Segment) -> Conversation | Ended:
        """Take one segment of ``conversation``; returns what is known of it after that."""
        down, seq, ack, flags, data, wire, time, *_ = segment
        if time > conversation.heard:
            conversation.heard = time
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
            return self._succeed(key, conversation) or Ended(conversation)
        return conversation

    def _account(self, conversation: Conversation, before: int) -> None:
        """Keep the sum of what waits in all conversations; whoever exceeds it waits no longer."""
        self._held_bytes += conversation.held_bytes - before
        if self._held_bytes > self._limits.held_bytes:
            self.oddities["reassembly-limit"] += 1
            self._held_bytes -= conversation.held_bytes
            surrender(conversation)

    # --- segments that cannot be the conversation's own ---------------------------------------------

    def _doubt(self, key: bytes, conversation: Conversation, segment: Segment) -> Conversation | Ended:
        """Keep a doubtful segment; returns what is known after it, of this conversation or the one that has begun."""
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
            self._end(key, self._take_all(key, doubt))
        else:
            for segment in doubt.segments:
                conversation.note(segment.oddity)

    def _succeed(self, key: bytes, conversation: Conversation) -> Conversation | Ended | None:
        """End a conversation; returns the one that has begun meanwhile, if what is in doubt was that."""
        doubt = conversation.doubt
        if doubt is None or not doubt.likely:
            self._dismiss(key, conversation)
            self._close(conversation)
            return None
        conversation.doubt = None
        self._held_bytes -= doubt.cost
        self._close(conversation)
        return self._take_all(key, doubt)

    def _take_all(self, key: bytes, doubt: Doubt) -> Conversation | Ended | None:
        """What is in doubt as a conversation of its own."""
        known: Conversation | Ended | None = None
        for segment in doubt.segments:
            known = self._take(key, known, segment)
        return known

    # --- beginning and end -----------------------------------------------------------------------

    def _begin(self, key: bytes, segment: Segment) -> Conversation:
        """A new conversation between the endpoints of ``key``, which begins with ``segment``."""
        syn = bool(segment.flags & SYN)
        flipped = segment.down ^ bool(segment.flags & ACK) if syn else self._looks_like_server(*ports(key))
        self.opened += 1
        if self._earliest is None or segment.time < self._earliest:
            self._earliest = segment.time
        return Conversation(key, segment, flipped=flipped, roles_certain=syn)

    def _table(self, conversation: Conversation) -> dict[bytes, Conversation]:
        """Where ``conversation`` is kept as it is now."""
        return self._opening if conversation.listener is None else self._open

    def _looks_like_server(self, low_port: int, high_port: int) -> bool:
        """Whether the lower endpoint's port is rather the server's."""
        low_known, high_known = low_port in self._ports, high_port in self._ports
        if low_known != high_known:
            return low_known
        return low_port <= high_port

    def _close(self, conversation: Conversation) -> None:
        """Hand over what is left and tell the owner."""
        self._held_bytes -= conversation.held_bytes
        flush(conversation)
        listener, conversation.listener = conversation.listener, None
        if listener is not None:
            self._on_close(conversation, listener)

    def _end(self, key: bytes, known: Conversation | Ended | None) -> None:
        """End a conversation, and what may have begun after it."""
        while isinstance(known, Conversation):
            known = self._succeed(key, known)

    def _sweep(self, now: int) -> None:
        """Forget conversations that have been silent long enough.

        Twice as long as it takes for a segment to begin a new conversation: so the moment of sweeping, which
        depends on how the capture was cut into batches, never shows in the result.
        """
        self._now = max(self._now, now)
        limits = self._limits
        for key in _silent(self._ended, self._now - 2 * limits.linger):
            del self._ended[key]
        for table in (self._opening, self._open):
            for key in _silent(table, self._now - 2 * limits.idle):
                self._end(key, table.pop(key))
        for key in list(islice(self._ended, max(0, len(self) - limits.conversations))):
            del self._ended[key]
        for table in (self._opening, self._open):
            for key in list(islice(table, max(0, len(self) - limits.conversations))):
                self.oddities["conversation-evicted"] += 1
                self._end(key, table.pop(key))


def _silent(table: Mapping[bytes, Conversation | Ended], since: int) -> list[bytes]:
    """Keys at the front of ``table`` whose conversations have not been heard since then."""
    return [key for key, _ in takewhile(lambda item: item[1].heard < since, table.items())]


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
    for begin in range(0, len(at), ROWS_AT_ONCE):
        some = slice(begin, begin + ROWS_AT_ONCE)
        values = (column[at[some]].tolist() for column in (*columns, *origins))
        for of, seq, ack, flags, start, length, wire, time, *origin in zip(down[some].tolist(), *values, strict=True):
            data = bytes(view[start : start + length]) if length else b""
            yield Segment(of, seq, ack, flags, data, wire, time, *origin)


def _ranges(first: Ints, count: Ints) -> Ints:
    """All of ``first[i]`` to ``first[i] + count[i] - 1``, one range after the other."""
    ends = np.cumsum(count)
    ranges: Ints = np.arange(int(ends[-1])) + np.repeat(first - (ends - count), count)
    return ranges
