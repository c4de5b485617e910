#!/usr/bin/env python3
"""Fill the tables of ``docs/advice.md`` from the knowledge that comes with the program.

    .venv/bin/python -m scripts.document_advice

A table stands between ``<!-- table: NAME -->`` and ``<!-- end -->``; a test holds the document to what this writes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from pathlib import Path

from analyzer.advice import packaged_knowledge
from analyzer.advice.knowledge import SCHEMAS
from analyzer.advice.urgency import RULES
from analyzer.report.plans import FIRMWARE_TOLD

DOCUMENT = Path(__file__).resolve().parents[1] / "docs/advice.md"
KNOWLEDGE = packaged_knowledge()

_BASIC = {
    "retiring": "end announced",
    "ended": "ended",
    "app-passwords": "application passwords",
    "accepted": "by design",
    "none": "no login there",
}


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; what is ``None`` stays empty."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, tuple):
        value = ", ".join(map(str, value))
    return (value.isoformat() if isinstance(value, date) else str(value)).replace("|", "\\|")


def _providers() -> str:
    rows = (
        (f"`{row.id}`", row.name, _BASIC[row.basic], row.basic_ends, row.note, row.oauth, row.source, row.as_of)
        for row in KNOWLEDGE.providers.values()
    )
    return table(("id", "provider", "passwords", "end", "note", "OAuth", "source", "as of"), rows)


def _makers() -> str:
    rows = (
        (
            f"`{row.id}`",
            row.name,
            FIRMWARE_TOLD[row.oauth].replace("{firmware}", row.firmware or ""),
            row.note,
            row.source,
            row.as_of,
        )
        for row in KNOWLEDGE.makers.values()
    )
    return table(("id", "maker", "OAuth for SMTP", "note", "source", "as of"), rows)


def _ways() -> str:
    parts = []
    for row in KNOWLEDGE.ways.values():
        steps = "\n".join(f"{number}. {step}" for number, step in enumerate(row.steps, 1))
        whom = "any provider" if row.providers is None else ", ".join(f"`{id}`" for id in row.providers)
        until = "" if row.until is None else f" Until {row.until}."
        needs = "" if not row.requires else f" Requires: {', '.join(row.requires)}."
        parts.append(
            f"**{row.name}** (`{row.id}`), for {whom}, where passwords are {' or '.join(row.standings)}. "
            f"When {row.when}.{until}{needs}\n\n{steps}\n\nSource: {row.source} (as of {row.as_of})."
        )
    return "\n\n".join(parts)


def _replies() -> str:
    rows = (
        (" ".join(str(part) for part in (row.code, row.enhanced) if part), row.meaning, row.todo, row.source, row.as_of)
        for row in KNOWLEDGE.replies.values()
    )
    return table(("reply", "words of its meaning", "what to do", "source", "as of"), rows)


def _urgency() -> str:
    return table(("urgency", "because"), ((f"`{rule.urgency.value}`", rule.reason) for rule in RULES))


def _keys() -> str:
    rows = []
    for name, schema in SCHEMAS.items():
        required = [f"`{key}`" for key, wanted in schema.items() if wanted.required]
        others = [f"`{key}`" for key, wanted in schema.items() if not wanted.required]
        rows.append((f"`[{name}.ID]`", ", ".join(required), ", ".join(others)))
    return table(("table", "keys that a new row must have", "other keys"), rows)


TABLES: dict[str, Callable[[], str]] = {
    "urgency": _urgency,
    "providers": _providers,
    "makers": _makers,
    "ways": _ways,
    "replies": _replies,
    "keys": _keys,
}


def filled(text: str) -> str:
    """``text`` with every table as the knowledge has it."""

    def fill(match: re.Match[str]) -> str:
        return f"<!-- table: {match[1]} -->\n\n{TABLES[match[1]]()}\n\n<!-- end -->"

    return re.sub(r"<!-- table: (\w+) -->.*?<!-- end -->", fill, text, flags=re.DOTALL)


if __name__ == "__main__":
    DOCUMENT.write_text(filled(DOCUMENT.read_text("utf-8")), "utf-8")
