from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest

from analyzer.advice import packaged_knowledge, plans
from analyzer.inventory.session import Session
from analyzer.report import Report, SessionWriter, write
from analyzer.report.csv_ import guarded
from tests.support.reports import HOSTILE, hostile_sessions, office, office_report, report


def devices(made: Report | None = None) -> str:
    out = io.StringIO(newline="")
    write("csv", made or office_report(), out)
    return out.getvalue()


def sessions(seen: list[Session]) -> str:
    out = io.StringIO(newline="")
    writer = SessionWriter("csv", out)
    for one in seen:
        writer.write(one)
    writer.close(office_report())
    return out.getvalue()


def test_one_row_for_each_device_with_a_header() -> None:
    rows = list(csv.DictReader(io.StringIO(devices(), newline="")))
    assert [(row["device"], row["status"], row["accounts"]) for row in rows] == [
        ("10.10.0.103", "exposed", "scan@example.com"),
        ("10.10.0.104", "password", "fax"),
        ("2001:db8::107", "unknown", ""),
        ("10.10.0.106", "no-auth", ""),
        ("10.10.0.105", "oauth", ""),
    ]
    assert rows[1]["last_failure"] == "2026-11-23T20:48:55.123456Z 535 5.7.8 wrong credentials"
    assert (rows[2]["confidence"], rows[4]["confidence"]) == ("", "0.97")


def test_one_row_for_each_session_with_a_header() -> None:
    rows = list(csv.DictReader(io.StringIO(sessions(office()), newline="")))
    assert [(row["client_ip"], row["mechanism"], row["cleartext"], row["reason"]) for row in rows] == [
        ("10.10.0.103", "LOGIN", "true", ""),
        ("10.10.0.104", "CRAM-MD5", "true", ""),
        ("10.10.0.105", "", "", ""),
        ("10.10.0.106", "", "", ""),
        ("2001:db8::107", "", "", "gap"),
    ]


def test_lines_end_as_rfc_4180_says_and_nowhere_else() -> None:
    made = report(hostile_sessions(HOSTILE["newline"]))
    text = devices(made)
    assert text.count("\r\n") == text.count("\n") == text.count("\r") == 2


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("delimiter", [",", ";"])
def test_no_cell_begins_a_formula_whichever_separator_the_reader_believes_in(kind: str, delimiter: str) -> None:
    seen = hostile_sessions(HOSTILE[kind])
    for text in (devices(report(seen)), sessions(seen)):
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            for cell in row:
                assert not cell.strip(' "').startswith(("=", "+", "-", "@", "\t", "\r", "\uff1d"))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("=1+1", "'=1+1"),
        ("  @SUM(1)", "  '@SUM(1)"),
        ("a; -b, +c", "a; '-b, '+c"),
        ("scan+office@example.com", "scan+office@example.com"),
        ("2026-11-23", "2026-11-23"),
    ],
)
def test_the_guard_stands_only_where_a_formula_would_begin(text: str, shown: str) -> None:
    assert guarded(text) == shown


def test_a_report_with_plans_says_how_urgent_and_until_when() -> None:
    made = office_report()
    assert {row["urgency"] for row in csv.DictReader(io.StringIO(devices(made), newline=""))} == {""}
    planned = replace(made, plans=plans(made.devices, packaged_knowledge()))
    rows = {row["device"]: row for row in csv.DictReader(io.StringIO(devices(planned), newline=""))}
    assert (rows["10.10.0.103"]["urgency"], rows["10.10.0.103"]["deadline"]) == ("now", "")
    assert rows["10.10.0.105"]["urgency"] == "none"
