"""Records of a real capture, written into a directory as a rotating writer does it, piece by piece."""

from __future__ import annotations

import struct
from datetime import date
from pathlib import Path
from typing import Any

from analyzer.inventory.devices import Inventory
from analyzer.store import open_store
from tests.support.cutting import PCAP_HEADER, Record, records_of
from tests.support.material import REPOSITORY
from tests.support.scans import sessions_of

CAPTURES = sorted(path for path in (REPOSITORY / "captures" / "mechanisms").glob("*.pcap") if path.stat().st_size)
BEGIN = 1_795_521_600
"""Seconds; 2026-11-24 12:00:00 UTC."""

FIRST, LAST = date(2026, 11, 1), date(2026, 12, 31)


def recorded(captures: slice = slice(6), apart: int = 0) -> list[Record]:
    """Several recorded conversations, interleaved in time or begun ``apart`` seconds one after the other."""
    found: list[Record] = []
    for number, path in enumerate(CAPTURES[captures]):
        own = records_of(path)
        begin = BEGIN + number * apart - own[0][0]
        found += [(begin + seconds, micros, frame) for seconds, micros, frame in own]
    return sorted(found, key=lambda record: record[:2])


def in_bytes(records: list[Record]) -> bytes:
    """A pcap file."""
    written = [struct.pack("<4I", second, micro, len(frame), len(frame)) + frame for second, micro, frame in records]
    return PCAP_HEADER + b"".join(written)


def inventory_of(store: Path | str) -> dict[str, Any]:
    """All that reports say of what is in a store, without the names of files."""
    with open_store(str(store)) as opened:
        return _told(opened.inventory(FIRST, LAST))


def inventory_of_scan(*captures: Path) -> dict[str, Any]:
    """The same of a scan."""
    inventory = Inventory()
    for session in sessions_of(*captures):
        inventory.add(session)
    return _told(inventory)


def _told(inventory: Inventory) -> dict[str, Any]:
    devices = inventory.devices()
    return {"devices": {device.device: device for device in devices}, "summary": inventory.summary(devices)}
