from __future__ import annotations

import json

import pytest
from hypothesis import given

from analyzer.alerts import KINDS, Event
from analyzer.report import Redactor
from analyzer.report.events import EVENT_FORMATS, EventFormat, event_line, event_record
from tests.support.events import event, events, hostile_event
from tests.support.reports import HOSTILE
from tests.support.sessions import START


def test_a_record_holds_who_where_to_and_how() -> None:
    record = event_record(event(meaning="wrong user name or password", outcome="failure", count=3, since=START - 10**9))
    assert record["kind"] == "password-in-clear"
    assert record["severity"] == "critical"
    assert record["time"] == "2026-11-23T20:48:55.123456Z"
    assert record["device"] == "10.10.0.103"
    assert record["client"] == {
        "ip": "10.10.0.103",
        "port": 35878,
        "mac": "00-17-C8-00-01-03",
        "ehlo": "copier3.example.com",
    }
    assert record["server"] == {"ip": "10.10.0.11", "port": 587, "name": "smtp.example.com", "provider": None}
    assert record["login"] == {
        "mechanism": "LOGIN",
        "method": "basic",
        "username": "scan@example.com",
        "outcome": "failure",
        "meaning": "wrong user name or password",
    }
    assert (record["count"], record["since"]) == (3, "2026-11-23T20:48:54.123456Z")


def test_an_event_without_a_login_has_none() -> None:
    assert event_record(event("new-device", method="none", mechanism=None, username=None))["login"] is None


@pytest.mark.parametrize("format", EVENT_FORMATS)
def test_redaction_hides_the_user_in_every_form(format: EventFormat) -> None:
    redactor = Redactor(b"key")
    line = event_line(format, event(), redactor)
    assert "scan@example.com" not in line
    assert redactor.alias("scan@example.com") in line


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("format", EVENT_FORMATS)
def test_hostile_names_stay_inert_and_one_event_is_one_line(format: EventFormat, kind: str) -> None:
    line = event_line(format, hostile_event(HOSTILE[kind]))
    assert line.isprintable()
    line.encode("utf-8")
    if format != "text":
        assert line.isascii()
        json.loads(line)


@given(events)
def test_any_event_is_one_printable_line_in_every_form(any_event: Event) -> None:
    for format in EVENT_FORMATS:
        assert event_line(format, any_event).isprintable()


@pytest.mark.parametrize("format", EVENT_FORMATS)
def test_a_time_that_no_calendar_has_is_no_error(format: EventFormat) -> None:
    for time in (0, 2**64, 2**80):
        assert event_line(format, event(time=time, session_start=time, since=time))


def test_text_begins_with_time_severity_and_kind() -> None:
    for row in KINDS:
        assert event_line("text", event(row.id)).startswith(f"2026-11-23T20:48:55.123456Z {row.severity} {row.id}: ")


def text(one: Event) -> str:
    """Without the time."""
    return event_line("text", one).partition(" ")[2]


def test_text_is_a_sentence_for_people() -> None:
    assert text(event()) == (
        "critical password-in-clear: 10.10.0.103 (copier3.example.com) to smtp.example.com:587, "
        "LOGIN as scan@example.com, accepted"
    )
    assert text(
        event("auth-failing", outcome="failure", meaning="the password has expired", count=12, since=START, ehlo=None),
    ) == (
        "medium auth-failing: 10.10.0.103 to smtp.example.com:587, LOGIN as scan@example.com, refused "
        "(the password has expired), 12 times since 2026-11-23T20:48:55.123456Z"
    )
    inferred = event("fallback", evidence="inferred", confidence=0.9999, username=None, server_name=None)
    assert text(inferred) == (
        "high fallback: 10.10.0.103 (copier3.example.com) to 10.10.0.11:587, LOGIN, accepted, inferred, 99% sure"
    )
    new = event("new-device", method="none", evidence="observed", server_name=None, server_ip="2001:db8::25")
    assert text(new) == "low new-device: 10.10.0.103 (copier3.example.com) to [2001:db8::25]:587"
