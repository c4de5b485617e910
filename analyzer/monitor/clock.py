"""Packet time that runs on evenly while somebody sets the clock.

The kernel stamps packets with the wall clock. Where that is set, by an hour after a boot without network, say, every
open conversation would seem to have been silent for an hour. So what is analysed runs on steady time, which is the wall
clock as it was at the start and then goes on as the monotonic clock does; what is told is told by the wall clock as it
is now.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import numpy as np

from analyzer.capture.frames import FrameBatch

LATE: Final = 10_000_000_000
"""Nanoseconds after the clock was set for which packets may still come that were stamped before: what waits in the
kernel's buffers."""


class SteadyClock:
    """Turns wall-clock times of packets into steady ones, and back.

    Args:
        wall: reads the wall clock, nanoseconds.

    Attributes:
        shift: nanoseconds that the wall clock is ahead of steady time.
    """

    def __init__(self, wall: Callable[[], int] = time.time_ns) -> None:
        self._wall = wall
        self.shift = 0
        self._before = 0  # the shift before the clock was last set
        self._late_until = 0

    def now(self) -> int:
        """Steady time."""
        return self._wall() - self.shift

    def was_set(self, by: int) -> None:
        """The wall clock was set ``by`` nanoseconds forward (backward: negative)."""
        self._before = self.shift
        self.shift += by
        self._late_until = self.now() + LATE

    def steady(self, batch: FrameBatch) -> FrameBatch:
        """``batch`` with steady times, which take the place of the others."""
        if self.shift or self._before:
            time = batch.time - self.shift
            now = self.now()
            if now < self._late_until:  # of the two readings that which is nearer to now
                other = batch.time - self._before
                time = np.where(np.abs(now - other) < np.abs(now - time), other, time)
            batch.time = time
        return batch

    def told(self, moment: int) -> int:
        """A steady time by the wall clock as it is now; 0 (no time) stays 0."""
        return moment + self.shift if moment else 0
