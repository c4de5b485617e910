"""The record that passes from ``packets`` to ``streams``: TCP segments on the ports of interest, as columns."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

FIN, SYN, RST, PSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10
"""TCP control bits (RFC 9293 section 3.1) as they stand in the ``flags`` column."""

NO_MAC = np.uint64(0xFFFF_FFFF_FFFF_FFFF)
"""Stands in the MAC columns where the link layer has no addresses."""


@dataclass(slots=True)
class SegmentBatch:
    """``n`` TCP segments in capture order, over the bytes of the frames they came in.

    Attributes:
        data: ``uint8[bytes]``, on loan like :attr:`FrameBatch.data`.
        time: ``int64[n]``, nanoseconds since 1970-01-01 UTC.
        source: ``int32[n]``, index of the input.
        src, dst: ``uint64[n, 2]``, addresses as 128-bit numbers in two halves, high half first;
            IPv4 is mapped (``::ffff:a.b.c.d``, RFC 4291 section 2.5.5.2).
        sport, dport: ``uint16[n]``.
        seq, ack: ``uint32[n]``.
        flags: ``uint8[n]``, control bits.
        start: ``int64[n]``, offset of the payload in ``data``.
        length: ``int64[n]``, payload bytes that are in ``data``.
        wire: ``int64[n]``, payload bytes the segment had on the wire; above ``length`` where the
            capture's snapshot length cut the frame.
        src_mac, dst_mac: ``uint64[n]``, 48-bit numbers or :data:`NO_MAC`. Linux's cooked captures have the former only.
        ttl: ``uint8[n]``, IPv4 time to live or IPv6 hop limit of the innermost header.
    """

    data: npt.NDArray[np.uint8]
    time: npt.NDArray[np.int64]
    source: npt.NDArray[np.int32]
    src: npt.NDArray[np.uint64]
    dst: npt.NDArray[np.uint64]
    sport: npt.NDArray[np.uint16]
    dport: npt.NDArray[np.uint16]
    seq: npt.NDArray[np.uint32]
    ack: npt.NDArray[np.uint32]
    flags: npt.NDArray[np.uint8]
    start: npt.NDArray[np.int64]
    length: npt.NDArray[np.int64]
    wire: npt.NDArray[np.int64]
    src_mac: npt.NDArray[np.uint64]
    dst_mac: npt.NDArray[np.uint64]
    ttl: npt.NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.time)

    def take(self, index: npt.NDArray[np.int64] | npt.NDArray[np.bool_] | slice) -> SegmentBatch:
        """The segments at ``index`` (positions, mask or slice), sharing ``data``."""
        columns = {f.name: getattr(self, f.name)[index] for f in fields(self) if f.name != "data"}
        return SegmentBatch(data=self.data, **columns)
