"""A period's report as one dictionary: the JSON contract (``docs/report.md`` explains every field).

Every format is made from it, and what the wire said is made harmless here, as :mod:`analyzer.report.records` does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from analyzer.history import periods
from analyzer.history.model import Change, Period, Quality, SharedAccount, TrendPoint
from analyzer.inventory.device import Device
from analyzer.inventory.providers import provider
from analyzer.inventory.status import STILL_PASSWORD
from analyzer.report.period import wording
from analyzer.report.period.model import Deadline, PeriodDocument
from analyzer.report.plans import plan_record
from analyzer.report.provider_view import provider_view_record
from analyzer.report.records import Record, device_record, summary_record, timestamp, user_text
from analyzer.report.redact import Redactor
from analyzer.report.text import clean, clean_or_none

VERSION = 1
"""Of this contract. Fields may be added within a version; one that is taken away or means something else begins the
next."""


def document_record(document: PeriodDocument) -> Record:
    """All of ``document``."""
    report, redactor = document.report, document.redactor
    changes = [_change_record(change, redactor) for change in report.changes]
    became = {change["device"]: change["kind"] for change in changes}
    record: Record = {
        "version": VERSION,
        "sentence": "",  # made of the rest, below; it stands first because people read from the top
        "period": _period_record(report.period),
        "before": report.before and _period_record(report.before),
        "summary": summary_record(report.summary),
        "summary_before": report.summary_before and _counts_record(report.summary_before),
        "changes": changes,
        "returned": [device.device for device in report.returned],
        "absent": [device.device for device in report.absent],
        "trend": [_trend_record(point) for point in report.trend],
        "forecast": report.forecast and report.forecast.isoformat(),
        "deadlines": [_deadline_record(deadline) for deadline in document.deadlines],
        "providers": _providers(document),
        "vendors": _vendors(report.devices),
        "devices": [_device_record(device, document, became) for device in report.devices],
        "shared_accounts": [_shared_record(shared, redactor) for shared in report.shared],
        "provider_view": document.provider_view and provider_view_record(document.provider_view, redactor),
        "quality": _quality_record(report.quality),
        "complete": report.complete,
        "unlisted": dict(sorted(report.unlisted.items())),
    }
    record["sentence"] = wording.sentence(record)
    return record


def _device_record(device: Device, document: PeriodDocument, became: Mapping[str, str]) -> Record:
    plan = document.plans.get(device.device)
    return {
        **device_record(device, document.redactor),
        "known_since": timestamp(document.report.first_seen.get(device.device)),
        "change": became.get(device.device),
        "plan": plan and plan_record(plan),
    }


def _period_record(period: Period) -> Record:
    return {
        "name": periods.name(period),
        "unit": period.unit,
        "first": period.first.isoformat(),
        "last": period.last.isoformat(),
    }


def _change_record(change: Change, redactor: Redactor | None) -> Record:
    device = change.now or change.before
    assert device is not None  # noqa: S101 - a change is of something that was or is seen
    return {
        "kind": change.kind,
        "device": device.device,
        "name": clean_or_none(device.name),
        "vendor": device.vendor,
        "accounts": [user_text(account, redactor) for account in device.accounts],
        "now": change.now and _state_record(change.now),
        "before": change.before and _state_record(change.before),
    }


def _state_record(device: Device) -> Record:
    return {
        "device": device.device,
        "status": device.status,
        "evidence": device.evidence,
        "confidence": device.confidence,
        "first_seen": timestamp(device.first_seen),
        "last_seen": timestamp(device.last_seen),
    }


def _trend_record(point: TrendPoint) -> Record:
    return {**_period_record(point.period), **_counts_record(point)}


def _counts_record(point: TrendPoint) -> Record:
    return {
        "devices": point.devices,
        "still_password": point.still_password,
        "statuses": dict(point.statuses),
        "sessions": point.sessions,
    }


def _deadline_record(deadline: Deadline) -> Record:
    return {
        "provider": deadline.provider,
        "name": deadline.name,
        "day": deadline.day.isoformat(),
        "days_left": deadline.days_left,
        "note": deadline.note,
        "source": deadline.source,
        "as_of": deadline.as_of.isoformat(),
        "devices": deadline.devices,
    }


def _providers(document: PeriodDocument) -> list[Record]:
    found = []
    for id, use in document.report.summary.providers.items():
        known = provider(id)
        name = known.name if known else id
        found.append({"id": id, "name": name, "devices": use.devices, "with_password": use.with_password})
    return sorted(found, key=lambda entry: (-entry["with_password"], -entry["devices"], entry["name"]))


def _vendors(devices: Sequence[Device]) -> list[Record]:
    all_of = Counter(device.vendor for device in devices)
    passwords = Counter(device.vendor for device in devices if device.status in STILL_PASSWORD)
    found = [{"name": vendor, "devices": count, "with_password": passwords[vendor]} for vendor, count in all_of.items()]
    return sorted(found, key=lambda entry: (-entry["with_password"], -entry["devices"], entry["name"] or ""))


def _shared_record(shared: SharedAccount, redactor: Redactor | None) -> Record:
    return {
        "account": user_text(shared.account, redactor),
        "service": None if shared.service is None else clean(shared.service),
        "devices": list(shared.devices),
    }


def _quality_record(quality: Quality) -> Record:
    counts: Mapping[str, int] = {
        "sessions": quality.sessions,
        "complete": quality.complete,
        "gaps": quality.gaps,
        "unknown": quality.unknown,
        "inputs": quality.inputs,
        "damaged": quality.damaged,
        "dropped": quality.dropped,
        "days_without": quality.days_without,
    }
    return {
        **counts,
        "sensors": [clean(sensor) for sensor in quality.sensors],
        "missing_sensors": [clean(sensor) for sensor in quality.missing_sensors],
    }
