from __future__ import annotations

import json
import os

import pytest
from hypothesis import given

from analyzer.alerts import KINDS, Event
from analyzer.delivery import syslog_message
from analyzer.delivery.syslog_message import LONGEST, LONGEST_PARAM, SD_ID, SyslogMessages
from analyzer.report import Redactor
from tests.delivery.rfc5424 import parse
from tests.support.events import event, events, hostile_event
from tests.support.reports import HOSTILE
from tests.support.sessions import START


def test_a_message_says_in_fields_and_in_words_what_happened() -> None:
    message = parse(SyslogMessages(host="sensor.example.com").encode(event(count=2, since=START)))
    assert (message.priority, message.severity) == (10 * 8 + 2, 2)
    assert message.time == "2026-11-23T20:48:55.123456Z"
    assert (message.host, message.app, message.process) == ("sensor.example.com", "smtpauth", str(os.getpid()))
    assert message.id == "password-in-clear"
    assert message.elements["origin"]["software"] == "smtpauth"
    assert message.elements[SD_ID] == {
        "id": event(count=2).id,
        "severity": "critical",
        "device": "10.10.0.103",
        "devicePort": "35878",
        "mac": "00-17-C8-00-01-03",
        "ehlo": "copier3.example.com",
        "server": "10.10.0.11",
        "serverPort": "587",
        "serverName": "smtp.example.com",
        "mechanism": "LOGIN",
        "method": "basic",
        "user": "scan@example.com",
        "outcome": "success",
        "evidence": "observed",
        "confidence": "1.0",
        "count": "2",
        "since": "2026-11-23T20:48:55.123456Z",
    }
    assert message.text.startswith("critical password-in-clear: 10.10.0.103 (copier3.example.com) to")


def test_severities_follow_the_table() -> None:
    messages = SyslogMessages()
    assert [parse(messages.encode(event(kind.id))).severity for kind in KINDS] == [2, 2, 3, 4, 4, 5]


def test_messages_are_numbered_so_that_a_loss_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syslog_message, "LAST_SEQUENCE_ID", 3)
    messages = SyslogMessages()
    numbers = [parse(messages.encode(event())).elements["meta"]["sequenceId"] for _ in range(5)]
    assert numbers == ["1", "2", "3", "1", "2"]


@given(events)
def test_any_event_keeps_the_grammar(any_event: Event) -> None:
    for format in ("text", "jsonl"):
        data = SyslogMessages(format).encode(any_event)
        parse(data)
        assert len(data) <= LONGEST


@pytest.mark.parametrize("kind", [*HOSTILE, "sd-end"])
def test_hostile_names_stay_within_their_values(kind: str) -> None:
    text = HOSTILE.get(kind, '"] [fake@1 user="root"] \\" ] BREAK')
    data = SyslogMessages().encode(hostile_event(text))
    message = parse(data)
    assert set(message.elements) == {"meta", "origin", SD_ID}
    assert len(message.elements[SD_ID]["user"]) <= LONGEST_PARAM
    assert all(ch.isprintable() for ch in data.decode().replace("\ufeff", ""))
    assert len(data) <= LONGEST


def test_a_text_beyond_ascii_is_marked_as_utf_8_and_cut_between_characters() -> None:
    data = SyslogMessages().encode(hostile_event("複" * 500))
    assert parse(data).text.startswith("\ufeffcritical")
    long = SyslogMessages().encode(hostile_event("\U0001f4e0" * 500 + "\u202e" * 500))
    assert len(long) <= LONGEST
    assert parse(long).text.startswith("\ufeff")


def test_ascii_has_no_mark_so_that_json_stays_json() -> None:
    text = parse(SyslogMessages("ecs").encode(event())).text
    assert json.loads(text)["rule"]["name"] == "password-in-clear"


def test_users_are_redacted_in_fields_and_text() -> None:
    data = SyslogMessages(redactor=Redactor(b"key")).encode(event())
    assert b"scan@" not in data
    assert data.count(Redactor(b"key").alias("scan@example.com").encode()) == 2


@pytest.mark.parametrize(
    ("host", "shown"), [("", "-"), ("my host\n", "my_host_"), ("sensör", "sens_r"), ("x" * 300, "x" * 255)]
)
def test_an_odd_host_name_keeps_the_grammar(host: str, shown: str) -> None:
    assert parse(SyslogMessages(host=host).encode(event())).host == shown
