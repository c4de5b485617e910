"""What a report is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from analyzer.advice import Plan
from analyzer.errors import Damage
from analyzer.inventory.device import Device, Summary
from analyzer.report.losses import LOSSES

Format = Literal["table", "json", "jsonl", "csv", "markdown"]
FORMATS: tuple[Format, ...] = ("table", "json", "jsonl", "csv", "markdown")
"""Formats of devices and of sessions."""

DeviceFormat = Literal["table", "json", "jsonl", "csv", "markdown", "html", "xlsx"]
"""Formats of devices alone are a page and a workbook."""


@dataclass(frozen=True, slots=True)
class InputSummary:
    """One input as it was read.

    Attributes:
        format: what it was, e.g. ``pcap (gzip)``.
        bytes: as stored.
        first, last: time of its first and last frame, nanoseconds since 1970-01-01 UTC.
        damage: what of it was lost, if anything.
        dropped: packets that the capturing host says it lost.
    """

    name: str
    format: str
    frames: int
    bytes: int
    first: int | None = None
    last: int | None = None
    damage: str | None = None
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """The result of a run.

    Attributes:
        devices: worst first.
        undecoded: frames that could not be decoded, by reason.
        oddities: named peculiarities of the traffic and its files, counted.
        interrupted: reading was ended before the inputs did.
        plans: what to do, by the address that a device goes by; empty where nobody asked for plans.
    """

    devices: Sequence[Device]
    summary: Summary
    inputs: Sequence[InputSummary] = ()
    undecoded: Mapping[str, int] = field(default_factory=dict)
    damage: Sequence[Damage] = ()
    oddities: Mapping[str, int] = field(default_factory=dict)
    interrupted: bool = False
    plans: Mapping[str, Plan] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether the result covers everything that was given; only then may it pass a gate."""
        return not (
            self.interrupted
            or self.damage
            or self.undecoded
            or "devices" in self.summary.unlisted
            or any(name in self.oddities for name in LOSSES)
            or any(source.dropped for source in self.inputs)
        )
