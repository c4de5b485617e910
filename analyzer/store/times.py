"""Nanoseconds, days and dates."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

DAY: Final = 86_400 * 10**9
"""Nanoseconds."""

LATEST: Final = 2**63 - 10**12
"""The last nanosecond that is kept, in the year 2262: damaged captures have any time, and databases hold 64 bits. Some
minutes less, so that sums do not leave them."""

_EPOCH: Final = date(1970, 1, 1)


def bounded(time: int) -> int:
    """``time``, as far as a database can hold it."""
    return min(max(time, 0), LATEST)


def day_of(time: int) -> int:
    """Days from 1970-01-01 to the day (UTC) of ``time``."""
    return time // DAY


def number_of(day: date) -> int:
    """Days from 1970-01-01 to ``day``."""
    return (day - _EPOCH).days


def date_of(number: int) -> date:
    """The other way round."""
    return _EPOCH + timedelta(days=number)


def monday_of(number: int) -> int:
    """The first day of the ISO week of a day; 1970-01-01 was a Thursday."""
    return number - (number + 3) % 7
