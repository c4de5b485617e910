"""What the sums say: inventories over days, how well they were observed, and since when somebody is known."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import date
from typing import Final

from sqlalchemy import ColumnElement, Connection, Function, case, func, select

from analyzer.garbage import no_garbage_collection
from analyzer.history.model import Quality
from analyzer.inventory.devices import Inventory
from analyzer.inventory.known_names import KnownNames
from analyzer.store.facts import restored_each
from analyzer.store.interning import ASKED
from analyzer.store.names import recall
from analyzer.store.schema import aggregates, clients, facts, inputs
from analyzer.store.times import DAY, bounded, date_of, number_of

FETCHED: Final = 5000
"""Rows that a query hands over at a time."""


def _within(first: date, last: date) -> ColumnElement[bool]:
    return aggregates.c.day.between(number_of(first), number_of(last))


def inventory(connection: Connection, first: date, last: date, ips: Collection[str] | None = None) -> Inventory:
    """What a scan of these days would say, of the clients ``ips`` alone where given.

    Equal sessions differ only in time, of which an inventory keeps the first and the last: so all of them but one are
    added as they began last.
    """
    made = Inventory()
    made.names.merge(known_names(connection, first, last))
    if ips is None:
        _add(connection, _within(first, last), made)
        return made
    wanted = sorted(ips)
    for at in range(0, len(wanted), ASKED):
        asked = select(clients.c.id).where(clients.c.ip.in_(wanted[at : at + ASKED]))
        _add(connection, _within(first, last) & aggregates.c.client_id.in_(asked), made)
    return made


def known_names(connection: Connection, first: date, last: date) -> KnownNames:
    """What hosts were called in these days."""
    known = KnownNames()
    for learned in recall(connection, first, last):
        known.learn(learned)
    return known


def _add(connection: Connection, which: ColumnElement[bool], made: Inventory) -> None:
    """Add the sums to ``made`` that ``which`` holds for."""
    column = aggregates.c
    summed = (
        select(
            column.client_id,
            column.facts_id,
            func.sum(column.sessions).label("sessions"),
            func.sum(column.messages).label("messages"),
            func.coalesce(func.min(func.nullif(column.first, 0)), 0).label("first"),
            func.max(column.last).label("last"),
            func.max(column.end).label("end"),
        )
        .where(which)
        .group_by(column.client_id, column.facts_id)
        .subquery()
    )
    query = (
        select(clients.c.ip, facts.c.content, *summed.c["sessions", "messages", "first", "last", "end"])
        .join(clients, clients.c.id == summed.c.client_id)
        .join(facts, facts.c.id == summed.c.facts_id)
    )
    with no_garbage_collection():
        for rows in connection.execute(query.execution_options(yield_per=FETCHED)).partitions():
            ips, contents, *sums = zip(*rows, strict=True)
            for session, times, messages, began, latest, end in zip(restored_each(contents, ips), *sums, strict=True):
                times, several = int(times), bool(messages)
                session.end = end
                session.start = began
                session.messages = int(messages) - (times - 1) if several else 0
                made.add(session)
                if times > 1:
                    session.start, session.messages = latest, int(several)
                    made.add(session, times - 1)


def last_days(connection: Connection, first: date, last: date, most: int) -> dict[str, date]:
    """The last of these days on which each client was seen, of the ``most`` clients that were seen last."""
    column = aggregates.c
    latest = (
        select(column.client_id, func.max(column.day).label("day"))
        .where(_within(first, last))
        .group_by(column.client_id)
        .subquery()
    )
    query = (
        select(clients.c.ip, latest.c.day)
        .join(clients, clients.c.id == latest.c.client_id)
        .order_by(latest.c.day.desc(), clients.c.id)
        .limit(most)
    )
    return {ip: date_of(day) for ip, day in connection.execute(query)}


def days_seen(connection: Connection, first: date, last: date, ips: Collection[str]) -> dict[str, list[date]]:
    """The days on which each of the clients ``ips`` was seen, in order."""
    column = aggregates.c
    found: dict[str, list[date]] = defaultdict(list)
    wanted = sorted(ips)
    for at in range(0, len(wanted), ASKED):
        query = (
            select(clients.c.ip, column.day)
            .join(clients, clients.c.id == column.client_id)
            .where(_within(first, last), clients.c.ip.in_(wanted[at : at + ASKED]))
            .distinct()
            .order_by(column.day)
        )
        for ip, day in connection.execute(query):
            found[ip].append(date_of(day))
    return dict(found)


def days_observed(connection: Connection, first: date, last: date) -> list[date]:
    """The days on which anything was seen, in order."""
    column = aggregates.c.day
    days = select(column).where(_within(first, last)).distinct().order_by(column)
    return [date_of(day) for day in connection.execute(days).scalars()]


def days(connection: Connection) -> tuple[date, date] | None:
    """First and last day of which there are sums; days without a date (packets without times) are not meant."""
    column = aggregates.c.day

    def of_all(which: Function[int]) -> int | None:
        # One end at a time: SQLite finds it in the key, and goes through all rows where both are asked for.
        return connection.execute(select(which).where(column > 0)).scalar()

    first, last = of_all(func.min(column)), of_all(func.max(column))
    return None if first is None or last is None else (date_of(first), date_of(last))


def quality(connection: Connection, first: date, last: date) -> Quality:
    """How well these days were observed. Conversations that are not of mail do not count."""
    column = aggregates.c
    sums = connection.execute(
        select(
            func.sum(column.sessions),
            func.sum(column.complete),
            func.sum(column.gapped),
            func.sum(case((facts.c.unknown, column.sessions), else_=0)),
            func.sum(case((facts.c.reduced, column.sessions), else_=0)),
        )
        .join(facts, facts.c.id == column.facts_id)
        .where(_within(first, last), facts.c.mail)
    ).one()
    seen = connection.execute(select(func.count(column.day.distinct())).where(_within(first, last))).scalar_one()
    query = select(inputs.c.sensor, inputs.c.damaged, inputs.c.dropped).where(_touches(first, last))
    sources = connection.execute(query).all()
    sessions, complete, gaps, unknown, reduced = (int(value or 0) for value in sums)
    return Quality(
        sessions=sessions,
        complete=complete,
        gaps=gaps,
        unknown=unknown,
        inputs=len(sources),
        damaged=sum(bool(source.damaged) for source in sources),
        dropped=sum(int(source.dropped) for source in sources),
        days_without=(last - first).days + 1 - int(seen),
        sensors=tuple(sorted({source.sensor for source in sources})),
        reduced=reduced,
    )


def sensors(connection: Connection, first: date, last: date) -> set[str]:
    """Who reported of these days."""
    return set(connection.execute(select(inputs.c.sensor).where(_touches(first, last)).distinct()).scalars())


def _touches(first: date, last: date) -> ColumnElement[bool]:
    """Of inputs: whether they are of these days, too."""
    began, ended = bounded(number_of(first) * DAY), bounded((number_of(last) + 1) * DAY)
    return (inputs.c.first < ended) & (inputs.c.last >= began)


def first_seen(connection: Connection, ips: Collection[str] | None = None) -> dict[str, int]:
    """When each client (of ``ips``, where given) was seen first of all; only those that ever sent mail, at a known
    time."""
    every = select(clients.c.ip, clients.c.first).where(clients.c.first > 0)
    if ips is None:
        return dict(connection.execute(every).all())
    found: dict[str, int] = {}
    wanted = sorted(ips)
    for at in range(0, len(wanted), ASKED):
        query = every.where(clients.c.ip.in_(wanted[at : at + ASKED]))
        found.update(connection.execute(query).all())
    return found
