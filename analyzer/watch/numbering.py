"""Files that nobody will ever read: a ring that came round between two looks has removed them.

``dumpcap`` numbers the files of a ring one after another (``mail_00017_20261124103000.pcapng``), so what is missing
shows. ``tcpdump -C -W`` uses names again, and nothing shows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_NUMBERED = re.compile(r"(.*)_([0-9]{5,9})_([0-9]{14})(\.[^/]*)?")
"""Name, number, time and ending; a compressor's ending is none of ours."""

MOST_RINGS = 1_000
"""Rings whose numbers are remembered; further ones are not looked after."""


class Numbering:
    """The numbers of the files of rings, from the first look on."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[str, int]] = {}  # time and number of each ring's newest file

    def skipped(self, names: Iterable[str]) -> int:
        """How many files have come and gone since the last look; what was there before the first is not known.

        Args:
            names: of the files that are there now, in any order.
        """
        found: dict[str, list[tuple[str, int]]] = {}
        for name in names:
            match = _NUMBERED.fullmatch(name)
            if match is not None:
                found.setdefault(match[1], []).append((match[3], int(match[2])))
        missing = 0
        for ring, files in found.items():
            last = self._last.get(ring)
            if last is None and len(self._last) >= MOST_RINGS:
                continue
            for file in sorted(files):
                if last is not None and file > last:
                    missing += max(0, file[1] - last[1] - 1)  # less: the program was started anew, and counts from 1
                    last = file
            self._last[ring] = last or max(files)
        return missing
