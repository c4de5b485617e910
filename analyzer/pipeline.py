"""The rooms joined into one run: batches of frames go in, sessions come out.

This is the library's front door and what every command runs on::

    with open_captures(["office.pcap"]) as captures:
        analysis = Analysis([source.name for source in captures.sources], print)
        for batch in captures.batches():
            analysis.feed(batch)
        analysis.finish()
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from analyzer.capture.frames import FrameBatch
from analyzer.decryption.stage import Decryption
from analyzer.hostnames import Learned
from analyzer.hostnames.ports import NAME_PORTS
from analyzer.hostnames.reader import NameReader
from analyzer.inventory.observer import SessionObserver
from analyzer.inventory.session import Session
from analyzer.packets import NO_DATAGRAM_PORTS, SUBMISSION_PORTS, SegmentDecoder
from analyzer.streams import Conversation, ConversationTracker, Limits, Listener

if TYPE_CHECKING:
    from analyzer.workers import Crew


class Analysis:
    """One run over frames in capture order.

    Args:
        names: what to call each input, by its index in ``FrameBatch.source``; may grow while the run goes on.
        on_session: receives each session when it is over, in no particular order.
        ports: TCP ports of interest.
        limits: bounds on memory.
        decryption: reads what was said inside TLS, where there are keys; whoever made it ends it.
        listen: makes the observer of a conversation; by default the one that ``decryption`` needs.
        on_name: receives what datagrams tell of hosts' names; without it none are looked at.
        crew: asked once, when the first frames are decoded, for processes that share what comes after that; it has
            its own ways for sessions, and no use for ``on_session``. ``None``: this process does all.

    Attributes:
        frames, segments: seen so far.
    """

    def __init__(
        self,
        names: Sequence[str],
        on_session: Callable[[Session], None],
        ports: Iterable[int] = SUBMISSION_PORTS,
        limits: Limits | None = None,
        decryption: Decryption | None = None,
        listen: Callable[[Conversation], SessionObserver] | None = None,
        on_name: Callable[[Learned], None] | None = None,
        crew: Callable[[], Crew | None] = lambda: None,
    ) -> None:
        self._names = names
        self._on_session = on_session
        self._decryption = decryption
        self._on_name = on_name
        self._name_reader = NameReader()
        self._decoder = SegmentDecoder(ports, NAME_PORTS if on_name is not None else NO_DATAGRAM_PORTS)
        if listen is None:
            listen = SessionObserver if decryption is None else decryption.listen
        self._tracker = ConversationTracker(listen, self._close, self._decoder.ports, limits)
        self._ask_for_crew: Callable[[], Crew | None] | None = crew
        self._crew: Crew | None = None
        self._now = 0
        self.frames = 0
        self.segments = 0

    @property
    def undecoded(self) -> Counter[str]:
        """Frames that could not be read, by reason."""
        return self._decoder.undecoded

    @property
    def unknown_link_frames(self) -> int:
        """Frames of link types that nobody here can read."""
        return self._decoder.unknown_links.total()

    @property
    def oddities(self) -> Counter[str]:
        """Peculiarities that belong to no single session, counted."""
        of_crew = Counter[str]() if self._crew is None else self._crew.oddities
        return self._tracker.oddities + of_crew + self._name_reader.oddities + self._decoder.oddities

    @property
    def now(self) -> int:
        """Packet time up to which sessions that are over were handed over, nanoseconds; 0 before the first
        segment."""
        return self._now if self._crew is None else self._crew.now

    @property
    def open(self) -> int:
        """Conversations that are not over."""
        return self._tracker.open

    @property
    def earliest_open(self) -> int | None:
        """Start of the oldest conversation whose session was still to come at :attr:`now`, nanoseconds, or ``None``."""
        earliest = (self._crew or self._tracker).earliest_open()
        waiting = None if self._decryption is None else self._decryption.earliest
        return earliest if waiting is None else waiting if earliest is None else min(earliest, waiting)

    def feed(self, batch: FrameBatch) -> None:
        """Take the next frames."""
        self.frames += len(batch)
        segments = self._decoder.decode(batch)
        self.segments += len(segments)
        if len(segments):
            self._now = int(segments.time.max())
        if self._ask_for_crew is not None:
            self._crew, self._ask_for_crew = self._ask_for_crew(), None
        (self._crew or self._tracker).add(segments)
        if self._on_name is not None and self._decoder.datagrams:
            for datagram in self._decoder.datagrams:
                for learned in self._name_reader.read(datagram):
                    self._on_name(learned)
            self._decoder.datagrams.clear()
        if self._decryption is not None:
            for session in self._decryption.released():
                self._on_session(session)

    def advance(self, now: int) -> None:
        """It is ``now`` (packet time, nanoseconds), although no packet says so: sessions that were silent for too long
        are over. For a live run on a quiet network; captures tell the time themselves."""
        self._tracker.advance(now)

    def finish(self) -> None:
        """The input has ended: hand over the sessions that are still open."""
        self._decoder.finish()
        (self._crew or self._tracker).finish()
        if self._decryption is not None:
            for session in self._decryption.close():
                self._on_session(session)

    def _close(self, conversation: Conversation, listener: Listener) -> None:
        assert isinstance(listener, SessionObserver)  # noqa: S101 - the tracker got them from nowhere else
        session = listener.finish(conversation, self._names[conversation.source])
        if self._decryption is None or not self._decryption.hold(session, listener, conversation):
            self._on_session(session)


class InOrder:
    """Passes sessions on in order of their start, holding back only those that an open conversation may precede.

    Args:
        on_session: receives the sessions in order.
    """

    JITTER = 60_000_000_000
    """Nanoseconds by which timestamps in a capture may run backwards without disturbing the order."""

    def __init__(self, on_session: Callable[[Session], None]) -> None:
        self._on_session = on_session
        self._waiting: list[tuple[tuple[int, str, int, str, int], int, Session]] = []
        self._count = 0

    def add(self, session: Session) -> None:
        """Take a session that is over."""
        key = (session.start, session.client_ip, session.client_port, session.server_ip, session.server_port)
        self._count += 1
        heapq.heappush(self._waiting, (key, self._count, session))

    def release(self, now: int, earliest_open: int | None) -> None:
        """Pass on what nothing can precede any more.

        Args:
            now: packet time, nanoseconds.
            earliest_open: see :attr:`Analysis.earliest_open`.
        """
        until = now - self.JITTER
        if earliest_open is not None:
            until = min(until, earliest_open)
        while self._waiting and self._waiting[0][0][0] < until:
            self._on_session(heapq.heappop(self._waiting)[2])

    def finish(self) -> None:
        """Pass on the rest."""
        while self._waiting:
            self._on_session(heapq.heappop(self._waiting)[2])
