"""Stores for tests: real ones, filled as captures are scanned."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from analyzer.inventory.session import Session
from analyzer.store import Source, Store, open_store
from tests.support.weeks import MONDAY


def filled(path: Path, sessions: Iterable[Session], sensor: str = "office") -> Store:
    """A new store in SQLite, open, with each capture's sessions ingested in one go."""
    store = open_store(str(path), today=lambda: MONDAY)
    every = list(sessions)
    for source in sorted({session.source for session in every}):
        of_it = [session for session in every if session.source == source]
        first, last = min(one.start for one in of_it), max(one.end for one in of_it)
        store.ingest(of_it, Source(sensor, source, first, last))
    return store
