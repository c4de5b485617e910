"""Lanes: what one writer recorded, file after file, each with an analysis of its own.

Time goes on in an analysis, and never back. In a directory it does go back: two captures are written side by side, each
file finished in its turn; or files of last week are moved in. So a file goes into the lane of its series, if that has
not come past the file's beginning; else into any that ended before it; else it begins a lane.

What two lanes both have seen is told twice, and counted once by the store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from analyzer.pipeline import Analysis

MOST_LANES = 4
"""Analyses at once, each with its own limits on memory. Beyond that the one used longest ago ends, and conversations
that are open in it are stored as they stand."""

RAGGED = 5_000_000_000
"""Nanoseconds by which a file may begin before its predecessor ends: several interfaces are written from a queue
each."""


@dataclass(slots=True, eq=False)
class Lane:
    """One lane.

    Attributes:
        analysis: of its files.
        series: of the file read last.
        latest: time of the latest packet, nanoseconds; ``None`` before the first.
    """

    analysis: Analysis
    series: str
    latest: int | None = None

    def goes_on_at(self, start: int) -> bool:
        """Whether what begins at ``start`` may follow."""
        return self.latest is None or start >= self.latest - RAGGED


class Lanes:
    """The lanes of a run.

    Args:
        begin: makes the analysis of another lane.
        lives: whether a series has files that are still to come.
        on_end: told of a lane that has to end for another one, whose analysis is finished.

    Attributes:
        ended: lanes that had to.
    """

    def __init__(
        self,
        begin: Callable[[], Analysis],
        lives: Callable[[str], bool],
        on_end: Callable[[Lane], None],
        most: int = MOST_LANES,
    ) -> None:
        self._begin = begin
        self._lives = lives
        self._on_end = on_end
        self._most = most
        self._lanes: list[Lane] = []  # used longest ago first
        self.ended = 0

    def __iter__(self) -> Iterator[Lane]:
        return iter(tuple(self._lanes))

    def of(self, series: str, start: int, before: Lane | None = None) -> Lane:
        """The lane for a file.

        Args:
            series: of the file.
            start: time of its first packet, nanoseconds.
            before: the lane that had an earlier part of the same file.
        """
        lane = before if before in self._lanes else self._fitting(series, start)
        if lane is None:
            if len(self._lanes) == self._most:
                oldest = self._lanes.pop(0)
                oldest.analysis.finish()
                self.ended += 1
                self._on_end(oldest)
            lane = Lane(self._begin(), series)
        else:
            self._lanes.remove(lane)
        self._lanes.append(lane)
        lane.series = series
        return lane

    def _fitting(self, series: str, start: int) -> Lane | None:
        fitting = [lane for lane in self._lanes if lane.goes_on_at(start)]
        own = [lane for lane in fitting if lane.series == series]
        return max(
            own or [lane for lane in fitting if not self._lives(lane.series)],
            key=lambda lane: lane.latest or 0,
            default=None,
        )
