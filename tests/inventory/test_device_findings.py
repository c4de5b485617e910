"""Findings that take more than one session: who earns them, and who narrowly does not."""

from __future__ import annotations

from typing import Any

import pytest

from analyzer.inventory.devices import Inventory
from analyzer.inventory.findings import FINDINGS
from analyzer.inventory.session import Session
from tests.support.sessions import DAY, START, attempt, session, silent

FAILED: dict[str, Any] = {"tls_mode": "starttls", "tls_established": False}
WORKED: dict[str, Any] = {"tls_mode": "starttls", "tls_established": True, "reason": "inside-tls"}
UNHEARD: dict[str, Any] = {"tls_mode": "implicit", "tls_established": None, "reason": "inside-tls"}
MIDWAY: dict[str, Any] = {"tls_mode": None, "reason": "inside-tls"}


def login(client: str, mac: int, at: int = START) -> Session:
    return session(attempt(time=at), client=client, client_mac=mac, ehlo=None, start=at, end=at)


EARNED: dict[str, list[list[Session]]] = {
    "account-on-device-change": [[login("10.0.0.1", 1), login("10.0.0.2", 2, START + DAY + 1)]],
    "shared-account": [[login("10.0.0.1", 1), login("10.0.0.2", 2, START + DAY)]],
    "several-clients-behind": [[silent(ehlo="copier1"), silent(ehlo="copier2")]],
    "tls-never-established": [
        [silent(messages=0, **FAILED)],
        [silent(messages=0, **FAILED), session(attempt())],  # then it fell back to no TLS at all
    ],
    "no-message-accepted": [
        [silent(messages=0)],
        [silent(messages=0, auth_required=True), silent(messages=0, **FAILED)],
    ],
}
NOT_EARNED: dict[str, list[list[Session]]] = {
    "account-on-device-change": [[login("10.0.0.1", 1), login("10.0.0.2", 2, START + DAY)]],
    "shared-account": [[login("10.0.0.1", 1), login("10.0.0.2", 2, START + DAY + 1)]],
    "several-clients-behind": [[silent(ehlo="copier1"), silent(ehlo="copier1.example.com")]],
    "tls-never-established": [
        [silent(messages=0, **FAILED), silent("unknown", **WORKED)],
        [silent(messages=0, **FAILED), silent("unknown", **UNHEARD)],
        [silent(messages=0, **FAILED), silent("unknown", **MIDWAY)],
        [silent(messages=0)],
    ],
    "no-message-accepted": [
        [silent(messages=0), silent(messages=1)],
        [silent("unknown", messages=0, **WORKED)],  # what is sent inside TLS is not counted
        [session(attempt(), messages=0)],
    ],
}


def found(*seen: Session) -> set[str]:
    made = Inventory()
    for one in seen:
        made.add(one)
    return {finding for device in made.devices() for finding in device.findings}


@pytest.mark.parametrize(("id", "seen"), [(id, seen) for id, many in EARNED.items() for seen in many])
def test_sessions_that_show_it_together_earn_the_finding(id: str, seen: list[Session]) -> None:
    assert id in found(*seen)


@pytest.mark.parametrize(("id", "seen"), [(id, seen) for id, many in NOT_EARNED.items() for seen in many])
def test_sessions_that_do_not_show_it_together_do_not_earn_the_finding(id: str, seen: list[Session]) -> None:
    assert id not in found(*seen)


def test_every_finding_of_a_device_is_shown_true_and_false() -> None:
    assert set(EARNED) == set(NOT_EARNED) == {finding.id for finding in FINDINGS if finding.scope == "device"}
