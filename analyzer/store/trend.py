"""The number of password devices, week by week (ISO 8601, UTC).

Each week's number is what an inventory over its days says, and kept until the week's sums change.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from analyzer.history.model import Period, TrendPoint
from analyzer.inventory.status import STATUSES, STILL_PASSWORD
from analyzer.store.interning import ASKED
from analyzer.store.query import days, inventory
from analyzer.store.schema import aggregates, weeks
from analyzer.store.settings import set_setting, setting
from analyzer.store.times import date_of, monday_of, number_of

_CHANGES = "changes"


def mondays(connection: Connection, count: int, last: date) -> list[int]:
    """The ``count`` weeks up to the one with ``last`` in it, oldest first, none before the first day with anything."""
    seen = days(connection)
    if seen is None:
        return []
    until = monday_of(number_of(last))
    return list(range(max(monday_of(number_of(seen[0])), until - 7 * (count - 1)), until + 1, 7))


def weeks_seen(connection: Connection) -> list[int]:
    """The weeks in which anything was seen: a sensor with a wrong clock may leave centuries between them."""
    found = connection.execute(select(aggregates.c.day).where(aggregates.c.day > 0).distinct()).scalars()
    return sorted({monday_of(day) for day in found})


def missing(connection: Connection, wanted: Iterable[int]) -> list[int]:
    """Those of the ``wanted`` weeks that are not worked out, or whose sums have changed since."""
    known = set(connection.execute(select(weeks.c.monday)).scalars())
    return [monday for monday in wanted if monday not in known]


def work_out(connection: Connection, monday: int) -> TrendPoint:
    """A week's number, from its sums."""
    first = date_of(monday)
    seen = inventory(connection, first, first + timedelta(days=6))
    statuses = Counter(outline.status for outline in seen.outlines())
    return _point(monday, statuses.total(), {status: statuses[status] for status in STATUSES}, seen.sessions)


def changes(connection: Connection) -> int:
    """A number that grows whenever sums change."""
    return setting(connection, _CHANGES) or 0


def forget(connection: Connection, days_changed: Iterable[int]) -> None:
    """The sums of these days have changed."""
    changed = sorted({monday_of(day) for day in days_changed})
    if not changed:
        return
    set_setting(connection, _CHANGES, changes(connection) + 1)
    for at in range(0, len(changed), ASKED):
        connection.execute(delete(weeks).where(weeks.c.monday.in_(changed[at : at + ASKED])))


def keep(connection: Connection, points: Iterable[TrendPoint], as_of: int) -> None:
    """Remember what was worked out when :func:`changes` was ``as_of``, unless sums have changed meanwhile."""
    if changes(connection) != as_of:
        return
    rows = [
        {
            "monday": number_of(point.period.first),
            "devices": point.devices,
            "statuses": json.dumps(dict(point.statuses)),
            "sessions": point.sessions,
        }
        for point in points
    ]
    if rows:
        statement: Any = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(weeks)
        connection.execute(statement.on_conflict_do_nothing(), rows)


def kept(connection: Connection, wanted: Iterable[int]) -> list[TrendPoint]:
    """The ``wanted`` weeks, as far as they are known."""
    known = {row.monday: row for row in connection.execute(select(weeks))}
    return [
        _point(monday, known[monday].devices, json.loads(known[monday].statuses), known[monday].sessions)
        for monday in wanted
        if monday in known
    ]


def _point(monday: int, devices: int, statuses: dict[str, int], sessions: int) -> TrendPoint:
    first = date_of(monday)
    return TrendPoint(
        period=Period(first, first + timedelta(days=6), "week"),
        devices=devices,
        still_password=sum(statuses.get(status, 0) for status in STILL_PASSWORD),
        statuses=statuses,
        sessions=sessions,
    )
