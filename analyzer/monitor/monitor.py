"""The live run: frames in, events out at once, and an inventory that grows.

Everything is the same as for captures but for the time, which is made steady first (:mod:`.clock`) and told by the wall
clock again, and for the observer, which tells of logins in the clear before their session is over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np

from analyzer.alerts import Event, Sighting, Throttle, Watcher
from analyzer.capture.frames import FrameBatch
from analyzer.hostnames import Learned
from analyzer.inventory.devices import Inventory
from analyzer.inventory.session import Session
from analyzer.monitor.clock import SteadyClock
from analyzer.monitor.losses import Losses
from analyzer.monitor.observer import LiveObserver
from analyzer.monitor.recording import Recorder
from analyzer.packets import SUBMISSION_PORTS
from analyzer.pipeline import Analysis
from analyzer.streams import Limits

SECOND = 1_000_000_000

MOST_CONVERSATIONS = 20_000
"""Fewer than in a scan, whose captures may hold a whole network's; 3 KB to 4 KB each."""

MOST_DEVICES = 4_096
"""Fewer than a scan lists: so a flood of made-up clients leaves a run of months below 300 MB, the kernel's buffer
included, and events wait no longer than half a second for its reports. Private addresses are kept first."""

IDLE_LOOK = 5 * SECOND
"""Nanoseconds between looks for sessions that have been silent for too long, on a network that is."""


class Monitor:
    """One live run.

    Args:
        names: of the interfaces, by their index in ``FrameBatch.source``.
        on_event: told of each event that the throttle lets pass.
        watcher, throttle: what is an event, and which are told.
        ports: TCP ports of interest.
        limits, most_devices: bounds on memory.
        clock: makes time steady.
        recorder: keeps packets of sessions in question; its times are steady ones.
        on_session: told of each session that is over, by the wall clock's time.
        host_names: learn what hosts are called from DHCP, DNS and the like.

    Attributes:
        inventory: of the sessions that are over.
        losses: packets that were dropped, and whom it concerns.
        oddities: of the sessions, counted.
        events: told so far, by kind.
        bytes: of frames so far, ``int64[interfaces]``.
    """

    def __init__(
        self,
        names: Sequence[str],
        on_event: Callable[[Event], None],
        watcher: Watcher | None = None,
        throttle: Throttle | None = None,
        *,
        ports: Iterable[int] = SUBMISSION_PORTS,
        limits: Limits | None = None,
        most_devices: int = MOST_DEVICES,
        clock: SteadyClock | None = None,
        recorder: Recorder | None = None,
        on_session: Callable[[Session], None] | None = None,
        host_names: bool = True,
    ) -> None:
        self._on_event = on_event
        self.watcher = watcher or Watcher()
        self.throttle = throttle or Throttle()
        self.clock = clock or SteadyClock()
        self.inventory = Inventory(most_devices)
        self.losses = Losses()
        self.oddities: Counter[str] = Counter()
        self.events: Counter[str] = Counter()
        self.bytes = np.zeros(len(names), np.int64)
        self.recorder = recorder
        self.on_session = on_session
        listen = LiveObserver if recorder is None else recorder.listen
        self.analysis = Analysis(
            names,
            self._ended,
            ports,
            limits,
            listen=lambda conversation: listen(conversation, self._sighted),
            on_name=self._learned if host_names else None,
        )
        self._looked = self.clock.now()

    def feed(self, batch: FrameBatch, clock_shift: int = 0) -> None:
        """Take the next frames, or none: time goes on all the same.

        Args:
            clock_shift: nanoseconds by which the wall clock was set since the last batch.
        """
        if clock_shift:
            self.clock.was_set(clock_shift)
            if abs(clock_shift) >= SECOND:  # and not just slewed
                self.oddities["clock-set"] += 1
        if len(batch):
            self.bytes += np.bincount(batch.source, batch.captured, len(self.bytes)).astype(np.int64)
            steady = self.clock.steady(batch)
            if self.recorder is not None:
                self.recorder.keep(steady)
            self.analysis.feed(steady)
        now = self.clock.now()
        if now - self._looked >= IDLE_LOOK:
            self._looked = now
            self.analysis.advance(now)
            self.losses.forget_before(self.analysis.earliest_open or now)
            self._tell(self.throttle.due(now))

    def dropped(self, interface: str, packets: int, since: int) -> None:
        """The kernel dropped ``packets`` since ``since`` (steady time)."""
        self.losses.note(interface, packets, since, self.clock.now())

    def finish(self) -> None:
        """The run is over: what is still open is told as it stands, and what was held back, counted."""
        self.analysis.finish()
        self._tell(self.throttle.finish())

    # --- what the analysis tells ----------------------------------------------------------------------

    def _sighted(self, sighting: Sighting) -> None:
        for event in self.watcher.sighted(sighting):
            self._tell(self.throttle.add(event))

    def _ended(self, session: Session) -> None:
        self.losses.look(session)
        for event in self.watcher.ended(session):
            self._tell(self.throttle.add(event))
        if session.oddities:
            self.oddities.update(session.oddities)
        self._by_the_wall(session)
        self.inventory.add(session)
        if self.on_session is not None:
            self.on_session(session)

    def _learned(self, learned: Learned) -> None:
        told = self.clock.told(learned.time) if self.clock.shift else learned.time
        self.inventory.learn(learned._replace(time=told))

    def _tell(self, events: Iterable[Event]) -> None:
        for event in events:
            self.events[event.kind] += 1
            if self.clock.shift:
                event = replace(
                    event,
                    time=self.clock.told(event.time),
                    session_start=self.clock.told(event.session_start),
                    since=None if event.since is None else self.clock.told(event.since),
                )
            self._on_event(event)

    def _by_the_wall(self, session: Session) -> None:
        if self.clock.shift:
            session.start, session.end = self.clock.told(session.start), self.clock.told(session.end)
            for attempt in session.auth:
                attempt.time = self.clock.told(attempt.time)
