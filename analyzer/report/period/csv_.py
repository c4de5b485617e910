"""A period's devices as CSV, one row each: what a scan says of a device, and what became of it."""

from __future__ import annotations

from typing import TextIO

from analyzer.report.csv_ import DEVICE_CELLS, Cell, CsvWriter
from analyzer.report.wording import Record

PERIOD_CELLS: dict[str, Cell] = {
    **DEVICE_CELLS,
    "known_since": lambda device: device["known_since"],
    "change": lambda device: device["change"],
    "urgency": lambda device: device["plan"] and device["plan"]["urgency"],
    "deadline": lambda device: device["plan"] and device["plan"]["deadline"] and device["plan"]["deadline"]["day"],
    "steps": lambda device: device["plan"] and " ".join(device["plan"]["steps"]),
}


def write_csv(document: Record, out: TextIO) -> None:
    """All devices of the period, worst first."""
    rows = CsvWriter(PERIOD_CELLS, out)
    for device in document["devices"]:
        rows.write(device)
