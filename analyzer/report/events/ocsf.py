"""An event in the Open Cybersecurity Schema Framework (OCSF 1.4): a Detection Finding, class 2004.

Of the two classes that come near, Authentication (3002) tells that somebody logged in, and cannot tell of a new device
or of what is wrong with a login; Detection Finding is made for what a product concluded. Attributes, requirements and
enumerations: https://schema.ocsf.io/1.4.0/classes/detection_finding. What OCSF has no attribute for stands under
``unmapped``. Attributes without a value are left out.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from analyzer import __version__
from analyzer.report.events.json_ import without_nulls
from analyzer.report.events.text import facts_of
from analyzer.report.wording import Record

OCSF_VERSION = "1.4.0"

CATEGORY_FINDINGS = 2
CLASS_DETECTION_FINDING = 2004
ACTIVITY_CREATE = 1
STATUS_NEW = 1
ANALYTIC_RULE = 1

_SEVERITY_ID = {"info": (1, "Informational"), "low": (2, "Low"), "medium": (3, "Medium")}
_SEVERITY_ID |= {"high": (4, "High"), "critical": (5, "Critical")}
_CONFIDENCE_HIGH = 3
"""Nothing is told that is less sure."""

_PRODUCT = {"name": "smtp-auth-analyzer", "vendor_name": "smtp-auth-analyzer", "version": __version__}

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_HOST_NAME = re.compile(r"(?=.{1,255}$)[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})(\.[A-Za-z0-9_][A-Za-z0-9_-]{0,62})*\.?")
"""What the schema's type ``hostname_t`` takes. Devices call themselves other things, too: those are just names."""


def ocsf_finding(record: Record) -> Record:
    """``record`` (see :func:`~analyzer.report.events.json_.event_record`) as a finding that was just created."""
    severity_id, severity = _SEVERITY_ID[record["severity"]]
    login = record["login"] or {}
    time = _milliseconds(record["time"])
    since = time if record["since"] is None else _milliseconds(record["since"])
    return without_nulls(
        {
            "activity_id": ACTIVITY_CREATE,
            "activity_name": "Create",
            "category_uid": CATEGORY_FINDINGS,
            "category_name": "Findings",
            "class_uid": CLASS_DETECTION_FINDING,
            "class_name": "Detection Finding",
            "type_uid": CLASS_DETECTION_FINDING * 100 + ACTIVITY_CREATE,
            "type_name": "Detection Finding: Create",
            "time": time,
            "start_time": min(since, time),
            "end_time": max(since, time),
            "count": record["count"],
            "severity_id": severity_id,
            "severity": severity,
            "status_id": STATUS_NEW,
            "status": "New",
            "is_alert": True,
            "message": f"{record['title']} {facts_of(record)}",
            "metadata": {
                "version": OCSF_VERSION,
                "product": _PRODUCT,
                "uid": record["id"],
                "event_code": record["kind"],
            },
            "finding_info": {
                "uid": record["id"],
                "title": record["title"],
                "types": [record["kind"]],
                "analytic": {"type_id": ANALYTIC_RULE, "type": "Rule", "uid": record["kind"], "name": record["kind"]},
                "created_time": time,
                "first_seen_time": min(since, time),
                "last_seen_time": max(since, time),
            },
            "confidence_id": None if record["confidence"] is None else _CONFIDENCE_HIGH,
            "confidence": None if record["confidence"] is None else "High",
            "confidence_score": None if record["confidence"] is None else int(record["confidence"] * 100),
            "evidences": [
                without_nulls(
                    {
                        "src_endpoint": _endpoint(record["client"], record["client"]["ehlo"]),
                        "dst_endpoint": _endpoint(record["server"], record["server"]["name"]),
                        "actor": {"user": {"name": login.get("username")}},
                    }
                )
            ],
            "remediation": {"desc": record["remedy"]},
            "unmapped": {
                "mechanism": login.get("mechanism"),
                "method": login.get("method"),
                "outcome": login.get("outcome"),
                "meaning": login.get("meaning"),
                "evidence": record["evidence"],
                "provider": record["server"]["provider"],
                "session_start": _milliseconds(record["session_start"]),
            },
        }
    )


def _endpoint(host: Record, name: str | None) -> Record:
    is_host_name = name is not None and _HOST_NAME.fullmatch(name) is not None
    return {
        "ip": host["ip"],
        "port": host["port"],
        "mac": host.get("mac"),
        "hostname": name if is_host_name else None,
        "name": None if is_host_name else name,
    }


def _milliseconds(time: str) -> int:
    return (datetime.fromisoformat(time) - _EPOCH) // timedelta(milliseconds=1)
