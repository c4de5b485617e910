"""What stands in the workbook: its sheets as titles, columns and rows of values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from textwrap import shorten
from typing import Literal

from analyzer.report.page.model import DeviceRow, ServerUse, View
from analyzer.report.period.wording import CHANGE_TITLES
from analyzer.report.together import URGENCIES, Step
from analyzer.report.wording import plural

Kind = Literal["text", "wrapped", "figure", "number", "percent", "day", "moment", "status"]
"""``figure``: whatever it is, to the left."""
Value = str | int | float | date | datetime | None


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its title, its width in characters, and what it holds."""

    title: str
    width: int
    kind: Kind = "text"


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet.

    Attributes:
        frozen: columns that stay while one scrolls to the right. printed: the first columns that are printed, where
            all of them would be too small to read.
        rows: as many values as ``columns`` each.
    """

    name: str
    columns: Sequence[Column]
    rows: Iterable[Sequence[Value]]
    frozen: int = 0
    printed: int | None = None


LONGEST_NAME = 31
"""Characters of a sheet's name that Excel allows."""

PRINTED = 9
"""Columns of the devices' sheet on paper: who, in what state, what to do, how it logs in."""

_DEVICES = (
    Column("Address", 20),
    Column("Status", 11, "status"),
    Column("Name", 28),
    Column("Owner", 20),
    Column("Change", 11),
    Column("Plan", 6, "number"),
    Column("What to do", 36),
    Column("Maker", 26),
    Column("Login", 14),
    Column("Evidence", 11),
    Column("Confidence", 11, "percent"),
    Column("Accounts", 30),
    Column("Servers", 30),
    Column("Ports", 10),
    Column("Providers", 22),
    Column("Sessions", 10, "number"),
    Column("Messages", 10, "number"),
    Column("Logins accepted", 10, "number"),
    Column("Logins refused", 10, "number"),
    Column("Last refusal", 30),
    Column("First seen", 17, "moment"),
    Column("Last seen", 17, "moment"),
    Column("MAC", 19),
    Column("All addresses", 20),
    Column("All names", 28),
    Column("Methods", 18),
    Column("Mechanisms", 18),
    Column("Clients behind", 9, "number"),
    Column("Findings", 40),
    Column("Also known", 40),
)


def sheets(view: View) -> Iterator[Sheet]:
    """All sheets that have something to say; the devices' comes second."""
    yield Sheet("Summary", (Column("Figure", 34), Column("Value", 90, "figure")), list(_summary(view)))
    titles = {plan.number: plan.title for plan in view.plans}
    yield Sheet("Devices", _DEVICES, (_device(device, titles) for device in view.devices), frozen=1, printed=PRINTED)
    if view.plans:
        yield Sheet(
            "What to do",
            (
                Column("Plan", 6, "number"),
                Column("Urgency", 19),
                Column("What", 38, "wrapped"),
                Column("Service", 24),
                Column("Why", 40, "wrapped"),
                Column("Steps", 80, "wrapped"),
                Column("Devices", 9, "number"),
                Column("Addresses", 60),
                Column("Owners", 30),
            ),
            (
                (
                    plan.number,
                    URGENCIES[plan.urgency] if plan.urgency else None,
                    plan.title,
                    plan.service,
                    plan.why,
                    "\n".join(_steps(plan.steps)),
                    len(plan.devices),
                    ", ".join(plan.devices),
                    "; ".join(f"{owner} {devices:,}" for owner, devices in plan.owners),
                )
                for plan in view.plans
            ),
        )
    if view.changes:
        yield Sheet(
            "Changes",
            (
                Column("Change", 34),
                Column("Address", 16),
                Column("Name", 28),
                Column("Maker", 26),
                Column("Before", 12, "status"),
                Column("Now", 12, "status"),
            ),
            (
                (
                    CHANGE_TITLES[group.kind],
                    entry.address,
                    entry.name,
                    entry.vendor,
                    entry.before,
                    entry.now or "not seen",
                )
                for group in view.changes
                for entry in group.entries
            ),
        )
    if view.trend:
        yield _trend(view)
    yield from _shares(view)
    yield from _rest(view)


def _summary(view: View) -> Iterator[Sequence[Value]]:
    yield "Report", f"{view.title} {view.subtitle}".rstrip()
    yield "Summary", view.summary
    yield "Devices that still use a password", view.still_password
    if view.difference is not None:
        yield f"Difference to {view.compared_with}", view.difference
    yield "Devices", view.devices_seen
    yield from ((f"  {count.status}", count.devices) for count in view.statuses if count.devices)
    for deadline in view.deadlines:
        days = f"{deadline.days_left:,} days left" if deadline.days_left >= 0 else f"{-deadline.days_left:,} days past"
        text = f"{deadline.day.isoformat()}, {days}; {plural(deadline.devices, 'device')} with a password"
        yield f"Deadline of {deadline.provider}", f"{text}. {deadline.note or ''}".rstrip()
    if view.forecast:
        yield "Forecast", view.forecast
    yield "Basis", view.scope
    yield "Complete", "yes" if view.complete else "no"
    yield from (("Note", note) for note in view.notes)


