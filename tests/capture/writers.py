"""Capture files for tests, written field by field from the specifications."""

from __future__ import annotations

from collections.abc import Iterable
from struct import pack
from typing import NamedTuple

SECOND = 1_000_000_000
NOON = 1_795_521_600 * SECOND  # 2026-11-24 12:00:00 UTC


class Frame(NamedTuple):
    """What a reader should find: time in ns, the captured bytes, and the length on the wire."""

    time: int
    content: bytes
    wire: int
    link_type: int = 1


def frame(seconds: float, content: bytes = b"frame", wire: int | None = None, link_type: int = 1) -> Frame:
    """A frame ``seconds`` after noon, to the microsecond."""
    return Frame(NOON + round(seconds * 1_000_000) * 1000, content, wire or len(content), link_type)


def pcap_header(
    order: str = "<", magic: int = 0xA1B2C3D4, link_type: int = 1, version: tuple[int, int] = (2, 4)
) -> bytes:
    return pack(f"{order}IHHiIII", magic, *version, 0, 0, 262_144, link_type)


def pcap_record(frame: Frame, order: str = "<", tick: int = 1000, extra: bytes = b"") -> bytes:
    seconds, rest = divmod(frame.time, SECOND)
    header = pack(f"{order}4I", seconds, rest // tick, len(frame.content), frame.wire)
    return header + extra + frame.content


def pcap(
    frames: Iterable[Frame], order: str = "<", magic: int = 0xA1B2C3D4, tick: int = 1000, link_type: int = 1
) -> bytes:
    return pcap_header(order, magic, link_type) + b"".join(pcap_record(frame, order, tick) for frame in frames)


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    body += bytes(-len(body) % 4)
    total = pack(f"{order}I", 12 + len(body))
    return pack(f"{order}I", kind) + total + body + total


def option(code: int, value: bytes, order: str = "<") -> bytes:
    return pack(f"{order}HH", code, len(value)) + value + bytes(-len(value) % 4)


def section(order: str = "<", options: bytes = b"") -> bytes:
    return block(0x0A0D0D0A, pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1) + options, order)


def interface(
    link_type: int = 1,
    snapshot: int = 0,
    resolution: int | None = None,
    offset: int | None = None,
    order: str = "<",
) -> bytes:
    options = option(2, b"eth0", order)
    if resolution is not None:
        options += option(9, bytes([resolution]), order)
    if offset is not None:
        options += option(14, pack(f"{order}q", offset), order)
    return block(1, pack(f"{order}HHI", link_type, 0, snapshot) + options + option(0, b"", order), order)


def enhanced(
    ticks: int,
    content: bytes,
    wire: int | None = None,
    number: int = 0,
    order: str = "<",
    options: bytes = b"",
    captured: int | None = None,
) -> bytes:
    """An Enhanced Packet Block; ``captured`` overrides the length it claims."""
    lengths = (len(content) if captured is None else captured, len(content) if wire is None else wire)
    head = pack(f"{order}5I", number, ticks >> 32, ticks & 0xFFFF_FFFF, *lengths)
    return block(6, head + content + bytes(-len(content) % 4) + options, order)


def obsolete(ticks: int, content: bytes, wire: int, number: int = 0, order: str = "<") -> bytes:
    head = pack(f"{order}HH4I", number, 7, ticks >> 32, ticks & 0xFFFF_FFFF, len(content), wire)
    return block(2, head + content, order)


def simple(content: bytes, wire: int, order: str = "<") -> bytes:
    return block(3, pack(f"{order}I", wire) + content, order)


def statistics(number: int, received: int, dropped: int, dropped_by_system: int, order: str = "<") -> bytes:
    counters = ((4, received), (5, dropped), (7, dropped_by_system))
    options = b"".join(option(code, pack(f"{order}Q", value), order) for code, value in counters)
    return block(5, pack(f"{order}3I", number, 0, 0) + options, order)


def pcapng(frames: Iterable[Frame], order: str = "<") -> bytes:
    """One section, one interface of nanosecond resolution."""
    frames = list(frames)
    link_type = frames[0].link_type if frames else 1
    blocks = (enhanced(one.time, one.content, one.wire, order=order) for one in frames)
    return section(order) + interface(link_type, resolution=9, order=order) + b"".join(blocks)
