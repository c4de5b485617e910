"""The recorded sessions that everything else is made of."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Side = Literal["client", "server"]

_RECORD = struct.Struct("<IIII")
_HEADER_SIZE = 24
ETHERNET = 14


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame: time in nanoseconds since 1970, bytes, and length on the wire where it was cut."""

    time: int
    data: bytes
    wire_length: int | None = None

    def with_data(self, data: bytes) -> Frame:
        """Other bytes at the same time."""
        return Frame(self.time, data)

    def later(self, nanoseconds: int) -> Frame:
        """The same bytes at a later time."""
        return Frame(self.time + nanoseconds, self.data, self.wire_length)

    @property
    def packet(self) -> bytes:
        """The IP packet, without Ethernet's header and padding."""
        packet = self.data[ETHERNET:]
        length = int.from_bytes(packet[2:4], "big") if packet[0] >> 4 == 4 else 40 + int.from_bytes(packet[4:6], "big")
        return packet[:length]


@dataclass(frozen=True, slots=True)
class Seed:
    """One recorded session and its label."""

    frames: list[Frame]
    label: dict[str, Any]

    def side(self, frame: Frame) -> Side:
        """Who sent ``frame``."""
        return "client" if frame.data[6:12].hex(":") == self.label["client_mac"] else "server"


def load(captures: Path, name: str) -> Seed:
    """The session recorded in ``mechanisms/NAME.pcap`` (one connection, as the lab writes it)."""
    file = f"mechanisms/{name}.pcap"
    with (captures / "labels.jsonl").open() as lines:
        label = next(entry for entry in map(json.loads, lines) if entry["file"] == file)
    raw, at, frames = (captures / file).read_bytes(), _HEADER_SIZE, []
    while at < len(raw):
        seconds, micros, captured, _ = _RECORD.unpack_from(raw, at)
        at += _RECORD.size
        frames.append(Frame(seconds * 10**9 + micros * 1000, raw[at : at + captured]))
        at += captured
    return Seed(frames, label)
