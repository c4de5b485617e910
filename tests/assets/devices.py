"""Devices with nothing but what identifies them."""

from __future__ import annotations

from analyzer.inventory.device import Device, HostName


def device(*ips: str, mac: int | None = None, names: tuple[HostName, ...] = ()) -> Device:
    return Device(
        device=ips[0],
        ips=ips,
        mac=mac,
        mac_is_router=False,
        vendor=None,
        names=(),
        status="unknown",
        evidence=None,
        confidence=None,
        methods={},
        mechanisms={},
        accounts=(),
        servers=(),
        sessions=1,
        messages=0,
        auth_success=0,
        auth_failure=0,
        last_failure=None,
        first_seen=0,
        last_seen=0,
        clients_behind=1,
        findings=(),
        advice="",
        hostnames=names,
    )
