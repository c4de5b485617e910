"""One interface of a live capture through all that happens to it: its state, its counters, and what reads it now."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal

import numpy as np

from analyzer.capture.frames import FrameBatch
from analyzer.capture.live.collector import Collector
from analyzer.capture.live.counters import InterfaceCounters, State
from analyzer.capture.live.interface import Interface
from analyzer.capture.live.tap import Tap
from analyzer.errors import UsageError

Open = Callable[[Interface], Tap]
"""Opens an interface.

Raises:
    UsageError: it cannot be read, or that is not permitted.
    OSError: it is gone or down again.
"""

LINGER_SECONDS = 0.3
"""How long what an interface had is still read after another one of the same name took its place: the kernel hands
over its last frames within that time."""

_STATES: dict[bool, Literal["up", "down"]] = {True: "up", False: "down"}


class Line:
    """An interface by its name, and the taps that read it, one after the other.

    Attributes:
        name: the interface.
        tap: what reads it now, or ``None``.
    """

    def __init__(self, interface: Interface) -> None:
        self.name = interface.name
        self.tap: Tap | None = None
        self._index = interface.index
        self._state: State = _STATES[interface.up]
        self._problem: str | None = None
        self._former: tuple[Tap, float] | None = None
        self._dropped_before = 0
        self._received = self._truncated = 0
        self._last: int | None = None
        self._failed_index: int | None = None

    @property
    def counters(self) -> InterfaceCounters:
        """As of now."""
        dropped = self._dropped_before + sum(tap.dropped for tap in self._taps)
        return InterfaceCounters(
            self.name, self._state, self._received, dropped, self._truncated, self._last, self._problem
        )

    @property
    def backlog(self) -> bool:
        """Whether much has come."""
        return self.tap is not None and self.tap.backlog

    def read(self, collector: Collector, source: int) -> int:
        """Some frames into ``collector``; how many."""
        count = 0
        if self._former is not None:
            count = self._read(self._former[0], collector, source)
        if self.tap is not None and not count:
            count = self._read(self.tap, collector, source)
        return count

    def _read(self, tap: Tap, collector: Collector, source: int) -> int:
        try:
            return tap.read(collector, source)
        except OSError:  # libpcap gives up where the interface goes down
            self._forget(tap)
            return 0

    def account(self, batch: FrameBatch, source: int) -> None:
        """Count what ``batch`` has of this interface."""
        mine = batch.source == source
        count = int(np.count_nonzero(mine))
        if count:
            self._received += count
            self._truncated += int(np.count_nonzero(batch.captured[mine] < batch.wire[mine]))
            self._last = int(batch.time[mine][-1])

    def count_drops(self) -> None:
        """Bring the counters up to date."""
        for tap in self._taps:
            tap.count_drops()

    def watch(self, now: Interface | None, opened: Open) -> None:
        """Note how the interface is, and open it where it is another one or was closed."""
        self.count_drops()  # the kernel's counter has 32 bits
        if self._former is not None and time.monotonic() >= self._former[1]:
            self._forget(self._former[0])
        if now is None:
            self._state = "gone"
            return
        self._state = _STATES[now.up]
        if now.index != self._index:
            self._index = now.index
            self._problem = None
            if self.tap is not None:
                if self._former is not None:
                    self._forget(self._former[0])
                self._former, self.tap = (self.tap, time.monotonic() + LINGER_SECONDS), None
        if self.tap is None and now.up and self._failed_index != now.index:
            self._reopen(now, opened)

    def shut(self) -> None:
        """Let nothing more in."""
        for tap in self._taps:
            tap.shut()

    def close(self) -> None:
        """Close what is open."""
        for tap in self._taps:
            self._forget(tap)

    @property
    def _taps(self) -> list[Tap]:
        former = [] if self._former is None else [self._former[0]]
        return former if self.tap is None else [*former, self.tap]

    def _reopen(self, now: Interface, opened: Open) -> None:
        try:
            self.tap = opened(now)
        except UsageError as failure:
            self._problem = f"it cannot be opened again: {failure}"
            self._failed_index = now.index  # asking again would change nothing
        except OSError:  # gone or down again; there will be another look
            return
        else:
            self._problem = None

    def _forget(self, tap: Tap) -> None:
        tap.count_drops()
        self._dropped_before += tap.dropped
        tap.close()
        if tap is self.tap:
            self.tap = None
        else:
            self._former = None
