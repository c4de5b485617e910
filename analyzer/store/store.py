"""The store as the rest of the program sees it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from types import TracebackType
from typing import Self

from analyzer.history.model import Quality, TrendPoint
from analyzer.inventory.devices import Inventory
from analyzer.inventory.session import Session
from analyzer.store.records import Ingested, Source, StoreStatus


def open_store(url: str, *, create: bool = True) -> Store:
    """Open the store at ``url``: a file of SQLite (its path, or ``sqlite:///path``) or ``postgresql://…``.

    Args:
        create: make a file of SQLite that does not exist yet; without it, that is an error.

    Raises:
        UsageError: it cannot be used as a store.
    """
    return Store(url, create=create)


class Store:
    """Sessions and daily sums over them. To be closed, or used in a ``with`` statement.

    Every method raises :class:`analyzer.errors.UsageError` where the database cannot be used.
    """

    def __init__(self, url: str, *, create: bool = True) -> None:
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the database."""
        raise NotImplementedError

    def ingest(self, sessions: Iterable[Session], *sources: Source) -> Ingested:
        """Record inputs with their sessions, in one transaction: all of it, or nothing where an error comes.

        Sessions that are known already do not count again, whatever input they come from.
        """
        raise NotImplementedError

    def known(self, identities: Collection[str]) -> set[str]:
        """Those of ``identities`` (:attr:`Source.identity`) that were recorded."""
        raise NotImplementedError

    def days(self) -> tuple[date, date] | None:
        """First and last day (UTC) on which anything was seen; ``None`` while the store is empty."""
        raise NotImplementedError

    def inventory(self, first: date, last: date, clients: Collection[str] | None = None) -> Inventory:
        """What a scan of the traffic of these days, both included, would say; sessions belong to the day they began.

        Args:
            clients: look only at these addresses.
        """
        raise NotImplementedError

    def days_seen(self, first: date, last: date) -> Mapping[str, Sequence[date]]:
        """The days, both ends included, on which each client address was seen, in order."""
        raise NotImplementedError

    def trend(self, weeks: int, last: date) -> Sequence[TrendPoint]:
        """The ``weeks`` ISO weeks up to the one that ``last`` lies in, oldest first, none before the first day."""
        raise NotImplementedError

    def quality(self, first: date, last: date) -> Quality:
        """How well the traffic of these days, both included, was observed."""
        raise NotImplementedError

    def first_seen(self) -> Mapping[str, int]:
        """When each client address was seen first of all, nanoseconds since 1970-01-01 UTC."""
        raise NotImplementedError

    def unlisted(self, first: date, last: date) -> Mapping[str, int]:
        """What limits of the store left out of these days, counted by name."""
        raise NotImplementedError

    def prune(self, today: date, keep_days: int | None = None) -> int:
        """Remove sessions that are older than the store keeps them (``keep_days``, remembered); returns how many."""
        raise NotImplementedError

    def status(self) -> StoreStatus:
        """What is in it."""
        raise NotImplementedError
