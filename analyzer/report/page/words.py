"""What the templates say of values and of one device, in words."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any

from analyzer.report.page.model import DeviceRow, ServerUse

VALUES_LISTED = 20
"""Names, addresses, accounts and servers of one device that its line lists; how many more there are is said."""

MECHANISMS_SHOWN = 3
"""Mechanisms in the row of a device; what opens below it lists them all."""

ADDRESSES_LISTED = 3
"""Addresses of one server's name."""


def count(value: int) -> str:
    """With commas between thousands."""
    return f"{value:,}"


def day(value: date) -> str:
    """``31 December 2026``."""
    return f"{value.day} {value:%B %Y}"


def iso_day(value: datetime | None) -> str:
    """``2026-12-31``."""
    return value.date().isoformat() if value else ""


def first_and_more(values: tuple[str, ...]) -> str:
    """The first, and how many more; nothing for none."""
    if not values:
        return ""
    return values[0] if len(values) == 1 else f"{values[0]} +{len(values) - 1}"


def login(device: DeviceRow) -> str:
    """How it logs in: the first mechanisms, and how many more."""
    names = tuple(device.mechanisms)
    if len(names) <= MECHANISMS_SHOWN:
        return device.login
    return f"{', '.join(names[:MECHANISMS_SHOWN])} +{len(names) - MECHANISMS_SHOWN}"


def evidence(device: DeviceRow) -> str:
    """How the status is known; of what is inferred, how surely, rounded down: nothing inferred is certain."""
    if device.evidence == "inferred" and device.confidence is not None:
        return f"inferred {math.floor(device.confidence * 100 + 1e-9)}%"
    return device.evidence or ""


def facts(device: DeviceRow) -> Iterator[tuple[str, list[str]]]:
    """Labelled values that the device's row does not show."""
    if len(device.names) > 1:
        yield "Names", _some(device.names)
    if len(device.ips) > 1:
        yield "Addresses", _some(device.ips)
    if device.mac:
        yield "MAC", [device.mac]
    elif device.mac_is_router:
        yield "MAC", ["that of a router: the device stands behind it"]
    yield from ((term, [value]) for term, value in device.facts)
    if len(device.mechanisms) > MECHANISMS_SHOWN:
        yield "Mechanisms", _some(tuple(device.mechanisms))
    if len(device.accounts) > 1:
        yield "Accounts", _some(device.accounts)
    if len(device.servers) > 1 or any(len(server.methods) > 1 for server in device.servers):
        yield "Servers", _some(tuple(map(_server_line, device.servers)))
    if logins := _logins(device):
        yield "Logins", [logins]
    if device.clients_behind > 1:
        yield "Clients", [f"at least {device.clients_behind:,} behind this address"]
    if device.first_seen:
        yield "Since", [iso_day(device.first_seen)]


def _logins(device: DeviceRow) -> str:
    parts = []
    if device.auth_success:
        parts.append(f"{device.auth_success:,} accepted")
    if device.auth_failure:
        parts.append(f"{device.auth_failure:,} refused")
    if device.messages != device.sessions:
        parts.append(f"{device.messages:,} messages")
    text = ", ".join(parts)
    return f"{text}; last refusal {device.last_failure}" if device.last_failure else text


def _server_line(server: ServerUse) -> str:
    addresses = ", ".join(server.ips[:ADDRESSES_LISTED])
    if len(server.ips) > ADDRESSES_LISTED:
        addresses += f" and {len(server.ips) - ADDRESSES_LISTED:,} more"
    name = server.name if server.ips == (server.name,) else f"{server.name} ({addresses})"
    ports = ", ".join(map(str, server.ports))
    methods = ", ".join(f"{method} {sessions:,}" for method, sessions in server.methods.items())
    return f"{name} port {ports}: {methods}"


def _some(values: tuple[str, ...]) -> list[str]:
    listed = list(values[:VALUES_LISTED])
    return listed if len(values) <= VALUES_LISTED else [*listed, f"and {len(values) - VALUES_LISTED:,} more"]


FILTERS: dict[str, Callable[..., Any]] = {
    "count": count,
    "day": day,
    "iso_day": iso_day,
    "first_and_more": first_and_more,
    "login": login,
    "evidence": evidence,
    "facts": facts,
}
"""Names that the templates know these functions by."""
