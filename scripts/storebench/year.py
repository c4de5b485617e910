"""Sessions of a fleet over 52 weeks, the same each time: password devices that migrate, and a few hostile clients."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from analyzer.inventory.session import Session
from analyzer.smtp.records import AuthAttempt
from analyzer.store.times import DAY, number_of

FIRST = date(2025, 11, 24)
"""A Monday."""

WEEKS = 52
HOSTILE = 3
"""Clients that say something else in each session, one session in a hundred."""

_SERVERS = (
    ("52.98.151.{}", "smtp.office365.com", "exchange-online"),
    ("142.250.110.{}", "smtp.gmail.com", "gmail"),
    ("10.0.0.{}", "relay.example.com", None),
)
_SERVER_ADDRESSES = 6
_KINDS = ("copier", "scanner", "ups", "erp", "monitor")


class _Device(NamedTuple):
    number: int
    ip: str
    mac: int
    name: str
    user: str
    server: int
    migrates: int
    fits: tuple[float, ...]


def sessions(count: int, devices: int, seed: int = 1) -> Iterator[Session]:
    """``count`` sessions in order of time."""
    chance = random.Random(seed)  # noqa: S311 - traffic, no secrets
    fleet = [_device(number, chance) for number in range(devices)]
    start = number_of(FIRST) * DAY
    step = WEEKS * 7 * DAY // count
    for number in range(count):
        time = start + number * step + chance.randrange(step)
        if number % 100 == 0:
            yield _hostile(number, time, chance)
        else:
            yield _of(fleet[chance.randrange(devices)], number, time, chance)


def _device(number: int, chance: random.Random) -> _Device:
    kind = chance.choice(_KINDS)
    return _Device(
        number=number,
        ip=f"10.{20 + number // 62_500}.{number // 250 % 250}.{number % 250 + 1}",
        mac=0x0017C8_000000 + number,
        name=f"{kind}-{number:04}.example.com",
        user=f"{kind}{number}@example.com",
        server=chance.choice((0, 0, 0, 1, 2)),
        migrates=chance.randrange(10, 2 * WEEKS) * 7,
        fits=tuple(-chance.randrange(4, 20) / 2 for _ in range(3)),
    )


def _of(device: _Device, number: int, time: int, chance: random.Random) -> Session:
    address, name, provider = _SERVERS[device.server]
    day = time // DAY - number_of(FIRST)
    method = "oauth" if day >= device.migrates else "basic"
    mechanism = "XOAUTH2" if method == "oauth" else "LOGIN"
    in_clear = device.server == 2
    session = Session(
        start=time,
        end=time + chance.randrange(1, 30) * 10**9,
        source="eth0",
        client_ip=device.ip,
        client_port=32_768 + number % 28_000,
        server_ip=address.format(10 + chance.randrange(_SERVER_ADDRESSES)),
        server_port=587,
        client_mac=device.mac,
        client_ttl=64,
        ehlo=device.name,
        server_name=name,
        provider=provider,
        messages=chance.choice((1, 1, 1, 2)),
        complete=True,
        serial=chance.randrange(2**32),
        method=method,  # type: ignore[arg-type]
        confidence=1.0,
        evidence="observed",
    )
    attempt = AuthAttempt(mechanism, method, outcome="success", code=235, username=device.user)  # type: ignore[arg-type]
    if not in_clear:
        session.tls_mode, session.tls_version, session.tls_cipher = "starttls", "1.3", "TLS_AES_128_GCM_SHA256"
        session.tls_sni, session.tls_ja4 = name, f"t13d{device.number % 40:04}h2_8daaf6152771_b0da82dd1658"
        fit = chance.randrange(len(device.fits))
        session.evidence, session.confidence = "inferred", (0.97, 0.98, 0.99)[fit]
        session.likelihoods = {"basic": 0.0, "oauth": device.fits[fit], "none": -8.0}
        attempt.evidence, attempt.username, attempt.code, attempt.mechanism = "inferred", None, None, None
        attempt.confidence = session.confidence
    session.auth = [attempt]
    session.findings = ["basic-to-retiring-provider"] if provider and method == "basic" else []
    return session


def _hostile(number: int, time: int, chance: random.Random) -> Session:
    attempt = AuthAttempt("PLAIN", "basic", True, f"guess{chance.randrange(10**9)}", outcome="failure", code=535)
    return Session(
        start=time,
        end=time + 10**9,
        source="eth0",
        client_ip=f"203.0.113.{number // 100 % HOSTILE + 1}",
        client_port=1024 + number % 60_000,
        server_ip="10.0.0.10",
        server_port=25,
        client_ttl=52,
        ehlo=f"{chance.randrange(10**9)}.invalid",
        auth=[attempt],
        method="basic",
        evidence="observed",
        confidence=1.0,
        serial=chance.randrange(2**32),
        findings=["cleartext-auth", "auth-failing"],
    )
