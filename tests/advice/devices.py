"""Devices for tests of plans, made by hand."""

from __future__ import annotations

from typing import Any

from analyzer.inventory.device import Device, Server
from analyzer.inventory.status import STILL_PASSWORD, Status
from tests.support.sessions import START

PUBLIC = "192.0.43.8"
RELAY = "10.0.0.25"


def server(provider: str | None = None, ip: str = PUBLIC, method: str = "basic", name: str | None = None) -> Server:
    return Server(ip, name, (587,), provider, 1, {method: 1})


def device(status: Status = "password", *servers: Server, ip: str = "10.0.0.1", **fields: Any) -> Device:
    """A device that uses the method of its status with ``servers``, by default with Exchange Online."""
    method = "basic" if status in STILL_PASSWORD else {"no-auth": "none"}.get(status, status)
    defaults: dict[str, Any] = {
        "ips": (ip,),
        "mac": None,
        "mac_is_router": False,
        "vendor": None,
        "names": (),
        "evidence": "observed",
        "confidence": 1.0,
        "methods": {},
        "mechanisms": {},
        "accounts": (),
        "servers": servers or (server("exchange-online", method=method),),
        "sessions": 1,
        "messages": 1,
        "auth_success": 1,
        "auth_failure": 0,
        "last_failure": None,
        "first_seen": START,
        "last_seen": START,
        "clients_behind": 1,
        "findings": (),
        "advice": "",
    }
    return Device(device=ip, status=status, **{**defaults, **fields})


def fleet(size: int, *servers: Server) -> list[Device]:
    """Password devices at ``servers``, by default at Exchange Online."""
    return [device("password", *servers, ip=f"10.0.{n // 250}.{n % 250 + 1}") for n in range(size)]
