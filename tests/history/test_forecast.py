from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.history import periods
from analyzer.history.forecast import FARTHEST, FEWEST, WEEKS, forecast
from analyzer.history.model import TrendPoint

FIRST = date(2026, 6, 1)


def weeks(counts: Sequence[int | None]) -> list[TrendPoint]:
    """One week after another; ``None`` is one without traffic."""
    return [
        TrendPoint(periods.week_of(FIRST + timedelta(weeks=n)), 50, count or 0, {}, 0 if count is None else 100)
        for n, count in enumerate(counts)
    ]


def test_a_steady_fall_reaches_zero_when_the_line_does() -> None:
    trend = weeks([20, 18, 16, 14, 12, 10])
    assert forecast(trend) == trend[-1].period.last + timedelta(weeks=5)


def test_one_odd_week_does_not_move_it() -> None:
    trend = weeks([20, 18, 16, 40, 12, 10, 8, 6])
    assert forecast(trend) == trend[-1].period.last + timedelta(weeks=3)


@pytest.mark.parametrize(
    "counts",
    [
        [],
        [10, 8, 6, 4],  # too few
        [10, 10, 10, 10, 10, 10],
        [5, 6, 7, 8, 9, 10],
        [10, 12, 9, 13, 10, 11, 9, 12],  # no more than noise
        [20, 15, 10, 5, 0],  # there already
        [20, 18, 16, 14, 12, 20],  # back where it was
        [1000, 999, 999, 998, 998, 997, 997],  # ages away
        [20, 18, 16, 14, 12, None],  # nothing seen in the end
        [20, None, None, None, 18, 16],
    ],
)
def test_no_forecast_where_nothing_really_falls(counts: list[int | None]) -> None:
    assert forecast(weeks(counts)) is None


def test_weeks_without_traffic_are_no_zeros() -> None:
    assert forecast(weeks([20, 18, None, 14, 12, 10])) == forecast(weeks([20, 18, 16, 14, 12, 10]))


def test_only_the_last_weeks_count() -> None:
    recent = [24 - 2 * n for n in range(WEEKS - 1)]
    assert forecast(weeks([3] * 30 + recent)) is not None


@given(st.lists(st.none() | st.integers(0, 60), max_size=30))
def test_a_forecast_is_in_the_future_and_near_and_needs_a_fall(counts: list[int | None]) -> None:
    trend = weeks(counts)
    day = forecast(trend)
    if day is not None:
        assert trend[-1].period.last < day <= trend[-1].period.last + timedelta(days=FARTHEST)
        seen = [count for count in counts if count is not None][-WEEKS:]
        assert len(seen) >= FEWEST
        assert 0 < seen[-1] < max(seen)


@given(st.lists(st.integers(1, 60), min_size=FEWEST, max_size=12))
def test_of_weeks_and_their_reverse_at_most_one_falls(counts: list[int]) -> None:
    assert forecast(weeks(counts)) is None or forecast(weeks(counts[::-1])) is None
