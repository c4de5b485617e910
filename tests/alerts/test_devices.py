from __future__ import annotations

import json
from typing import Any

import pytest

from analyzer.alerts.devices import MOST_ACCOUNTS, KnownDevice, KnownDevices
from analyzer.errors import UsageError
from tests.support.sessions import DAY, START


def test_a_device_is_new_once() -> None:
    devices = KnownDevices()
    assert [devices.seen("10.0.0.1", START, START + 1)[1] for _ in range(2)] == [True, False]


def test_the_device_least_recently_seen_is_forgotten_first_and_counted() -> None:
    devices = KnownDevices(most=2)
    for ip in ("10.0.0.1", "10.0.0.2", "10.0.0.1", "10.0.0.3"):
        devices.seen(ip, START, START)
    assert devices.forgotten == 1
    assert len(devices) == 2
    assert not devices.seen("10.0.0.1", START, START)[1]
    assert devices.seen("10.0.0.2", START, START)[1]


def test_refused_logins_are_counted_by_account_within_a_limit() -> None:
    device = KnownDevice(START, START)
    for n in range(MOST_ACCOUNTS + 1):
        assert device.refuse(("smtp.example.com", f"user{n}")) == 1
    assert len(device.refused_by_account) == MOST_ACCOUNTS
    assert device.refuse(("smtp.example.com", "user0")) == 1  # it had to go
    assert device.refuse(("smtp.example.com", "user5")) == 2
    assert device.refused == MOST_ACCOUNTS + 3


def test_a_success_ends_the_row() -> None:
    device = KnownDevice(START, START)
    device.refuse(("smtp.example.com", "scan"))
    device.accept(("smtp.example.com", "scan"))
    assert (device.refused, device.refuse(("smtp.example.com", "scan"))) == (0, 1)


def known() -> KnownDevices:
    devices = KnownDevices()
    devices.seen("10.0.0.1", START, START + DAY)[0].last_password = START + 5
    devices.seen("2001:db8::1", START, START + 2)[0].refuse(("smtp.example.com", "scan@example.com"))
    return devices


def test_a_snapshot_goes_through_json_and_back() -> None:
    restored = KnownDevices()
    restored.restore(json.loads(json.dumps(known().snapshot())))
    assert restored.snapshot()["devices"] == known().snapshot()["devices"]


def test_a_snapshot_holds_no_user_names() -> None:
    assert "scan" not in json.dumps(known().snapshot())


def test_of_a_snapshot_of_too_many_devices_the_most_recently_seen_are_kept() -> None:
    few = KnownDevices(most=1)
    few.restore(known().snapshot())
    assert list(few.snapshot()["devices"]) == ["10.0.0.1"]
    assert few.forgotten == 1


TIMES = {"first_seen": 1, "last_seen": 2}


@pytest.mark.parametrize(
    ("snapshot", "says"),
    [
        (None, "holds no devices"),
        ([], "holds no devices"),
        ({"version": 1}, "holds no devices"),
        ({"version": 1, "devices": []}, "holds no devices"),
        ({"devices": {}}, "another version"),
        ({"version": 2, "devices": {}}, "another version"),
        ({"version": 1, "devices": {"\x1b[31m": TIMES}}, "has no address"),
        ({"version": 1, "devices": {"10.0.0.01": TIMES}}, "has no address"),
        ({"version": 1, "devices": {5: TIMES}}, "has no address"),
        ({"version": 1, "devices": {"10.0.0.1": 3}}, "10.0.0.1"),
        ({"version": 1, "devices": {"10.0.0.1": {"first_seen": 1}}}, "10.0.0.1"),
        ({"version": 1, "devices": {"10.0.0.1": {**TIMES, "refused": 1}}}, "10.0.0.1"),
        ({"version": 1, "devices": {"10.0.0.1": {**TIMES, "last_oauth": "1"}}}, "10.0.0.1"),
        ({"version": 1, "devices": {"10.0.0.1": {**TIMES, "last_oauth": True}}}, "10.0.0.1"),
    ],
)
def test_what_is_no_snapshot_is_said_in_one_line(snapshot: Any, says: str) -> None:
    devices = known()
    with pytest.raises(UsageError, match=says) as caught:
        devices.restore(snapshot)
    assert str(caught.value).isprintable()
    assert len(devices) == 2
