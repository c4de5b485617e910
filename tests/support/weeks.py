"""Weeks of logins, made by hand, for reports over time."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from analyzer.history import periods
from analyzer.history.model import Period
from analyzer.inventory.session import Session
from tests.support.sessions import SECOND, attempt, session

MONDAY = date(2026, 9, 7)
COPIER, SCANNER, ROUTER = 0x0017C8000001, 0x0017C8000002, 0x00000C000001
IN_TLS: dict[str, Any] = {"tls_mode": "implicit", "tls_version": "1.3"}


def week(number: int) -> Period:
    """Weeks are counted from :data:`MONDAY`."""
    return periods.week_of(MONDAY + timedelta(weeks=number))


def at(day: int, hour: int = 9) -> int:
    """Nanoseconds, days after :data:`MONDAY`."""
    return int(datetime(2026, 9, 7, hour, tzinfo=UTC).timestamp()) * SECOND + day * 86_400 * SECOND


def login(client: str, day: int, mechanism: str = "LOGIN", *, mac: int | None = None, **fields: Any) -> Session:
    """One session, inside TLS unless told otherwise."""
    start = at(day)
    fields = {"client_ttl": 64, "ehlo": f"[{client}]", "source": f"{day}.pcap", **IN_TLS, **fields}
    evidence = "observed" if fields["tls_mode"] == "none" else "decrypted"
    tried = attempt(mechanism, username=fields.pop("username", f"{client}@example.com"), time=start, evidence=evidence)
    return session(tried, client=client, start=start, end=start + SECOND, client_mac=mac, **fields)


def weekly(client: str, weeks: Iterable[int], mechanism: str = "LOGIN", **fields: Any) -> list[Session]:
    """One login on each working day of these weeks."""
    return [login(client, 7 * week + day, mechanism, **fields) for week in weeks for day in range(5)]


def office() -> list[Session]:
    """Twelve weeks of an office that migrates: each week a copier fewer, and in the last one a bit of everything."""
    seen = weekly("10.0.0.200", range(12), "XOAUTH2", mac=SCANNER + 200, provider="exchange-online")
    for n in range(1, 10):
        cloud: dict[str, Any] = {
            "mac": COPIER + n,
            "ehlo": f"copier{n}.example.com",
            "server_name": "smtp.office365.com",
            "provider": "exchange-online",
        }
        seen += weekly(f"10.0.0.{n}", range(n + 2), **cloud) + weekly(
            f"10.0.0.{n}", range(n + 2, 12), "XOAUTH2", **cloud
        )
    seen += weekly("10.0.0.20", [11], mac=COPIER + 20, tls_mode="none", username="scan", messages=1)
    seen += weekly("10.0.0.21", range(11), "XOAUTH2", mac=COPIER + 21) + weekly("10.0.0.21", [11], mac=COPIER + 21)
    seen += weekly("10.0.0.22", range(11), mac=COPIER + 22)
    seen += weekly("10.0.0.23", range(12), mac=COPIER + 23, username="scan")
    return seen
