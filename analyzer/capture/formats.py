"""What a reader asks of a capture format."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from analyzer.capture.chain import Bytes, Offsets
from analyzer.capture.sources import Source

MAX_TIME = 1 << 62
"""Times are held below this (the year 2116), so that sums and differences of any two stay within 64 bits."""


class NotACaptureError(Exception):
    """The beginning of the input rules it out; the message is a sentence fragment."""


@dataclass(slots=True)
class Decoded:
    """Frames of one stretch; the columns are those of :class:`~analyzer.capture.frames.FrameBatch`.

    Attributes:
        stop: offset at which decoding has to go on.
        needs: bytes that must be there, from ``stop``, for it to go on.
        fault: why it cannot go on, or ``None``.
    """

    start: npt.NDArray[np.int64]
    captured: npt.NDArray[np.int64]
    wire: npt.NDArray[np.int64]
    time: npt.NDArray[np.int64]
    link_type: npt.NDArray[np.uint16]
    stop: int
    needs: int
    fault: str | None = None


class CaptureFormat(Protocol):
    """One input's format, with whatever state it carries from block to block."""

    def decode(self, data: Bytes, start: int, end: int, source: Source, oddities: Counter[str]) -> Decoded:
        """Decode every record that is complete in ``data[start:end]``."""


def gather(data: Bytes, offsets: Offsets, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """The structures of ``dtype`` that begin at ``offsets``, which need not be aligned.

    Each is copied once, as a whole: a gather field by field reads the same cache line again and again.
    """
    size = dtype.itemsize
    everywhere = np.ndarray((len(data) - size + 1,), f"V{size}", data.data, 0, (1,))
    return everywhere[offsets].view(dtype)


def first_of_each(row: Offsets, found: Offsets) -> Offsets:
    """The first of ``found`` in each run of equal ``row``."""
    first: Offsets = found[np.flatnonzero(np.diff(row, prepend=-1))]
    return first
