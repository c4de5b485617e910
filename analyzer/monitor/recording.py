"""Keeps the packets of the sessions in question, so that they can be looked at and shown: credentials blanked.

Which session is in question is known when it is over. Until then its packets are kept in memory, as they are, and a
plan is made of what may be shown of them (:mod:`analyzer.scrub`). Of all others nothing remains.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from analyzer.alerts import Sighting
from analyzer.capture.frames import FrameBatch
from analyzer.inventory.exposure import PASSWORD_METHODS, exposes_secret
from analyzer.inventory.session import Session
from analyzer.monitor.observer import LiveObserver
from analyzer.scrub import Policy, Scrubbed, Spool
from analyzer.scrub.frames import Path, Walker
from analyzer.scrub.observer import PlanningObserver
from analyzer.scrub.plan import Plan, Room
from analyzer.scrub.segments import rewritten
from analyzer.streams import Conversation, Turns

MOST_BYTES = 64 << 20
"""Of packets that are kept in all; then those of the conversation that began first go, and it is not recorded."""

MOST_OF_ONE = 4 << 20
"""Bytes of packets of one conversation that are kept: more than any login takes, and a message of some size. Its later
packets are not recorded."""

OVERHEAD = 1024
"""Bytes of memory that a kept packet takes beside its own."""

MOST_PIECES = 200_000
"""Stretches in the plans of all open conversations, some 25 bytes each."""

STALE = 2 * 900_000_000_000
"""Nanoseconds after which packets of a conversation that nobody knows are forgotten: its last ones, mostly."""


def is_in_question(session: Session) -> bool:
    """Whether a session logs in with a password, or shows a secret to the network."""
    return exposes_secret(session) or any(attempt.method in PASSWORD_METHODS for attempt in session.auth)


@dataclass(slots=True)
class _Kept:
    """Packets of one conversation: ways to their segments, with time and link type."""

    first: int
    last: int
    packets: list[tuple[Path, int, int]] = field(default_factory=list)
    size: int = 0
    full: bool = False


class Recorder:
    """Keeps packets, and gives out those of sessions in question.

    Args:
        on_packets: receives the packets of a session, in order, when it is over.
        ports: TCP ports of interest.
        policy: what may be shown.

    Attributes:
        sessions: recorded so far. given_up: in question and not recorded, for want of room.
    """

    def __init__(
        self,
        on_packets: Callable[[Iterable[Scrubbed]], None],
        ports: frozenset[int],
        policy: Policy,
        *,
        most_bytes: int = MOST_BYTES,
        most_of_one: int = MOST_OF_ONE,
    ) -> None:
        self._on_packets = on_packets
        self._policy = policy
        self._walker = Walker(ports)
        self._room = Room(MOST_PIECES)
        self._most_bytes, self._most_of_one = most_bytes, most_of_one
        self._kept: OrderedDict[bytes, _Kept] = OrderedDict()  # longest kept first
        self._size = 0
        self.sessions = self.given_up = 0

    def keep(self, batch: FrameBatch) -> None:
        """Keep the packets of a batch, before it is analysed."""
        view = batch.data.data
        columns = (batch.start, batch.captured, batch.wire, batch.time, batch.link_type)
        for start, captured, wire, time, link in zip(*(column.tolist() for column in columns), strict=True):
            path = self._walker.walk(bytes(view[start : start + captured]), wire, time, link)
            if path is not None:
                self._add(path, time, link)
        if len(batch):
            self._forget_stale(int(batch.time.max()))

    def listen(self, conversation: Conversation, on_sighting: Callable[[Sighting], None]) -> RecordedObserver:
        """The observer of a conversation that may be recorded."""
        return RecordedObserver(conversation, on_sighting, self)

    def planner(self, conversation: Conversation, spool: Spool) -> PlanningObserver:
        """What finds out what may be shown of a conversation."""
        return PlanningObserver(conversation, self._policy, spool, self._room, Counter())

    def over(self, session: Session, conversation: Conversation, planner: PlanningObserver, spool: Spool) -> None:
        """A conversation has ended: give out its packets, or forget them."""
        plan = planner.plan(conversation)
        kept = self._kept.pop(conversation.key, None)
        if kept is not None:
            self._size -= kept.size
        if is_in_question(session):
            if plan is None or kept is None or kept.first > conversation.start:
                self.given_up += 1
            else:
                self.sessions += 1
                self._on_packets(_shown(kept, plan, spool))
        if plan is not None:
            self._room.left += plan.pieces

    def _add(self, path: Path, time: int, link: int) -> None:
        kept = self._kept.get(path.key)
        if kept is None:
            kept = self._kept[path.key] = _Kept(time, time)
        kept.last = max(kept.last, time)
        if kept.full:
            return
        size = len(path.frame) + OVERHEAD
        if kept.size + size > self._most_of_one:
            kept.full = True
            return
        kept.packets.append((path, time, link))
        kept.size += size
        self._size += size
        while self._size > self._most_bytes:
            _, oldest = self._kept.popitem(last=False)
            self._size -= oldest.size

    def _forget_stale(self, now: int) -> None:
        while self._kept:
            key, kept = next(iter(self._kept.items()))
            if kept.last > now - STALE:
                break
            self._size -= kept.size
            del self._kept[key]


def _shown(kept: _Kept, plan: Plan, spool: Spool) -> Iterable[Scrubbed]:
    """The packets as they may be shown."""
    low, high = plan.directions
    for path, time, link in kept.packets:
        own, peer = (low, high) if path.upward else (high, low)
        segment = rewritten(path, own, peer, spool)
        if segment is not None:
            yield Scrubbed(time, link, segment.data, segment.wire)


class RecordedObserver(LiveObserver):
    """A live observer beside which another one plans what may be shown."""

    __slots__ = ("_planner", "_recorder", "_spool")

    def __init__(self, conversation: Conversation, on_sighting: Callable[[Sighting], None], recorder: Recorder) -> None:
        super().__init__(conversation, on_sighting)
        self._recorder = recorder
        self._spool = Spool()
        self._planner = recorder.planner(conversation, self._spool)

    def turns(self, turns: Turns) -> None:
        """The next bytes of both sides."""
        super().turns(turns)
        self._planner.turns(turns)

    def gap(self, side: int, size: int | None, time: int) -> None:
        """Bytes of ``side`` are missing."""
        super().gap(side, size, time)
        self._planner.gap(side, size, time)

    def finish(self, conversation: Conversation, source: str) -> Session:
        """The session; its packets are recorded if they are worth it."""
        session = super().finish(conversation, source)
        with self._spool:
            self._recorder.over(session, conversation, self._planner, self._spool)
        return session
