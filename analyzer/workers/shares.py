"""Deals the segments of a batch out, so that both directions of a conversation come into the same hands."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from analyzer.packets.segments import SegmentBatch

_ODD = np.uint64(0x9E37_79B9_7F4A_7C15)
"""2**64 divided by the golden ratio: multiplied with it, numbers that differ in few bits differ in the high ones."""


def share_of(batch: SegmentBatch, shares: int) -> npt.NDArray[np.int64]:
    """``int64[n]``: which of ``shares`` each segment is of; the same for both directions of a conversation."""
    ends = [
        (address[:, 0] * _ODD ^ address[:, 1]) * _ODD + port.astype(np.uint64)
        for address, port in ((batch.src, batch.sport), (batch.dst, batch.dport))
    ]
    mixed = sum(((end ^ end >> np.uint64(29)) * _ODD for end in ends), np.zeros(len(batch), np.uint64))
    return ((mixed >> np.uint64(32)) % np.uint64(shares)).astype(np.int64)


def dealt(batch: SegmentBatch, shares: int) -> Iterator[SegmentBatch]:
    """The segments of each share, in order, over bytes of their own: their payload and nothing else."""
    of = share_of(batch, shares)
    view = batch.data.data
    for share in range(shares):
        part = batch.take(np.flatnonzero(of == share))
        full = np.flatnonzero(part.length)
        begin, length = part.start[full], part.length[full]
        pieces = [view[a:b] for a, b in zip(begin.tolist(), (begin + length).tolist(), strict=True)]
        part.data = np.frombuffer(b"".join(pieces), np.uint8)
        part.start = np.zeros(len(part), np.int64)
        part.start[full] = np.cumsum(length) - length
        yield part
