"""How urgent it is, and why: rules in order, the first that holds counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from analyzer.advice.plan import Urgency
from analyzer.advice.situation import Situation

Test = Callable[[Situation], bool]


class _Rule(NamedTuple):
    urgency: Urgency
    holds: Test
    reason: str


def _found(*findings: str) -> Test:
    return lambda at: not set(findings).isdisjoint(at.device.findings)


def _password_at(standing: str) -> Test:
    return lambda at: at.standing == standing


def _past(at: Situation) -> bool:
    return at.standing == "retiring" and at.deadline is not None and at.deadline.is_past


def _status(*statuses: str) -> Test:
    return lambda at: at.device.status in statuses


RULES: tuple[_Rule, ...] = (
    _Rule(Urgency.NOW, _status("exposed"), "a password or token crossed the network where anybody could read it"),
    _Rule(Urgency.NOW, _found("basic-disabled"), "its mail is refused: passwords are switched off for it"),
    _Rule(Urgency.NOW, _password_at("ended"), "the provider has ended password logins"),
    _Rule(Urgency.NOW, _past, "the day on which the provider switches passwords off is past"),
    _Rule(
        Urgency.NOW,
        _found("auth-failing", "auth-required", "starttls-required", "tls-never-established"),
        "its mail is not accepted",
    ),
    _Rule(Urgency.DATED, _password_at("retiring"), "the provider ends password logins"),
    _Rule(Urgency.CHECK, _status("mixed"), "a password is still in use beside OAuth"),
    _Rule(Urgency.CHECK, _password_at("own"), "the password goes to a relay or server of your own"),
    _Rule(Urgency.CHECK, _password_at("unclear"), "it is not known who runs the server that takes the password"),
    _Rule(Urgency.NONE, _password_at("kept"), "the provider takes such passwords and has announced no end"),
    _Rule(Urgency.CHECK, _status("password"), "it uses a password, and it is not known at which server"),
    _Rule(Urgency.CHECK, _status("unknown"), "how it logs in could not be seen"),
    _Rule(Urgency.CHECK, _status("no-auth"), "it sends without a login"),
    _Rule(Urgency.CHECK, _status("anonymous"), "it logs in as anonymous"),
    _Rule(Urgency.NONE, lambda at: True, "it uses no password"),
)


def urgency(at: Situation) -> tuple[Urgency, str]:
    """The first rule that holds."""
    return next((rule.urgency, rule.reason) for rule in RULES if rule.holds(at))
