"""How names of inputs are shown and compared."""

from __future__ import annotations

import re


def inert(text: str) -> str:
    r"""``text`` with everything a terminal could act on escaped, as in ``\x1b[2J``.

    Control characters, bidirectional overrides, line breaks and bytes that are no text (surrogate
    escapes) are all "not printable" to Unicode; nobody's file name may colour, clear or forge our output.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def natural_key(name: str) -> tuple[str | int, ...]:
    """Sorts ``a2`` before ``a10``, as people number files. The kinds alternate, so keys always compare."""
    return tuple(int(part) if part.isdigit() else part for part in re.split("([0-9]+)", name))
