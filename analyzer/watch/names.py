"""Names of the files of a run that goes on for months: of those only that open conversations may still ask for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import overload

MOST_NAMES = 10_000
"""Of the files read last. A conversation that is open longer than that is said to come from a file without a name."""

NAMELESS = "an earlier file"


class Names(Sequence[str]):
    """What each file was called, by its number in order of reading; numbers are never used again."""

    def __init__(self, most: int = MOST_NAMES) -> None:
        self._most = most
        self._names: dict[int, str] = {}
        self._next = 0

    def add(self, name: str) -> int:
        """The number of another file."""
        number = self._next
        self._next += 1
        self._names[number] = name
        if len(self._names) > self._most:
            del self._names[next(iter(self._names))]
        return number

    def __len__(self) -> int:
        return self._next

    @overload
    def __getitem__(self, number: int) -> str: ...
    @overload
    def __getitem__(self, number: slice) -> Sequence[str]: ...
    def __getitem__(self, number: int | slice) -> str | Sequence[str]:
        if isinstance(number, slice):
            return [self[each] for each in range(*number.indices(self._next))]
        if not 0 <= number < self._next:
            raise IndexError(number)
        return self._names.get(number, NAMELESS)
