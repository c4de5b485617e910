from __future__ import annotations

from dataclasses import replace
from datetime import date

from analyzer.advice import packaged_knowledge, plans
from analyzer.inventory.device import Asset, Device
from analyzer.report.plans import plan_record
from analyzer.report.records import device_record
from analyzer.report.together import Together, together
from tests.advice.devices import RELAY, device, fleet, server

TODAY = date(2026, 11, 24)


def groups(*devices: Device) -> list[Together]:
    made = plans(devices, packaged_knowledge(), TODAY)
    return together({**device_record(one), "plan": plan_record(made[one.device])} for one in devices)


def test_devices_of_several_makers_have_one_plan_and_the_first_step_tells_them_apart() -> None:
    (group,) = groups(
        device(ip="10.0.0.1", vendor="Ricoh"),
        device(ip="10.0.0.2", vendor="Hewlett Packard"),
        device(ip="10.0.0.3", vendor="Hewlett Packard"),
    )
    first, *rest = group.steps
    assert [(case.text, list(case.devices)) for case in first.cases] == [
        ("Update the device to firmware FutureSmart 5.7 or later.", ["10.0.0.2", "10.0.0.3"]),
        ("Find out whether the device can use OAuth (Ricoh: some models only; look this one up).", ["10.0.0.1"]),
    ]
    assert rest
    assert not any(step.cases for step in rest)
    assert group.addresses == ["10.0.0.1", "10.0.0.2", "10.0.0.3"]


def test_one_makers_first_step_is_a_step_like_any_other() -> None:
    (group,) = groups(device(ip="10.0.0.1", vendor="Ricoh"), device(ip="10.0.0.2", vendor="Ricoh"))
    assert group.steps[0].text.startswith("Find out whether the device can use OAuth")
    assert group.steps[0].cases == ()


def test_what_presses_most_comes_first_then_what_concerns_most() -> None:
    relay = server(ip=RELAY, name="relay.example")
    found = groups(
        device("no-auth", ip="10.0.0.1"),
        device("password", relay, ip="10.0.0.2"),
        device("password", relay, ip="10.0.0.3"),
        device("exposed", ip="10.0.0.4"),
        device("oauth", ip="10.0.0.5"),
    )
    assert [(group.plan["urgency"], len(group.devices)) for group in found] == [("now", 1), ("check", 2), ("check", 1)]


def test_owners_are_counted_where_the_list_names_any() -> None:
    owned = [replace(one, asset=Asset("x", owner, None, None)) for one, owner in zip(fleet(3), "aab", strict=True)]
    (group,) = groups(*owned, device(ip="10.9.9.9"))
    assert (group.owners, group.ownerless) == ((("a", 2), ("b", 1)), 1)
    (group,) = groups(*fleet(2))
    assert (group.owners, group.ownerless) == ((), 0)
