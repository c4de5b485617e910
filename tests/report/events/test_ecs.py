from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from analyzer.alerts import KINDS, Event, Kind
from analyzer.report.events import event_line
from tests.report.events.schemas import ECS_ALLOWED, ECS_FIELDS, KEYWORD_LONGEST, flat, is_ecs
from tests.support.events import event, events, hostile_event
from tests.support.reports import HOSTILE


def document(one: Event) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(event_line("ecs", one))
    return made


def check(made: dict[str, Any]) -> None:
    fields = {name: value for name, value in flat(made).items() if not name.startswith("smtpauth.")}
    assert {"@timestamp", "ecs.version", "message", "event.kind", "event.category", "event.type"} <= fields.keys()
    for name, value in fields.items():
        assert is_ecs(ECS_FIELDS[name], value), (name, value)
        if name in ECS_ALLOWED:
            assert set(value if isinstance(value, list) else [value]) <= ECS_ALLOWED[name], (name, value)


@given(events)
def test_every_field_is_one_of_the_schema_and_of_its_type(any_event: Event) -> None:
    check(document(any_event))


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_names_leave_the_schema_intact(kind: str) -> None:
    made = flat(document(hostile_event(HOSTILE[kind])))
    del made["related.hosts"]  # the same names as in the fields of both ends
    # Escapes make a name longer; the index then leaves the field out of searches, and nothing else happens.
    check({name: value for name, value in made.items() if name == "message" or len(str(value)) <= KEYWORD_LONGEST})


def test_the_check_itself_objects() -> None:
    assert not is_ecs("ip", 5)
    assert not is_ecs("date", "2026-11-23T20:48:55")
    assert not is_ecs("keyword[]", [])
    with pytest.raises(KeyError):
        check({**document(event()), "sauce": {"ip": "10.0.0.1"}})


@pytest.mark.parametrize("kind", [kind.id for kind in KINDS])
def test_an_alert_names_its_rule_device_server_and_user(kind: Kind) -> None:
    made = document(event(kind))
    assert made["event"]["kind"] == "alert"
    assert made["event"]["category"] == ["authentication", "network"]
    assert made["rule"]["name"] == kind
    assert (made["source"]["ip"], made["source"]["port"], made["source"]["mac"]) == (
        "10.10.0.103",
        35878,
        "00-17-C8-00-01-03",
    )
    assert (made["destination"]["ip"], made["destination"]["domain"]) == ("10.10.0.11", "smtp.example.com")
    assert made["user"] == {"name": "scan@example.com"}
    assert made["network"] == {"protocol": "smtp", "transport": "tcp", "type": "ipv4"}


def test_worse_is_a_higher_number() -> None:
    numbers = [document(event(kind.id))["event"]["severity"] for kind in KINDS]
    assert numbers == sorted(numbers, reverse=True)


def test_what_has_no_value_is_left_out() -> None:
    made = document(event("new-device", method="none", mechanism=None, username=None, ehlo=None, client_mac=None))
    assert made["event"]["category"] == ["network"]
    assert "user" not in made
    assert not {"mac", "domain"} & made["source"].keys()
    assert "outcome" not in made["event"]
