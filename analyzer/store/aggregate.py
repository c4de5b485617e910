"""Daily sums: for each day, client and facts, how many sessions there were, and when.

They are a function of the sessions that count. As a rule they grow by what is added. Where a session ceases to count
(a better view of it has come), or where a client shows too many different facts, they are made anew from the sessions.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Final

from sqlalchemy import Connection, case, delete, func, select

from analyzer.store.facts import reduced
from analyzer.store.interning import ASKED, Numbers
from analyzer.store.rows import among, append, insert_into, merge
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
    statement = insert_into(connection, aggregates)
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
    merge(connection, statement, [sums[key].row(key) for key in sorted(sums)])


def crowded(connection: Connection, days: Iterable[int]) -> set[tuple[int, int]]:
    """Days and clients with more facts than are kept."""
    found: set[tuple[int, int]] = set()
    wanted = sorted(days)
    for at in range(0, len(wanted), ASKED):
        query = (
            select(aggregates.c.day, aggregates.c.client_id)
            .where(among(connection, aggregates.c.day, wanted[at : at + ASKED]))
            .group_by(aggregates.c.day, aggregates.c.client_id)
            .having(func.count() > MOST_FACTS)
        )
        found.update((day, client) for day, client in connection.execute(query))
    return found


def rebuild(connection: Connection, numbers: Numbers, which: Iterable[tuple[int, int]]) -> None:
    """Make the sums of these days and clients anew from their sessions."""
    members: dict[int, list[int]] = defaultdict(list)
    for day, client in sorted(which):
        members[day].append(client)
    for day, asked in members.items():
        for at in range(0, len(asked), ASKED):
            _rebuild(connection, numbers, day, asked[at : at + ASKED])


def _rebuild(connection: Connection, numbers: Numbers, day: int, members: Sequence[int]) -> None:
    column = sessions.c
    summed = (
        select(
            column.client_id,
            column.facts_id,
            func.count().label("sessions"),
            func.sum(column.messages).label("messages"),
            func.sum(case((column.complete, 1), else_=0)).label("complete"),
            func.sum(case((column.gapped, 1), else_=0)).label("gapped"),
            func.coalesce(func.min(func.nullif(column.start, 0)), 0).label("first"),
            func.max(column.start).label("last"),
            func.max(column.end).label("end"),
        )
        .where(column.day == day, among(connection, column.client_id, members), column.counts)
        .group_by(column.client_id, column.facts_id)
        .subquery()
    )
    query = select(summed).join(facts, facts.c.id == summed.c.facts_id).order_by(summed.c.client_id, facts.c.hash)
    sums: dict[Key, Sum] = {}
    rest: dict[Key, Sum] = {}
    for client, rows in groupby(connection.execute(query).all(), key=itemgetter(0)):
        for at, (_, number, *values) in enumerate(rows):
            (sums if at < MOST_FACTS else rest)[day, client, number] = Sum(*map(int, values))
    _reduce(connection, numbers, rest, sums)
    old = aggregates.c
    connection.execute(delete(aggregates).where(old.day == day, among(connection, old.client_id, members)))
    append(connection, aggregates, [sums[key].row(key) for key in sorted(sums)])


def _reduce(connection: Connection, numbers: Numbers, rest: Mapping[Key, Sum], sums: dict[Key, Sum]) -> None:
    """Add to ``sums`` what is beyond the limit, of which only the verdict is kept."""
    keys: dict[int, list[Key]] = defaultdict(list)
    for key in rest:
        keys[key[2]].append(key)
    wanted = sorted(keys)
    for at in range(0, len(wanted), ASKED):
        query = select(facts.c.id, facts.c.content).where(among(connection, facts.c.id, wanted[at : at + ASKED]))
        for number, content in connection.execute(query).all():
            verdict = numbers.of_content(reduced(content))
            for key in keys[number]:
                sums.setdefault((key[0], key[1], verdict), Sum()).add(rest[key])
