from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.history import compile as compiling
from analyzer.history import periods
from analyzer.history.compile import compile_report
from analyzer.history.model import PeriodReport, SharedAccount
from analyzer.inventory.session import Session
from analyzer.inventory.status import STILL_PASSWORD
from tests.support.past import PastSessions
from tests.support.sessions import silent
from tests.support.weeks import COPIER, IN_TLS, MONDAY, ROUTER, SCANNER, at, login, office, weekly
from tests.support.weeks import week as week_number


def report(sessions: list[Session], week: int = 5, **past: Any) -> PeriodReport:
    return compile_report(PastSessions(sessions, **past), week_number(week))


def told(made: PeriodReport) -> list[tuple[str, str]]:
    return [(change.kind, (change.now or change.before).device) for change in made.changes]  # type: ignore[union-attr]


OTHERS = weekly("10.0.0.200", range(6), "XOAUTH2")
"""Something is seen on every working day."""


def test_new_migrated_relapsed_and_silent_in_one_week() -> None:
    made = report(
        [
            *OTHERS,
            *weekly("10.0.0.1", [5]),
            *weekly("10.0.0.2", range(5)),
            *weekly("10.0.0.2", [5], "XOAUTH2"),
            *weekly("10.0.0.3", range(5), "XOAUTH2"),
            *weekly("10.0.0.3", [5]),
            *weekly("10.0.0.4", range(5)),
            *weekly("10.0.0.5", range(6)),
        ]
    )
    assert told(made) == [
        ("new", "10.0.0.1"),
        ("relapsed", "10.0.0.3"),
        ("silent", "10.0.0.4"),
        ("migrated", "10.0.0.2"),
    ]
    assert made.summary.still_password == 3
    assert made.summary_before is not None
    assert made.summary_before.still_password == 3
    assert [point.still_password for point in made.trend] == [3, 3, 3, 3, 3, 3]


def test_a_first_week_has_nothing_to_compare_with() -> None:
    made = report(weekly("10.0.0.1", [5]))
    assert (made.before, made.summary_before, made.changes) == (None, None, ())
    assert made.first_seen == {"10.0.0.1": at(35)}


def test_an_empty_store_says_nothing() -> None:
    made = report([])
    assert (made.devices, made.before, made.complete) == ([], None, False)


def test_a_new_device_without_a_password_is_no_change() -> None:
    assert told(report([*OTHERS, *weekly("10.0.0.1", [5], "XOAUTH2")])) == []


def test_a_silence_is_told_in_one_week_only() -> None:
    gone = [*weekly("10.0.0.200", range(9), "XOAUTH2"), *weekly("10.0.0.4", range(4))]
    assert [told(report(gone, week)) for week in range(3, 8)] == [[], [("silent", "10.0.0.4")], [], [], []]


def test_nobody_is_silent_while_a_sensor_does_not_report() -> None:
    sensors = {MONDAY + timedelta(days=day): ("office", "branch") if day < 35 else ("office",) for day in range(42)}
    made = report([*OTHERS, *weekly("10.0.0.4", range(5))], sensors=sensors)
    assert told(made) == []
    assert [device.device for device in made.absent] == ["10.0.0.4"]
    assert made.quality.missing_sensors == ("branch",)


def test_a_rare_sender_is_absent_and_then_back() -> None:
    rare = [*weekly("10.0.0.200", range(9), "XOAUTH2"), login("10.0.0.4", 7), login("10.0.0.4", 35)]
    assert [device.device for device in report(rare, 2).absent] == ["10.0.0.4"]
    back = report(rare, 5)
    assert (told(back), [device.device for device in back.returned]) == ([], ["10.0.0.4"])


def test_what_a_device_was_like_before_its_absence_counts() -> None:
    made = report([*OTHERS, *weekly("10.0.0.4", [2], "XOAUTH2"), *weekly("10.0.0.4", [5])])
    assert told(made) == [("relapsed", "10.0.0.4")]


def test_one_known_from_before_the_quarter_is_back_and_not_new() -> None:
    made = report([login("10.0.0.4", 0), *weekly("10.0.0.200", range(30), "XOAUTH2"), *weekly("10.0.0.4", [29])], 29)
    assert (told(made), [device.device for device in made.returned]) == ([], ["10.0.0.4"])


def test_a_machine_keeps_its_identity_with_another_address() -> None:
    host: dict[str, Any] = {"mac": COPIER, "ehlo": "copier.example.com"}
    moved = [*OTHERS, *weekly("10.0.0.1", range(5), **host), *weekly("10.0.0.9", [5], **host)]
    assert told(report(moved)) == []
    migrated = [*OTHERS, *weekly("10.0.0.1", range(5), **host), *weekly("10.0.0.9", [5], "XOAUTH2", **host)]
    (change,) = report(migrated).changes
    assert (change.kind, change.now and change.now.device, change.before and change.before.device) == (
        "migrated",
        "10.0.0.9",
        "10.0.0.1",
    )


