from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from analyzer.history import periods
from analyzer.history.silence import HABIT, falls_silent_in, missed

MONDAY = date(2026, 9, 7)
EVERY_DAY = [MONDAY + timedelta(days=n) for n in range(100)]


def days(*numbers: int) -> list[date]:
    return [MONDAY + timedelta(days=n) for n in numbers]


def weeks_told(seen: list[date], observed: list[date]) -> list[int]:
    """Weeks after :data:`MONDAY` in which the device falls silent."""
    told = []
    for n in range(1, 13):
        week = periods.week_of(MONDAY + timedelta(weeks=n))
        if falls_silent_in(week, periods.before(week), seen, observed):
            told.append(n)
    return told


def test_a_daily_sender_is_silent_after_a_week_and_that_is_told_once() -> None:
    assert weeks_told(days(*range(28)), EVERY_DAY) == [4]


def test_a_weekly_sender_is_silent_after_a_month() -> None:
    assert weeks_told(days(0, 7, 14, 21), EVERY_DAY) == [7]
    assert missed(days(0, 7, 14, 21), EVERY_DAY, days(27)[0]) < 2


def test_days_on_which_nothing_was_seen_do_not_count() -> None:
    observed = days(*range(28), *range(49, 100))
    assert weeks_told(days(*range(28)), observed) == [7]


def test_weekends_without_traffic_make_nobody_late() -> None:
    working = [day for day in EVERY_DAY if day.weekday() < 5]
    assert weeks_told([day for day in working if day < MONDAY + timedelta(weeks=3)], working) == [3]


def test_who_was_seen_on_few_days_has_no_habit() -> None:
    assert weeks_told(days(*range(HABIT - 1)), EVERY_DAY) == []


@given(st.sets(st.integers(0, 40), max_size=30), st.sets(st.integers(0, 99)))
def test_a_silence_is_told_once_at_most_and_never_while_the_device_is_seen(seen: set[int], others: set[int]) -> None:
    observed = days(*sorted(seen | others))
    told = weeks_told(days(*seen), observed)
    assert len(told) <= 1
    assert all(max(seen) < 7 * n + 7 for n in told)


@given(st.sets(st.integers(0, 40), min_size=HABIT), st.sets(st.integers(0, 99)), st.integers(41, 99))
def test_more_days_of_observation_without_a_device_never_make_it_less_missed(
    seen: set[int], others: set[int], more: int
) -> None:
    fewer = sorted((seen | others) - {more})
    until = days(99)[0]
    assert missed(days(*seen), days(*fewer), until) <= missed(days(*seen), days(*sorted({*fewer, more})), until)
