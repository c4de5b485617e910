from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from analyzer.advice import packaged_knowledge, plans
from analyzer.history.compile import compile_report
from analyzer.inventory.session import Session
from analyzer.report.period.deadlines import deadlines
from analyzer.report.period.model import PeriodDocument
from analyzer.report.period.sections import ENTRIES, NAMED
from analyzer.report.period.write import PeriodFormat, write_period
from analyzer.report.redact import Redactor
from tests.support.material import REPOSITORY
from tests.support.past import PastSessions
from tests.support.reports import HOSTILE
from tests.support.weeks import COPIER, office, week, weekly


def document(seen: list[Session], number: int = 11) -> PeriodDocument:
    report, knowledge = compile_report(PastSessions(seen), week(number)), packaged_knowledge()
    made = plans(report.devices, knowledge, report.period.last)
    return PeriodDocument(report, deadlines(report, knowledge.providers), made)


def written(format: PeriodFormat, made: PeriodDocument, **options: Any) -> str:
    out = io.StringIO(newline="")
    write_period(format, made, out, **options)
    return out.getvalue()


@pytest.fixture(scope="module")
def office_document() -> PeriodDocument:
    return document(office())


def test_the_text_answers_first_and_then_tells_the_rest(office_document: PeriodDocument) -> None:
    lines = written("table", office_document, width=110).splitlines()
    assert lines[0] == "SMTP logins by device, 2026-W48 (2026-11-23 to 2026-11-29), compared with 2026-W47"
    assert lines[2].startswith("3 of 13 devices still use a password, as many as the week before; 1 new, 1 relapsed, 1")
    titles = [line for line in lines[4:] if line and not line.startswith(" ")]
    assert titles == [
        "Devices with a password, week by week",
        "What changed",
        "What to do",
        "Devices",
        "Findings (devices)",
        "Providers",
        "Vendors",
        "Accounts on several devices",
        "How well it was observed",
    ]
    assert "  11 (2026-W37) ████▇▇▆▅▅▄▃▃ 3 (2026-W48)" in lines
    assert max(map(len, lines)) <= 110


def test_deadlines_stand_before_everything_else() -> None:
    lines = written("table", document(office(), 10)).splitlines()
    assert lines[4:6] == [
        "Deadlines",
        "  Exchange Online: 39 days left until 2026-12-31; 1 device still logs in there with a password.",
    ]


def test_a_provider_that_goes_on_taking_application_passwords_has_no_deadline() -> None:
    at_gmail = weekly("10.0.0.1", range(9, 12), server_name="smtp.gmail.com", provider="gmail")
    at_outlook = weekly("10.0.0.2", range(9, 12), server_name="smtp-mail.outlook.com", provider="outlook-personal")
    at_exchange = weekly("10.0.0.3", range(9, 12), server_name="smtp.office365.com", provider="exchange-online")
    made = document([*at_gmail, *at_outlook, *at_exchange])
    assert [entry.provider for entry in made.deadlines] == ["exchange-online", "outlook-personal"]  # to come, then past


def test_a_week_without_traffic_has_no_number() -> None:
    text = written("table", document(weekly("10.0.0.1", range(8)), 9))
    assert re.search(r"^  1 \(2026-W37\) █+·· \(2026-W46\)$", text, re.MULTILINE)


def test_one_week_is_no_line() -> None:
    assert "week by week" not in written("table", document(weekly("10.0.0.1", [11])))


def test_no_more_devices_than_the_limit_and_the_rest_is_counted(office_document: PeriodDocument) -> None:
    text = written("table", office_document, limit=2)
    assert "  ... and 11 more (--limit shows more)" in text
    assert "... and 11 more (--limit shows more)" in written("markdown", office_document, limit=2)
    assert text.count("\n  oauth ") == 0


def test_long_tables_and_long_lists_of_names_are_cut_and_the_rest_is_counted() -> None:
    crowd = [
        one
        for n in range(ENTRIES + 5)
        for one in weekly(f"10.0.0.{n}", [11], mac=COPIER + n, username=f"{n}@example.com", server_ip="52.96.0.1")
    ]
    text = written("table", document([*weekly("10.0.0.200", range(9, 12), "XOAUTH2"), *crowd]))
    changes = text.partition("\nWhat changed\n")[2].partition("\nWhat to do\n")[0]
    assert changes.count("\n  new ") == ENTRIES
    assert "  ... and 5 more (JSON lists them all)" in changes
    todo = " ".join(text.partition("\nWhat to do\n")[2].split())
    assert f"10.0.0.{NAMED - 1} and {ENTRIES + 5 - NAMED} more 1. " in todo


def test_plans_beyond_the_limit_are_counted() -> None:
    crowd = [
        one
        for n in range(ENTRIES + 5)
        for one in weekly(f"10.0.0.{n}", [11], mac=COPIER + n, server_ip=f"10.1.0.{n}", server_name=f"relay{n}.example")
    ]
    assert "To look at: 5 more plans; JSON lists them all" in written("table", document(crowd))


