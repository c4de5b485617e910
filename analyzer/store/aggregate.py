"""Daily sums: for each day, client and facts, how many sessions there were, and when.

They are a function of the sessions that count. As a rule they grow by what is added. Where a session ceases to count
(a better view of it has come), or where a client shows too many different facts, they are made anew from the sessions.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, case, delete, func, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from analyzer.store.facts import reduced
from analyzer.store.interning import ASKED, Numbers
from analyzer.store.rows import write
from analyzer.store.schema import aggregates, facts, sessions

MOST_FACTS: Final = 256
"""Different facts of one client on one day that are kept for good: a host of many programs that sends to a large
provider's dozens of servers has some dozens. Of the rest only the verdict is kept
(:func:`analyzer.store.facts.reduced`). Those with the smallest hashes stay: that depends on no order, and nobody can
choose them to crowd out others."""

Key = tuple[int, int, int]
"""Day, client and facts."""


@dataclass(slots=True)
class Sum:
    """See :data:`analyzer.store.schema.aggregates`."""

    sessions: int = 0
    messages: int = 0
    complete: int = 0
    gapped: int = 0
    first: int = 0
    last: int = 0
    end: int = 0

    def add(self, other: Sum) -> None:
        """Add ``other``."""
        self.sessions += other.sessions
        self.messages += other.messages
        self.complete += other.complete
        self.gapped += other.gapped
        if other.first and (not self.first or other.first < self.first):
            self.first = other.first
        self.last = max(self.last, other.last)
        self.end = max(self.end, other.end)

    def row(self, key: Key) -> dict[str, int]:
        """As it is stored."""
        return {
            "day": key[0],
            "client_id": key[1],
            "facts_id": key[2],
            "sessions": self.sessions,
            "messages": self.messages,
            "complete": self.complete,
            "gapped": self.gapped,
            "first": self.first,
            "last": self.last,
            "end": self.end,
        }


def add(connection: Connection, sums: dict[Key, Sum]) -> None:
    """Add ``sums`` to what is stored."""
    if not sums:
        return
    statement: Any = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(aggregates)
    old, new = aggregates.c, statement.excluded
    earlier = (old.first == 0) | ((new.first != 0) & (new.first < old.first))
    statement = statement.on_conflict_do_update(
        index_elements=["day", "client_id", "facts_id"],
        set_={
            **{name: old[name] + new[name] for name in ("sessions", "messages", "complete", "gapped")},
            "first": case((earlier, new.first), else_=old.first),
            "last": case((new.last > old.last, new.last), else_=old.last),
            "end": case((new.end > old.end, new.end), else_=old.end),
        },
    )
    write(connection, statement, [sums[key].row(key) for key in sorted(sums)])


def crowded(connection: Connection, days: Iterable[int]) -> set[tuple[int, int]]:
    """Days and clients with more facts than are kept."""
    found: set[tuple[int, int]] = set()
    wanted = sorted(days)
    for at in range(0, len(wanted), ASKED):
        query = (
            select(aggregates.c.day, aggregates.c.client_id)
            .where(aggregates.c.day.in_(wanted[at : at + ASKED]))
            .group_by(aggregates.c.day, aggregates.c.client_id)
            .having(func.count() > MOST_FACTS)
        )
        found.update((day, client) for day, client in connection.execute(query))
    return found


def rebuild(connection: Connection, numbers: Numbers, day: int, client: int) -> None:
    """Make the sums of ``client`` on ``day`` anew from its sessions."""
    column = sessions.c
    summed = (
        select(
            column.facts_id,
            func.count().label("sessions"),
            func.sum(column.messages).label("messages"),
            func.sum(case((column.complete, 1), else_=0)).label("complete"),
            func.sum(case((column.gapped, 1), else_=0)).label("gapped"),
            func.coalesce(func.min(func.nullif(column.start, 0)), 0).label("first"),
            func.max(column.start).label("last"),
            func.max(column.end).label("end"),
        )
        .where(column.day == day, column.client_id == client, column.counts)
        .group_by(column.facts_id)
        .subquery()
    )
    query = select(facts.c.hash, summed).join(facts, facts.c.id == summed.c.facts_id).order_by(facts.c.hash)
    rows = connection.execute(query).all()
    sums: dict[Key, Sum] = {}
    rest: dict[int, Sum] = {}
    for at, row in enumerate(rows):
        made = Sum(*(int(value) for value in row[2:]))
        if at < MOST_FACTS:
            sums[day, client, row.facts_id] = made
        else:
            rest[row.facts_id] = made
    _reduce(connection, numbers, rest, sums, day, client)
    connection.execute(delete(aggregates).where(aggregates.c.day == day, aggregates.c.client_id == client))
    if sums:
        connection.execute(insert(aggregates), [sums[key].row(key) for key in sorted(sums)])


def _reduce(
    connection: Connection, numbers: Numbers, rest: dict[int, Sum], sums: dict[Key, Sum], day: int, client: int
) -> None:
    wanted = sorted(rest)
    for at in range(0, len(wanted), ASKED):
        query = select(facts.c.id, facts.c.content).where(facts.c.id.in_(wanted[at : at + ASKED]))
        for number, content in connection.execute(query).all():
            key = day, client, numbers.of_content(reduced(content))
            sums.setdefault(key, Sum()).add(rest[number])
