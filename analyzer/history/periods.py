"""Which days a report is about: days, ISO weeks, months and whatever else, in UTC."""

from __future__ import annotations

from datetime import date, timedelta

from analyzer.errors import UsageError
from analyzer.history.model import Period, Unit

_DAY = timedelta(days=1)

LONGEST = 366 * 10
"""Days of one report. A slip in the year of ``--since`` must not ask the store for a millennium."""


def day_of(day: date) -> Period:
    """``day`` alone."""
    return Period(day, day, "day")


def week_of(day: date) -> Period:
    """The week with ``day`` in it, from Monday on (ISO 8601)."""
    monday = day - timedelta(days=day.weekday())
    return Period(monday, monday + 6 * _DAY, "week")


def month_of(day: date) -> Period:
    """The calendar month with ``day`` in it."""
    first = day.replace(day=1)
    return Period(first, (first + 31 * _DAY).replace(day=1) - _DAY, "month")


_OF = {"day": day_of, "week": week_of, "month": month_of}


def last_complete(unit: Unit, today: date) -> Period:
    """The latest day, week or month that is over on ``today``.

    Raises:
        ValueError: ``unit`` is ``custom``, which has no length of its own.
    """
    return ending_by(unit, today - _DAY)


def ending_by(unit: Unit, last: date) -> Period:
    """The latest day, week or month that ends on ``last`` or before it.

    Raises:
        ValueError: ``unit`` is ``custom``.
    """
    if unit == "custom":
        raise ValueError("a custom period has no length of its own")
    period = _OF[unit](last)
    return period if period.last <= last else _OF[unit](period.first - _DAY)


def between(first: date, last: date) -> Period:
    """The days from ``first`` to ``last``; a week or month where they are just that.

    Raises:
        UsageError: they end before they begin, or are too many.
    """
    if last < first:
        raise UsageError(f"the period ends on {last}, before it begins on {first}; give the earlier day to --since")
    if (last - first).days >= LONGEST:
        raise UsageError(f"{first} to {last} is longer than ten years; check --since and --until")
    for period in (day_of(first), week_of(first), month_of(first)):
        if (period.first, period.last) == (first, last):
            return period
    return Period(first, last, "custom")


def before(period: Period) -> Period:
    """The one directly before, of the same kind; of a custom one, as many days."""
    last = period.first - _DAY
    if period.unit == "custom":
        return Period(last - (period.last - period.first), last, "custom")
    return _OF[period.unit](last)


def start(period: Period) -> int:
    """When it begins, nanoseconds since 1970-01-01 UTC."""
    return (period.first - date(1970, 1, 1)).days * 86_400 * 10**9


def name(period: Period) -> str:
    """As people write it down: ``2026-11-22``, ``2026-W47``, ``2026-11``, or both days."""
    if period.unit == "day":
        return period.first.isoformat()
    if period.unit == "week":
        year, week, _ = period.first.isocalendar()
        return f"{year}-W{week:02}"
    if period.unit == "month":
        return f"{period.first:%Y-%m}"
    return f"{period.first} to {period.last}"
