"""Capture files: pcap with nanoseconds, or pcapng where frames of several link types must stand in one file.

pcap is what every tool reads, and has one link type for all. Nothing of the inputs' own headers is copied: comments,
names of interfaces and machines, and TLS keys stay where they are.
"""

from __future__ import annotations

import struct
from collections.abc import Collection
from typing import BinaryIO, Final

from analyzer.scrub.scrubber import Scrubbed

_SNAPLEN: Final = 262_144
_PCAP_HEADER = struct.Struct("<IHHiIII")
_PCAP_RECORD = struct.Struct("<IIII")
_NANOSECONDS_MAGIC: Final = 0xA1B23C4D
_SECOND: Final = 1_000_000_000

# https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-02.html sections 4.1 to 4.3
_SECTION, _INTERFACE, _PACKET = 0x0A0D0D0A, 1, 6
_BYTE_ORDER: Final = 0x1A2B3C4D
_IN_NANOSECONDS: Final = struct.pack("<HHB3xHH", 9, 1, 9, 0, 0)  # if_tsresol 10^-9, end of options


class CaptureWriter:
    """Writes frames to a stream as they come.

    Args:
        out: where to.
        link_types: of the frames that may come.
    """

    def __init__(self, out: BinaryIO, link_types: Collection[int]) -> None:
        self._out = out
        self._interfaces: dict[int, int] | None = None
        if len(link_types) <= 1:
            link = next(iter(link_types), 1)
            out.write(_PCAP_HEADER.pack(_NANOSECONDS_MAGIC, 2, 4, 0, 0, _SNAPLEN, link))
            return
        self._interfaces = {link: number for number, link in enumerate(sorted(link_types))}
        self._block(_SECTION, struct.pack("<IHHq", _BYTE_ORDER, 1, 0, -1))
        for link in self._interfaces:
            self._block(_INTERFACE, struct.pack("<HHI", link, 0, _SNAPLEN) + _IN_NANOSECONDS)

    def write(self, frame: Scrubbed) -> None:
        """Append ``frame``, whose link type must be among those announced."""
        size = len(frame.data)
        if self._interfaces is None:
            seconds, rest = divmod(frame.time, _SECOND)
            self._out.write(_PCAP_RECORD.pack(seconds & 0xFFFF_FFFF, rest, size, frame.wire) + frame.data)
            return
        number = self._interfaces[frame.link_type]
        high, low = divmod(frame.time, 1 << 32)
        head = struct.pack("<IIIII", number, high, low, size, frame.wire)
        self._block(_PACKET, head + frame.data + b"\0" * (-size % 4))

    def _block(self, kind: int, body: bytes) -> None:
        length = struct.pack("<I", len(body) + 12)
        self._out.write(struct.pack("<I", kind) + length + body + length)
