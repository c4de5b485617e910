"""A store as lines of JSON, and back: for a backup, another database, or another program.

The first line tells the version. Sums are exported only of days whose sessions are gone: those of the others follow
from their sessions. Reading the same lines twice adds nothing the second time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

from sqlalchemy import Connection, func, select

from analyzer.addresses import canonical
from analyzer.errors import UsageError
from analyzer.inventory.session import Session
from analyzer.store import aggregate, names, trend
from analyzer.store.aggregate import Key, Sum
from analyzer.store.facts import restored
from analyzer.store.ingest import Ingestion
from analyzer.store.interning import Numbers
from analyzer.store.records import Ingested, Source
from analyzer.store.retention import refuse_before, sessions_from
from analyzer.store.schema import aggregates, clients, facts, inputs, sessions
from analyzer.store.shape import check
from analyzer.store.times import LATEST, bounded, day_of

VERSION: Final = 1
LONGEST_LINE: Final = 1 << 20
"""Bytes: facts of 256 logins with long names have 200 KB."""

_PORTION: Final = 5000
_LAST_DAY: Final = day_of(LATEST)
_MOST: Final = (1 << 31) - 1
"""Of what is counted: columns have 32 bits."""


def export(connection: Connection) -> Iterator[str]:
    """Everything in the store, in an order that depends on nothing but what is in it."""
    until = sessions_from(connection)
    yield _line("store", version=VERSION, sessions_from=until)
    for row in connection.execute(select(inputs).order_by(*inputs.primary_key.columns)).mappings():
        yield _line("input", **row)
    for row in connection.execute(select(clients.c.ip, clients.c.first).order_by(clients.c.ip)).mappings():
        yield _line("client", **row)
    for values in names.export(connection):
        yield _line("name", **values)
    a = aggregates.c
    summed = (
        select(aggregates, clients.c.ip, facts.c.content)
        .join(clients, clients.c.id == a.client_id)
        .join(facts, facts.c.id == a.facts_id)
        .where(a.day < until)
        .order_by(a.day, clients.c.ip, facts.c.hash)
    )
    with connection.execute(summed.execution_options(yield_per=_PORTION)) as rows:
        for row in rows.mappings():
            values = {
                name: row[name] for name in ("sessions", "messages", "complete", "gapped", "first", "last", "end")
            }
            yield _line("sum", day=row["day"], client=row["ip"], facts=json.loads(row["content"]), **values)
    s = sessions.c
    told = (
        select(s.start, s.end, clients.c.ip, s.client_port, s.serial, s.messages, s.complete, s.gapped, facts.c.content)
        .join(clients, clients.c.id == s.client_id)
        .join(facts, facts.c.id == s.facts_id)
        .order_by(s.start, clients.c.ip, s.client_port, s.end, func.coalesce(s.serial, -1), facts.c.hash, s.messages)
    )
    with connection.execute(told.execution_options(yield_per=_PORTION)) as rows:
        for start, end, ip, port, serial, messages, complete, gapped, content in rows:
            yield _line(
                "session",
                start=start,
                end=end,
                client=ip,
                port=port,
                serial=serial,
                messages=messages,
                complete=bool(complete),
                gapped=bool(gapped),
                facts=json.loads(content),
            )


def _line(kind: str, **values: Any) -> str:
    return json.dumps({"type": kind, **values}, separators=(",", ":"))


class Import:
    """Takes lines that :func:`export` gave.

    Args:
        connection: within a transaction that writes.
        ingestion: takes the sessions; whoever made it finishes it.

    Attributes:
        sums: daily sums that were taken. skipped: that were not, because there are some of their days already.
    """

    def __init__(self, connection: Connection, ingestion: Ingestion) -> None:
        self._connection = connection
        self._ingestion = ingestion
        self._numbers = Numbers(connection)
        self._checked: set[str] = set()
        self._held: set[int] = set()
        self._names: list[tuple[str, int, int]] = []
        self.sums = self.skipped = 0

    def take(self, lines: Iterable[str], source: str) -> Ingested:
        """Read all lines of ``source``.

        Raises:
            UsageError: they are of another version, or something else.
        """
        numbered = enumerate(lines, 1)
        self._begin(next(numbered, (1, "")), source)
        done = Ingested()
        sessions_read: list[Session] = []
        sums: dict[Key, Sum] = {}
        for number, line in numbered:
            try:
                self._line(line, sessions_read, sums)
            except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
                raise UsageError(
                    f"{source}: line {number} is not what 'smtpauth store export' writes; nothing was stored"
                ) from None
            if max(len(sessions_read), len(sums), len(self._names)) >= _PORTION:
                done += self._flush(sessions_read, sums)
        return done + self._flush(sessions_read, sums)

    def _begin(self, first: tuple[int, str], source: str) -> None:
        try:
            header = json.loads(first[1])
            kind, version, until = header["type"], header["version"], _whole(header["sessions_from"], _LAST_DAY)
        except (KeyError, TypeError, ValueError, RecursionError):
            kind = version = until = None
        if kind != "store" or until is None:
            raise UsageError(f"{source}: this is not what 'smtpauth store export' writes")
        if version != VERSION:
            raise UsageError(
                f"{source}: this was exported by another version of smtp-auth-analyzer (format {version!r})"
            )
        column = aggregates.c.day
        self._held = set(self._connection.execute(select(column).where(column < until).distinct()).scalars())
        if until:
            refuse_before(self._connection, until)

    def _line(self, line: str, sessions_read: list[Session], sums: dict[Key, Sum]) -> None:
        if len(line) > LONGEST_LINE:
            raise ValueError(line[:10])
        values: dict[str, Any] = json.loads(line)
        kind = values.pop("type")
        if kind == "input":
            self._ingestion.record([_source(values)])
        elif kind == "client":
            self._numbers.of_clients({canonical(values["ip"]): bounded(_whole(values["first"]))})
        elif kind == "name":
            self._names.append(names.span_of(values))
        elif kind == "session":
            sessions_read.append(self._session(values))
        elif kind == "sum":
            self._sum(values, sums)
        else:
            raise ValueError(kind)

    def _session(self, values: dict[str, Any]) -> Session:
        client = canonical(values["client"])
        session = self._restored(values["facts"], client)
        session.start, session.end = _whole(values["start"]), _whole(values["end"])
        session.client_port, session.messages = _whole(values["port"], 65535), _whole(values["messages"], _MOST)
        session.serial = None if values["serial"] is None else _whole(values["serial"], (1 << 32) - 1)
        session.complete, session.gaps = bool(values["complete"]), int(bool(values["gapped"]))
        return session

    def _sum(self, values: dict[str, Any], sums: dict[Key, Sum]) -> None:
        day = _whole(values["day"], _LAST_DAY)
        if day in self._held:
            self.skipped += 1
            return
        client = canonical(values["client"])
        self._restored(values["facts"], client)
        content = json.dumps(values["facts"], sort_keys=True, separators=(",", ":"))
        key = day, self._numbers.of_clients({client: 0})[client], self._numbers.of_content(content)
        counts = (_whole(values[name], _MOST) for name in ("sessions", "messages", "complete", "gapped"))
        times = (_whole(values[name]) for name in ("first", "last", "end"))
        sums.setdefault(key, Sum()).add(Sum(*counts, *times))
        self.sums += 1

    def _restored(self, facts_read: dict[str, Any], client: str) -> Session:
        """A session with these facts, once they have been checked."""
        content = json.dumps(facts_read, sort_keys=True)
        if content not in self._checked:
            if len(self._checked) >= _PORTION:
                self._checked.clear()
            check(facts_read)
            self._checked.add(content)
        return restored(content, client)

    def _flush(self, sessions_read: list[Session], sums: dict[Key, Sum]) -> Ingested:
        done = self._ingestion.take(sessions_read)
        aggregate.add(self._connection, sums)
        told_anew = names.keep_spans(self._connection, self._names)
        trend.forget(self._connection, {day for day, _, _ in sums} | told_anew)
        sessions_read.clear()
        sums.clear()
        self._names.clear()
        return done


def _source(values: dict[str, Any]) -> Source:
    return Source(
        str(values["sensor"]),
        str(values["name"]),
        _whole(values["first"]),
        _whole(values["last"]),
        _whole(values["dropped"]),
        bool(values["damaged"]),
        None if values["identity"] is None else str(values["identity"]),
    )


def _whole(value: object, most: int = LATEST) -> int:
    """``value``, if it is a whole number up to ``most``."""
    if type(value) is not int or not 0 <= value <= most:
        raise ValueError(value)
    return value
