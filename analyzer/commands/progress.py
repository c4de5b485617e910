"""A progress bar for long inputs, on a terminal only."""

from __future__ import annotations

import sys
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

PATIENCE = 0.7
"""Seconds of work before a bar appears: shorter runs need none, and need not import its library."""

INTERVAL = 0.1
"""Seconds between updates."""


class ProgressBar:
    """Shows bytes read, packets per second and the time left on standard error.

    Args:
        total: bytes to read, or ``None`` when nobody knows (a pipe).
        wanted: ``False`` shows nothing, as on a standard error that is no terminal.
    """

    def __init__(self, total: int | None, *, wanted: bool = True) -> None:
        self._total = total
        self._wanted = wanted and sys.stderr is not None and sys.stderr.isatty()
        self._start = self._shown = monotonic()
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.stop()

    def update(self, read: int, packets: int) -> None:
        """``read`` bytes and ``packets`` packets are done."""
        if not self._wanted:
            return
        now = monotonic()
        if now - self._start < PATIENCE or now - self._shown < INTERVAL:
            return
        self._shown = now
        if self._bar is None:
            self._bar, self._task = self._begin()
        rate = packets / (now - self._start)
        assert self._task is not None  # noqa: S101 - set together with the bar
        self._bar.update(self._task, completed=read, rate=f"{rate:,.0f} packets/s")

    def _begin(self) -> tuple[Progress, TaskID]:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            FileSizeColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        how_far = [FileSizeColumn()] if self._total is None else [BarColumn(), DownloadColumn()]
        bar = Progress(
            TextColumn("reading"),
            *how_far,
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn() if self._total is None else TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
            redirect_stdout=False,  # the result is none of its business
            redirect_stderr=False,
        )
        bar.start()
        return bar, bar.add_task("", total=self._total, rate="")
