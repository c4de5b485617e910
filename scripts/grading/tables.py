"""What is printed: tables of cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple


class Share(NamedTuple):
    """So many of so many."""

    part: float
    whole: float

    @property
    def value(self) -> float | None:
        """As a fraction; ``None`` of nothing."""
        return self.part / self.whole if self.whole else None


Cell = str | int | float | Share | None


@dataclass(frozen=True, slots=True)
class Table:
    """One table.

    Attributes:
        section: by which it is asked for.
        title: what it shows.
        columns: their headings.
        rows: as many cells each.
        notes: sentences below it.
    """

    section: str
    title: str
    columns: tuple[str, ...]
    rows: Sequence[Sequence[Cell]]
    notes: list[str] = field(default_factory=list)
