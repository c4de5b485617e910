"""Which column is which: headers are compared without case, accents, spaces and signs, in several languages.

English and Italian names are those of Microsoft's documentation; the others are plain translations, which do no harm
where they are wrong: what is not found is told.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analyzer.errors import InputError

LISTED_HEADERS = 40
"""Headers named in an error."""

LONGEST_HEADER = 60


@dataclass(frozen=True, slots=True)
class Column:
    """A column that is looked for.

    Attributes:
        names: the first is what an error calls it; each may stand at the start of a header or be all of it.
        required: without it the file is of no use.
    """

    names: tuple[str, ...]
    required: bool = False


Columns = Mapping[str, Column]


def plain(text: str) -> str:
    """Letters and digits only, lower case, without accents."""
    decomposed = unicodedata.normalize("NFKD", text[:LONGEST_HEADER]).casefold()
    return "".join(char for char in decomposed if char.isalnum())


def positions(header: Sequence[str], columns: Columns) -> dict[str, int]:
    """The position of each column that ``header`` has, by the column's key: equal names before those that only begin
    alike, and no header for two columns."""
    plains = [plain(cell) for cell in header]
    found: dict[str, int] = {}
    for is_it in (str.__eq__, str.startswith):
        for key, column in columns.items():
            if key in found:
                continue
            for name in map(plain, column.names):
                at = next((i for i, cell in enumerate(plains) if i not in found.values() and is_it(cell, name)), None)
                if at is not None:
                    found[key] = at
                    break
    return found


def is_complete(header: Sequence[str], columns: Columns) -> bool:
    """Whether ``header`` has every column that is required."""
    found = positions(header, columns)
    return all(key in found for key, column in columns.items() if column.required)


def missing(name: str, what: str, seen: Sequence[str], columns: Columns) -> InputError:
    """The one line for a file without these columns: what was looked for, and what was there."""
    found = positions(seen, columns)
    lacking = [column.names[0] for key, column in columns.items() if column.required and key not in found]
    headers = ", ".join(_shown(cell) for cell in seen[:LISTED_HEADERS]) or "none"
    more = f" and {len(seen) - LISTED_HEADERS} more" if len(seen) > LISTED_HEADERS else ""
    looked_for = ", ".join(repr(lack) for lack in lacking)
    return InputError(name, f"not {what}: no column {looked_for}; headers seen: {headers}{more}")


def _shown(text: str) -> str:
    """A header on an administrator's terminal: printable, and not longer than one."""
    cut = text.strip()[:LONGEST_HEADER]
    return repr("".join(char if char.isprintable() else "?" for char in cut))
