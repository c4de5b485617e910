from __future__ import annotations

import io
import json

import pytest

from analyzer.inventory.session import Session
from analyzer.report import Format, Report, SessionWriter, write
from tests.support.reports import HOSTILE, hostile_sessions, office, office_report, report


def written(format: Format, made: Report) -> str:
    out = io.StringIO()
    write(format, made, out)
    return out.getvalue()


def sessions(format: Format, seen: list[Session]) -> str:
    out = io.StringIO()
    writer = SessionWriter(format, out)
    for one in seen:
        writer.write(one)
    writer.close(office_report())
    return out.getvalue()


def test_json_holds_devices_summary_inputs_and_what_was_lost() -> None:
    made = json.loads(written("json", office_report()))
    assert list(made) == [
        "devices",
        "summary",
        "inputs",
        "undecoded",
        "damage",
        "oddities",
        "complete",
        "interrupted",
    ]
    assert made["complete"] is False
    assert [device["status"] for device in made["devices"]] == ["exposed", "password", "unknown", "no-auth", "oauth"]
    assert made["summary"]["still_password"] == 2
    assert made["summary"]["statuses"]["exposed"] == 1
    assert made["inputs"][0]["name"] == "office.pcap"


def test_json_lines_hold_one_device_each_and_the_same_as_json() -> None:
    lines = [json.loads(line) for line in written("jsonl", office_report()).splitlines()]
    assert lines == json.loads(written("json", office_report()))["devices"]


def test_sessions_are_the_same_in_json_and_json_lines() -> None:
    lines = [json.loads(line) for line in sessions("jsonl", office()).splitlines()]
    made = json.loads(sessions("json", office()))
    assert made["sessions"] == lines
    assert len(lines) == 5
    assert made["summary"]["devices"] == 5


def test_nothing_seen_is_valid_json() -> None:
    assert json.loads(written("json", report([])))["devices"] == []
    assert json.loads(sessions("json", []))["sessions"] == []
    assert sessions("jsonl", []) == ""


@pytest.mark.parametrize("kind", HOSTILE)
def test_output_is_ascii_and_one_record_is_one_line(kind: str) -> None:
    seen = hostile_sessions(HOSTILE[kind])
    for text in (sessions("jsonl", seen), written("jsonl", report(seen))):
        assert text.isascii()
        assert text.count("\n") == 1
        assert text[:-1].isprintable()
        json.loads(text)
