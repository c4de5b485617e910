"""The record that passes from ``capture`` to ``packets``: a batch of frames, as columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(slots=True)
class FrameBatch:
    """``n`` frames in capture order.

    The columns point into ``data``, which is on loan: it is valid until the next batch is asked
    of the same reader, so that one buffer serves a whole file. Whoever keeps frames longer copies
    them (:meth:`detached`).

    Attributes:
        data: ``uint8[bytes]``, the bytes in which the frames lie (with anything between them).
        start: ``int64[n]``, offset in ``data`` of the frame's first byte.
        captured: ``int64[n]``, bytes of the frame that are in ``data``.
        wire: ``int64[n]``, bytes the frame had on the wire; never below ``captured``.
        time: ``int64[n]``, nanoseconds since 1970-01-01 UTC.
        link_type: ``uint16[n]``, LINKTYPE_* number (https://www.tcpdump.org/linktypes.html).
        source: ``int32[n]``, index of the input the frame was read from.
    """

    data: npt.NDArray[np.uint8]
    start: npt.NDArray[np.int64]
    captured: npt.NDArray[np.int64]
    wire: npt.NDArray[np.int64]
    time: npt.NDArray[np.int64]
    link_type: npt.NDArray[np.uint16]
    source: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.start)

    def take(self, index: npt.NDArray[np.int64] | npt.NDArray[np.bool_] | slice) -> FrameBatch:
        """The frames at ``index`` (positions, mask or slice), sharing ``data``."""
        return FrameBatch(
            self.data,
            self.start[index],
            self.captured[index],
            self.wire[index],
            self.time[index],
            self.link_type[index],
            self.source[index],
        )

    def detached(self) -> FrameBatch:
        """The same frames over a private copy of their bytes."""
        copy = self.take(slice(None))
        copy.data = self.data.copy()
        return copy
