"""Whether tables of TOML have the keys and values that they should: one clear line where they have not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from analyzer.advice.patterns import problem_of
from analyzer.errors import InputError

Kind = Literal["text", "texts", "patterns", "numbers", "number", "day", "flag"]

LONGEST_TEXT = 2000
"""Characters of a value: a sentence or two, not a book that every report would have to show."""

LONGEST_SHOWN = 100
"""Characters of a value that an error repeats."""

MOST_ITEMS = 200
"""Values of a list; the longest that comes with the program has 18."""

_WHAT: dict[Kind, str] = {
    "text": "text in quotation marks",
    "texts": "a list of texts",
    "patterns": "a list of regular expressions",
    "numbers": "a list of whole numbers",
    "number": "a whole number",
    "day": "a day like 2026-12-31",
    "flag": "true or false",
}


@dataclass(frozen=True, slots=True)
class Key:
    """What a key may hold; ``choices``: the only values allowed, for texts each of them."""

    kind: Kind
    required: bool = False
    choices: tuple[str, ...] = ()


Schema = Mapping[str, Key]


def checked(name: str, where: str, row: Any, schema: Schema, base: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The fields of ``row``, lists as tuples, over those of ``base``.

    Args:
        name: the file's, for the error.
        where: the row's place in it, e.g. ``makers.canon``.
        base: the row that comes with the program, whose fields stay where ``row`` has none; where the row speaks, it
            must name a source and a day of its own.

    Raises:
        InputError: naming file and key.
    """
    if not isinstance(row, dict):
        raise InputError(name, f"'{where}' must be a table")
    for key in row:
        if key not in schema:
            raise InputError(name, f"'{where}' has the unknown key {key!r}", f"known: {', '.join(sorted(schema))}")
    fields = {key: _value(name, f"{where}.{key}", value, schema[key]) for key, value in row.items()}
    whole = {**(base or {}), **fields}
    for key, wanted in schema.items():
        own = key in ("source", "as_of")
        if wanted.required and key not in (fields if own else whole):
            raise InputError(name, f"'{where}' lacks the key '{key}'")
    return whole


def _value(name: str, where: str, value: Any, wanted: Key) -> Any:
    if not _is(value, wanted.kind):
        raise InputError(name, f"'{where}' must be {_WHAT[wanted.kind]}")
    if isinstance(value, list):
        if len(value) > MOST_ITEMS:
            raise InputError(name, f"'{where}' has more than {MOST_ITEMS} values")
        value = tuple(value)
    for item in value if isinstance(value, tuple) else (value,):
        if isinstance(item, str) and len(item) > LONGEST_TEXT:
            raise InputError(name, f"'{where}' has more than {LONGEST_TEXT} characters")
        if isinstance(item, str) and not item.isprintable():
            raise InputError(name, f"'{where}' has a line break or another character that cannot be printed")
        if wanted.choices and item not in wanted.choices:
            raise InputError(name, f"'{where}' must be one of {', '.join(wanted.choices)}")
        if wanted.kind == "patterns":
            _check_pattern(name, where, item)
    return value


def _is(value: Any, kind: Kind) -> bool:
    if kind == "text":
        return isinstance(value, str) and bool(value.strip())
    if kind == "flag":
        return isinstance(value, bool)
    if kind == "day":
        return isinstance(value, date) and not isinstance(value, datetime)
    if kind == "number":
        return isinstance(value, int) and not isinstance(value, bool)
    if not isinstance(value, list):
        return False
    item: Kind = "number" if kind == "numbers" else "text"
    return all(_is(each, item) for each in value)


def _check_pattern(name: str, where: str, text: str) -> None:
    try:
        re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise InputError(name, f"'{where}' is no regular expression: {text[:LONGEST_SHOWN]!r} ({error})") from None
    if (problem := problem_of(text)) is not None:
        raise InputError(
            name,
            f"'{where}' could take for ever on a name that somebody chooses: {text[:LONGEST_SHOWN]!r} ({problem})",
            "make it plainer, or several of it",
        )
