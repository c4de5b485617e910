"""Notices when somebody sets the clock: packets carry its time, and it may jump in either direction."""

from __future__ import annotations

import time
from collections.abc import Callable

NOISE = 10_000_000
"""Nanoseconds below which a difference is the time between two readings, or the clock being slewed (adjtime(3) changes
it by half a millisecond per second)."""


class ClockWatch:
    """Compares the wall clock, which is set, with the monotonic one, which is not.

    Args:
        wall, steady: the two clocks, in nanoseconds.
    """

    def __init__(self, wall: Callable[[], int] = time.time_ns, steady: Callable[[], int] = time.monotonic_ns) -> None:
        self._wall, self._steady = wall, steady
        self._offset = wall() - steady()

    def shift(self) -> int:
        """Nanoseconds by which the wall clock was set forward since the last call (backward: negative), or 0.

        A shift below :data:`NOISE` is not forgotten: slow drift adds up until it is one.
        """
        shift = self._wall() - self._steady() - self._offset
        if abs(shift) < NOISE:
            return 0
        self._offset += shift
        return shift
