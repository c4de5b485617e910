"""The slow, obvious readers against which the fast ones are held: one record after the other, with ``struct``."""

from __future__ import annotations

from fractions import Fraction
from struct import unpack_from
from typing import NamedTuple

from tests.capture.writers import SECOND, Frame

LONGEST = 16 * 1024 * 1024
LATEST = 1 << 62


class Reading(NamedTuple):
    """The frames, and how reading ended: ``end``, ``cut``, or ``damaged``."""

    frames: list[Frame]
    ending: str


def read(data: bytes) -> Reading:
    """A pcap (standard variants) or pcapng file."""
    return _read_pcapng(data) if data[:4] == b"\n\r\r\n" else _read_pcap(data)


def _read_pcap(data: bytes) -> Reading:
    order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    (magic,) = unpack_from(f"{order}I", data)
    tick = 1 if magic == 0xA1B23C4D else 1000
    (network,) = unpack_from(f"{order}I", data, 20)
    frames: list[Frame] = []
    at = 24
    while at < len(data):
        if at + 16 > len(data):
            return Reading(frames, "cut")
        seconds, fraction, captured, wire = unpack_from(f"{order}4I", data, at)
        if captured > LONGEST:
            return Reading(frames, "damaged")
        content = data[at + 16 : at + 16 + captured]
        if len(content) < captured:
            return Reading(frames, "cut")
        frames.append(Frame(seconds * SECOND + fraction * tick, content, max(wire, captured), network & 0xFFFF))
        at += 16 + captured
    return Reading(frames, "end")


def _read_pcapng(data: bytes) -> Reading:
    frames: list[Frame] = []
    interfaces: list[tuple[int, int, int, int]] = []
    order, at, last = "<", 0, 0
    while at < len(data):
        if data[at : at + 4] == b"\n\r\r\n":
            if at + 28 > len(data):
                return Reading(frames, "cut")
            orders = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}
            if data[at + 8 : at + 12] not in orders:
                return Reading(frames, "damaged")
            order, interfaces = orders[data[at + 8 : at + 12]], []
        if at + 12 > len(data):
            return Reading(frames, "cut")
        kind, total = unpack_from(f"{order}II", data, at)
        if total < 12 or total % 4 or total > LONGEST:
            return Reading(frames, "damaged")
        if at + total > len(data):
            return Reading(frames, "cut")
        if unpack_from(f"{order}I", data, at + total - 4) != (total,):
            return Reading(frames, "damaged")
        found = None
        if kind == 1 and total >= 20:
            interfaces.append(_interface(data[at : at + total], order))
        elif kind in (2, 6) and total >= 32:
            number = unpack_from(f"{order}H" if kind == 2 else f"{order}I", data, at + 8)[0]
            high, low, captured, wire = unpack_from(f"{order}4I", data, at + 12)
            if number < len(interfaces):
                link_type, _, resolution, offset = interfaces[number]
                content = data[at + 28 : at + 28 + min(captured, total - 32)]
                time = nanoseconds(high << 32 | low, resolution, offset)
                found = Frame(time, content, max(wire, len(content)), link_type)
        elif kind == 3 and total >= 16 and interfaces:
            (wire,) = unpack_from(f"{order}I", data, at + 8)
            link_type, snapshot, _, _ = interfaces[0]
            content = data[at + 12 : at + 12 + min(wire, snapshot or wire, total - 16)]
            found = Frame(last, content, wire, link_type)
        if found:
            frames.append(found)
            last = found.time
        at += total
    return Reading(frames, "end")


def _interface(block: bytes, order: str) -> tuple[int, int, int, int]:
    link_type, snapshot = unpack_from(f"{order}HxxI", block, 8)
    resolution, offset, at = 6, 0, 16
    while at + 4 <= len(block) - 4:
        code, length = unpack_from(f"{order}HH", block, at)
        value = block[at + 4 : at + 4 + length]
        if code == 0 or at + 4 + length > len(block) - 4:
            break
        if code == 9 and length == 1:
            resolution = value[0]
        if code == 14 and length == 8:
            (offset,) = unpack_from(f"{order}q", value)
        at += 4 + length + -length % 4
    return link_type, snapshot, resolution, offset


def nanoseconds(ticks: int, resolution: int, offset: int) -> int:
    """Exact, up to the limit in whose stead greater times come out."""
    unit = Fraction(1, 2 ** (resolution & 127)) if resolution & 128 else Fraction(1, 10**resolution)
    elapsed = min(int(ticks * unit * SECOND), LATEST)
    return max(-LATEST, min(elapsed + offset * SECOND, LATEST))
