"""When the number of password devices reaches zero, if it goes on falling as it did; nothing where it does not.

The slope is the median of the slopes between every two weeks (Theil and Sen), which one odd week does not move. It is
only believed where the fall is no accident: Kendall's test of the order of the weeks says so with less than
:data:`ACCIDENT`, the fall lasts to the end, and zero is near enough to mean something.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, timedelta
from itertools import combinations
from statistics import median

from analyzer.history.model import TrendPoint

WEEKS = 12
"""Weeks that are looked at: what was done long ago says little about how fast work goes on."""

FEWEST = 5
"""Weeks with traffic that are needed: a month and its end. In fewer, one week of holidays decides."""

ACCIDENT = 0.05
"""Probability that weeks in random order would seem to fall as much."""

FARTHEST = 2 * 365
"""Days ahead, beyond which a forecast says nothing."""


def forecast(trend: Sequence[TrendPoint]) -> date | None:
    """The last day of the week in which the number reaches zero.

    Args:
        trend: weeks, oldest first; those without traffic say nothing.
    """
    if not trend:
        return None
    start = trend[0].period.first
    weeks = [((point.period.first - start).days / 7, point.still_password) for point in trend if point.sessions]
    weeks = weeks[-WEEKS:]
    if len(weeks) < FEWEST or not weeks[-1][1] or not trend[-1].sessions:
        return None
    slope = median((b - a) / (t - s) for (s, a), (t, b) in combinations(weeks, 2))
    if slope >= 0 or weeks[-1][1] >= max(count for _, count in weeks[: len(weeks) // 2]) or not _no_accident(weeks):
        return None
    ahead = timedelta(weeks=math.ceil(weeks[-1][1] / -slope))
    return trend[-1].period.last + ahead if ahead.days <= FARTHEST else None


def _no_accident(weeks: Sequence[tuple[float, int]]) -> bool:
    """Mann and Kendall's test against a falling trend, one-sided, normal approximation with ties."""
    n = len(weeks)
    counts = [count for _, count in weeks]
    s = sum((b > a) - (b < a) for a, b in combinations(counts, 2))
    ties = sum(t * (t - 1) * (2 * t + 5) for t in (counts.count(value) for value in set(counts)))
    variance = (n * (n - 1) * (2 * n + 5) - ties) / 18
    if s >= 0 or variance <= 0:
        return False
    z = (s + 1) / math.sqrt(variance)
    return 0.5 * math.erfc(-z / math.sqrt(2)) < ACCIDENT
