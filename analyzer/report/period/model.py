"""What a report over a period is made of, whatever its format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from analyzer.advice import Plan
from analyzer.history.model import PeriodReport
from analyzer.provider_view import ProviderView
from analyzer.report.redact import Redactor


@dataclass(frozen=True, slots=True)
class Deadline:
    """The day on which a provider ends passwords, and how many devices still send one there.

    Attributes:
        provider: id. name: as people know it.
        day: first day without passwords.
        days_left: from the period's last day; negative where it is past.
        note: what happens then, a sentence without a full stop.
        source, as_of: where that was read, and when.
        devices: that send a password there.
    """

    provider: str
    name: str
    day: date
    days_left: int
    note: str | None
    source: str
    as_of: date
    devices: int


@dataclass(frozen=True, slots=True)
class PeriodDocument:
    """All that a format is given; :func:`analyzer.report.period.records.document_record` makes it harmless to show.

    Attributes:
        report: what is known of the period.
        deadlines: of providers that devices send passwords to, what is to come, nearest first, then what is past.
        plans: what to do, by the address a device goes by.
        provider_view: what the provider says of the same accounts; ``None`` where its exports were not given.
        redactor: replaces user names, where given.
    """

    report: PeriodReport
    deadlines: Sequence[Deadline] = ()
    plans: Mapping[str, Plan] = field(default_factory=dict)
    provider_view: ProviderView | None = None
    redactor: Redactor | None = None
