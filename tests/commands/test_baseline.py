from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.commands import baseline as commands_baseline
from analyzer.commands.baseline import Baseline, read_baseline
from analyzer.errors import InputError
from analyzer.inventory.device import Device
from analyzer.inventory.devices import Inventory
from analyzer.inventory.status import STATUSES
from analyzer.report.records import device_record
from tests.support.weeks import COPIER, SCANNER, login


def device(ip: str = "10.0.0.1", status: str = "password", mac: int | None = None, **fields: Any) -> Device:
    made = Inventory()
    made.add(login(ip, 0))
    (only,) = made.devices()
    return replace(only, status=status, mac=mac, **fields)  # type: ignore[arg-type]


def baseline(folder: Path, content: str | bytes) -> Baseline:
    file = folder / "baseline"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_baseline(str(file))


def report_on(*devices: Device) -> str:
    return json.dumps({"devices": [device_record(one) for one in devices]})


@pytest.mark.parametrize(
    ("now", "accepted"),
    [
        (device(), True),
        (device(status="mixed"), True),
        (device(status="exposed"), False),
        (device("10.0.0.2"), False),
        (device("10.0.0.2", ips=("10.0.0.2", "10.0.0.1")), True),
    ],
)
def test_a_report_accepts_what_is_no_worse_than_there(tmp_path: Path, now: Device, accepted: bool) -> None:
    assert baseline(tmp_path, report_on(device())).accepts(now) is accepted


def test_a_mac_stays_accepted_at_another_address_and_another_mac_at_the_same_is_not(tmp_path: Path) -> None:
    known = baseline(tmp_path, report_on(device(mac=COPIER)))
    assert known.accepts(device("10.0.0.9", mac=COPIER))
    assert not known.accepts(device("10.0.0.1", mac=SCANNER))
    assert known.accepts(device("10.0.0.1"))  # seen through a router now


@pytest.mark.parametrize("status", STATUSES)
def test_a_line_without_a_status_accepts_any(tmp_path: Path, status: str) -> None:
    assert baseline(tmp_path, "10.0.0.1\n").accepts(device(status=status))


def test_a_list_has_comments_blank_lines_macs_and_statuses(tmp_path: Path) -> None:
    text = "\ufeff# known\r\n\r\n10.0.0.1   mixed # the old one\r\n00:17:c8:00:00:01\r\n2001:DB8::1 password"
    known = baseline(tmp_path, text)
    assert known.accepts(device(status="mixed"))
    assert not known.accepts(device(status="password"))
    assert known.accepts(device("10.0.0.7", "exposed", COPIER))
    assert known.accepts(device("10.0.0.7", ips=("2001:db8::1",)))


def test_a_baseline_without_devices_accepts_nobody(tmp_path: Path) -> None:
    assert not baseline(tmp_path, "").accepts(device())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("10.0.0.1\nprinter\n", "line 2: 'printer' is no address and no MAC"),
        ("10.0.0.1 bad\n", "line 1: after the address belongs one of exposed, password"),
        ("10.0.0.1 mixed old\n", "line 1: after the address"),
        ("\x1b[31m\n", r"line 1: '\\x1b\[31m' is no address"),
        ("{", "not a report of smtpauth in JSON"),
        ('{"devices": 3}', "not a report"),
        ('{"devices": [{"ips": ["x"], "mac": null, "status": "mixed"}]}', "not a report"),
        ('{"devices": [{"ips": [], "mac": null, "status": "fine"}]}', "not a report"),
        ('{"devices":' + "[" * 100_000, "not a report"),
        (b"\xff\xfe\x00", "it is no text"),
    ],
)
def test_what_is_no_baseline_is_told_in_one_line(tmp_path: Path, content: str | bytes, said: str) -> None:
    with pytest.raises(InputError, match=said):
        baseline(tmp_path, content)


@pytest.mark.parametrize("name", ["nowhere", ".", "a\0b"])
def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"it cannot be read|no file can have such a name"):
        read_baseline(name)


def test_a_file_too_large_to_be_a_report_is_not_read_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands_baseline, "LARGEST", 9)
    assert baseline(tmp_path, "10.0.0.1\n").accepts(device())
    with pytest.raises(InputError, match="no report is as large"):
        baseline(tmp_path, "10.0.0.1\n\n")


@given(st.sampled_from(STATUSES), st.sampled_from(STATUSES))
def test_only_a_worse_status_is_not_accepted(before: str, now: str) -> None:
    known = Baseline({"10.0.0.1": STATUSES.index(before)}, {}, {})
    assert known.accepts(device(status=now)) is (STATUSES.index(now) >= STATUSES.index(before))
