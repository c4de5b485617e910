"""The view of a period of the store's history."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

from analyzer.history.model import CHANGE_KINDS
from analyzer.report.page.legend import legend
from analyzer.report.page.model import (
    AccountRow,
    ChangeEntry,
    ChangeGroup,
    Deadline,
    Fact,
    Point,
    Share,
    View,
)
from analyzer.report.page.plans import plans_of, sources, todos
from analyzer.report.page.rows import device_row, finding_rows, provider_name, status_counts
from analyzer.report.period import wording
from analyzer.report.period.model import PeriodDocument
from analyzer.report.period.records import document_record
from analyzer.report.provider_view import (
    ViewTable,
    provider_view_notes,
    provider_view_sentence,
    provider_view_tables,
)
from analyzer.report.text import clean
from analyzer.report.wording import Record

CONCERN = 0.1
"""Share of sessions from which on it matters that they were not seen whole, or could not be told."""


def view_of_period(document: PeriodDocument) -> View:
    """What the page shows of ``document``."""
    record = document_record(document)
    summary, before = record["summary"], record["summary_before"]
    plans, plan_of = plans_of(record["devices"])
    devices = [device_row(device, plan_of.get(device["device"])) for device in record["devices"]]
    quality, *notes = wording.quality(record)
    provider = record["provider_view"]
    compared = before is not None and before["sessions"] > 0
    return View(
        title=_title(record["period"]),
        subtitle=_days(record["period"]),
        devices_seen=summary["devices"],
        still_password=summary["still_password"],
        difference=summary["still_password"] - before["still_password"] if compared else None,
        compared_with=_before(record["before"], record["period"]) if compared else None,
        unit=wording.unit_noun(record["trend"][-1]) if record["trend"] else "period",
        summary=record["sentence"],
        beside=_beside(record),
        scope=quality,
        statuses=status_counts(summary),
        devices=devices,
        deadlines=[_deadline(entry) for entry in record["deadlines"]],
        trend=[_point(entry) for entry in record["trend"]],
        forecast=wording.forecast(record),
        forecast_day=record["forecast"] and date.fromisoformat(record["forecast"]),
        changes=list(_changes(record)) if compared else None,
        returned=record["returned"],
        absent=record["absent"],
        providers=_shares(record["providers"], "another or unknown"),
        vendors=_shares(record["vendors"], "unknown"),
        first=todos(plans),
        plans=plans,
        sources=sources(record["devices"]),
        findings=finding_rows(summary),
        shared=[_account(entry) for entry in record["shared_accounts"]],
        provider_view=[] if provider is None else [_cleaned(table) for table in provider_view_tables(provider)],
        provider_notes=[] if provider is None else [provider_view_sentence(provider), *provider_view_notes(provider)],
        quality=list(_quality(record)),
        notes=notes,
        complete=record["complete"],
        legend=legend(devices),
    )


def _beside(record: Record) -> str:
    """The sentence's last part: how many, and how many more or fewer, stands beside it in figures."""
    if not record["summary"]["sessions"]:
        return str(record["sentence"])
    reasons = wording.reasons(record) or wording.incomparable(record)
    return f"{reasons[:1].upper()}{reasons[1:]}."


def _title(period: Record) -> str:
    first = date.fromisoformat(period["first"])
    if period["unit"] == "week":
        year, week, _ = first.isocalendar()
        return f"Week {week} of {year}"
    if period["unit"] == "month":
        return f"{first:%B %Y}"
    name: str = period["name"]
    return name


def _before(period: Record, now: Record) -> str:
    """The period that is compared with, in the middle of a sentence; its year only where it is another."""
    if period["unit"] == "month":
        return _title(period)
    if period["unit"] == "week":
        (year, week, _), (this_year, *_) = (date.fromisoformat(one["first"]).isocalendar() for one in (period, now))
        return f"week {week}" + (f" of {year}" if year != this_year else "")
    return f"the {wording.unit_noun(period)} before"


