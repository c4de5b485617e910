"""The live table on a terminal: draws what :mod:`analyzer.report.live_view` lays out, as often as it is worth."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING

from analyzer.commands.output import wants_colour
from analyzer.report.live_view import EVENTS, Vitals, screen
from analyzer.report.wording import Record

if TYPE_CHECKING:
    from rich.live import Live

INTERVAL = 1.0
"""Seconds between two pictures."""

SHARE = 0.05
"""Of the time that may go into drawing: with tens of thousands of devices pictures come less often."""


class LiveTable:
    """Draws on standard output, in place, while the run goes on; a context manager.

    Args:
        wanted: ``False`` draws nothing.
    """

    def __init__(self, *, wanted: bool) -> None:
        self._wanted = wanted
        self._events: deque[str] = deque(maxlen=EVENTS)
        self._next = 0.0
        self._live: Live | None = None

    def __enter__(self) -> LiveTable:
        if self._wanted:
            from rich.console import Console
            from rich.live import Live

            self._live = Live(console=Console(file=sys.stdout), screen=True, auto_refresh=False, redirect_stdout=False)
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    @property
    def drawing(self) -> bool:
        """Whether the screen is taken."""
        return self._live is not None

    def event(self, line: str) -> None:
        """Something happened; it is shown with the next picture."""
        if self._live is not None:
            self._events.append(line)
            self._next = min(self._next, monotonic() + 0.1)

    def update(self, vitals: Callable[[], Vitals], result: Callable[[], tuple[Record, list[Record]]]) -> None:
        """Draw, if it is time.

        Args:
            vitals: how the run goes.
            result: the summary's record and those of the devices, worst first.
        """
        if self._live is None or (began := monotonic()) < self._next:
            return
        from rich.text import Text

        size = self._live.console.size
        summary, devices = result()
        picture = screen(
            vitals(),
            summary,
            devices,
            list(self._events),
            width=size.width,
            height=size.height,
            colour=wants_colour(sys.stdout),
        )
        self._live.update(Text.from_ansi(picture, no_wrap=True), refresh=True)
        now = monotonic()
        self._next = now + max(INTERVAL, (now - began) / SHARE)