def _steps(steps: Iterable[Step]) -> Iterator[str]:
    for number, step in enumerate(steps, 1):
        yield f"{number}. {step.text}"
        yield from (f"   {', '.join(case.devices)}: {case.text}" for case in step.cases)


def _device(device: DeviceRow, titles: Mapping[int, str]) -> Sequence[Value]:
    return (
        device.address,
        device.status,
        device.names[0] if device.names else None,
        device.owner,
        device.change,
        device.plan,
        titles[device.plan] if device.plan is not None else None,
        device.vendor,
        device.login,
        device.evidence,
        device.confidence,
        _joined(device.accounts),
        _joined(server.name for server in device.servers),
        _joined(str(port) for port in _ports(device.servers)),
        _joined(server.provider for server in device.servers if server.provider),
        device.sessions,
        device.messages,
        device.auth_success,
        device.auth_failure,
        device.last_failure,
        device.first_seen,
        device.last_seen,
        "a router's" if device.mac_is_router else device.mac,
        _joined(device.ips),
        _joined(device.names),
        _counts(device.methods),
        _counts(device.mechanisms),
        device.clients_behind,
        _joined(device.findings),
        _joined(f"{term}: {value}" for term, value in device.facts),
    )


TREND = "Week by week"
"""The sheet that a chart goes on; its columns from the fourth to the sixth are what the chart stacks."""

STACK = ("exposed", "password", "mixed")


def _trend(view: View) -> Sheet:
    columns = (
        Column("Period", 14),
        Column("First day", 12, "day"),
        Column("Last day", 12, "day"),
        *(Column(status, 10, "number") for status in STACK),
        Column("With password", 14, "number"),
        Column("unknown", 10, "number"),
        Column("All devices", 12, "number"),
    )
    return Sheet(
        TREND,
        columns,
        [
            (
                point.name,
                point.first,
                point.last,
                *(
                    (
                        *(point.counts.get(status, 0) for status in STACK),
                        point.still_password,
                        point.counts.get("unknown", 0),
                        point.devices,
                    )
                    if point.seen
                    else (None,) * (len(STACK) + 3)
                ),
            )
            for point in view.trend
        ],
    )


def _shares(view: View) -> Iterator[Sheet]:
    for name, title, shares in (("Providers", "Provider", view.providers), ("Makers", "Maker", view.vendors)):
        if shares:
            yield Sheet(
                name,
                (Column(title, 36), Column("With password", 14, "number"), Column("Devices", 10, "number")),
                ((share.name, share.with_password, share.devices) for share in shares),
            )


def _rest(view: View) -> Iterator[Sheet]:
    if view.shared:
        yield Sheet(
            "Shared accounts",
            (Column("Account", 36), Column("Service", 24), Column("Devices", 9, "number"), Column("Addresses", 80)),
            ((row.account, row.service, len(row.devices), ", ".join(row.devices)) for row in view.shared),
        )
    if view.provider_notes:
        yield Sheet("Provider", (Column("Provider's view", 110, "wrapped"),), ((note,) for note in view.provider_notes))
    for table in view.provider_view:
        yield Sheet(
            shorten(table.title, LONGEST_NAME, placeholder="…"), [Column(title, 28) for title in table.head], table.rows
        )
    if view.findings:
        yield Sheet(
            "Findings",
            (
                Column("Finding", 28),
                Column("Severity", 10),
                Column("Devices", 9, "number"),
                Column("Meaning", 60, "wrapped"),
                Column("What to do", 60, "wrapped"),
                Column("What else looks the same", 60, "wrapped"),
            ),
            ((row.id, row.severity, row.devices, row.explanation, row.remedy, row.ambiguity) for row in view.findings),
        )
    if view.quality:
        yield Sheet(
            "Quality", (Column("Figure", 36), Column("Value", 16)), ((fact.name, fact.value) for fact in view.quality)
        )
    if view.legend:
        yield Sheet("How to read", (Column("Word", 16), Column("Meaning", 100, "wrapped")), view.legend)


def _joined(values: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(values))


def _counts(counts: Mapping[str, int]) -> str:
    return "; ".join(f"{name} {count}" for name, count in counts.items())


def _ports(servers: Iterable[ServerUse]) -> list[int]:
    return sorted({port for server in servers for port in server.ports})
