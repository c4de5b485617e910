"""The number of password devices, week by week (ISO 8601, UTC), and who they were.

Each week's number and roster are what an inventory over its days says. They are kept until the week's sums change, or
another version of the program, which may judge otherwise, asks for them.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, delete, select

from analyzer import __version__
from analyzer.history.model import Period, TrendPoint
from analyzer.inventory.devices import Roster
from analyzer.store.interning import ASKED
from analyzer.store.query import days, inventory, known_names
from analyzer.store.rosters import packed, unpacked
from analyzer.store.rows import insert_into
from analyzer.store.schema import aggregates, weeks
from analyzer.store.settings import set_setting, setting
from analyzer.store.times import date_of, monday_of, number_of

_CHANGES = "changes"

_IS_OURS = weeks.c.made_by == __version__


class Week(NamedTuple):
    """A week that was worked out, and its roster as it is stored."""

    point: TrendPoint
    roster: bytes | None


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
    known = set(connection.execute(select(weeks.c.monday).where(_IS_OURS)).scalars())
    return [monday for monday in wanted if monday not in known]


def work_out(connection: Connection, monday: int) -> Week:
    """A week, from its sums."""
    week = _week(monday)
    roster = inventory(connection, week.first, week.last).roster()
    return Week(TrendPoint.of(week, roster.statuses, roster.sessions), packed(roster))


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


def keep(connection: Connection, worked_out: Iterable[Week], as_of: int) -> None:
    """Remember what was worked out when :func:`changes` was ``as_of``, unless sums have changed meanwhile."""
    if changes(connection) != as_of:
        return
    for point, roster in worked_out:
        row = {
            "monday": number_of(point.period.first),
            "made_by": __version__,
            "statuses": json.dumps(dict(point.statuses)),
            "sessions": point.sessions,
            "roster": roster,
        }
        statement = insert_into(connection, weeks).values(row)
        connection.execute(statement.on_conflict_do_update(index_elements=["monday"], set_=row))


def kept(connection: Connection, wanted: Iterable[int]) -> list[TrendPoint]:
    """The ``wanted`` weeks, as far as they are known."""
    column = weeks.c
    query = select(column.monday, column.statuses, column.sessions).where(_IS_OURS, column.monday.in_(list(wanted)))
    return [
        TrendPoint.of(_week(monday), json.loads(statuses), sessions)
        for monday, statuses, sessions in connection.execute(query.order_by(column.monday))
    ]


def roster(connection: Connection, first: date, last: date, made: Mapping[int, Week]) -> Roster:
    """Who was seen in these days; at once where they are a week that is kept, or one that was just ``made``."""
    if first.weekday() == 0 and last - first == timedelta(days=6):
        monday = number_of(first)
        query = select(weeks.c.roster).where(_IS_OURS, weeks.c.monday == monday)
        content = made[monday].roster if monday in made else connection.execute(query).scalar()
        if content is not None:
            with contextlib.suppress(ValueError):  # a damaged one is made again
                return unpacked(content, known_names(connection, first, last))
    return inventory(connection, first, last).roster()


def _week(monday: int) -> Period:
    first = date_of(monday)
    return Period(first, first + timedelta(days=6), "week")
