from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.errors import UsageError
from analyzer.history import periods
from analyzer.history.model import Period

DATES = st.dates(date(2000, 1, 1), date(2100, 1, 1))
UNITS = st.sampled_from(["day", "week", "month"])


@pytest.mark.parametrize(
    ("unit", "today", "first", "last"),
    [
        ("day", date(2026, 11, 26), date(2026, 11, 25), date(2026, 11, 25)),
        ("week", date(2026, 11, 26), date(2026, 11, 16), date(2026, 11, 22)),
        ("week", date(2026, 11, 23), date(2026, 11, 16), date(2026, 11, 22)),  # a Monday
        ("week", date(2026, 11, 22), date(2026, 11, 9), date(2026, 11, 15)),  # a Sunday is not over
        ("month", date(2026, 11, 26), date(2026, 10, 1), date(2026, 10, 31)),
        ("month", date(2027, 1, 1), date(2026, 12, 1), date(2026, 12, 31)),
        ("month", date(2028, 3, 1), date(2028, 2, 1), date(2028, 2, 29)),
    ],
)
def test_the_last_complete_period(unit: str, today: date, first: date, last: date) -> None:
    assert periods.last_complete(unit, today) == Period(first, last, unit)  # type: ignore[arg-type]


@given(UNITS, DATES)
def test_the_last_complete_period_is_over_and_the_next_one_is_not(unit: str, today: date) -> None:
    period = periods.last_complete(unit, today)  # type: ignore[arg-type]
    assert period.last < today <= period.last + timedelta(days=31)
    following = periods.ending_by(unit, today + timedelta(days=31))  # type: ignore[arg-type]
    assert following.last >= today


@given(UNITS, DATES)
def test_the_period_before_ends_the_day_before(unit: str, today: date) -> None:
    period = periods.last_complete(unit, today)  # type: ignore[arg-type]
    earlier = periods.before(period)
    assert earlier.unit == unit
    assert earlier.last + timedelta(days=1) == period.first


@given(DATES, st.integers(0, 100))
def test_the_period_before_a_custom_one_is_as_long(first: date, more: int) -> None:
    period = Period(first, first + timedelta(days=more), "custom")
    earlier = periods.before(period)
    assert earlier.last - earlier.first == period.last - period.first
    assert earlier.last + timedelta(days=1) == period.first


@pytest.mark.parametrize(
    ("first", "last", "unit", "name"),
    [
        (date(2026, 11, 22), date(2026, 11, 22), "day", "2026-11-22"),
        (date(2026, 11, 16), date(2026, 11, 22), "week", "2026-W47"),
        (date(2026, 12, 28), date(2027, 1, 3), "week", "2026-W53"),
        (date(2026, 11, 1), date(2026, 11, 30), "month", "2026-11"),
        (date(2026, 11, 15), date(2026, 11, 21), "custom", "2026-11-15 to 2026-11-21"),
    ],
)
def test_days_that_are_just_a_week_or_a_month_are_called_so(first: date, last: date, unit: str, name: str) -> None:
    period = periods.between(first, last)
    assert (period.unit, periods.name(period)) == (unit, name)


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        (date(2026, 11, 22), date(2026, 11, 21), "before it begins"),
        (date(1926, 11, 22), date(2026, 11, 21), "longer than ten years"),
    ],
)
def test_a_slip_in_the_days_is_told(first: date, last: date, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        periods.between(first, last)


def test_a_period_begins_at_midnight_utc() -> None:
    assert periods.start(periods.day_of(date(1970, 1, 2))) == 86_400 * 10**9


def test_a_custom_period_has_no_last_complete_one() -> None:
    with pytest.raises(ValueError, match="no length"):
        periods.last_complete("custom", date(2026, 11, 22))
