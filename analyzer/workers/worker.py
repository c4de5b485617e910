"""One process: segments in, sums over sessions out, and the sessions themselves where somebody wants them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection

from analyzer.garbage import no_garbage_collection
from analyzer.inventory.observer import SessionObserver
from analyzer.inventory.session import Session
from analyzer.inventory.tally import Tally
from analyzer.packets.segments import SegmentBatch
from analyzer.streams import Conversation, ConversationTracker, Limits, Listener


@dataclass(frozen=True, slots=True)
class Orders:
    """What a worker is to do.

    Attributes:
        names: what to call each input.
        ports: of interest.
        limits: its part of the run's.
        sessions: whether they are wanted one by one.
    """

    names: Sequence[str]
    ports: frozenset[int]
    limits: Limits
    sessions: bool


@dataclass(frozen=True, slots=True)
class Portion:
    """Segments for a worker.

    Attributes:
        segments: its share of a batch, or ``None`` where there is nothing for it.
        latest: the time that it is by now, nanoseconds.
    """

    segments: SegmentBatch | None
    latest: int


@dataclass(frozen=True, slots=True)
class Told:
    """The answer to a portion, where sessions are wanted.

    Attributes:
        sessions: those that are over since the last one.
        earliest: see :meth:`analyzer.streams.ConversationTracker.earliest_open`.
    """

    sessions: list[Session]
    earliest: int | None


@dataclass(frozen=True, slots=True)
class Result:
    """What a worker leaves.

    Attributes:
        sessions: the last of them, where they are wanted.
        tally: over all sessions, where they are not.
        oddities: that belong to no single session.
    """

    sessions: list[Session]
    tally: Tally
    oddities: Counter[str]


def work(orders: Orders, portions: Connection, told: Connection) -> None:
    """The life of a worker: portions come until ``None`` does; then the result goes.

    A run that ended without that closes the connection, and with it the worker.
    """
    sessions: list[Session] = []
    tally = Tally()
    take = sessions.append if orders.sessions else tally.add

    def close(conversation: Conversation, listener: Listener) -> None:
        assert isinstance(listener, SessionObserver)  # noqa: S101 - the tracker got them from nowhere else
        take(listener.finish(conversation, orders.names[conversation.source]))

    tracker = ConversationTracker(SessionObserver, close, orders.ports, orders.limits)
    # These mean that nobody is there any more.
    with suppress(EOFError, BrokenPipeError, ConnectionResetError), no_garbage_collection():
        while (portion := portions.recv()) is not None:
            if portion.segments is not None:
                tracker.add(portion.segments)
            tracker.advance(portion.latest)
            if orders.sessions:
                told.send(Told(sessions, tracker.earliest_open()))
                sessions.clear()
        tracker.finish()
        told.send(Result(sessions, tally, tracker.oddities))
