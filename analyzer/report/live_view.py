"""What somebody sees who watches a live run at a terminal: how it goes, the devices, worst first, the last events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from analyzer.report import wording
from analyzer.report.table import DEVICE_COLUMNS, device_row, render
from analyzer.report.width import fit
from analyzer.report.wording import Record

EVENTS = 6
"""Events that are shown; the stream has them all."""

LEAST_ROWS = 3
"""Devices that are shown however low the terminal is."""


@dataclass(frozen=True, slots=True)
class Vitals:
    """How the run goes.

    Attributes:
        interfaces: names, those that are not up with their state in brackets.
        seconds: it has lasted.
        rate: packets per second of late.
        packets: that passed the kernel's filter.
        dropped: that the kernel dropped.
        open: conversations that are not over.
        memory: bytes of the process, 0 where that is not known.
    """

    interfaces: Sequence[str]
    seconds: int
    rate: float
    packets: int
    dropped: int
    open: int
    memory: int

    @property
    def line(self) -> str:
        """All of it, in one line."""
        hours, rest = divmod(self.seconds, 3600)
        parts = [
            f"{', '.join(self.interfaces)}",
            f"{hours}:{rest // 60:02}:{rest % 60:02}",
            f"{self.packets:,} packets ({self.rate:,.0f}/s)",
            f"{self.dropped:,} dropped",
            f"{self.open:,} open",
        ]
        if self.memory:
            parts.append(f"{self.memory >> 20:,} MB")
        return "   ".join(parts)


def screen(
    vitals: Vitals,
    summary: Record,
    devices: Sequence[Record],
    events: Sequence[str],
    *,
    width: int,
    height: int,
    colour: bool,
) -> str:
    """All lines of the screen.

    Args:
        vitals: how the run goes.
        summary: record of the summary over ``devices``.
        devices: records, worst first.
        events: the last ones as lines of text, newest last.
        width, height: columns and lines there are.
        colour: statuses in colour.
    """
    last = list(events)[-EVENTS:]
    head = [fit(vitals.line, width), fit(wording.answer(summary), width), ""]
    tail = ["", *(fit(event, width) for event in last)] if last else []
    room = max(LEAST_ROWS, height - len(head) - len(tail) - 4)  # title and rule of the table, what is left out, the end
    body = []
    if devices:
        body.append(render(DEVICE_COLUMNS, [device_row(device) for device in devices[:room]], width, colour))
        if len(devices) > room:
            body.append(f"… and {len(devices) - room:,} more")
    return "\n".join([*head, *body, *tail])
