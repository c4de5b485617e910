"""When a device that is not seen any more has gone silent, and when its absence says nothing.

A device that sends once a week is not silent after four days, and nobody is while the sensor was not listening. So the
days count on which anything at all was seen. On how many of them a device used to be seen says how often it should
have been seen since; :data:`TELLING` times and not once is a silence.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Sequence
from datetime import date

from analyzer.history.model import Period

TELLING = 5
"""Times that something should have been seen, after which its absence says something: where it comes at random, it
stays away for so long in one case of 150 (e to the power of -5). A device that sends on every working day is silent
after one week. With 3, one in twenty, a network of 5,000 devices would have 40 false alarms a week."""

HABIT = 3
"""Days on which a device was seen before that make a habit; fewer are no measure of how often it sends."""

LOOKBACK = 91
"""Days before the period that habits are taken from, a quarter. What sends less often than about once in two weeks has
no habit in that time that could be missed, and is never called silent."""


def missed(seen: Collection[date], observed: Sequence[date], until: date) -> float:
    """How often a device should have been seen since it was seen last.

    Args:
        seen: days on which it was.
        observed: days on which anything was seen, ascending; those of ``seen`` among them.
        until: the last day that counts.
    """
    if len(seen) < HABIT:
        return 0.0
    first, last = min(seen), max(seen)
    chances = bisect_right(observed, last) - bisect_left(observed, first)
    absent = bisect_right(observed, until) - bisect_right(observed, last)
    return len(seen) / chances * absent if chances and absent > 0 else 0.0


def falls_silent_in(period: Period, before: Period, seen: Collection[date], observed: Sequence[date]) -> bool:
    """Whether a device's absence became telling in ``period``, and was not yet in the one before."""
    return missed(seen, observed, period.last) >= TELLING > missed(seen, observed, before.last)