def test_colour_only_where_it_is_wanted(office_document: PeriodDocument) -> None:
    assert "\x1b[" not in written("table", office_document)
    assert "\x1b[31;1mexposed" in written("table", office_document, colour=True)


def test_markdown_has_the_same_sections(office_document: PeriodDocument) -> None:
    text = written("markdown", office_document)
    assert text.startswith(
        "## SMTP logins by device, 2026-W48 (2026-11-23 to 2026-11-29), compared with 2026-W47\n\n**3 of 13 devices"
    )
    assert re.findall("^### (.*)$", text, re.MULTILINE)[:3] == [
        "Devices with a password, week by week",
        "What changed",
        "What to do",
    ]
    assert re.search(r"^\*\*Now: .*\*\*\n\n1 device: 10\.0\.0\.20\n\n1\. Turn on STARTTLS", text, re.MULTILINE)


def test_csv_has_a_row_for_each_device_and_what_became_of_it(office_document: PeriodDocument) -> None:
    rows = list(csv.DictReader(io.StringIO(written("csv", office_document), newline="")))
    assert {row["device"]: row["change"] for row in rows if row["change"]} == {
        "10.0.0.20": "new",
        "10.0.0.21": "relapsed",
        "10.0.0.9": "migrated",
    }
    assert (rows[0]["urgency"], rows[0]["known_since"]) == ("now", "2026-11-23T09:00:00.000000Z")
    assert rows[0]["steps"].startswith("Turn on STARTTLS")


def test_json_is_one_object_in_ascii_that_says_its_version(office_document: PeriodDocument) -> None:
    text = written("json", office_document)
    assert text.isascii()
    record = json.loads(text)
    assert record["version"] == 1
    assert list(record)[:2] == ["version", "sentence"]
    assert {change["device"]: change["kind"] for change in record["changes"]} == {
        "10.0.0.20": "new",
        "10.0.0.21": "relapsed",
        "10.0.0.22": "silent",
        "10.0.0.9": "migrated",
    }
    assert record["shared_accounts"] == [
        {"account": "scan", "service": "10.10.0.11", "devices": ["10.0.0.20", "10.0.0.23"]}
    ]


def fields(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from fields(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from fields(inner)


def test_every_field_of_the_report_is_documented(office_document: PeriodDocument) -> None:
    record = json.loads(written("json", document(office(), 10))) | json.loads(written("json", office_document))
    explained = (REPOSITORY / "docs" / "report.md").read_text()
    own = {key: value for key, value in record.items() if key not in ("summary", "summary_before", "devices")}
    own["trend"] = [{**point, "statuses": None} for point in own["trend"]]
    own["device"] = {"known_since": None, "change": None, "plan": None}
    assert {name for name in fields(own) if f"`{name}`" not in explained} == set()


def test_users_are_replaced_everywhere(office_document: PeriodDocument) -> None:
    redacted = replace(office_document, redactor=Redactor(b"key"))
    formats: list[PeriodFormat] = ["table", "markdown", "json", "csv", "html"]
    for format in formats:
        text = written(format, redacted)
        assert "@example.com" not in text
        assert "user-" in text


def test_a_report_on_nothing_says_so_in_every_format() -> None:
    nothing = document([])
    assert "No mail was seen in 2026-W48" in written("table", nothing)
    assert "No mail was seen in 2026-W48" in written("markdown", nothing)
    assert json.loads(written("json", nothing))["devices"] == []
    assert len(written("csv", nothing).splitlines()) == 1


def hostile(name: str) -> PeriodDocument:
    """The name stands everywhere the wire can put one, on devices that are new, changed, silent and share accounts."""
    said: dict[str, Any] = {"ehlo": name, "tls_sni": name, "server_name": name, "greeting": name}
    seen = weekly("10.0.0.200", range(9, 12), "XOAUTH2")
    seen += weekly("10.0.0.1", [11], mac=COPIER, username=name, tls_mode="none", **said)
    seen += weekly("10.0.0.2", range(9, 12), mac=COPIER + 1, username=name, **said)
    seen += weekly("10.0.0.3", range(9, 11), mac=COPIER + 2, username=f"{name}@x", **said)
    made = document(seen)
    return replace(made, report=replace(made.report, quality=replace(made.report.quality, sensors=(name,))))


@pytest.fixture(scope="module")
def plain_markdown() -> str:
    return written("markdown", hostile("ordinary"))


@pytest.mark.parametrize("kind", HOSTILE)
def test_names_that_clients_chose_do_nothing_in_any_format(kind: str, plain_markdown: str) -> None:
    made = hostile(HOSTILE[kind])
    text = written("table", made)
    assert not [char for char in text if not char.isprintable() and char != "\n"]
    markdown = written("markdown", made)
    assert markdown.count("|") == plain_markdown.count("|")
    assert not re.search(r"[<>`*\[\]\\!]|://|www\.|(?<!\w)@", re.sub(r"^\*\*|\*\*$", "", markdown, flags=re.MULTILINE))
    for row in csv.reader(io.StringIO(written("csv", made), newline="")):
        assert not [cell for cell in row if re.match(r"\s*[=+\-@\t\r\n]", cell)]
    json.loads(written("json", made))
