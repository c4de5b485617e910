"""Sessions and daily sums over them, in SQLite or PostgreSQL: what was seen on days gone by."""

from analyzer.store.records import Ingested, Source, StoreStatus
from analyzer.store.store import Store, initialise, open_store

__all__ = ["Ingested", "Source", "Store", "StoreStatus", "initialise", "open_store"]
