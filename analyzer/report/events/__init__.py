"""Events as lines: JSON, Elastic Common Schema, OCSF, or plain text; what the wire said becomes harmless to read.

Every form is made from :func:`~analyzer.report.events.json_.event_record`, where text from the wire is cleaned and user
names are redacted, once.
"""

from __future__ import annotations

from collections.abc import Callable
from json import JSONEncoder
from typing import Literal, get_args

from analyzer.alerts.event import Event
from analyzer.report.events.ecs import ecs_document
from analyzer.report.events.json_ import event_record
from analyzer.report.events.ocsf import ocsf_finding
from analyzer.report.events.text import text_of
from analyzer.report.redact import Redactor
from analyzer.report.wording import Record

EventFormat = Literal["jsonl", "ecs", "ocsf", "text"]
EVENT_FORMATS: tuple[EventFormat, ...] = get_args(EventFormat)

__all__ = ["EVENT_FORMATS", "EventFormat", "event_line", "event_record", "record_line"]

_encode = JSONEncoder(check_circular=False).encode

_FORMS: dict[EventFormat, Callable[[Record], str]] = {
    "jsonl": _encode,
    "ecs": lambda record: _encode(ecs_document(record)),
    "ocsf": lambda record: _encode(ocsf_finding(record)),
    "text": lambda record: f"{record['time']} {text_of(record)}",
}


def event_line(format: EventFormat, event: Event, redactor: Redactor | None = None) -> str:
    """One line, without its end; ASCII but for ``text``, which is printable characters only.

    Args:
        redactor: replaces user names, where given.
    """
    return record_line(format, event_record(event, redactor))


def record_line(format: EventFormat, record: Record) -> str:
    """The same of what :func:`event_record` made."""
    return _FORMS[format](record)
