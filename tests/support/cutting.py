"""A capture cut into several files, as rotation does it."""

from __future__ import annotations

import struct
from itertools import pairwise
from pathlib import Path

PCAP_HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 1)

Record = tuple[int, int, bytes]
"""Seconds, microseconds, frame."""


def records_of(path: Path) -> list[Record]:
    """The frames of a little-endian microsecond pcap file."""
    blob = path.read_bytes()
    assert blob[:4] == b"\xd4\xc3\xb2\xa1"
    at, found = 24, []
    while at < len(blob):
        seconds, micros, captured, _ = struct.unpack_from("<IIII", blob, at)
        found.append((seconds, micros, blob[at + 16 : at + 16 + captured]))
        at += 16 + captured
    return found


def write_pcap(path: Path, records: list[Record], header: bytes = PCAP_HEADER) -> Path:
    """``records`` as a pcap file at ``path``."""
    with path.open("wb") as out:
        out.write(header)
        for seconds, micros, frame in records:
            out.write(struct.pack("<IIII", seconds, micros, len(frame), len(frame)) + frame)
    return path


def write_cut(folder: Path, records: list[Record], cuts: list[int]) -> list[Path]:
    """``records`` in ``len(cuts) + 1`` files, cut before each of the positions ``cuts``."""
    bounds = [0, *sorted(cuts), len(records)]
    return [
        write_pcap(folder / f"part_{number:05}.pcap", records[begin:end])
        for number, (begin, end) in enumerate(pairwise(bounds))
    ]
