"""What the two schemas say of the fields that are used here: names, types, allowed values.

Written down from their published references: ECS 8.11 (elastic.co/guide/en/ecs/8.11) and OCSF 1.4.0
(schema.ocsf.io/1.4.0/classes/detection_finding).
"""

from __future__ import annotations

import re
from datetime import datetime
from ipaddress import ip_address
from typing import Any

ECS_FIELDS = {
    "@timestamp": "date",
    "message": "match_only_text",
    "ecs.version": "keyword",
    "event.action": "keyword",
    "event.category": "keyword[]",
    "event.dataset": "keyword",
    "event.id": "keyword",
    "event.kind": "keyword",
    "event.module": "keyword",
    "event.outcome": "keyword",
    "event.provider": "keyword",
    "event.reason": "keyword",
    "event.severity": "long",
    "event.start": "date",
    "event.type": "keyword[]",
    "rule.category": "keyword",
    "rule.description": "keyword",
    "rule.id": "keyword",
    "rule.name": "keyword",
    "rule.ruleset": "keyword",
    "rule.version": "keyword",
    "source.address": "keyword",
    "source.domain": "keyword",
    "source.ip": "ip",
    "source.mac": "mac",
    "source.port": "long",
    "destination.address": "keyword",
    "destination.domain": "keyword",
    "destination.ip": "ip",
    "destination.port": "long",
    "network.protocol": "keyword",
    "network.transport": "keyword",
    "network.type": "keyword",
    "user.name": "keyword",
    "related.hosts": "keyword[]",
    "related.ip": "ip[]",
    "related.user": "keyword[]",
    "observer.product": "keyword",
    "observer.type": "keyword",
    "observer.version": "keyword",
}

ECS_ALLOWED = {
    "event.kind": {"alert", "asset", "enrichment", "event", "metric", "state", "pipeline_error", "signal"},
    "event.category": {"authentication", "network"},
    # What both categories expect: authentication start, end, info; network access, allowed, connection, denied, ...
    "event.type": {"start", "end", "info"},
    "event.outcome": {"success", "failure", "unknown"},
    "network.transport": {"tcp"},
    "network.type": {"ipv4", "ipv6"},
}

KEYWORD_LONGEST = 1024
"""Elasticsearch ignores longer keywords (``ignore_above`` of the schema's templates)."""

_INTEGER, _STRING, _TIME = "integer_t", "string_t", "timestamp_t"
OCSF_OBJECTS: dict[str, dict[str, str]] = {
    "detection_finding": {
        "activity_id": _INTEGER,
        "activity_name": _STRING,
        "category_name": _STRING,
        "category_uid": _INTEGER,
        "class_name": _STRING,
        "class_uid": _INTEGER,
        "confidence": _STRING,
        "confidence_id": _INTEGER,
        "confidence_score": _INTEGER,
        "count": _INTEGER,
        "end_time": _TIME,
        "evidences": "evidences[]",
        "finding_info": "finding_info",
        "is_alert": "boolean_t",
        "message": _STRING,
        "metadata": "metadata",
        "remediation": "remediation",
        "severity": _STRING,
        "severity_id": _INTEGER,
        "start_time": _TIME,
        "status": _STRING,
        "status_id": _INTEGER,
        "time": _TIME,
        "type_name": _STRING,
        "type_uid": _INTEGER,
        "unmapped": "object",
    },
    "metadata": {"version": _STRING, "product": "product", "uid": _STRING, "event_code": _STRING},
    "product": {"name": _STRING, "vendor_name": _STRING, "version": _STRING},
    "finding_info": {
        "analytic": "analytic",
        "created_time": _TIME,
        "first_seen_time": _TIME,
        "last_seen_time": _TIME,
        "title": _STRING,
        "types": "string_t[]",
        "uid": _STRING,
    },
    "analytic": {"name": _STRING, "type": _STRING, "type_id": _INTEGER, "uid": _STRING},
    "evidences": {"actor": "actor", "dst_endpoint": "network_endpoint", "src_endpoint": "network_endpoint"},
    "actor": {"user": "user"},
    "user": {"name": _STRING},
    "network_endpoint": {
        "hostname": "hostname_t",
        "ip": "ip_t",
        "mac": "mac_t",
        "name": _STRING,
        "port": "port_t",
    },
    "remediation": {"desc": _STRING},
}

OCSF_REQUIRED = {
    "detection_finding": {
        "activity_id",
        "category_uid",
        "class_uid",
        "finding_info",
        "metadata",
        "severity_id",
        "time",
        "type_uid",
    },
    "metadata": {"product", "version"},
    "product": {"name", "vendor_name"},  # the second up to 1.1
    "finding_info": {"title", "uid"},  # the first up to 1.4
    "analytic": {"type_id"},
    "remediation": {"desc"},
    "user": {"name"},
    "actor": {"user"},
    "network_endpoint": {"ip"},
}

_HOST = r"([a-zA-Z0-9_]|[a-zA-Z0-9_][a-zA-Z0-9_-]{0,61}[a-zA-Z0-9_-])"


def is_ecs(kind: str, value: Any) -> bool:
    """Whether ``value`` is of the schema's type ``kind``."""
    if kind.endswith("[]"):
        return isinstance(value, list) and bool(value) and all(is_ecs(kind[:-2], one) for one in value)
    if kind == "long":
        return type(value) is int and abs(value) < 2**63
    if not isinstance(value, str):
        return False
    if kind == "date":
        return bool(datetime.fromisoformat(value).tzinfo)
    if kind == "ip":
        return bool(ip_address(value))
    if kind == "mac":
        return re.fullmatch(r"[0-9A-F]{2}(-[0-9A-F]{2}){5}", value) is not None
    return kind == "match_only_text" or len(value) <= KEYWORD_LONGEST


def flat(document: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Members of nested objects by their full names."""
    found: dict[str, Any] = {}
    for name, value in document.items():
        found |= flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
    return found


def ocsf_flaws(kind: str, value: Any, path: str = "") -> list[str]:
    """Where ``value`` is not of the schema's type ``kind``."""
    if kind.endswith("[]"):
        flaws = [] if isinstance(value, list) and value else [path]
        return flaws + [flaw for one in value for flaw in ocsf_flaws(kind[:-2], one, path)]
    if kind in OCSF_OBJECTS:
        members = OCSF_OBJECTS[kind]
        flaws = [f"{path}: lacks {name}" for name in OCSF_REQUIRED.get(kind, set()) - value.keys()]
        flaws += [f"{path}: has no {name}" for name in value.keys() - members.keys()]
        for name in value.keys() & members.keys():
            flaws += ocsf_flaws(members[name], value[name], f"{path}.{name}")
        return flaws
    right = {
        "integer_t": lambda: type(value) is int,
        "timestamp_t": lambda: type(value) is int,
        "port_t": lambda: type(value) is int and 0 <= value <= 65535,
        "boolean_t": lambda: isinstance(value, bool),
        "object": lambda: isinstance(value, dict),
        "ip_t": lambda: bool(ip_address(value)),
        "mac_t": lambda: re.fullmatch(r"([0-9A-Fa-f]{2}[-:]){5}[0-9A-Fa-f]{2}", value) is not None,
        "hostname_t": lambda: re.fullmatch(rf"{_HOST}(\.{_HOST})*\.?", value) is not None,
        "string_t": lambda: isinstance(value, str),
    }
    return [] if right[kind]() else [f"{path}: {value!r} is no {kind}"]
