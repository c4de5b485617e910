from __future__ import annotations

from typing import Any

import pytest

from analyzer.history.compile import compile_report
from analyzer.inventory.session import Session
from analyzer.report.period import wording
from analyzer.report.period.model import PeriodDocument
from analyzer.report.period.records import document_record
from analyzer.report.wording import Record
from tests.support.past import PastSessions
from tests.support.sessions import silent
from tests.support.weeks import IN_TLS, at, login, office, week, weekly

OTHERS = weekly("10.0.0.200", range(6), "XOAUTH2")


def record(seen: list[Session], number: int = 5, **past: Any) -> Record:
    return document_record(PeriodDocument(compile_report(PastSessions(seen, **past), week(number))))


def unreadable(client: str, day: int) -> Session:
    fields: dict[str, Any] = {"start": at(day), "end": at(day), "reason": "inside-tls", **IN_TLS}
    return silent("unknown", messages=0, client=client, **fields)


@pytest.mark.parametrize(
    ("seen", "sentence"),
    [
        ([], "No mail was seen in 2026-W42 (2026-10-12 to 2026-10-18), so nothing can be said about it."),
        (weekly("10.0.0.1", [5]), "1 of 1 device still uses a password; this is the first week on record."),
        (
            weekly("10.0.0.1", [3, 5]),
            "1 of 1 device still uses a password; "
            "nothing was seen in the week before, so there is nothing to compare with.",
        ),
        (
            [*OTHERS, *weekly("10.0.0.1", range(6))],
            "1 of 2 devices still uses a password, as many as the week before; nothing changed.",
        ),
        (
            [*OTHERS, *weekly("10.0.0.1", range(6)), *weekly("10.0.0.2", [5]), *weekly("10.0.0.3", [5])],
            "3 of 4 devices still use a password, 2 more than the week before; 2 new.",
        ),
        (
            [*OTHERS, *weekly("10.0.0.1", range(5)), *weekly("10.0.0.1", [5], "XOAUTH2")],
            "None of 2 devices was seen using a password, 1 fewer than the week before; 1 migrated.",
        ),
        (
            [*OTHERS, *weekly("10.0.0.1", range(5)), unreadable("10.0.0.1", 35)],
            "None of 2 devices was seen using a password (how 1 logs in could not be seen), "
            "1 fewer than the week before; 1 unclear.",
        ),
        (
            [*OTHERS, login("10.0.0.1", 28), login("10.0.0.2", 7), login("10.0.0.2", 35)],
            "1 of 2 devices still uses a password, as many as the week before; 1 seen again, 1 not seen this time.",
        ),
        (office(), "8 of 13 devices still use a password, 1 fewer than the week before; 1 migrated."),
    ],
)
def test_the_answer_in_one_sentence(seen: list[Session], sentence: str) -> None:
    assert record(seen)["sentence"] == sentence


@pytest.mark.parametrize(
    ("seen", "headline"),
    [
        (office(), "8 of 13 devices still use a password, 1 fewer than the week before (2026-W42)"),
        (weekly("10.0.0.1", [5]), "1 of 1 device still uses a password (2026-W42)"),
        ([], "No mail was seen in 2026-W42 (2026-10-12 to 2026-10-18), so nothing can be said about it"),
    ],
)
def test_the_headline_is_the_answer_without_what_changed(seen: list[Session], headline: str) -> None:
    assert wording.headline(record(seen)) == headline


@pytest.mark.parametrize(
    ("left", "devices", "said"),
    [
        (39, 2, "Exchange Online: 39 days left until 2026-12-31; 2 devices still log in there with a password."),
        (1, 1, "Exchange Online: 1 day left until 2026-12-31; 1 device still logs in there with a password."),
        (0, 1, "Exchange Online: the last day was 2026-12-31; 1 device still logs in there with a password."),
        (-3, 1, "Exchange Online: 2026-12-31 is 3 days past; 1 device still logs in there with a password."),
    ],
)
def test_a_deadline_is_said_as_past_when_it_is(left: int, devices: int, said: str) -> None:
    entry = {"name": "Exchange Online", "day": "2026-12-31", "days_left": left, "devices": devices, "note": None}
    assert wording.deadline(entry) == said


def test_a_note_of_a_deadline_is_a_sentence_of_its_own() -> None:
    entry = {"name": "X", "day": "2026-12-31", "days_left": 5, "devices": 1, "note": "it is switched off"}
    assert wording.deadline(entry).endswith("with a password. It is switched off.")


def test_the_forecast_says_that_it_is_one() -> None:
    assert wording.forecast(record(office(), 11)) == (
        "If the number goes on falling as it did, it reaches zero about 2026-12-20."
    )
    assert wording.forecast(record(OTHERS)) is None


def quality(**seen: Any) -> list[str]:
    whole: dict[str, Any] = {
        "sessions": 1000,
        "complete": 1000,
        "gaps": 0,
        "unknown": 0,
        "inputs": 1,
        "damaged": 0,
        "dropped": 0,
        "days_without": 0,
        "sensors": ["office"],
        "missing_sensors": [],
        **seen,
    }
    document = {"quality": whole, "period": {"unit": "week"}, "summary": {"unlisted": {}}, "unlisted": {}}
    return list(wording.quality(document))


def test_a_share_that_is_not_all_is_not_rounded_to_all_nor_one_that_is_something_to_nothing() -> None:
    assert quality() == [
        "1,000 sessions in 1 input of 1 sensor (office); 100% whole, 0% with bytes missing, "
        "0% whose login could not be told."
    ]
    assert ">99% whole, <1% with bytes missing" in quality(complete=999, gaps=1)[0]


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        ({"days_without": 2}, "On 2 days of the week nothing was seen."),
        ({"damaged": 1}, "Incomplete: 1 input cut off or damaged."),
        ({"dropped": 1200}, "Incomplete: 1,200 packets lost while they were captured."),
        (
            {"missing_sensors": ["branch"]},
            "No report from branch, unlike in the week before: so nobody is called silent.",
        ),
    ],
)
def test_what_is_missing_is_told(seen: dict[str, Any], said: str) -> None:
    assert said in quality(**seen)


def test_limits_that_were_reached_are_told() -> None:
    document = record(OTHERS)
    document["unlisted"] = {"facts": 12}
    document["summary"]["unlisted"] = {"devices": 3}
    assert list(wording.quality(document))[-2:] == [
        "Limit reached: 3 sessions of further devices are counted but not listed.",
        "Limit reached: facts 12.",
    ]
