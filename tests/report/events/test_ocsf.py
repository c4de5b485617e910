from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from analyzer.alerts import KINDS, Event, Kind
from analyzer.report.events import event_line
from tests.report.events.schemas import ocsf_flaws
from tests.support.events import event, events, hostile_event
from tests.support.reports import HOSTILE
from tests.support.sessions import SECOND, START


def finding(one: Event) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(event_line("ocsf", one))
    return made


@given(events)
def test_every_attribute_is_one_of_the_schema_and_of_its_type(any_event: Event) -> None:
    assert ocsf_flaws("detection_finding", finding(any_event)) == []


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_names_leave_the_schema_intact(kind: str) -> None:
    assert ocsf_flaws("detection_finding", finding(hostile_event(HOSTILE[kind]))) == []


def test_the_check_itself_objects() -> None:
    made = finding(event())
    assert ocsf_flaws("detection_finding", {**made, "sauce": 1}) == [": has no sauce"]
    assert ocsf_flaws("detection_finding", {**made, "time": "now"}) == [".time: 'now' is no timestamp_t"]
    del made["finding_info"]["uid"]
    assert ocsf_flaws("detection_finding", made) == [".finding_info: lacks uid"]


@pytest.mark.parametrize("kind", [kind.id for kind in KINDS])
def test_it_is_a_new_detection_finding_with_the_events_time_in_milliseconds(kind: Kind) -> None:
    made = finding(event(kind))
    assert (made["category_uid"], made["class_uid"], made["activity_id"], made["type_uid"]) == (2, 2004, 1, 200401)
    assert made["time"] == START // 10**6
    assert made["metadata"]["version"] == "1.4.0"
    assert made["finding_info"]["uid"] == event(kind).id
    assert made["finding_info"]["analytic"]["uid"] == kind
    assert made["is_alert"] is True


def test_severity_ids_follow_the_table() -> None:
    assert [finding(event(kind.id))["severity_id"] for kind in KINDS] == [5, 5, 4, 3, 3, 2]


def test_evidence_names_both_ends_and_the_user() -> None:
    (evidence,) = finding(event())["evidences"]
    assert evidence["src_endpoint"] == {
        "ip": "10.10.0.103",
        "port": 35878,
        "mac": "00-17-C8-00-01-03",
        "hostname": "copier3.example.com",
    }
    assert evidence["dst_endpoint"] == {"ip": "10.10.0.11", "port": 587, "hostname": "smtp.example.com"}
    assert evidence["actor"] == {"user": {"name": "scan@example.com"}}


@pytest.mark.parametrize("name", ["[10.10.0.103]", "my copier", "x" * 64, "a..b", "複合機", "-"])
def test_what_is_no_host_name_is_a_name_only(name: str) -> None:
    source = finding(event(ehlo=name))["evidences"][0]["src_endpoint"]
    assert "hostname" not in source
    assert source["name"] == name


def test_what_was_held_back_is_a_count_over_a_span_of_time() -> None:
    made = finding(event(count=7, since=START - 60 * SECOND))
    assert made["count"] == 7
    assert made["end_time"] - made["start_time"] == 60_000


def test_confidence_is_a_whole_percentage_and_never_rounded_up() -> None:
    made = finding(event(evidence="inferred", confidence=0.9999))
    assert (made["confidence_score"], made["confidence_id"]) == (99, 3)
