"""Sessions of a scan go into a store when it is over, and those of a live run while it goes on."""

from __future__ import annotations

import contextlib
import socket
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from importlib import import_module
from tempfile import TemporaryDirectory
from threading import Event, Lock, Thread
from typing import Final

from analyzer.commands.console import say
from analyzer.errors import UsageError
from analyzer.hostnames import Learned
from analyzer.inventory.session import Session
from analyzer.report.model import InputSummary
from analyzer.report.redact import Redactor
from analyzer.store import Ingested, Source, Store, open_store
from analyzer.store.spool import SessionSpool

EVERY: Final = 5.0
"""Seconds between portions of a live run: what a power cut costs, and how often a disk is made to write."""

MOST_WAITING: Final = 50_000
"""Sessions of a live run that wait for a store that cannot be reached, some 2 KB each: an hour of a large network."""


def sensor_of(name: str | None) -> str:
    """Who reads: ``name``, else this host."""
    return name or socket.gethostname() or "localhost"


def redacted(session: Session, redactor: Redactor | None) -> Session:
    """``session`` without user names, where the user wants it so; the one that was given stays as it is."""
    if redactor is None or not session.auth:
        return session
    attempts = [
        attempt if attempt.username is None else replace(attempt, username=redactor.alias(attempt.username))
        for attempt in session.auth
    ]
    return replace(session, auth=attempts)


class ScanStoring:
    """The sessions of a scan, kept until it is over, and then stored in one transaction with their inputs.

    Args:
        url: of the store, which must be usable from the beginning: better known now than in an hour.
        sensor: who reads; the host by default.
        redactor: replaces user names, where given.

    Attributes:
        name: of the store, for people. stored: what became of the sessions.

    Raises:
        UsageError: the store cannot be used, or there is no room for what waits.
    """

    def __init__(self, url: str, sensor: str | None, redactor: Redactor | None) -> None:
        self._sensor = sensor_of(sensor)
        self._redactor = redactor
        self._store = open_store(url)
        self._spool = SessionSpool()
        self.stored = Ingested()
        self.name = self._store.name

    def take(self, session: Session) -> None:
        """Keep ``session`` for later."""
        try:
            self._spool.add(redacted(session, self._redactor))
        except OSError as error:
            raise UsageError(
                f"no room for the sessions that are to be stored ({error.strerror}); set TMPDIR to another disk"
            ) from None

    def finish(self, inputs: Sequence[InputSummary], names: Iterable[Learned], *, whole: bool) -> None:
        """Store everything.

        Args:
            inputs: that were read. whole: whether to their ends.
            names: what was learned of hosts.
        """
        sources = _sources(self._sensor, inputs, whole=whole)
        self.stored = self._store.ingest(self._spool, *sources, names=names)
        self._store.refresh()

    def tell(self, *, verbose: bool, quiet: bool) -> None:
        """Say what became of the sessions, where it is news to the user."""
        tell(self.stored, self.name, verbose=verbose, quiet=quiet)

    def close(self) -> None:
        """Let go of the store."""
        self._spool.close()
        self._store.close()


def _sources(sensor: str, inputs: Sequence[InputSummary], *, whole: bool = True) -> list[Source]:
    return [
        Source(
            sensor,
            one.name,
            one.first or 0,
            one.last or one.first or 0,
            one.dropped,
            damaged=bool(one.damage) or not whole,
        )
        for one in inputs
    ]


def load() -> None:
    """Load all that a store needs: who becomes another user may not be allowed to, later."""
    with TemporaryDirectory(prefix="smtpauth-") as folder, open_store(f"{folder}/store.db") as store:
        store.ingest([Session(0, 0, "", "192.0.2.1", 1, "192.0.2.2", 25)], Source("", ""))
        store.refresh()
    import_module("sqlalchemy.dialects.postgresql.psycopg")
    import_module("psycopg")


def tell(done: Ingested, name: str, *, verbose: bool, quiet: bool) -> None:
    """Say what became of sessions, where it is news to the user."""
    if done.too_old and not quiet:
        say(
            f"{name}: {done.too_old:,} sessions are of days whose sessions are no longer kept, and were not stored: "
            "whether they had counted cannot be told any more"
        )
    if done.crowded and not quiet:
        say(f"{name}: {done.crowded:,} sessions were not stored: their endpoints are used over and over")
    if verbose:
        say(f"{name}: {done.added:,} sessions stored, {done.replaced:,} completed, {done.known:,} known already")


class LiveStoring:
    """The sessions of a live run, stored every few seconds by a thread of its own.

    A store that cannot be reached does not stop the run: sessions wait, and are lost only beyond
    :data:`MOST_WAITING`, counted.

    Args:
        url: of the store, which must be usable from the beginning.
        sensor: who reads; the host by default.
        redactor: replaces user names, where given.
        inputs: says what they are by now.
        store: an open one, in place of what ``url`` says.

    Attributes:
        lost: sessions that had to be given up.
        stored: what became of the others.
        trouble: why the store cannot be used at the moment, or ``None``.

    Raises:
        UsageError: the store cannot be used.
    """

    def __init__(
        self,
        url: str,
        sensor: str | None,
        redactor: Redactor | None,
        inputs: Callable[[], Sequence[InputSummary]],
        store: Store | None = None,
    ) -> None:
        self._sensor = sensor_of(sensor)
        self._redactor = redactor
        self._inputs = inputs
        self._news: deque[str] = deque(maxlen=8)  # said by the thread that has the terminal
        self._store = open_store(url, wait=EVERY) if store is None else store
        self._waiting: deque[Session] = deque()
        self._names: tuple[Learned, ...] = ()
        self._lock = Lock()
        self._over = Event()
        self.lost = 0
        self.stored = Ingested()
        self.trouble: str | None = None
        self._thread = Thread(target=self._run, name="store", daemon=True)
        self._thread.start()

    def take(self, session: Session) -> None:
        """Store ``session`` soon."""
        session = redacted(session, self._redactor)
        with self._lock:
            if len(self._waiting) >= MOST_WAITING:
                self.lost += 1  # the oldest stay: with them the store goes on where it ended
            else:
                self._waiting.append(session)

    def learn(self, names: Iterable[Learned]) -> None:
        """Store what was learned of hosts' names soon; it may be told again and again."""
        learned = tuple(names)
        with self._lock:
            self._names = learned

    def news(self) -> Iterator[str]:
        """What the user should know and has not been told."""
        while self._news:
            yield self._news.popleft()

    def finish(self) -> None:
        """Store what waits, and end."""
        self._over.set()
        self._thread.join()
        with self._lock:
            self.lost += len(self._waiting)
            self._waiting.clear()
        if not self.trouble:
            with contextlib.suppress(UsageError):
                self._store.refresh()
        self._store.close()

    def _run(self) -> None:
        while not self._over.wait(EVERY):
            self._flush()
        self._flush()

    def _flush(self) -> None:
        with self._lock:
            portion, names = list(self._waiting), self._names
        if not (portion or names or self._over.is_set()):
            return
        try:
            done = self._store.ingest(portion, *_sources(self._sensor, self._inputs()), names=names)
        except UsageError as error:
            if self.trouble is None:
                self._news.append(f"{error} (sessions wait until it can be used again, up to {MOST_WAITING:,})")
            self.trouble = str(error)
            return
        with self._lock:
            for _ in portion:
                self._waiting.popleft()
            if self._names is names:
                self._names = ()
        self.stored += done
        if self.trouble is not None:
            self.trouble = None
            self._news.append(f"{self._store.name}: it can be used again")
