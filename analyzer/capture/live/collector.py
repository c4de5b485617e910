"""One batch in the making: what all interfaces have, in one buffer and in order of time."""

from __future__ import annotations

import numpy as np

from analyzer.capture.chain import Bytes, Offsets
from analyzer.capture.frames import FrameBatch

BATCH_BYTES = 16 * 1024 * 1024
"""Bytes of a batch at most, with what lies between the frames. Later rooms pay for each batch and for each frame:
measured on SMTP alone, batches of 16 MB cost a sixth less than such of 2 MB, and half of what 256 KB cost."""

BATCH_FRAMES = 16_384
"""Frames from which a batch is full, too. A flood brings thousands of conversations with each batch, and only when it
is done are the longest silent ones forgotten: with batches of 50,000 small frames that took 100 MB more."""

ALIGNMENT = 8


class Collector:
    """Takes in bytes and columns until it is full, then gives them away as one :class:`FrameBatch`.

    The batch is on loan until the next thing is put in.

    Attributes:
        data: ``uint8[size]``.
        words: the same as native 32-bit numbers.
    """

    def __init__(self, size: int = BATCH_BYTES) -> None:
        self.data: Bytes = np.empty(size, np.uint8)
        self.words = self.data.view(np.uint32).data
        self._used = self._frames = 0
        self._parts: list[FrameBatch] = []

    @property
    def room(self) -> int:
        """Bytes there is room for."""
        return len(self.data) - self._used if self._frames < BATCH_FRAMES else 0

    def put(self, content: Bytes) -> int:
        """Copy bytes in; where they are now, a multiple of :data:`ALIGNMENT`. There must be :attr:`room` for them."""
        at, end = self._used, self._used + len(content)
        self.data[at:end] = content
        self._used = -(-end // ALIGNMENT) * ALIGNMENT
        return at

    def add(self, start: Offsets, captured: Offsets, wire: Offsets, time: Offsets, link_type: int, source: int) -> None:
        """Frames among the bytes that were put in, in the order in which they came; columns as in FrameBatch."""
        count = len(start)
        self._frames += count
        links, sources = np.full(count, link_type, np.uint16), np.full(count, source, np.int32)
        self._parts.append(FrameBatch(self.data, start, captured, wire, time, links, sources))

    def batch(self) -> FrameBatch:
        """All frames so far; the collector is empty again.

        Frames of one interface stay in the order in which they came; those of several are merged by their times.
        """
        parts, used = self._parts, self._used
        self._parts, self._used, self._frames = [], 0, 0
        if not parts:
            numbers = np.empty(0, np.int64)
            parts = [
                FrameBatch(self.data, numbers, numbers, numbers, numbers, np.empty(0, np.uint16), np.empty(0, np.int32))
            ]
        merged = FrameBatch(
            data=self.data[:used],
            start=np.concatenate([part.start for part in parts]),
            captured=np.concatenate([part.captured for part in parts]),
            wire=np.concatenate([part.wire for part in parts]),
            time=np.concatenate([part.time for part in parts]),
            link_type=np.concatenate([part.link_type for part in parts]),
            source=np.concatenate([part.source for part in parts]),
        )
        if len({int(part.source[0]) for part in parts if len(part)}) < 2:
            return merged
        return merged.take(np.argsort(_clock(parts, merged), kind="stable"))


def _clock(parts: list[FrameBatch], merged: FrameBatch) -> Offsets:
    """For each frame the latest time that its interface had reached, so that a clock set back reorders nothing."""
    clock = merged.time.copy()
    for source in {int(part.source[0]) for part in parts if len(part)}:
        mine = merged.source == source
        clock[mine] = np.maximum.accumulate(clock[mine])
    return clock
