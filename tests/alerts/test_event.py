from __future__ import annotations

import re
from dataclasses import fields
from typing import get_args

from analyzer.alerts import BY_ID, KINDS, Event, Kind
from tests.support.events import event


def test_kinds_are_unique_kebab_case_and_explained() -> None:
    assert set(BY_ID) == set(get_args(Kind))
    assert len(KINDS) == len(BY_ID)
    for kind in KINDS:
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", kind.id)
        assert kind.title.endswith(".")
        assert "\n" not in kind.title
        assert kind.remedy.endswith(".")


def test_the_table_goes_from_worst_to_least() -> None:
    ranks = [("critical", "high", "medium", "low", "info").index(kind.severity) for kind in KINDS]
    assert ranks == sorted(ranks)


def test_an_id_is_that_of_the_event_and_of_no_other() -> None:
    assert event().id == event().id
    others = [
        event("fallback"),
        event(time=event().time + 1),
        event(client_ip="10.10.0.104"),
        event(client_port=35879),
        event(server_ip="10.10.0.12"),
        event(count=2),
    ]
    assert len({event().id, *(other.id for other in others)}) == 1 + len(others)


def test_an_id_does_not_tell_the_user_so_that_a_guess_cannot_be_tried_on_it() -> None:
    assert event(username="scan@example.com").id == event(username="erp@example.com").id


def test_an_event_has_no_field_for_a_secret() -> None:
    names = {field.name for field in fields(Event)}
    assert not {name for name in names if re.search(r"pass|secret|token|hash|response|challenge|size|length", name)}
