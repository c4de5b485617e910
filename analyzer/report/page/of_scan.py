"""The view of a single run over captures or an interface: what is now, without a before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from analyzer.inventory.status import STILL_PASSWORD
from analyzer.report import wording
from analyzer.report.model import Report
from analyzer.report.page.legend import legend
from analyzer.report.page.model import Fact, Share, View
from analyzer.report.page.plans import plans_of, sources, todos
from analyzer.report.page.rows import (
    device_row,
    finding_rows,
    moment,
    provider_name,
    status_counts,
)
from analyzer.report.records import context_record
from analyzer.report.redact import Redactor
from analyzer.report.write import device_records

INPUTS_NAMED = 3
"""Inputs that the head of the page names."""


def view_of_scan(report: Report, redactor: Redactor | None = None) -> View:
    """What the page shows of ``report``."""
    context = context_record(report)
    summary = context["summary"]
    records = list(device_records(report, redactor))
    plans, plan_of = plans_of(records)
    devices = [device_row(record, plan_of.get(record["device"])) for record in records]
    providers = [
        Share(provider_name(id), use["devices"], use["with_password"]) for id, use in summary["providers"].items()
    ]
    return View(
        title="Mail logins",
        subtitle=_subtitle(context),
        devices_seen=summary["devices"],
        still_password=summary["still_password"],
        difference=None,
        compared_with=None,
        summary=wording.answer(summary),
        beside=None if summary["devices"] else wording.answer(summary),
        scope=wording.scope(context),
        statuses=status_counts(summary),
        devices=devices,
        providers=sorted(providers, key=lambda share: (-share.with_password, -share.devices, share.name)),
        vendors=_vendors(records),
        first=todos(plans),
        plans=plans,
        sources=sources(records),
        findings=finding_rows(summary),
        quality=_quality(context),
        notes=list(wording.notes(context)),
        complete=context["complete"],
        legend=legend(devices),
    )


def _subtitle(context: wording.Record) -> str:
    first, last = moment(context["summary"]["first_seen"]), moment(context["summary"]["last_seen"])
    if first and last:
        return f"{first:%Y-%m-%d}" if first.date() == last.date() else f"{first:%Y-%m-%d} to {last:%Y-%m-%d}"
    names = [source["name"] for source in context["inputs"]]
    return ", ".join(names[:INPUTS_NAMED]) + (
        f" and {len(names) - INPUTS_NAMED} more" if len(names) > INPUTS_NAMED else ""
    )


def _vendors(records: Iterable[wording.Record]) -> list[Share]:
    devices: Counter[str] = Counter()
    passwords: Counter[str] = Counter()
    for record in records:
        vendor = record["vendor"] or "unknown"
        devices[vendor] += 1
        passwords[vendor] += record["status"] in STILL_PASSWORD
    shares = [Share(vendor, count, passwords[vendor]) for vendor, count in devices.items()]
    return sorted(shares, key=lambda share: (-share.with_password, -share.devices, share.name))


def _quality(context: wording.Record) -> list[Fact]:
    summary, inputs = context["summary"], context["inputs"]
    facts = [Fact("sessions", f"{summary['sessions']:,}"), Fact("messages", f"{summary['messages']:,}")]
    if summary["not_smtp"]:
        facts.append(Fact("conversations that were not SMTP", f"{summary['not_smtp']:,}"))
    if unknown := summary["methods"].get("unknown"):
        facts.append(Fact("sessions whose login could not be told", f"{unknown:,}", concern=True))
    if inputs:
        facts.append(Fact("inputs", f"{len(inputs):,}"))
    if lost := sum(source["dropped"] for source in inputs):
        facts.append(Fact("packets lost while captured", f"{lost:,}", concern=True))
    return facts
