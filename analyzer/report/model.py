"""What a report is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from analyzer.errors import Damage
from analyzer.inventory.device import Device, Summary

Format = Literal["table", "json", "jsonl", "csv", "markdown"]
FORMATS: tuple[Format, ...] = ("table", "json", "jsonl", "csv", "markdown")


@dataclass(frozen=True, slots=True)
class InputSummary:
    """One input as it was read.

    Attributes:
        format: what it was, e.g. ``pcap (gzip)``.
        bytes: as stored.
        first, last: time of its first and last frame, nanoseconds since 1970-01-01 UTC.
        damage: what of it was lost, if anything.
    """

    name: str
    format: str
    frames: int
    bytes: int
    first: int | None = None
    last: int | None = None
    damage: str | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """The result of a run.

    Attributes:
        devices: worst first.
        undecoded: frames that could not be decoded, by reason.
        oddities: named peculiarities of the traffic, counted over all sessions.
    """

    devices: Sequence[Device]
    summary: Summary
    inputs: Sequence[InputSummary] = ()
    undecoded: Mapping[str, int] = field(default_factory=dict)
    damage: Sequence[Damage] = ()
    oddities: Mapping[str, int] = field(default_factory=dict)
