"""How urgent it is: the rules as a table, in the order in which they outweigh each other."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from analyzer.advice import packaged_knowledge
from analyzer.advice.plan import Urgency
from analyzer.advice.situation import Fleet
from analyzer.advice.urgency import RULES, urgency
from analyzer.inventory.device import Device, Server
from analyzer.inventory.status import Status
from tests.advice.devices import RELAY, device, server

KNOWLEDGE = packaged_knowledge()
BEFORE, AFTER = date(2026, 11, 24), date(2027, 2, 1)

CASES: list[tuple[Status, Server, tuple[str, ...], date, Urgency, str]] = [
    ("exposed", server("sendgrid"), (), BEFORE, Urgency.NOW, "anybody could read"),
    ("password", server("exchange-online"), ("basic-disabled",), BEFORE, Urgency.NOW, "switched off for it"),
    ("password", server("outlook-personal"), (), BEFORE, Urgency.NOW, "has ended"),
    ("password", server("exchange-online"), (), AFTER, Urgency.NOW, "is past"),
    ("password", server("sendgrid"), ("auth-failing",), BEFORE, Urgency.NOW, "not accepted"),
    ("no-auth", server(method="none"), ("auth-required",), BEFORE, Urgency.NOW, "not accepted"),
    ("mixed", server("exchange-online"), (), BEFORE, Urgency.DATED, "ends password logins"),
    ("password", server("exchange-hve"), (), BEFORE, Urgency.DATED, "ends password logins"),
    ("mixed", server("sendgrid"), (), BEFORE, Urgency.CHECK, "beside OAuth"),
    ("password", server(ip=RELAY), (), BEFORE, Urgency.CHECK, "of your own"),
    ("password", server(), (), BEFORE, Urgency.CHECK, "it is not known who runs"),
    ("password", server("sendgrid"), (), BEFORE, Urgency.NONE, "announced no end"),
    ("unknown", server(method="unknown"), (), BEFORE, Urgency.CHECK, "could not be seen"),
    ("no-auth", server(method="none"), (), BEFORE, Urgency.CHECK, "without a login"),
    ("anonymous", server(method="anonymous"), (), BEFORE, Urgency.CHECK, "it logs in as anonymous"),
    ("oauth", server("exchange-online", method="oauth"), (), AFTER, Urgency.NONE, "no password"),
    ("oauth", server("exchange-online", method="oauth"), ("auth-failing",), BEFORE, Urgency.NOW, "not accepted"),
    ("certificate", server(method="certificate"), (), BEFORE, Urgency.NONE, "no password"),
    ("kerberos", server(method="kerberos"), (), BEFORE, Urgency.NONE, "no password"),
]


def of(one: Device, today: date) -> tuple[Urgency, str]:
    return urgency(Fleet([one], KNOWLEDGE, today).situation(one))


@pytest.mark.parametrize(("status", "used", "findings", "today", "expected", "reason"), CASES)
def test_each_rule_has_its_cases(
    status: Status, used: Server, findings: tuple[str, ...], today: date, expected: Urgency, reason: str
) -> None:
    how, why = of(device(status, used, findings=findings), today)
    assert how is expected
    assert reason in why


def test_every_rule_can_be_reached() -> None:
    reached = {of(device(status, used, findings=findings), today)[1] for status, used, findings, today, *_ in CASES}
    reached.add(of(replace(device("password"), servers=()), BEFORE)[1])
    assert reached == {rule.reason for rule in RULES}
