"""One line on a terminal that says how a long run goes, written over itself."""

from __future__ import annotations

import shutil
import sys
from time import monotonic

INTERVAL = 1.0
"""Seconds between two of them."""


class StatusLine:
    """Shows itself on standard error, where that is a terminal.

    Args:
        wanted: ``False`` shows nothing.
    """

    def __init__(self, *, wanted: bool = True) -> None:
        self._wanted = wanted and sys.stderr is not None and sys.stderr.isatty()
        self._next = 0.0
        self._shown = False

    def update(self, text: str) -> None:
        """This is how it goes now; shown when it is time."""
        if self._wanted and monotonic() >= self._next:
            self._next = monotonic() + INTERVAL
            self._shown = True
            width = shutil.get_terminal_size().columns
            sys.stderr.write(f"\r\x1b[2K{text[: width - 1]}")
            sys.stderr.flush()

    def clear(self) -> None:
        """Make room for a line that stays."""
        if self._shown:
            self._shown = False
            self._next = 0.0
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()
