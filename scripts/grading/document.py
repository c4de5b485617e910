"""Tables in a document, between markers, each written anew by one command.

A marker names a section: ``<!-- accuracy: targets -->`` begins what is replaced, ``<!-- end -->`` ends it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

_PART = re.compile(r"(<!-- accuracy: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def rewritten(document: str, tables_of: Callable[[str], str]) -> str:
    """``document`` with the tables of each section that it names."""
    return _PART.sub(lambda part: f"{part[1]}\n{tables_of(part[2])}\n{part[3]}", document)


def sections(path: Path) -> list[str]:
    """The sections that a document names, in order."""
    return [part[2] for part in _PART.finditer(path.read_text(encoding="utf-8"))]
