"""How many processes share the work of a scan."""

from __future__ import annotations

import argparse
import os
from typing import Final

from analyzer.capture import CaptureSet
from analyzer.errors import UsageError

WORTH_IT: Final = 250_000
"""Segments to come from which on several processes are sooner done than one: to begin takes them half a second."""

MOST: Final = 4
"""Processes that are begun unasked. One that reads can keep three or four busy, and each takes some 100 MB."""


class Sharing:
    """What ``--workers`` says, else what is soonest done.

    Raises:
        UsageError: keys are to be used, which one process does.
    """

    def __init__(self, options: argparse.Namespace, captures: CaptureSet) -> None:
        self._asked: int | None = options.workers
        self._captures = captures
        if options.keylog and (self._asked or 1) > 1:
            raise UsageError("--workers goes without --keylog: keys are used by one process")
        may_have_keys = options.keylog or any(source.format == "pcapng" for source in captures.sources)
        self.keys_are_used: bool = self._asked == 1 or (self._asked is None and may_have_keys)
        """Whether keys that come along with the packets are used: by one process, which then does all."""

    def size(self, segments: int) -> int:
        """How many processes there should be, 1 for none beside this one.

        Args:
            segments: of mail, that the first batch had.
        """
        if self.keys_are_used:
            return 1
        if self._asked is not None:
            return self._asked
        read, total = self._captures.bytes_read, self._captures.bytes_total
        if not (read and total) or segments * total / read < WORTH_IT:
            return 1
        return min(_processors(), MOST)


def _processors() -> int:
    """That this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
