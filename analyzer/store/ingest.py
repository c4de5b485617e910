"""Sessions come in: each conversation counts once, whoever saw it and however often it is told.

All of it happens in one transaction that holds the writer's lock, in portions that bound memory.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, func, select, update

from analyzer.inventory.devices import is_mail
from analyzer.inventory.session import Session
from analyzer.store import aggregate, trend
from analyzer.store.aggregate import Key, Sum
from analyzer.store.facts import content_of, hash_of, key_of
from analyzer.store.identity import CLOCKS_DIFFER, MOST_VIEWS, View, counted, endpoints_key, rank_of
from analyzer.store.interning import ASKED, Numbers
from analyzer.store.records import Ingested, Source
from analyzer.store.retention import sessions_from
from analyzer.store.rows import among, append, insert_into
from analyzer.store.schema import clients, facts, inputs, sessions
from analyzer.store.statistics import Statistics
from analyzer.store.times import bounded, day_of

PORTION: Final = 5000
"""Sessions looked at together: the more, the fewer queries; about 10 MB."""

CONTENTS: Final = 50_000
"""Facts whose JSON is remembered; a session with facts that are remembered costs a tenth."""

LONGEST_NAME: Final = 512
"""Characters of an input's name, of which the last ones are kept: PostgreSQL's indexes take 2,700 bytes."""


class _Entry(NamedTuple):
    """A session on its way in."""

    session: Session
    view: View
    day: int
    content: str


class Ingestion:
    """One transaction's worth of sessions.

    Args:
        connection: within a transaction that writes.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._numbers = Numbers(connection)
        self._statistics = Statistics(connection)
        self._from = sessions_from(connection)
        self._contents: dict[tuple[Any, ...], tuple[str, str]] = {}
        self._anew: set[tuple[int, int]] = set()
        self._days: set[int] = set()
        self._clients: set[int] = set()

    def record(self, sources: Iterable[Source]) -> None:
        """Note where the sessions come from. An input that is known and has grown since is brought up to date."""
        rows = [_source_row(source) for source in sources]
        if not rows:
            return
        statement = insert_into(self._connection, inputs)
        new = statement.excluded
        statement = statement.on_conflict_do_update(
            index_elements=["sensor", "name", "first"],
            set_={
                **{name: new[name] for name in ("last", "dropped", "damaged")},
                "identity": func.coalesce(new.identity, inputs.c.identity),
            },
            where=(new.last > inputs.c.last) | ((new.last == inputs.c.last) & (new.dropped >= inputs.c.dropped)),
        )
        for row in rows:
            self._connection.execute(statement, row)

    def take(self, stream: Iterable[Session]) -> Ingested:
        """Store sessions; see :class:`analyzer.store.records.Ingested`."""
        done = Ingested()
        iterator = iter(stream)
        while portion := list(islice(iterator, PORTION)):
            done += self._take(portion)
        return done

    def finish(self) -> None:
        """Bring the sums up to date that are to be made anew, and forget what depends on days that changed."""
        crowded = aggregate.crowded(self._connection, self._days)
        self._anew |= {(day, client) for day, client in crowded if client in self._clients}
        aggregate.rebuild(self._connection, self._numbers, self._anew)
        trend.forget(self._connection, self._days)
        self._statistics.finish()

    # --- one portion ------------------------------------------------------------------------------------

    def _take(self, portion: Sequence[Session]) -> Ingested:
        arrived: dict[int, dict[tuple[object, ...], _Entry]] = defaultdict(dict)
        too_old = known = 0
        for session in portion:
            start = bounded(session.start)
            if day_of(start) < self._from:
                too_old += 1
                continue
            entry = self._entry(session, start)
            views = arrived[endpoints_key(session)]
            known += entry.view.identity in views
            views[entry.view.identity] = entry
        stored = self._stored({key: [e.view for e in views.values()] for key, views in arrived.items()})
        fresh: list[tuple[int, _Entry, bool]] = []
        changed: dict[int | None, bool] = {}
        replaced = crowded = 0
        for key, views in arrived.items():
            old = stored.get(key, [])
            for view in old:
                known += views.pop(view.identity, None) is not None
            new = list(views.values())
            if not old and len(new) == 1:
                fresh.append((key, new[0], True))
                continue
            if len(old) + len(new) > MOST_VIEWS:
                keep = max(0, MOST_VIEWS - len(old))
                crowded += len(new) - keep
                new = new[:keep]
            together = old + [entry.view for entry in new]
            counts = counted(together)
            fresh += [(key, entry, at in counts) for at, entry in enumerate(new, len(old))]
            for at, view in enumerate(old):
                if view.counts != (at in counts):
                    changed[view.row] = at in counts
                    replaced += view.counts
        counting = sum(counts for _, _, counts in fresh)
        self._insert(fresh)
        self._change(changed)
        return Ingested(
            added=max(0, counting - replaced),
            known=known + len(fresh) - counting,
            replaced=min(replaced, counting),
            too_old=too_old,
            crowded=crowded,
        )

    def _entry(self, session: Session, start: int) -> _Entry:
        key = key_of(session)
        found = self._contents.get(key)
        if found is None:
            if len(self._contents) >= CONTENTS:
                self._contents.clear()
            content = content_of(session)
            found = self._contents[key] = (content, hash_of(content))
        content, digest = found
        view = View(
            start,
            max(start, bounded(session.end)),
            session.serial,
            rank_of(session),
            session.messages,
            session.client_ip,
            session.client_port,
            digest,
        )
        return _Entry(session, view, day_of(start), content)

    def _stored(self, arrived: dict[int, list[View]]) -> dict[int, list[View]]:
        """Views of the same endpoints that are stored, around the time of those that arrived, and whatever touches
        those."""
        found: dict[int, dict[int | None, View]] = defaultdict(dict)
        spans = {key: (min(v.start for v in views), max(v.end for v in views)) for key, views in arrived.items()}
        while spans:
            wider: dict[int, tuple[int, int]] = {}
            keys = list(spans)
            for at in range(0, len(keys), ASKED):
                for key, view in self._near(keys[at : at + ASKED], spans):
                    low, high = spans[key]
                    if view.row in found[key] or not view.touches(low, high):
                        continue
                    found[key][view.row] = view
                    if view.start < low or view.end > high:
                        before, after = wider.get(key, (low, high))
                        wider[key] = (min(before, view.start), max(after, view.end))
            spans = wider
        return {key: list(views.values()) for key, views in found.items()}

    def _near(self, keys: list[int], spans: dict[int, tuple[int, int]]) -> Iterator[tuple[int, View]]:
        """Stored views of ``keys`` that may touch one of their spans."""
        column = sessions.c
        query = (
            select(
                column.key,
                column.start,
                column.end,
                column.serial,
                column.rank,
                column.messages,
                clients.c.ip,
                column.client_port,
                facts.c.hash,
                column.id,
                column.counts,
            )
            .join(clients, clients.c.id == column.client_id)
            .join(facts, facts.c.id == column.facts_id)
            .where(
                among(self._connection, column.key, keys),
                column.start <= max(spans[key][1] for key in keys) + CLOCKS_DIFFER,
                column.end >= min(spans[key][0] for key in keys) - CLOCKS_DIFFER,
            )
        )
        return ((row[0], View(*row[1:])) for row in self._connection.execute(query).all())

    # --- what is written --------------------------------------------------------------------------------

    def _insert(self, fresh: list[tuple[int, _Entry, bool]]) -> None:
        if not fresh:
            return
        first: dict[str, int] = {}
        for _, (session, view, _, _), _ in fresh:
            ip, start = view.client, view.start if is_mail(session) else 0
            before = first.get(ip, 0)
            first[ip] = min(before or start, start or before)
        by_ip = self._numbers.of_clients(first)
        by_hash = self._numbers.of_facts({entry.view.facts: entry.content for _, entry, _ in fresh})
        rows = []
        sums: dict[Key, Sum] = {}
        for key, (session, view, day, _), counts in fresh:
            client, number = by_ip[view.client], by_hash[view.facts]
            rows.append(
                {
                    "key": key,
                    "day": day,
                    "client_id": client,
                    "client_port": view.port,
                    "facts_id": number,
                    "serial": view.serial,
                    "start": view.start,
                    "end": view.end,
                    "messages": view.messages,
                    "complete": session.complete,
                    "gapped": session.gaps > 0,
                    "rank": view.rank,
                    "counts": counts,
                }
            )
            if counts:
                self._days.add(day)
                self._clients.add(client)
                one = Sum(
                    1, view.messages, int(session.complete), int(session.gaps > 0), view.start, view.start, view.end
                )
                sums.setdefault((day, client, number), Sum()).add(one)
        append(self._connection, sessions, rows)
        aggregate.add(self._connection, sums)
        self._statistics.grew(len(rows))

    def _change(self, changed: Mapping[int | None, bool]) -> None:
        """Views count, or cease to, by the rows where they are stored."""
        column = sessions.c
        for counts in (True, False):
            rows = sorted(row for row, now in changed.items() if row is not None and now is counts)
            for at in range(0, len(rows), ASKED):
                these = among(self._connection, column.id, rows[at : at + ASKED])
                self._connection.execute(update(sessions).where(these).values(counts=counts))
                query = select(column.day, column.client_id).where(these)
                self._anew.update((day, client) for day, client in self._connection.execute(query.distinct()))
        self._days.update(day for day, _ in self._anew)


def _source_row(source: Source) -> dict[str, object]:
    return {
        "sensor": storable(source.sensor),
        "name": storable(source.name),
        "first": bounded(source.first),
        "last": bounded(source.last),
        "dropped": bounded(source.dropped),
        "damaged": source.damaged,
        "identity": source.identity,
    }


def storable(name: str) -> str:
    """``name`` as text that both databases hold: no zero bytes, no halves of characters."""
    return name.replace("\0", "").encode("utf-8", "backslashreplace").decode()[-LONGEST_NAME:]
