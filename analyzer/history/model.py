"""What is known of a period: the records that reports over time are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from analyzer.inventory.device import Device, Summary
from analyzer.inventory.status import STILL_PASSWORD

Unit = Literal["day", "week", "month", "custom"]

ChangeKind = Literal["new", "relapsed", "worse", "unclear", "silent", "better", "migrated"]
"""What became of a device since the period before; :mod:`analyzer.history.changes` has the rules.

new: not seen before, in no period; it uses a password. relapsed: had been without passwords, and uses one again.
worse, better: the status is another one. migrated: used a password, and does not any more. unclear: used a password,
and whether it still does cannot be told. silent: used a password, and is not seen any more.
"""

CHANGE_KINDS: tuple[ChangeKind, ...] = ("new", "relapsed", "worse", "unclear", "silent", "better", "migrated")
"""What needs attention first."""


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days of UTC.

    Attributes:
        first, last: both included.
        unit: what it is called; weeks begin on Monday (ISO 8601).
    """

    first: date
    last: date
    unit: Unit = "custom"


@dataclass(frozen=True, slots=True)
class Change:
    """What became of a device.

    Attributes:
        now: as it is in the period; ``None`` where it is silent.
        before: as it was in the period before, or when it was seen last; ``None`` where it is new.
    """

    kind: ChangeKind
    now: Device | None
    before: Device | None


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """One period of the burn-down.

    Attributes:
        devices: seen in it. still_password: exposed, password or mixed. statuses: devices by status.
        sessions: of all devices.
    """

    period: Period
    devices: int
    still_password: int
    statuses: Mapping[str, int]
    sessions: int

    @classmethod
    def of(cls, period: Period, statuses: Mapping[str, int], sessions: int) -> TrendPoint:
        """The point of which the devices are known by status."""
        still_password = sum(statuses.get(status, 0) for status in STILL_PASSWORD)
        return cls(period, sum(statuses.values()), still_password, statuses, sessions)


@dataclass(frozen=True, slots=True)
class SharedAccount:
    """A user name that several devices log in with.

    Attributes:
        service: provider or server that it belongs to; ``None`` where the name has a domain of its own.
        devices: addresses they go by, in order.
    """

    account: str
    service: str | None
    devices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Quality:
    """How well the traffic of a period was observed.

    Attributes:
        sessions: SMTP conversations. complete: of them, seen from start to end with nothing missing.
        gaps: of them, with bytes missing. unknown: of them, whose method is unknown.
        reduced: of them, of which only the verdict was kept, for their client showed too much that differs.
        inputs: captures and live runs that they came from. damaged: of them, that were cut or incomplete.
        dropped: packets that sensors lost.
        days_without: days of the period on which nothing was seen.
        sensors: names, in order. missing_sensors: those that reported in the period before, and not in this one.
    """

    sessions: int
    complete: int
    gaps: int
    unknown: int
    inputs: int
    damaged: int
    dropped: int
    days_without: int
    sensors: tuple[str, ...]
    missing_sensors: tuple[str, ...] = ()
    reduced: int = 0


@dataclass(frozen=True, slots=True)
class PeriodReport:
    """Everything that a report over a period says.

    Attributes:
        devices: seen in the period, worst first. summary: over them.
        before, summary_before: the period before, and its counts; ``None`` where the store does not reach back to it.
        changes: those that need attention first; of each kind the worst devices first.
        returned: use a password and are known from earlier, but were not seen in the period before.
        absent: used a password in the period before, and are not seen in this one, which does not mean anything yet.
        trend: by ISO weeks, oldest first, up to the week in which the period ends.
        first_seen: when each device was seen first of all, nanoseconds since 1970-01-01 UTC, by the address it goes by.
        shared: accounts on several devices.
        forecast: the day on which the number reaches zero if it goes on falling as it did; ``None`` where it does not.
        unlisted: what did not fit into the store's limits, by name.
    """

    period: Period
    devices: Sequence[Device]
    summary: Summary
    before: Period | None
    summary_before: TrendPoint | None
    changes: Sequence[Change]
    trend: Sequence[TrendPoint]
    first_seen: Mapping[str, int]
    shared: Sequence[SharedAccount]
    quality: Quality
    returned: Sequence[Device] = ()
    absent: Sequence[Device] = ()
    forecast: date | None = None
    unlisted: Mapping[str, int] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether the period was observed without known loss; only then may it pass a gate."""
        quality = self.quality
        return bool(quality.sessions) and not (quality.damaged or quality.dropped or "devices" in self.summary.unlisted)
