"""What goes into the store beside sessions, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Source:
    """An input that sessions came from: a capture file, or the traffic of one interface during one live run.

    Attributes:
        sensor: who read it; the host's name, unless the user chose another.
        name: of the file or interface.
        first, last: its first and last packet, nanoseconds since 1970-01-01 UTC; 0 where it has none.
        dropped: packets that the sensor lost.
        damaged: it was cut, or read in part.
        identity: by which whoever reads it knows it again (such as a digest of the file); ``None`` where nobody asks.
    """

    sensor: str
    name: str
    first: int = 0
    last: int = 0
    dropped: int = 0
    damaged: bool = False
    identity: str | None = None


@dataclass(frozen=True, slots=True)
class Ingested:
    """What became of the sessions that were handed in.

    Attributes:
        added: sessions that were not known. known: that were, and stay as they are.
        replaced: that were known, but not as completely.
        too_old: refused, because the sessions of their days are gone, and nobody could tell whether they had counted.
        crowded: refused, because their endpoints have too many views at that time already.
    """

    added: int = 0
    known: int = 0
    replaced: int = 0
    too_old: int = 0
    crowded: int = 0

    def __add__(self, other: Ingested) -> Ingested:
        return Ingested(
            self.added + other.added,
            self.known + other.known,
            self.replaced + other.replaced,
            self.too_old + other.too_old,
            self.crowded + other.crowded,
        )


@dataclass(frozen=True, slots=True)
class StoreStatus:
    """What is in a store.

    Attributes:
        url: where it is, without a password. kind: ``sqlite`` or ``postgresql``.
        schema: revision of its tables. size: bytes it takes; ``None`` where the database does not tell.
        sensors: names, in order. inputs: how many captures and live runs.
        sessions: kept one by one; views: of them by all sensors, lesser ones included.
        addresses: clients ever seen. aggregates: rows that stay for good.
        first, last: days it reaches back to and up to; ``None`` while it is empty.
        sessions_from: the day from which on sessions are kept; ``None`` while none were removed.
        keep_days: how long sessions are kept.
        reduced: sessions of which only the verdict was kept, for their client showed too many different things.
    """

    url: str
    kind: str
    schema: str
    size: int | None
    sensors: tuple[str, ...]
    inputs: int
    sessions: int
    views: int
    addresses: int
    aggregates: int
    first: date | None
    last: date | None
    sessions_from: date | None
    keep_days: int
    reduced: int
