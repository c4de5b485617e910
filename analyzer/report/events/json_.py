"""An event as a dictionary: the JSON contract of ``--events``, and what all other forms are made from."""

from __future__ import annotations

from typing import Any

from analyzer.alerts.event import Event
from analyzer.report.records import mac_text, timestamp
from analyzer.report.redact import Redactor
from analyzer.report.text import clean, clean_or_none
from analyzer.report.wording import Record

UNKNOWN_TIME = "1970-01-01T00:00:00.000000Z"
"""In the place of a time that no packet told, or that no calendar has: those who read alerts insist on one."""


def event_record(event: Event, redactor: Redactor | None = None) -> Record:
    """One event as ``--format jsonl`` prints it; text from the wire is harmless, and user names are redacted."""
    return {
        "id": event.id,
        "kind": event.kind,
        "severity": event.row.severity,
        "time": _time(event.time),
        "title": event.row.title,
        "remedy": event.row.remedy,
        "device": event.client_ip,
        "client": {
            "ip": event.client_ip,
            "port": event.client_port,
            "mac": mac_text(event.client_mac),
            "ehlo": clean_or_none(event.ehlo),
        },
        "server": {
            "ip": event.server_ip,
            "port": event.server_port,
            "name": clean_or_none(event.server_name),
            "provider": event.provider,
        },
        "session_start": _time(event.session_start),
        "login": _login(event, redactor) if event.method != "none" else None,
        "evidence": event.evidence,
        "confidence": event.confidence,
        "count": event.count,
        "since": None if event.since is None else _time(event.since),
    }


def without_nulls(record: Record) -> Record:
    """``record`` without members that have no value, nor objects and arrays that are empty, at any depth of objects."""
    kept: Record = {}
    for name, value in record.items():
        full = without_nulls(value) if isinstance(value, dict) else value
        if full not in (None, {}, []):
            kept[name] = full
    return kept


def _login(event: Event, redactor: Redactor | None) -> dict[str, Any]:
    user = event.username
    return {
        "mechanism": clean_or_none(event.mechanism),
        "method": event.method,
        "username": None if user is None else redactor.alias(user) if redactor else clean(user),
        "outcome": event.outcome,
        "meaning": clean_or_none(event.meaning),
    }


def _time(nanoseconds: int) -> str:
    return timestamp(nanoseconds) or UNKNOWN_TIME
