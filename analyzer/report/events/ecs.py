"""An event in the Elastic Common Schema (ECS 8.11), as Filebeat and the Elastic Agent pass it on unchanged.

Field names, types and allowed values: https://www.elastic.co/guide/en/ecs/8.11/ecs-field-reference.html. What ECS has
no field for stands under ``smtpauth``. Fields without a value are left out.
"""

from __future__ import annotations

from analyzer import __version__
from analyzer.report.events.json_ import without_nulls
from analyzer.report.events.text import facts_of
from analyzer.report.wording import Record

ECS_VERSION = "8.11.0"

_SEVERITY = {"critical": 99, "high": 73, "medium": 47, "low": 21, "info": 1}
"""The numbers that Elastic's own detection rules give to the words."""

_OUTCOME = {"success": "success", "failure": "failure", "cancelled": "failure", "unknown": "unknown"}


def ecs_document(record: Record) -> Record:
    """``record`` (see :func:`~analyzer.report.events.json_.event_record`) with ECS's names."""
    client, server, login = record["client"], record["server"], record["login"] or {}
    user = login.get("username")
    return without_nulls(
        {
            "@timestamp": record["time"],
            "ecs": {"version": ECS_VERSION},
            "message": f"{record['title']} {facts_of(record)}",
            "event": {
                "kind": "alert",
                "category": ["authentication", "network"] if login else ["network"],
                "type": ["info"],
                "module": "smtpauth",
                "dataset": "smtpauth.alert",
                "provider": "smtpauth",
                "action": record["kind"],
                "id": record["id"],
                "severity": _SEVERITY[record["severity"]],
                "outcome": _OUTCOME.get(login.get("outcome", "")),
                "reason": login.get("meaning"),
                "start": record["since"],
            },
            "rule": {
                "id": record["kind"],
                "name": record["kind"],
                "category": record["severity"],
                "description": record["title"],
                "ruleset": "smtpauth",
                "version": __version__,
            },
            "source": {
                "address": client["ip"],
                "ip": client["ip"],
                "port": client["port"],
                "mac": client["mac"],
                "domain": client["ehlo"],
            },
            "destination": {
                "address": server["name"] or server["ip"],
                "ip": server["ip"],
                "port": server["port"],
                "domain": server["name"],
            },
            "network": {
                "protocol": "smtp",
                "transport": "tcp",
                "type": "ipv6" if ":" in client["ip"] else "ipv4",
            },
            "user": {"name": user},
            "related": {
                "ip": sorted({client["ip"], server["ip"]}),
                "hosts": sorted({client["ehlo"], server["name"]} - {None}),
                "user": [] if user is None else [user],
            },
            "observer": {"product": "smtp-auth-analyzer", "type": "sensor", "version": __version__},
            "smtpauth": {
                "mechanism": login.get("mechanism"),
                "method": login.get("method"),
                "evidence": record["evidence"],
                "confidence": record["confidence"],
                "provider": server["provider"],
                "remedy": record["remedy"],
                "session_start": record["session_start"],
                "count": record["count"],
            },
        }
    )