def test_another_machine_at_the_same_address_is_another_device() -> None:
    swapped = [*OTHERS, *weekly("10.0.0.1", range(5), mac=COPIER), *weekly("10.0.0.1", [5], mac=SCANNER)]
    assert told(report(swapped)) == [("new", "10.0.0.1"), ("silent", "10.0.0.1")]


def test_the_mac_of_a_router_is_no_identity() -> None:
    """In one week a single device is seen behind the router, in the next another one."""
    routed: dict[str, Any] = {"mac": ROUTER, "client_ttl": 63}
    made = report([*OTHERS, *weekly("10.0.1.1", range(5), **routed), *weekly("10.0.2.7", [5], **routed)])
    assert told(made) == [("new", "10.0.2.7"), ("silent", "10.0.1.1")]


def test_a_router_that_shows_as_such_in_one_week_only_separates_nobody() -> None:
    """The first week shows one address behind it, with a TTL as if it were on the link."""
    before = weekly("10.0.1.1", range(5), mac=ROUTER)
    now = [*weekly("10.0.1.1", [5], mac=SCANNER), *weekly("10.0.3.3", [5], "XOAUTH2", mac=ROUTER, client_ttl=63)]
    assert told(report([*OTHERS, *before, *now])) == []


def test_a_week_that_is_not_over_says_nothing_about_when_it_will_be() -> None:
    monday = MONDAY + timedelta(weeks=11)
    made = compile_report(PastSessions(office()), periods.between(monday - timedelta(5), monday))
    assert made.trend[-1].period == week_number(11)
    assert made.forecast == report(office(), 10).forecast != report(office(), 11).forecast


def test_accounts_of_several_devices_are_named() -> None:
    shared = [
        *weekly("10.0.0.1", [5], mac=COPIER, username="scan"),
        *weekly("10.0.0.2", [5], mac=SCANNER, username="scan"),
    ]
    assert report(shared).shared == [SharedAccount("scan", "10.10.0.11", ("10.0.0.1", "10.0.0.2"))]


def test_more_dormant_addresses_than_the_limit_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling, "MOST_DORMANT", 2)
    guests = [one for n in range(1, 6) for one in weekly(f"10.0.0.{n}", [1])]
    made = report([*OTHERS, *guests, *weekly("10.0.0.5", [5])])
    assert made.unlisted == {"dormant addresses": 3}


def test_the_worst_devices_of_a_kind_come_first() -> None:
    new = [*weekly("10.0.0.10", [5]), *weekly("10.0.0.9", [5]), *weekly("10.0.0.11", [5], tls_mode="none")]
    assert told(report([*OTHERS, *new])) == [("new", "10.0.0.11"), ("new", "10.0.0.9"), ("new", "10.0.0.10")]


@st.composite
def networks(draw: st.DrawFn) -> list[Session]:
    """Few machines over six weeks, whose addresses, ways to log in and days change at random."""
    seen = []
    for n in range(draw(st.integers(1, 5))):
        mac = draw(st.sampled_from([None, COPIER + n]))
        for week in range(6):
            client = f"10.0.0.{draw(st.integers(1, 6))}"
            for day in draw(st.sets(st.integers(0, 6), max_size=3)):
                if draw(st.booleans()):
                    seen.append(login(client, 7 * week + day, draw(st.sampled_from(["LOGIN", "XOAUTH2"])), mac=mac))
                else:
                    start = at(7 * week + day)
                    fields = {"start": start, "end": start, "client_mac": mac, "reason": "inside-tls", **IN_TLS}
                    seen.append(silent("unknown", messages=0, client=client, ehlo=f"[{client}]", **fields))
    return seen


@settings(deadline=None)
@given(networks())
def test_the_numbers_add_up(seen: list[Session]) -> None:
    """Every device by which the number rose or fell is accounted for, by one change or as returned or absent."""
    made = report(seen)
    if made.before is None or made.summary_before is None:
        return
    before = PastSessions(seen).inventory(made.before.first, made.before.last).devices()
    there = {ip for device in made.devices for ip in device.ips}
    were_there = {ip for device in before for ip in device.ips}
    came = {change.now.device for change in made.changes if change.now} | {one.device for one in made.returned}
    went = {change.before.device for change in made.changes if change.before} | {one.device for one in made.absent}
    assert {one.device for one in made.devices if one.status in STILL_PASSWORD} <= came | were_there
    assert {one.device for one in before if one.status in STILL_PASSWORD} <= went | there
    changed = [id(change.now) for change in made.changes if change.now] + [id(one) for one in made.returned]
    assert len(set(changed)) == len(changed)


@settings(deadline=None)
@given(networks(), st.randoms(use_true_random=False))
def test_the_order_of_sessions_changes_nothing(seen: list[Session], chance: random.Random) -> None:
    shuffled = list(seen)
    chance.shuffle(shuffled)
    assert report(shuffled) == report(seen)
