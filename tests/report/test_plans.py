"""Plans as dictionaries and as text: harmless, as wide as asked, and each said once."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from analyzer.advice import packaged_knowledge, plans
from analyzer.inventory.device import Device, Refusal
from analyzer.report.plans import NAMED, deadline_text, oauth_text, plan_record, sources_of, write_plans
from analyzer.report.width import display_width
from analyzer.report.wording import Record
from tests.advice.devices import RELAY, device, fleet, server
from tests.support.reports import HOSTILE

KNOWLEDGE = packaged_knowledge()
TODAY = date(2026, 11, 24)


def records(*devices: Device, today: date = TODAY) -> list[Record]:
    made = plans(devices, KNOWLEDGE, today)
    return [{"device": one.device, "vendor": one.vendor, "plan": plan_record(made[one.device])} for one in devices]


def text(*devices: Device, width: int = 100) -> str:
    out = io.StringIO()
    write_plans(records(*devices), out, width)
    return out.getvalue()


def test_a_plan_has_the_documented_fields_and_is_json() -> None:
    (record,) = records(device(vendor="Ricoh"))
    plan = record["plan"]
    assert list(plan) == [
        "urgency", "reason", "standing", "service", "fleet", "deadline", "oauth", "ways", "steps", "look_first",
        "reply",
    ]  # fmt: skip
    assert json.loads(json.dumps(plan)) == plan
    assert (plan["urgency"], plan["deadline"]["days_left"], plan["oauth"]["possible"]) == ("dated", 37, "partial")


@pytest.mark.parametrize("wire", HOSTILE.values(), ids=HOSTILE)
def test_nothing_from_the_wire_acts_in_a_plan(wire: str) -> None:
    hostile = device(
        "password",
        server(ip=RELAY, name=wire),
        names=(wire,),
        mail_programs=(wire,),
        findings=("auth-failing",),
        last_failure=Refusal(1, 535, wire, wire),
    )
    (record,) = records(hostile)
    assert all(part.isprintable() for part in _texts(record["plan"]))
    assert all(line.isprintable() for line in text(hostile).split("\n"))


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [each for part in value.values() for each in _texts(part)]
    if isinstance(value, list):
        return [each for part in value for each in _texts(part)]
    return [value] if isinstance(value, str) else []


@pytest.mark.parametrize("width", [40, 60, 100, 120])
def test_no_line_is_wider_than_asked(width: int) -> None:
    shown = text(device(vendor="Ricoh"), device("exposed", server(ip=RELAY), ip="10.0.0.2"), width=width)
    assert max(map(display_width, shown.splitlines())) <= width


def test_what_presses_most_comes_first() -> None:
    shown = text(device("oauth"), device(ip="10.0.0.2"), device("exposed", ip="10.0.0.3"))
    places = [
        shown.index(words)
        for words in ("Now: 10.0.0.3", "Before the deadline: 10.0.0.2", "Nothing to do yet: 10.0.0.1")
    ]
    assert places == sorted(places)


def test_devices_with_one_plan_are_told_together_and_named_in_part() -> None:
    shown = text(*fleet(NAMED + 3))
    assert shown.count("Steps") == 1
    assert " and 3 more" in shown


def test_a_deadline_says_how_far_it_is_and_as_of_when() -> None:
    for today, words in (
        (date(2026, 12, 30), "2026-12-31 is 1 day away"),
        (date(2026, 12, 31), "2026-12-31 is today"),
        (date(2027, 1, 2), "2026-12-31 is 2 days past"),
    ):
        (record,) = records(device(), today=today)
        said = deadline_text(record["plan"]["deadline"])
        assert words in said
        assert said.endswith("(as of 2026-01-27).")


def test_oauth_says_who_knows_it() -> None:
    (known,) = records(device(vendor="Hewlett Packard"))
    assert oauth_text(known["plan"]["oauth"]).startswith("possible from firmware FutureSmart 5.7 on (HP: ")
    (unknown,) = records(device(vendor="Nobody"))
    assert oauth_text(unknown["plan"]["oauth"]).startswith("not known")


def test_sources_are_those_of_what_is_shown_each_once() -> None:
    plan = [
        record["plan"] for record in records(*fleet(2), replace(device("oauth", vendor="Ricoh"), device="10.9.9.9"))
    ]
    found = sources_of(plan)
    assert len(found) == len(set(found))
    assert any("Exchange Team Blog" in source for source in found)
    assert not any("Ricoh" in source for source in found)
