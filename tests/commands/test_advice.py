"""``smtpauth scan --advice`` and ``--knowledge`` as their users meet them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from analyzer.report.width import display_width
from tests.commands.running import OFFICE, run

OWN = """
[providers.office-relay]
name = "The office's relay"
hosts = ["relay.office.example"]
basic = "ended"
basic_ends = 2026-06-30
note = "passwords ended in June 2026"
source = "ourselves"
as_of = 2026-07-01

[devices."10.20.0.102"]
external_recipients = true
"""


def test_advice_stands_below_the_table_in_place_of_one_sentence_for_each() -> None:
    done = run("scan", OFFICE, "--advice")
    assert done.returncode == 0
    assert "Before the deadline: 10.20.0.102 (Ricoh)" in done.stdout
    assert "2026-12-31 is 37 days away" in done.stdout
    assert "What to do\n" not in done.stdout
    assert max(map(display_width, done.stdout.splitlines())) <= 100
    assert done.stdout.isprintable() or all(line.isprintable() for line in done.stdout.splitlines())


def test_json_has_the_plan_of_every_device() -> None:
    devices = json.loads(run("scan", OFFICE, "--format", "json").stdout)["devices"]
    lines = [json.loads(line) for line in run("scan", OFFICE, "--format", "jsonl").stdout.splitlines()]
    assert devices == lines
    assert {device["device"]: device["plan"]["urgency"] for device in devices}["10.20.0.102"] == "dated"
    assert all(device["plan"]["steps"] for device in devices)


def test_own_knowledge_is_recognised_found_and_advised(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(OWN)
    said = json.loads(run("scan", OFFICE, "--format", "json", "--knowledge", own).stdout)
    devices = {device["device"]: device for device in said["devices"]}
    scanner = devices["10.20.0.104"]
    assert {server["provider"] for server in scanner["servers"]} == {"office-relay"}
    assert "basic-to-retiring-provider" in scanner["findings"]
    assert "passwords ended in June 2026" in scanner["advice"]
    assert (scanner["plan"]["urgency"], scanner["plan"]["standing"]) == ("now", "ended")
    ways = {way["id"]: way["fit"] for way in devices["10.20.0.102"]["plan"]["ways"]}
    assert ways["high-volume-email"] == "fits-not"


def test_a_wrong_knowledge_file_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text("[makers.canon]\nfirmwares = 1\n")
    done = run("scan", OFFICE, "--knowledge", own)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"smtpauth: {own}: 'makers.canon' has the unknown key 'firmwares'; known: as_of")


@pytest.mark.parametrize("others", [["--format", "json"], ["--sessions"]])
def test_advice_belongs_to_the_table_of_devices(others: list[str]) -> None:
    done = run("scan", OFFICE, "--advice", *others)
    assert done.returncode == 2
    assert done.stderr.startswith("smtpauth: --advice goes with --format table")
