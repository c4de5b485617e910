"""Tables as text, Markdown or JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from math import floor

from tabulate import tabulate

from .tables import Cell, Share, Table


def text(tables: Sequence[Table]) -> str:
    """For a terminal."""
    return "\n\n".join("\n".join((table.title, _plain(table), *table.notes)) for table in tables) + "\n"


def _plain(table: Table) -> str:
    if not table.rows:
        return "  none"
    cells = [[_shown(cell) for cell in row] for row in table.rows]
    return tabulate(cells, table.columns, disable_numparse=True, colalign=["left", *_right(table)])


def _right(table: Table) -> list[str]:
    """Numbers stand at the right."""
    columns = list(zip(*table.rows, strict=True))[1:]
    return ["left" if any(isinstance(cell, str) for cell in column) else "right" for column in columns]


def markdown(tables: Sequence[Table]) -> str:
    """For documents."""
    return "\n\n".join(_markdown(table) for table in tables) + "\n"


def _markdown(table: Table) -> str:
    notes = [f"\n{note}" for note in table.notes]
    if not table.rows:
        return "\n".join((f"{table.title}: none.", *notes))
    lines = [table.columns, ["---"] * len(table.columns), *([_shown(cell) for cell in row] for row in table.rows)]
    rows = ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]
    rows[1] = rows[1].replace(" ", "")
    return "\n".join((f"{table.title}:\n", *rows, *notes))


def as_json(tables: Sequence[Table], wrong: int) -> str:
    """For programs: shares as their two numbers."""
    found = [
        {
            "section": table.section,
            "title": table.title,
            "columns": table.columns,
            "rows": [[_value(cell) for cell in row] for row in table.rows],
            "notes": table.notes,
        }
        for table in tables
    ]
    return json.dumps({"wrong": wrong, "tables": found}, indent=2, ensure_ascii=False) + "\n"


def _value(cell: Cell) -> object:
    return {"part": cell.part, "whole": cell.whole} if isinstance(cell, Share) else cell


def _shown(cell: Cell) -> str:
    if isinstance(cell, Share):
        return percent(cell)
    if isinstance(cell, float):
        return f"{cell:.4g}"
    return "-" if cell is None else f"{cell:,}" if isinstance(cell, int) else cell


def percent(share: Share) -> str:
    """Never rounded up: 99.96% of the answers are not all of them."""
    if share.value is None:
        return "-"
    return f"{floor(share.value * 1000 + 1e-9) / 10:.1f}%"
