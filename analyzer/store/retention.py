"""How long sessions are kept; the daily sums stay for good.

Time is told by what is stored, and by the calendar only where that is behind it: sessions of an old capture are kept as
long as those of a new one, and a sensor with a wrong clock cannot make a store forget.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from sqlalchemy import Connection, delete, except_, func, select

from analyzer.store.schema import aggregates, facts, sessions
from analyzer.store.settings import set_setting, setting
from analyzer.store.times import number_of

KEEP_DAYS: Final = 90
"""Days, unless the user chose otherwise: a quarter, within which what is asked about a single session is asked."""

_KEEP, _FROM, _PRUNED = "keep_days", "sessions_from", "pruned_on"


def keep_days(connection: Connection) -> int:
    """Days for which sessions are kept."""
    chosen = setting(connection, _KEEP)
    return KEEP_DAYS if chosen is None else chosen


def choose_keep_days(connection: Connection, days: int) -> None:
    """Keep sessions for ``days``, from now on."""
    set_setting(connection, _KEEP, days)


def sessions_from(connection: Connection) -> int:
    """The first day whose sessions are all there: of those before, some or all were removed."""
    return setting(connection, _FROM) or 0


def refuse_before(connection: Connection, day: int) -> None:
    """Take no sessions of days before ``day`` any more."""
    set_setting(connection, _FROM, max(day, sessions_from(connection)))


def prune(connection: Connection, today: date) -> int:
    """Remove sessions that are too old, and facts that nothing refers to any more; returns how many sessions."""
    number = number_of(today)
    set_setting(connection, _PRUNED, number)
    newest = connection.execute(select(func.max(aggregates.c.day)).where(aggregates.c.day <= number)).scalar()
    if newest is None:
        return 0
    until = int(newest) - keep_days(connection) + 1
    removed = connection.execute(delete(sessions).where(sessions.c.day < until)).rowcount
    if removed:
        refuse_before(connection, until)
        # Not as "in none of them", which PostgreSQL works out row by row where they are many.
        unused = except_(select(facts.c.id), select(aggregates.c.facts_id), select(sessions.c.facts_id))
        connection.execute(delete(facts).where(facts.c.id.in_(unused)))
    return removed


def is_due(connection: Connection, today: date) -> bool:
    """Whether today nobody has pruned yet."""
    return setting(connection, _PRUNED) != number_of(today)
