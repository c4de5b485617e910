"""Exports as the admin centres write them, made up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

EAC_HEADER = (
    "Sender address",
    "Domain",
    "TLS 1.0 (percentage)",
    "TLS 1.1 (percentage)",
    "TLS 1.2 (percentage)",
    "Messages sent",
    "Authentication protocol",
)
SIGN_IN_HEADER = (
    "Date (UTC)",
    "Request ID",
    "User",
    "Username",
    "Client app",
    "IP address",
    "Status",
    "Sign-in error code",
    "Failure reason",
)

HERE, ELSEWHERE = "8.8.4.4", "9.9.9.9"
"""Public addresses: ours, and another site's."""


def cells(*rows: tuple[object, ...], delimiter: str = ",") -> str:
    """Delimited text, every cell in quotation marks."""
    quoted = (delimiter.join('"' + str(cell).replace('"', '""') + '"' for cell in row) for row in rows)
    return "\r\n".join(quoted) + "\r\n"


def eac_row(account: str, protocol: str = "Basic", messages: object = 10, old: object = 0) -> tuple[object, ...]:
    return account, account.partition("@")[2], old, 0, 100, messages, protocol


def sign_in_row(
    user: str,
    address: str = HERE,
    client: str = "Authenticated SMTP",
    reason: str = "",
    time: str = "2026-11-20T10:00:00Z",
) -> tuple[object, ...]:
    status = "Failure" if reason else "Success"
    return time, "r-1", "Scan", user, client, address, status, 50126 if reason else 0, reason


def graph_entry(user: str, address: str = HERE, client: str = "Authenticated SMTP", code: int = 0) -> dict[str, Any]:
    """As Microsoft Graph's signIn resource has it."""
    return {
        "id": "66ea54eb-6301-4ee5-be62-ff5a759b0100",
        "createdDateTime": "2026-11-20T10:00:00Z",
        "userDisplayName": "Scan",
        "userPrincipalName": user,
        "clientAppUsed": client,
        "ipAddress": address,
        "isInteractive": False,
        "status": {
            "errorCode": code,
            "failureReason": "Invalid password" if code else "Other.",
            "additionalDetails": None,
        },
        "location": {"city": "Berlin", "geoCoordinates": {"latitude": 1.0}},
    }


def written(folder: Path, content: str | bytes | list[Any] | dict[str, Any], name: str = "export.csv") -> str:
    """The name of a file with that content."""
    path = folder / name
    if isinstance(content, list | dict):
        content = json.dumps(content)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)
