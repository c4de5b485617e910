"""How wide text stands on a terminal, and tables that keep their columns whatever script a name is written in.

``tabulate`` counts characters unless a further package is installed, and either way may count otherwise than the
terminal. So every cluster that is not one plain ASCII character is lent as many one-column placeholders as it is
wide; after ``tabulate`` has aligned them, they are put back.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence

ELLIPSIS = "…"

MARKS = 3
"""Combining marks kept on one character; more are not a language but an attempt to paint over the lines above."""

_AND_MORE = re.compile(r" \+[0-9]+$")

_FILLER = 0xE000  # second column of a wide cluster
_FIRST_PLACEHOLDER = 0xF0000  # private use: cannot stand in cleaned text, and every width table counts it as one column
_LAST_PLACEHOLDER = 0xFFFFD


def _clusters(text: str) -> Iterator[tuple[str, int]]:
    """Characters with the combining marks that follow them, and the columns they take (UAX #11, wide or full-width:
    2)."""
    cluster, width = "", 0
    for char in unicodedata.normalize("NFC", text):
        if cluster and unicodedata.category(char) in ("Mn", "Me", "Mc"):
            if len(cluster) <= MARKS:
                cluster += char
            continue
        if cluster:
            yield cluster, width
        cluster, width = char, 2 if unicodedata.east_asian_width(char) in "WF" else 1
    if cluster:
        yield cluster, width


def display_width(text: str) -> int:
    """Columns that ``text`` takes."""
    return len(text) if text.isascii() else sum(width for _, width in _clusters(text))


def fit(text: str, columns: int) -> str:
    """``text``, ended by an ellipsis where it is wider than ``columns`` (at least 1)."""
    if display_width(text) <= columns:
        return text
    kept, used = [], 0
    for cluster, width in _clusters(text):
        if used + width > columns - 1:
            break
        kept.append(cluster)
        used += width
    return "".join(kept) + ELLIPSIS


def fit_counted(text: str, columns: int) -> str:
    """Like :func:`fit`, but keeps the ``+3`` at the end which says that three more follow."""
    counted = _AND_MORE.search(text)
    if counted is None or display_width(text) <= columns or columns < 2 * len(counted[0]):
        return fit(text, columns)
    return fit(text[: counted.start()], columns - len(counted[0])) + counted[0]


def fit_middle(text: str, columns: int) -> str:
    """Like :func:`fit` for ASCII whose end matters most (addresses): the middle is left out."""
    if len(text) <= columns or not text.isascii():
        return fit(text, columns)
    head = (columns - 1) // 3
    return text[:head] + ELLIPSIS + text[len(text) - (columns - 1 - head) :]


def fold(text: str, columns: int) -> list[str]:
    """``text`` in lines of at most ``columns``, broken at blanks where there are any; one line at least."""
    lines: list[str] = []
    used = 0
    for word in text.split(" "):
        pieces = _pieces(word, columns)
        if lines and len(pieces) == 1 and used + 1 + display_width(word) <= columns:
            lines[-1] += f" {pieces[0]}"
        else:
            lines += pieces
        used = display_width(lines[-1])
    return lines


def _pieces(word: str, columns: int) -> list[str]:
    """``word`` cut wherever a line is full."""
    pieces, used = [""], 0
    for cluster, width in _clusters(word):
        if used + width > columns and pieces[-1]:
            pieces.append("")
            used = 0
        pieces[-1] += cluster
        used += width
    return pieces


class Placeholders:
    """Stand-ins of the right width for one table."""

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}

    def lend(self, text: str) -> str:
        """``text`` with one character for each column."""
        if text.isascii():
            return text
        return "".join(self._lent(cluster, width) for cluster, width in _clusters(text))

    def _lent(self, cluster: str, width: int) -> str:
        if cluster.isascii():
            return cluster
        code = self._codes.get(cluster)
        if code is None:
            code = _FIRST_PLACEHOLDER + len(self._codes)
            if code > _LAST_PLACEHOLDER:
                return "?" * width  # more different clusters than there are writing systems for
            self._codes[cluster] = code
        return chr(code) + chr(_FILLER) * (width - 1)

    def restore(self, table: str) -> str:
        """``table`` with every placeholder replaced by what it stands for."""
        if table.isascii():
            return table
        return table.translate({code: cluster for cluster, code in self._codes.items()} | {_FILLER: None})


CUT_AGAIN = 0.15
"""What it costs to cut a cell that is cut already, beside 1 for one that was whole: the name is gone either way, but
its beginning still tells which one it is."""


def column_widths(
    cells: Sequence[Sequence[int]], least: Sequence[int], columns: int, worth: Sequence[int] | None = None
) -> list[int]:
    """Widths that add up to ``columns`` where ``least`` allows, with as few cells cut as can be.

    Args:
        cells: for each column, how wide each of its cells is.
        least: widths that no column goes below.
        columns: all there is.
        worth: what each column's cells count in comparison; 1 by default.
    """
    worth = worth or [1] * len(cells)
    of_width = [Counter(column) for column in cells]
    widths = [max(column) for column in cells]
    cut = [0] * len(cells)
    for _ in range(sum(widths) - columns):
        shrinkable = [i for i, width in enumerate(widths) if width > least[i]]
        if not shrinkable:
            break
        costs = {i: worth[i] * (of_width[i][widths[i]] + CUT_AGAIN * cut[i]) for i in shrinkable}
        gives_way = min(shrinkable, key=lambda i: (costs[i], -widths[i]))
        cut[gives_way] += of_width[gives_way][widths[gives_way]]
        widths[gives_way] -= 1
    return widths
