"""The store as the rest of the program sees it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from types import TracebackType
from typing import Self

from sqlalchemy import Connection, func, select

from analyzer.errors import InputError, UsageError
from analyzer.history.model import Quality, TrendPoint
from analyzer.hostnames import Learned
from analyzer.inventory.devices import Inventory, Roster
from analyzer.inventory.session import Session
from analyzer.store import names as known_names
from analyzer.store import query, retention, transfer, trend, upgrade
from analyzer.store.engine import OF_DAMAGE, WAIT, engine_of, size_of, told, transaction, use_write_ahead_log
from analyzer.store.ingest import Ingestion
from analyzer.store.interning import ASKED
from analyzer.store.records import Ingested, Source, StoreStatus
from analyzer.store.schema import aggregates, clients, facts, inputs, sessions
from analyzer.store.sqlite_file import is_there
from analyzer.store.times import date_of
from analyzer.store.trend import Week
from analyzer.store.url import shown, url_of


def _today() -> date:
    return datetime.now(UTC).date()


def initialise(url: str, *, wait: float = WAIT) -> bool:
    """Make the tables at ``url``, or bring them up to date; returns whether there was anything to do.

    Raises:
        UsageError: the database cannot be used, or its schema is newer.
    """
    engine = engine_of(url_of(url), wait)
    if engine.dialect.name == "sqlite":
        is_there(shown(engine.url))
    use_write_ahead_log(engine)
    return upgrade.initialise(engine)


def open_store(url: str, *, create: bool = True, wait: float = WAIT, today: Callable[[], date] = _today) -> Store:
    """Open the store at ``url``: a file of SQLite (its path, or ``sqlite:///path``) or ``postgresql://…``.

    Args:
        create: make a file of SQLite that does not exist yet; without it, that is an error.
        wait: seconds to wait for another writer.
        today: the calendar.

    Raises:
        UsageError: it cannot be used as a store.
    """
    return Store(url, create=create, wait=wait, today=today)


class Store:
    """Sessions and daily sums over them. To be closed, or used in a ``with`` statement, which tells damage apart from
    errors of the program.

    Every method raises :class:`analyzer.errors.UsageError` where the database cannot be used. It holds no connection
    between calls, but for :meth:`at_one_moment`: a server may be restarted meanwhile.
    """

    def __init__(
        self, url: str, *, create: bool = True, wait: float = WAIT, today: Callable[[], date] = _today
    ) -> None:
        self._today = today
        self._connection: Connection | None = None  # while all that is read is of one moment
        self._made: dict[int, Week] = {}  # worked out meanwhile: who reads one moment does not write at the same time
        self._made_as_of = 0
        self._engine = engine_of(url_of(url), wait)
        where = self._engine.url
        self.name = shown(where)
        if where.drivername == "sqlite":
            there = is_there(self.name)
            if create:
                self._make_file()
            elif not there:
                raise InputError(self.name, "there is no store yet", "'smtpauth store init' makes one")
        with transaction(self._engine, writes=False) as connection:
            upgrade.check(connection)

    def _make_file(self) -> None:
        """Make a file of SQLite a store, if nothing is in it; another process may do so at the same time."""
        with transaction(self._engine, writes=False) as connection:
            is_new = upgrade.is_empty(connection)
        if is_new:
            use_write_ahead_log(self._engine)
            upgrade.initialise(self._engine)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if isinstance(error, OF_DAMAGE):
                with told(self._engine):
                    raise error
        finally:
            self.close()

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    # --- in ---------------------------------------------------------------------------------------------

    def ingest(self, sessions: Iterable[Session], *sources: Source, names: Iterable[Learned] = ()) -> Ingested:
        """Record inputs with their sessions and what was learned of hosts' names, in one transaction: all of it, or
        nothing where an error comes.

        Sessions that are known already do not count again, whatever input they come from. Once a day, those that are
        too old to be kept are removed.
        """
        with transaction(self._engine, writes=True) as connection:
            ingestion = Ingestion(connection)
            ingestion.record(sources)
            done = ingestion.take(sessions)
            ingestion.finish()
            trend.forget(connection, known_names.keep(connection, names))
            if retention.is_due(connection, self._today()):
                retention.prune(connection, self._today())
        return done

    def refresh(self) -> None:
        """Work out the trend of weeks that have changed, so that a report need not."""
        with self.at_one_moment(), self._reading() as connection:
            self._make(connection, trend.weeks_seen(connection))

    def prune(self, keep_days: int | None = None) -> int:
        """Remove sessions that are older than the store keeps them; returns how many.

        Args:
            keep_days: keep them so long from now on.
        """
        with transaction(self._engine, writes=True) as connection:
            if keep_days is not None:
                retention.choose_keep_days(connection, keep_days)
            return retention.prune(connection, self._today())

    # --- out --------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def at_one_moment(self) -> Iterator[None]:
        """What is read within is of one moment, whoever writes meanwhile, and over one connection."""
        with transaction(self._engine, writes=False) as connection:
            self._connection = connection
            try:
                yield
            except BaseException:
                self._made.clear()
                raise
            finally:
                self._connection = None
        self._keep_made()

    @contextlib.contextmanager
    def _reading(self) -> Iterator[Connection]:
        if self._connection is not None:
            yield self._connection
            return
        with transaction(self._engine, writes=False) as connection:
            yield connection

    def known(self, identities: Collection[str]) -> set[str]:
        """Those of ``identities`` (:attr:`Source.identity`) that were recorded."""
        wanted = sorted(identities)
        found: set[str] = set()
        with self._reading() as connection:
            for at in range(0, len(wanted), ASKED):
                asked = select(inputs.c.identity).where(inputs.c.identity.in_(wanted[at : at + ASKED]))
                found.update(identity for identity in connection.execute(asked).scalars() if identity is not None)
        return found

    def days(self) -> tuple[date, date] | None:
        """First and last day (UTC) on which anything was seen; ``None`` while the store is empty."""
        with self._reading() as connection:
            return query.days(connection)

    def inventory(self, first: date, last: date, clients: Collection[str] | None = None) -> Inventory:
        """What a scan of the traffic of these days, both included, would say; sessions belong to the day they began.

        Args:
            clients: look only at these addresses.
        """
        with self._reading() as connection:
            return query.inventory(connection, first, last, clients)

    def roster(self, first: date, last: date) -> Roster:
        """As :meth:`inventory`, in short."""
        with self._reading() as connection:
            return trend.roster(connection, first, last, self._made)

    def last_days(self, first: date, last: date, most: int) -> Mapping[str, date]:
        """The last of these days, both ends included, on which each client address was seen, of the ``most`` that were
        seen last."""
        with self._reading() as connection:
            return query.last_days(connection, first, last, most)

    def days_seen(self, first: date, last: date, clients: Collection[str]) -> Mapping[str, Sequence[date]]:
        """The days, both ends included, on which each of these client addresses was seen, in order."""
        with self._reading() as connection:
            return query.days_seen(connection, first, last, clients)

    def days_observed(self, first: date, last: date) -> Sequence[date]:
        """The days, both ends included, on which anything was seen, in order."""
        with self._reading() as connection:
            return query.days_observed(connection, first, last)

    def trend(self, weeks: int, last: date) -> Sequence[TrendPoint]:
        """The ``weeks`` ISO weeks up to the one that ``last`` lies in, oldest first, none before the first day."""
        with self._reading() as connection:
            wanted = trend.mondays(connection, weeks, last)
            points = trend.kept(connection, wanted)
            points += [week.point for week in self._make(connection, wanted)]
        if self._connection is None:
            self._keep_made()
        return sorted(points, key=lambda point: point.period.first)

    def quality(self, first: date, last: date) -> Quality:
        """How well the traffic of these days, both included, was observed."""
        with self._reading() as connection:
            return query.quality(connection, first, last)

    def sensors(self, first: date, last: date) -> set[str]:
        """Who reported of these days, both included."""
        with self._reading() as connection:
            return query.sensors(connection, first, last)

    def first_seen(self, clients: Collection[str] | None = None) -> Mapping[str, int]:
        """When each client address was seen first of all, nanoseconds since 1970-01-01 UTC.

        Args:
            clients: look only at these.
        """
        with self._reading() as connection:
            return query.first_seen(connection, clients)

    def status(self) -> StoreStatus:
        """What is in it."""
        with self._reading() as connection:

            def count(of: object) -> int:
                return int(connection.execute(select(func.count()).select_from(of)).scalar_one())  # type: ignore[arg-type]

            reach = query.days(connection)
            oldest_kept = retention.sessions_from(connection)
            reduced = connection.execute(
                select(func.coalesce(func.sum(aggregates.c.sessions), 0))
                .join(facts, facts.c.id == aggregates.c.facts_id)
                .where(facts.c.reduced)
            ).scalar_one()
            return StoreStatus(
                url=self.name,
                kind=connection.dialect.name,
                schema=str(upgrade.revision_of(connection)),
                size=size_of(connection),
                sensors=tuple(connection.execute(select(inputs.c.sensor).distinct().order_by("sensor")).scalars()),
                inputs=count(inputs),
                sessions=count(select(sessions.c.id).where(sessions.c.counts).subquery()),
                views=count(sessions),
                addresses=count(clients),
                aggregates=count(aggregates),
                first=None if reach is None else reach[0],
                last=None if reach is None else reach[1],
                sessions_from=date_of(oldest_kept) if oldest_kept else None,
                keep_days=retention.keep_days(connection),
                reduced=int(reduced),
            )

    # --- to other places --------------------------------------------------------------------------------

    def export(self) -> Iterator[str]:
        """Everything, as lines of JSON without their ends; as it was when the first was asked for."""
        with transaction(self._engine, writes=False) as connection:
            yield from transfer.export(connection)

    def import_lines(self, lines: Iterable[str], source: str = "import") -> tuple[Ingested, int, int]:
        """Take what :meth:`export` gave, in one transaction; twice is as good as once.

        Args:
            source: what to call them where they are something else.

        Returns:
            What became of the sessions, how many daily sums were taken, and how many were not, because there are some
            of their days already.
        """
        with transaction(self._engine, writes=True) as connection:
            ingestion = Ingestion(connection)
            taking = transfer.Import(connection, ingestion)
            done = taking.take(lines, source)
            ingestion.finish()
        return done, taking.sums, taking.skipped

    def _make(self, connection: Connection, wanted: Iterable[int]) -> list[Week]:
        """Work out those of the ``wanted`` weeks that are missing, to be kept when nothing is read any more."""
        made = {monday: trend.work_out(connection, monday) for monday in trend.missing(connection, wanted)}
        self._made |= made
        self._made_as_of = trend.changes(connection)
        return list(made.values())

    def _keep_made(self) -> None:
        made = list(self._made.values())
        self._made.clear()
        if made:
            self._keep(made, self._made_as_of)

    def _keep(self, worked_out: Iterable[Week], as_of: int) -> None:
        """Remember weeks; who may only read does without."""
        with contextlib.suppress(UsageError), transaction(self._engine, writes=True) as connection:
            trend.keep(connection, worked_out, as_of)
