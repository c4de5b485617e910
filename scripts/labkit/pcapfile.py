"""Reads and cuts the pcap files tcpdump wrote (little-endian, microseconds, Ethernet); frames stay as they are."""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass
from pathlib import Path

_HEADER, _RECORD = struct.Struct("<IHHiIII"), struct.Struct("<IIII")
_MAGIC = 0xA1B2C3D4
_TCP = 6


@dataclass(frozen=True, slots=True)
class Frame:
    """One record: time in microseconds since 1970, and the captured bytes."""

    time: int
    data: bytes


def read(path: Path) -> list[Frame]:
    """All frames of ``path``."""
    raw = path.read_bytes()
    if _HEADER.unpack_from(raw)[0] != _MAGIC:
        raise ValueError(f"{path} is not a little-endian pcap file of microseconds")
    frames, at = [], _HEADER.size
    while at < len(raw):
        seconds, micros, captured, _ = _RECORD.unpack_from(raw, at)
        at += _RECORD.size
        frames.append(Frame(seconds * 1_000_000 + micros, raw[at : at + captured]))
        at += captured
    return frames


def write(path: Path, frames: list[Frame]) -> None:
    """Write ``frames`` as tcpdump does."""
    parts = [_HEADER.pack(_MAGIC, 2, 4, 0, 0, 262144, 1)]
    for frame in frames:
        parts.append(_RECORD.pack(*divmod(frame.time, 1_000_000), len(frame.data), len(frame.data)) + frame.data)
    path.write_bytes(b"".join(parts))


def endpoints(frame: Frame) -> frozenset[tuple[str, int]] | None:
    """Both (address, port) of a TCP segment in plain Ethernet, ``None`` for anything else."""
    data = frame.data
    kind = data[12:14]
    if kind == b"\x08\0" and data[23] == _TCP:
        at, source, target = 14 + (data[14] & 15) * 4, data[26:30], data[30:34]
    elif kind == b"\x86\xdd" and data[20] == _TCP:
        at, source, target = 54, data[22:38], data[38:54]
    else:
        return None
    ports = struct.unpack_from(">HH", data, at)
    return frozenset({(str(ipaddress.ip_address(source)), ports[0]), (str(ipaddress.ip_address(target)), ports[1])})
