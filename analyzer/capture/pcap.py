"""The pcap format (draft-ietf-opsawg-pcap) and its relatives.

A file header of 24 bytes, then records: seconds, fraction, captured length, wire length, and the frame. Relatives
differ in the fraction's unit, in what follows the four fields, and in the byte order of whoever wrote them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from struct import unpack_from
from typing import Literal

import numpy as np
import numpy.typing as npt

from analyzer.capture.chain import WINDOW_BYTES, Bytes, Offsets, RecordLayout, look_through, walk
from analyzer.capture.formats import Decoded, NotACaptureError, first_of_each, gather
from analyzer.capture.sources import Source

FILE_HEADER_BYTES = 24
IXIA_FILE_HEADER_BYTES = 28  # the size of all records follows
LINK_TYPE_MASK = 0xFFFF
"""The upper half of the link type field holds the length of the frame check sequence and reserved bits."""

PROBED_RECORDS = 8
"""Records looked at where only their looks tell a variant."""

ENOUGH_RECORDS = 3
"""Records that must look right for a variant to be believed where the data at hand ends in the middle of one."""

PLAUSIBLE_SECONDS = 7 * 24 * 3600
"""Between the first records of a file. Where a longer pause makes the usual variant implausible, so are all others."""

PLAUSIBLE_FRAME = 256 * 1024
"""libpcap's MAXIMUM_SNAPLEN: a larger record is read, but never guessed."""


@dataclass(frozen=True, slots=True)
class _Variant:
    name: str
    tick: int  # nanoseconds in one unit of the fraction
    record_headers: tuple[int, ...]  # sizes this magic number is known with, the usual one first
    file_header: int = FILE_HEADER_BYTES


_VARIANTS = {
    0xA1B2C3D4: _Variant("pcap", 1_000, (16, 24, 20)),  # 24: Kuznetzov's first patch, 20: Nokia's firewalls
    0xA1B23C4D: _Variant("pcap (nanoseconds)", 1, (16,)),
    0xA1B2CD34: _Variant("pcap (modified)", 1_000, (24, 28)),  # 28: with the processor's number
    0x1C0001AC: _Variant("pcap (Ixia hardware)", 1, (16,), IXIA_FILE_HEADER_BYTES),
    0x1C0001AB: _Variant("pcap (Ixia software)", 1_000, (16,), IXIA_FILE_HEADER_BYTES),
}
_BYTE_ORDERS: tuple[Literal["<", ">"], ...] = ("<", ">")
MAGICS = {
    magic.to_bytes(4, "little" if order == "<" else "big"): (order, variant)
    for magic, variant in _VARIANTS.items()
    for order in _BYTE_ORDERS
}


class PcapFormat:
    """A pcap file behind its header."""

    def __init__(self, data: Bytes, end: int, source: Source, *, complete: bool) -> None:
        """Read the file header at the start of ``data``, and settle the variant by the first records up to ``end``.

        ``complete``: that is all there is of the file.
        """
        self._order, variant = MAGICS[data[:4].tobytes()]
        if end < variant.file_header:
            raise NotACaptureError("is a pcap file cut off within its header")
        major, minor, link_type = unpack_from(f"{self._order}HH12xI", data.data, 4)
        # Before version 2.3, and in DG/UX's 543.0, the two lengths stood the other way round.
        swapped = (major == 2 and minor < 3) or major == 543
        self.header_bytes = variant.file_header
        self.link_type = link_type & LINK_TYPE_MASK
        self._tick = variant.tick
        self._length_at, wire_at = (12, 8) if swapped else (8, 12)
        self._record_header = self._settle(data, end, variant, complete)
        self._layout = RecordLayout(self._order, self._record_header, self._length_at, self._record_header)
        self._fields = np.dtype(
            {
                "names": ["seconds", "fraction", "captured", "wire"],
                "formats": [f"{self._order}u4"] * 4,
                "offsets": [0, 4, self._length_at, wire_at],
                "itemsize": 16,
            }
        )
        source.format = variant.name

    def decode(self, data: Bytes, start: int, end: int, source: Source, oddities: Counter[str]) -> Decoded:
        """See :class:`~analyzer.capture.formats.CaptureFormat`."""
        steps = walk(data, start, end, self._layout, self._guess)
        headers = gather(data, steps.offsets, self._fields)
        time = headers["seconds"].astype(np.int64)
        time *= 1_000_000_000
        time += headers["fraction"].astype(np.int64) * self._tick
        captured = headers["captured"].astype(np.int64)
        return Decoded(
            start=steps.offsets + self._record_header,
            captured=captured,
            wire=np.maximum(headers["wire"].astype(np.int64), captured),
            time=time,
            link_type=np.full(len(captured), self.link_type, np.uint16),
            stop=steps.stop,
            needs=steps.needs,
            fault=steps.fault,
        )

    def _settle(self, data: Bytes, end: int, variant: _Variant, complete: bool) -> int:
        """The size of a record header: the first with which the first records look right, else the usual one."""
        for size in variant.record_headers:
            if self._plausible(data, variant.file_header, end, size, complete):
                return size
        return variant.record_headers[0]

    def _plausible(self, data: Bytes, position: int, end: int, size: int, complete: bool) -> bool:
        """Whether records with headers of ``size`` bytes follow one another, by some of them or by all there are."""
        first = None
        for count in range(PROBED_RECORDS):
            if position + size > end:
                return count >= ENOUGH_RECORDS or (complete and position == end)
            seconds, fraction, captured, wire = unpack_from(f"{self._order}4I", data.data, position)
            if self._length_at == 12:
                captured, wire = wire, captured
            first = seconds if first is None else first
            if fraction * self._tick >= 1_000_000_000 or captured > min(wire, PLAUSIBLE_FRAME):
                return False
            if abs(seconds - first) > PLAUSIBLE_SECONDS:
                return False
            position += size + captured
        return True

    def _guess(self, data: Bytes, start: int, windows: Offsets, end: int) -> Offsets:
        """A header's seconds share their upper half with the true record at ``start``, and so do its successor's."""
        (seconds,) = unpack_from(f"{self._order}I", data.data, start)
        top = int(seconds) >> 16
        high, low = top >> 8, top & 0xFF
        high_at, low_at = (3, 2) if self._order == "<" else (0, 1)

        rows = np.ndarray((len(data) - WINDOW_BYTES + 1, WINDOW_BYTES), np.uint8, data.data, 0, (1, 1))

        def looks(content: Bytes) -> npt.NDArray[np.bool_]:
            size = len(content) - 3
            both: npt.NDArray[np.bool_] = content[high_at : high_at + size] == high
            both &= content[low_at : low_at + size] == low
            return both

        row, column = look_through(rows, windows, looks)
        found = windows[row] + column

        header = gather(data, found, self._fields)
        captured = header["captured"].astype(np.int64)
        following = found + self._record_header + captured
        fits = (
            (captured <= PLAUSIBLE_FRAME)
            & (captured <= header["wire"])
            & (header["fraction"] < 1_000_000_000 // self._tick)
            & (following + self._record_header <= end)
        )
        row, found, following = row[fits], found[fits], following[fits]
        fits = gather(data, following, self._fields)["seconds"] >> 16 == top
        row, found = row[fits], found[fits]
        return first_of_each(row, found)