def _days(period: Record) -> str:
    """``16 to 22 November 2026``; nothing where the title has said it."""
    first, last = date.fromisoformat(period["first"]), date.fromisoformat(period["last"])
    if period["unit"] != "week":
        return ""
    start = f"{first.day} {first:%B %Y}"
    if first.year == last.year:
        start = f"{first.day}" if first.month == last.month else f"{first.day} {first:%B}"
    return f"{start} to {last.day} {last:%B %Y}"


def _short(period: Record) -> str:
    """What stands below the axis of a chart."""
    first = date.fromisoformat(period["first"])
    if period["unit"] == "week":
        return f"W{first.isocalendar().week}"
    return f"{first:%b %Y}" if period["unit"] == "month" else f"{first.day} {first:%b}"


def _point(entry: Record) -> Point:
    return Point(
        name=entry["name"],
        short=_short(entry),
        first=date.fromisoformat(entry["first"]),
        last=date.fromisoformat(entry["last"]),
        devices=entry["devices"],
        still_password=entry["still_password"],
        counts=entry["statuses"],
        seen=entry["sessions"] > 0,
    )


def _deadline(entry: Record) -> Deadline:
    note = entry["note"]
    return Deadline(
        provider=entry["name"],
        day=date.fromisoformat(entry["day"]),
        days_left=entry["days_left"],
        counted_from=date.fromisoformat(entry["day"]) - timedelta(days=entry["days_left"]),
        devices=entry["devices"],
        note=f"{note[:1].upper()}{note[1:]}." if note else None,
        source=entry["source"],
        as_of=date.fromisoformat(entry["as_of"]),
    )


def _changes(record: Record) -> Iterator[ChangeGroup]:
    for kind in CHANGE_KINDS:
        entries = [_change(entry) for entry in record["changes"] if entry["kind"] == kind]
        if entries:
            yield ChangeGroup(kind, entries)


def _change(entry: Record) -> ChangeEntry:
    now, before = entry["now"], entry["before"]
    return ChangeEntry(
        address=entry["device"],
        name=entry["name"],
        vendor=entry["vendor"],
        before=before and before["status"],
        now=now and now["status"],
    )


def _account(entry: Record) -> AccountRow:
    return AccountRow(entry["account"], entry["service"] and provider_name(entry["service"]), entry["devices"])


def _cleaned(table: ViewTable) -> ViewTable:
    """The same; an IPv6 address of an export may bring a zone, which is any text (RFC 4007 section 11)."""
    return replace(table, rows=[tuple(map(clean, row)) for row in table.rows])


def _shares(entries: list[Record], unnamed: str) -> list[Share]:
    return [Share(entry["name"] or unnamed, entry["devices"], entry["with_password"]) for entry in entries]


def _quality(record: Record) -> Iterator[Fact]:
    seen = record["quality"]
    sessions = seen["sessions"]
    yield Fact("sessions", f"{sessions:,}", concern=sessions == 0)
    if sessions:
        whole, gaps, unknown = (seen[key] / sessions for key in ("complete", "gaps", "unknown"))
        yield Fact("seen as a whole", f"{whole:.1%}", concern=whole < 1 - CONCERN)
        yield Fact("with bytes missing", f"{gaps:.1%}", concern=gaps > CONCERN)
        yield Fact("login could not be told", f"{unknown:.1%}", concern=unknown > CONCERN)
    yield Fact("packets lost by sensors", f"{seen['dropped']:,}", concern=seen["dropped"] > 0)
    yield Fact("inputs cut or damaged", f"{seen['damaged']:,} of {seen['inputs']:,}", concern=seen["damaged"] > 0)
    yield Fact("days without traffic", f"{seen['days_without']:,}", concern=seen["days_without"] > 0)
    yield Fact("sensors", f"{len(seen['sensors']):,}")
    if missing := seen["missing_sensors"]:
        yield Fact("sensors missing", f"{len(missing):,}", concern=True)
