"""What the page and the workbook show, ready to be set: text made harmless, users redacted, numbers counted.

Whoever fills these records (:mod:`analyzer.report.page.of_scan`, :mod:`analyzer.report.page.of_period`) takes text from
the wire through :mod:`analyzer.report.records` only. What is empty or ``None`` has no place on the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from analyzer.history.model import ChangeKind
from analyzer.inventory.findings import Severity
from analyzer.inventory.status import Status
from analyzer.report.provider_view import ViewTable
from analyzer.report.together import Step
from analyzer.smtp.records import Evidence


@dataclass(frozen=True, slots=True)
class StatusCount:
    """How many devices have a status."""

    status: Status
    devices: int


@dataclass(frozen=True, slots=True)
class Deadline:
    """A day on which a provider ends passwords.

    Attributes:
        days_left: from ``counted_from``, the last day of the report; negative where it has passed.
        devices: of this report that send a password to this provider.
        note: what the provider says. source, as_of: where and when that was read.
    """

    provider: str
    day: date
    days_left: int
    counted_from: date
    devices: int
    note: str | None
    source: str
    as_of: date


@dataclass(frozen=True, slots=True)
class Point:
    """One period of the burn-down.

    Attributes:
        name: long, e.g. ``week 47 of 2026``. short: for the axis, e.g. ``W47``.
        devices: seen. counts: of them, by status. seen: whether there was traffic at all; without it nothing is known.
    """

    name: str
    short: str
    first: date
    last: date
    devices: int
    still_password: int
    counts: dict[str, int]
    seen: bool = True


@dataclass(frozen=True, slots=True)
class ChangeEntry:
    """One device that changed.

    Attributes:
        address: as in the table of devices. name: what else it is called.
        before, now: statuses; ``None`` where it was not there.
    """

    address: str
    name: str | None
    vendor: str | None
    before: Status | None
    now: Status | None


@dataclass(frozen=True, slots=True)
class ChangeGroup:
    """Devices to which the same happened, worst first."""

    kind: ChangeKind
    entries: Sequence[ChangeEntry]


@dataclass(frozen=True, slots=True)
class Share:
    """Devices of one provider or vendor, and how many of them use a password."""

    name: str
    devices: int
    with_password: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do, for all devices with the same.

    Attributes:
        number: 1 for the first; devices refer to it.
        urgency: as in :class:`analyzer.advice.Urgency`; ``None`` where that is not known.
        title: a few words. service: where they log in. why: one sentence. steps: in order.
        ways: other ways out, and whether the devices' makers can do OAuth, a sentence each.
        devices: addresses, in the order of the table.
        owners: whose they are, by the list of assets, and how many each has. ownerless: how many are nobody's there.
        days_left: until the service ends passwords, from the last day of the report, where that is announced.
    """

    number: int
    urgency: str | None
    title: str
    service: str | None
    why: str | None
    steps: tuple[Step, ...]
    ways: tuple[str, ...]
    devices: Sequence[str]
    owners: tuple[tuple[str, int], ...] = ()
    ownerless: int = 0
    days_left: int | None = None


@dataclass(frozen=True, slots=True)
class Todo:
    """How much is as urgent as this, in a line or two.

    Attributes:
        plan: number of the first such plan. texts: what these plans are about, with the number of devices, most first.
        further: how many more such texts there are.
    """

    urgency: str
    devices: int
    plan: int
    texts: Sequence[tuple[str, int]]
    further: int


@dataclass(frozen=True, slots=True)
class ServerUse:
    """A server that a device sends to: all addresses of one name, or one address without a name."""

    name: str
    ips: tuple[str, ...]
    ports: tuple[int, ...]
    provider: str | None
    methods: dict[str, int]


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """One device.

    Attributes:
        login: mechanisms, else methods, as read or inferred. evidence, confidence: how the status is known.
        first_seen: ever, as far as is known; else in the report. last_seen: in the report.
        last_failure: the last refusal that was read, in words.
        plan: number of a :class:`Plan`.
        change: what became of it since the period before.
        owner: whose it is, by the list of assets.
        facts: further labelled facts (location, mail program, …), in order.
    """

    address: str
    ips: tuple[str, ...]
    mac: str | None
    mac_is_router: bool
    vendor: str | None
    names: tuple[str, ...]
    status: Status
    evidence: Evidence | None
    confidence: float | None
    login: str
    methods: dict[str, int]
    mechanisms: dict[str, int]
    accounts: tuple[str, ...]
    servers: tuple[ServerUse, ...]
    sessions: int
    messages: int
    auth_success: int
    auth_failure: int
    last_failure: str | None
    first_seen: datetime | None
    last_seen: datetime | None
    clients_behind: int
    findings: tuple[str, ...]
    plan: int | None = None
    change: ChangeKind | None = None
    owner: str | None = None
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class FindingRow:
    """A finding that occurs, explained."""

    id: str
    severity: Severity
    devices: int
    explanation: str
    remedy: str
    ambiguity: str | None


@dataclass(frozen=True, slots=True)
class AccountRow:
    """A user name that several devices log in with."""

    account: str
    service: str | None
    devices: Sequence[str]


@dataclass(frozen=True, slots=True)
class Fact:
    """A figure on the quality of the observation, and whether it is cause for concern."""

    name: str
    value: str
    concern: bool = False


@dataclass(frozen=True, slots=True)
class View:
    """Everything on the page.

    Attributes:
        title: what the report is, e.g. ``Week 47 of 2026``. subtitle: its days or its inputs.
        devices_seen, still_password: the answer. difference: to the period before; ``None`` without one.
        compared_with: the period before in words. unit: what a period of the trend is called, e.g. ``week``.
        summary: the answer as a sentence. beside: the part of it that the figures on the page do not say.
        scope: what it rests on.
        first: what to do, by how urgent it is.
        forecast: a sentence on when the number reaches zero. forecast_day: that day.
        returned, absent: devices with a password that move the number without a change: seen again, and not seen
            this time.
        devices: worst first, those listed.
        sources: where the plans' knowledge comes from, and as of when.
        provider_view, provider_notes: the provider's exports beside ours; the first note is the answer.
        notes: limits of the result, one sentence each. complete: whether the result may pass a gate.
    """

    title: str
    subtitle: str
    devices_seen: int
    still_password: int
    difference: int | None
    compared_with: str | None
    summary: str
    beside: str | None
    scope: str
    statuses: Sequence[StatusCount]
    devices: Sequence[DeviceRow]
    deadlines: Sequence[Deadline] = ()
    trend: Sequence[Point] = ()
    forecast: str | None = None
    forecast_day: date | None = None
    changes: Sequence[ChangeGroup] | None = None
    returned: Sequence[str] = ()
    absent: Sequence[str] = ()
    providers: Sequence[Share] = ()
    vendors: Sequence[Share] = ()
    first: Sequence[Todo] = ()
    plans: Sequence[Plan] = ()
    sources: Sequence[str] = ()
    findings: Sequence[FindingRow] = ()
    shared: Sequence[AccountRow] = ()
    unit: str = "period"
    provider_view: Sequence[ViewTable] = ()
    provider_notes: Sequence[str] = ()
    quality: Sequence[Fact] = ()
    notes: Sequence[str] = ()
    complete: bool = True
    legend: Sequence[tuple[str, str]] = field(default_factory=tuple)
