"""Plans as a whole: no combination is without a step, and none contradicts itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.advice import Knowledge, Plan, Urgency, last_day, packaged_knowledge, plans
from analyzer.advice.knowledge import Maker
from analyzer.inventory.advice import advice
from analyzer.inventory.device import Device, Refusal
from analyzer.inventory.findings import FINDINGS
from analyzer.inventory.standing import password_servers
from analyzer.inventory.status import STATUSES, STILL_PASSWORD, Status
from tests.advice.devices import RELAY, device, fleet, server

KNOWLEDGE = packaged_knowledge()
PROVIDERS = [None, "of-a-later-version", *KNOWLEDGE.providers]
TODAY = date(2026, 11, 24)


def plan_of(one: Device, *others: Device, today: date = TODAY, knowledge: Knowledge = KNOWLEDGE) -> Plan:
    return plans([one, *others], knowledge, today)[one.device]


def maker(oauth: str) -> Maker:
    return Maker("m", "M", oauth, "s", TODAY, vendors=("m",), firmware="7")  # type: ignore[arg-type]


def check(one: Device, plan: Plan) -> None:
    """What must hold of every plan."""
    provider = KNOWLEDGE.providers.get(one.servers[0].provider or "") if one.servers else None
    idle = [step for step in plan.steps if step.startswith("Nothing to do")]
    assert plan.steps
    assert len(set(plan.steps)) == len(plan.steps)
    assert all(step.endswith((".", "…")) for step in plan.steps)
    assert bool(idle) == (plan.urgency is Urgency.NONE)
    ends = provider is not None and provider.basic in ("retiring", "ended")
    if one.status in STILL_PASSWORD and ends:
        assert not idle
        assert plan.urgency in (Urgency.NOW, Urgency.DATED)
        assert plan.deadline is not None
        assert any(way.fit == "fits" for way in plan.ways), "a relay is always possible"
    if plan.oauth.possible == "no":
        assert all(way.fit == "fits-not" for way in plan.ways if way.id == "oauth")
        assert not any("choose OAuth 2.0" in step for step in plan.steps)
    fits = [way.fit != "fits-not" for way in plan.ways]
    assert fits == sorted(fits, reverse=True), "what does not fit comes last"
    if one.status not in STILL_PASSWORD:
        assert plan.ways == ()
        assert plan.standing is None
        assert plan.fleet == 0
    else:
        assert plan.fleet >= 1
    if one.status == "exposed":
        assert plan.urgency is Urgency.NOW
        assert plan.steps[0].startswith("Turn on STARTTLS")
        assert "change the password" in plan.steps[1]
    sentence = advice(one.status, one.findings, password_servers(one.status, one.servers))
    assert sentence.startswith("Nothing to do") == (plan.urgency is Urgency.NONE)


@pytest.mark.parametrize("oauth", ["yes", "from-firmware", "partial", "no", "unknown", None])
def test_every_status_provider_and_maker_has_a_plan_without_contradictions(oauth: str | None) -> None:
    makers = {} if oauth is None else {"m": maker(oauth)}
    knowledge = replace(KNOWLEDGE, makers=makers)
    for status, provider in product(STATUSES, PROVIDERS):
        method = "basic" if status in STILL_PASSWORD else "none"
        one = device(status, server(provider, method=method), vendor="M")
        check(one, plan_of(one, knowledge=knowledge))


@given(
    st.sampled_from(STATUSES),
    st.lists(st.sampled_from(PROVIDERS), max_size=3),
    st.sampled_from(["Ricoh", "Hewlett Packard", "Nobody", None]),
    st.sets(st.sampled_from([finding.id for finding in FINDINGS])),
    st.sampled_from([None, 0, 25]),
    st.dates(date(2024, 1, 1), date(2030, 1, 1)),
)
def test_whatever_is_found_the_plan_has_steps_and_agrees_with_itself(
    status: Status, uses: list[str | None], vendor: str | None, findings: set[str], others: int | None, today: date
) -> None:
    servers = tuple(server(use) for use in uses)
    one = replace(device(status, vendor=vendor, findings=tuple(findings), ip="10.9.9.9"), servers=servers)
    plan = plan_of(one, *fleet(others or 0), today=today)
    assert plan.steps
    assert any(step.startswith("Nothing to do") for step in plan.steps) == (plan.urgency is Urgency.NONE)
    assert not (
        status in STILL_PASSWORD and plan.deadline is not None and plan.urgency in (Urgency.NONE, Urgency.CHECK)
    )


def test_the_same_devices_give_the_same_plans_whatever_the_day_is_now() -> None:
    devices = fleet(3)
    assert plans(devices, KNOWLEDGE) == plans(devices, KNOWLEDGE, last_day(devices))
    assert last_day(devices) == date(2026, 11, 23)


@pytest.mark.parametrize("last_seen", [0, -1, 10**30])
def test_packets_without_a_time_leave_the_days_open(last_seen: int) -> None:
    plan = plans([device("password", last_seen=last_seen)], KNOWLEDGE)["10.0.0.1"]
    assert plan.deadline is not None
    assert plan.deadline.day == date(2026, 12, 31)
    assert plan.deadline.days_left is None
    assert plan.urgency is Urgency.DATED


@pytest.mark.parametrize(
    ("today", "left", "urgency"),
    [
        (date(2026, 12, 30), 1, Urgency.DATED),
        (date(2026, 12, 31), 0, Urgency.NOW),
        (date(2027, 1, 2), -2, Urgency.NOW),
    ],
)
def test_a_deadline_that_is_past_is_said_as_past(today: date, left: int, urgency: Urgency) -> None:
    plan = plan_of(device(), today=today)
    assert plan.deadline is not None
    assert (plan.deadline.days_left, plan.deadline.is_past, plan.urgency) == (left, left <= 0, urgency)


def test_of_several_servers_the_one_that_ends_passwords_first_makes_the_plan() -> None:
    plan = plan_of(device("password", server("sendgrid"), server(ip=RELAY), server("exchange-online")))
    assert plan.service == "Exchange Online"
    assert plan.standing == "retiring"


def test_devices_that_only_use_providers_which_keep_passwords_have_nothing_to_do() -> None:
    plan = plan_of(device("password", server("sendgrid"), server("gmail")))
    assert plan.urgency is Urgency.NONE
    assert "announces an end (as of" in plan.steps[0]
    assert plan.way is not None
    assert plan.way.id == "own-password"


def test_a_password_for_a_relay_of_ones_own_leads_to_the_relay() -> None:
    sender = device("password", server(ip=RELAY, name="relay.example"))
    relays = {status: device(status, ip=RELAY) for status in ("password", "no-auth", "unknown")}
    alone = plan_of(sender)
    assert alone.urgency is Urgency.CHECK
    assert "See how relay.example sends on" in alone.steps[0]
    for status, words in (
        ("password", "still uses a password itself"),
        ("no-auth", "without a password"),
        ("unknown", "could not be seen"),
    ):
        assert words in plan_of(sender, relays[status]).steps[0]


def test_a_device_does_not_wait_for_itself_as_its_relay() -> None:
    own = device("password", server(ip="10.0.0.1"))
    assert "See how 10.0.0.1 sends on" in plan_of(own).steps[0]


def test_mail_that_is_refused_comes_before_the_way_out() -> None:
    refusal = Refusal(1, 535, "5.7.139", "SMTP AUTH is disabled for this mailbox")
    plan = plan_of(device("password", findings=("basic-disabled",), last_failure=refusal))
    assert plan.urgency is Urgency.NOW
    assert plan.reply is not None
    assert plan.steps[0] == plan.reply.todo
    assert "Set-CASMailbox" in plan.steps[0]


def test_a_refusal_that_a_success_has_settled_is_no_matter() -> None:
    plan = plan_of(device("password", last_failure=Refusal(1, 535, "5.7.8", "wrong")))
    assert plan.reply is None


def test_unknown_at_exchange_says_where_the_provider_tells_and_until_when() -> None:
    plan = plan_of(device("unknown"))
    assert "SMTP AUTH clients report" in plan.steps[0]
    assert plan.deadline is not None
    assert "SMTP AUTH clients" not in " ".join(plan_of(device("unknown", server(method="unknown"))).steps)


def test_direct_sending_to_the_providers_exchanger_mentions_the_connector() -> None:
    plan = plan_of(device("no-auth", server("exchange-online-relay", method="none")))
    assert any("inbound connector" in step for step in plan.steps)


def test_the_firmware_to_have_is_the_first_step_of_oauth() -> None:
    plan = plan_of(device(vendor="Hewlett Packard"))
    assert plan.steps[0] == "Update the device to firmware FutureSmart 5.7 or later."
    assert any(step.startswith("If that is not possible: relay through a connector.") for step in plan.steps)
