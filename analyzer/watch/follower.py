"""Which files of a directory are finished: somebody wrote them, and will not write on.

Nobody tells us, so it is guessed from what every file system shows, sizes and times:

- A newer file of the same series exists: ``tcpdump -C``, ``-G`` and ``dumpcap -b`` close one before they open the next.
- Or nothing happened to it for the settling time. What is moved in keeps its time of modification, so an old file is
  finished at once; one that is copied in is when the copying has ended.

A compressed file waits for the second in any case: the compressor that ``tcpdump -z`` starts runs beside the capture,
and its output is no member of the rotation.

The guess may be wrong: on a quiet network a file that is being written does not grow for minutes, since its writer
collects packets before it writes. That does no harm: once a file has grown it is read on from where reading had stopped
(:mod:`analyzer.watch.extents`).
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from analyzer.watch.directory import MOST_FILES, Entry, listing
from analyzer.watch.numbering import Numbering

SETTLE = 30.0
"""Seconds without growth after which a file is taken for finished."""

ASTRAY = 86_400.0
"""Seconds that a file may be younger than now. One that is stamped further ahead, by a wrong clock, is taken for
finished: whoever looks once, and comes again as another process, would never read it."""

SECOND = 1_000_000_000


@dataclass(slots=True)
class _Seen:
    """A file at the last look, of which series it is, and since when it has been like that."""

    entry: Entry
    series: str
    since: float
    done: bool = False


@dataclass(frozen=True, slots=True)
class Finished:
    """A file that seems finished.

    Attributes:
        entry: the file.
        followed: a newer one of its series exists.
        quiet: seconds for which nothing has happened to it.
    """

    entry: Entry
    followed: bool
    quiet: float


class Follower:
    """Looks at a directory again and again.

    Args:
        directory: its path.
        pattern: see :func:`~analyzer.watch.directory.listing`.
        settle: see :data:`SETTLE`.
        wall: the time by which files are stamped, nanoseconds.
        steady: a clock that nobody sets, seconds.
        most_files: see :data:`~analyzer.watch.directory.MOST_FILES`.

    Attributes:
        unlisted: files that were too many, at the last look.
        missed: files that have come and gone between two looks, as far as their numbers show it.
    """

    def __init__(
        self,
        directory: str,
        pattern: str | None = None,
        settle: float = SETTLE,
        *,
        wall: Callable[[], int] = time.time_ns,
        steady: Callable[[], float] = time.monotonic,
        most_files: int = MOST_FILES,
    ) -> None:
        self._directory = directory
        self._pattern = pattern
        self._settle = settle
        self._wall = wall
        self._steady = steady
        self._most_files = most_files
        self._seen: dict[str, _Seen] = {}
        self._to_come: Counter[str] = Counter()  # files that are not done, by series
        # A pattern that picks some of the numbers makes gaps of its own.
        self._numbering = None if pattern is not None and re.search(r"[0-9?[]", pattern) else Numbering()
        self.unlisted = self.missed = 0

    def look(self, *, drain: bool = False) -> list[Finished]:
        """The files that seem finished and are not :meth:`done`.

        Args:
            drain: nothing more will be written: all are finished.

        Raises:
            InputError: the directory cannot be read.
        """
        found = listing(self._directory, self._pattern, self._most_files)
        self.unlisted = found.unlisted
        if self._numbering is not None:
            self.missed += self._numbering.skipped(entry.name for entry in found.entries)
        now = self._steady()
        seen: dict[str, _Seen] = {}
        newest: dict[str, Entry] = {}
        for entry in found.entries:
            each = self._seen.get(entry.path)
            if each is None or each.entry != entry:
                each = _Seen(entry, entry.series, now)
            seen[entry.path] = each
            if each.series not in newest or entry.follows(newest[each.series]):
                newest[each.series] = entry
        self._seen = seen  # of files that are gone nothing remains
        self._to_come = Counter(each.series for each in seen.values() if not each.done)
        finished = []
        for each in seen.values():
            entry = each.entry
            if each.done or not entry.size:
                continue
            followed = newest[each.series].path != entry.path
            # By the file's own stamp, or as long as we have watched it, where that stamp is of another clock.
            age = (self._wall() - entry.modified) / SECOND
            quiet = max(now - each.since, age if age > -ASTRAY else self._settle)
            if drain or quiet >= self._settle or (followed and not entry.compressed):
                finished.append(Finished(entry, followed or drain, quiet))
        return finished

    def done(self, entry: Entry) -> None:
        """Do not name this file again, unless something happens to it."""
        seen = self._seen.get(entry.path)
        if seen is not None and seen.entry == entry and not seen.done:
            seen.done = True
            self._to_come[seen.series] -= 1

    def lives(self, series: str) -> bool:
        """Whether there were files of this series at the last look that are not :meth:`done`."""
        return self._to_come[series] > 0
