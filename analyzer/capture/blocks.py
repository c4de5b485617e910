"""One reusable buffer through which a whole input flows."""

from __future__ import annotations

import time

import numpy as np
import numpy.typing as npt

from analyzer.capture.byte_source import ByteSource

FIRST_BLOCK_BYTES = 64 * 1024
"""Size of the first block: a small capture must not pay for a large buffer."""

MARGIN_BYTES = 64
"""Allocated past the end of what is read, so that a header at the very end can be loaded without a bounds test."""

LIVE_SECONDS = 0.2
"""How long a block of a pipe may wait to fill: what a slow ``tcpdump -w -`` sends is analysed as it comes,
and an interrupt loses no more than this."""


class BlockBuffer:
    """The unread bytes of a source, contiguous in memory.

    Attributes:
        data: ``uint8[…]``; the same array block after block, until a record needs a larger one.
        start, end: the unread bytes are ``data[start:end]``; consumers advance ``start``.
        complete: the source has ended, so that no more bytes will come.
    """

    def __init__(self, source: ByteSource, block_bytes: int) -> None:
        self.start = 0
        self.end = 0
        self._source = source
        self._block_bytes = block_bytes
        self._position = 0  # of data[0] in the stream
        self.complete = False
        self.data = _allocate(min(block_bytes, FIRST_BLOCK_BYTES))
        self._first = True

    def position(self, offset: int) -> int:
        """Where ``data[offset]`` stands in the (decompressed) stream."""
        return self._position + offset

    def refill(self, least: int = 1) -> bool:
        """Read on behind the unread bytes, moving them to the front.

        Returns whether at least ``least`` unread bytes are there; where not, the source has ended.
        """
        kept = self.end - self.start
        capacity = len(self.data) - MARGIN_BYTES
        wanted = max(least, capacity if self._first else self._block_bytes)
        self._first = False
        target = self.data if wanted <= capacity else _allocate(wanted)
        target[:kept] = self.data[self.start : self.end]
        self._position += self.start
        self.data, self.start, self.end = target, 0, kept
        self._read(least)
        return self.end >= least

    def _read(self, least: int) -> None:
        capacity = len(self.data) - MARGIN_BYTES
        view = self.data.data
        deadline = None
        while self.end < capacity and not self.complete:
            if self.end >= least:
                now = time.monotonic()
                deadline = deadline or now + LIVE_SECONDS
                if self._source.idle(max(0.0, deadline - now)):
                    return
            count = self._source.readinto(view[self.end : capacity])
            self.end += count
            self.complete = count == 0


def _allocate(size: int) -> npt.NDArray[np.uint8]:
    return np.empty(size + MARGIN_BYTES, np.uint8)
