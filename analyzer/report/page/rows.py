"""Records of devices (see :mod:`analyzer.report.records`) as rows of the page and the workbook."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import cache

from analyzer.inventory.findings import BY_ID
from analyzer.inventory.providers import provider
from analyzer.inventory.status import STATUSES
from analyzer.report.page.model import DeviceRow, FindingRow, ServerUse, StatusCount
from analyzer.report.text import clean
from analyzer.report.wording import Record

_ASSET = ("location", "notes")


def device_row(record: Record, plan: int | None = None) -> DeviceRow:
    """One device."""
    failure = record["last_failure"]
    return DeviceRow(
        address=record["device"],
        ips=tuple(record["ips"]),
        mac=record["mac"],
        mac_is_router=record["mac_is_router"],
        vendor=record["vendor"],
        names=_names(record),
        status=record["status"],
        evidence=record["evidence"],
        confidence=record["confidence"],
        login=_login(record),
        methods=record["methods"],
        mechanisms=record["mechanisms"],
        accounts=tuple(record["accounts"]),
        servers=tuple(sorted(_servers(record["servers"]), key=lambda server: -sum(server.methods.values()))),
        sessions=record["sessions"],
        messages=record["messages"],
        auth_success=record["auth_success"],
        auth_failure=record["auth_failure"],
        last_failure=failure and _failure(failure),
        first_seen=moment(record.get("known_since") or record["first_seen"]),
        last_seen=moment(record["last_seen"]),
        clients_behind=record["clients_behind"],
        findings=tuple(record["findings"]),
        plan=plan,
        change=record.get("change"),
        owner=(record.get("asset") or {}).get("owner"),
        facts=tuple(_facts(record)),
    )


def moment(text: str | None) -> datetime | None:
    """A record's time stamp, UTC, without saying so: spreadsheets know no time zones."""
    return datetime.fromisoformat(text.removesuffix("Z")) if text else None


@cache
def provider_name(id: str) -> str:
    """As people know it; the id where this version does not know it."""
    known = provider(id)
    return known.name if known else clean(id)


def _names(record: Record) -> tuple[str, ...]:
    """The best first, each once: what others call it, then what it calls itself."""
    hostnames = (host["name"] for host in record.get("hostnames", ()))
    return tuple(dict.fromkeys([*hostnames, *record["names"]]))


def _login(record: Record) -> str:
    methods = [method for method in record["methods"] if method != "none"]
    return ", ".join(record["mechanisms"]) or ", ".join(methods) or "none"


def _servers(records: Iterable[Record]) -> Iterator[ServerUse]:
    """Most used first. Those of one name are one: a provider's name has dozens of addresses."""
    by_name: dict[tuple[str, str | None], list[Record]] = {}
    for record in records:
        by_name.setdefault((record["name"] or record["ip"], record["provider"]), []).append(record)
    for (name, id), same in by_name.items():
        methods: Counter[str] = Counter()
        for record in same:
            methods.update(record["methods"])
        yield ServerUse(
            name=name,
            ips=tuple(record["ip"] for record in same),
            ports=tuple(sorted({port for record in same for port in record["ports"]})),
            provider=id and provider_name(id),
            methods=dict(methods),
        )


def _failure(record: Record) -> str:
    time = moment(record["time"])
    parts = (time and f"{time:%Y-%m-%d %H:%M}", record["code"], record["enhanced"], record["meaning"])
    return " ".join(str(part) for part in parts if part is not None)


def _facts(record: Record) -> Iterable[tuple[str, str]]:
    asset = record.get("asset") or {}
    for field in _ASSET:
        if asset.get(field):
            yield field.capitalize(), asset[field]
    if record.get("vendor_class"):
        yield "Model", record["vendor_class"]
    if record.get("mail_programs"):
        yield "Mail program", ", ".join(record["mail_programs"])


def status_counts(summary: Record) -> list[StatusCount]:
    """Devices by status, worst first."""
    return [StatusCount(status, summary["statuses"].get(status, 0)) for status in STATUSES]


def finding_rows(summary: Record) -> list[FindingRow]:
    """Findings that occur, worst first."""
    return [
        FindingRow(id, known.severity, devices, known.explanation, known.remedy, known.ambiguity)
        for id, devices in summary["findings"].items()
        if (known := BY_ID.get(id))
    ]
