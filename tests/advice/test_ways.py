"""Which way out fits, and which comes first."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from analyzer.advice import Plan, packaged_knowledge, plans
from analyzer.advice.knowledge import OwnDevice
from analyzer.advice.ways import LARGE_FLEET
from tests.advice.devices import device, fleet, server

KNOWLEDGE = packaged_knowledge()


def ids(plan: Plan) -> list[str]:
    return [way.id for way in plan.ways]


def test_the_four_ways_of_exchange_online_in_a_small_fleet() -> None:
    plan = plans([device()], KNOWLEDGE)["10.0.0.1"]
    assert ids(plan) == ["oauth", "relay-connector", "high-volume-email", "third-party-relay"]
    assert [way.fit for way in plan.ways] == ["check", "fits", "check", "fits"]


@pytest.mark.parametrize(("size", "first"), [(LARGE_FLEET, "oauth"), (LARGE_FLEET + 1, "relay-connector")])
def test_above_twenty_devices_at_one_provider_the_connector_comes_first(size: int, first: str) -> None:
    made = plans(fleet(size), KNOWLEDGE)
    assert {ids(plan)[0] for plan in made.values()} == {first}
    assert {plan.fleet for plan in made.values()} == {size}


def test_devices_at_other_providers_do_not_make_a_fleet_large() -> None:
    devices = [device(ip="10.9.9.9"), *fleet(50, server("sendgrid"))]
    assert ids(plans(devices, KNOWLEDGE)["10.9.9.9"])[0] == "oauth"


@pytest.mark.parametrize(("external", "fit"), [(True, "fits-not"), (False, "fits"), (None, "check")])
def test_high_volume_email_is_for_recipients_inside_alone(external: bool | None, fit: str) -> None:
    own = {} if external is None else {"10.0.0.1": OwnDevice("10.0.0.1", external_recipients=external)}
    plan = plans([device()], replace(KNOWLEDGE, devices=own))["10.0.0.1"]
    (way,) = (way for way in plan.ways if way.id == "high-volume-email")
    assert way.fit == fit
    assert way.until == date(2028, 9, 30)
    assert ids(plan)[-1] == ("high-volume-email" if external else "third-party-relay")


@pytest.mark.parametrize(
    ("oauth", "fit"),
    [("yes", "fits"), ("from-firmware", "check"), ("partial", "check"), ("unknown", "check"), ("no", "fits-not")],
)
def test_oauth_fits_as_far_as_the_device_can(oauth: str, fit: str) -> None:
    own = {"10.0.0.1": OwnDevice("10.0.0.1", oauth=oauth)}  # type: ignore[arg-type]
    plan = plans([device()], replace(KNOWLEDGE, devices=own))["10.0.0.1"]
    (way,) = (way for way in plan.ways if way.id == "oauth")
    assert way.fit == fit
    assert (ids(plan)[-1] == "oauth") == (oauth == "no")


def test_oauth_does_not_fit_where_the_provider_takes_none() -> None:
    providers = {**KNOWLEDGE.providers}
    providers["exchange-online"] = replace(providers["exchange-online"], oauth=())
    plan = plans([device()], replace(KNOWLEDGE, providers=providers))["10.0.0.1"]
    assert plan.ways[-1].id == "oauth"
    assert "not known to take OAuth" in plan.ways[-1].why


def test_a_device_with_high_volume_email_already_is_not_sent_there() -> None:
    plan = plans([device("password", server("exchange-hve"))], KNOWLEDGE)["10.0.0.1"]
    assert "high-volume-email" not in ids(plan)
    assert plan.deadline is not None
    assert plan.deadline.day == date(2028, 9, 30)


def test_ways_of_one_provider_are_not_offered_at_another() -> None:
    assert ids(plans([device("password", server("gmail"))], KNOWLEDGE)["10.0.0.1"]) == ["own-password", "google-relay"]
    assert ids(plans([device("password", server())], KNOWLEDGE)["10.0.0.1"]) == []
