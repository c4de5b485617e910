"""Counting without end in bounded memory, in a way that does not depend on order.

Traffic chooses how many names, accounts and servers there are, so every table that traffic fills has a limit. A table
that kept the first keys it met would give another result for another order of files; one that kept the most frequent
would need to count them all. Keeping the *smallest* keys needs neither: a key among the smallest of all was among the
smallest of every part, so it was never dropped and its count is exact, in any split and any order. Occurrences of the
others are counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=Any)  # keys of one table are comparable with each other

COUNT, FIRST, LAST = 0, 1, 2
"""Positions in a table's values."""


class Sightings(Generic[K]):
    """How often each key was seen, and from when to when (nanoseconds); the smallest ``limit`` keys are kept.

    Between calls of :meth:`settle` twice as many may be present, so that dropping costs little.
    """

    __slots__ = ("_dropped", "limit", "seen")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.seen: dict[K, list[int]] = {}
        self._dropped = 0

    def add(self, key: K, time: int, times: int = 1) -> None:
        """Count ``times`` occurrences of ``key``."""
        entry = self.seen.get(key)
        if entry is None:
            self.seen[key] = [times, time, time]
            if len(self.seen) > 2 * self.limit:
                self.settle()
            return
        entry[COUNT] += times
        if time < entry[FIRST]:
            entry[FIRST] = time
        elif time > entry[LAST]:
            entry[LAST] = time

    def merge(self, other: Sightings[K]) -> None:
        """Add what ``other`` has seen; ``other`` stays as it is."""
        self._dropped += other._dropped
        for key, (count, first, last) in other.seen.items():
            entry = self.seen.get(key)
            if entry is None:
                self.seen[key] = [count, first, last]
            else:
                self.seen[key] = [entry[COUNT] + count, min(entry[FIRST], first), max(entry[LAST], last)]
        if len(self.seen) > 2 * self.limit:
            self.settle()

    def settle(self) -> None:
        """Drop all but the smallest ``limit`` keys."""
        if len(self.seen) > self.limit:
            total = self.total
            self.seen = {key: self.seen[key] for key in sorted(self.seen)[: self.limit]}
            self._dropped += total - self.total

    @property
    def total(self) -> int:
        """Occurrences of the keys that are present."""
        return sum(entry[COUNT] for entry in self.seen.values())

    @property
    def dropped(self) -> int:
        """Occurrences of keys beyond the limit."""
        self.settle()
        return self._dropped

    def __iter__(self) -> Iterator[K]:
        """The keys kept, in no particular order."""
        self.settle()
        return iter(self.seen)

    def __len__(self) -> int:
        return min(len(self.seen), self.limit)

    def listed(self) -> list[K]:
        """The keys kept, smallest first."""
        return sorted(self)

    def counts(self) -> list[tuple[K, int]]:
        """Keys and how often each was seen, most frequent first, then smallest."""
        self.settle()
        if len(self.seen) < 2:  # most tables, and of many devices
            return [(key, entry[COUNT]) for key, entry in self.seen.items()]
        return sorted(((key, entry[COUNT]) for key, entry in self.seen.items()), key=lambda pair: (-pair[1], pair[0]))

    def spans(self) -> Iterator[tuple[K, int, int, int]]:
        """Key, count, first and last time, smallest key first."""
        for key in self.listed():
            count, first, last = self.seen[key]
            yield key, count, first, last
