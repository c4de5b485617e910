"""Sessions are kept for some time, sums for good."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from analyzer.inventory.session import Session
from analyzer.store import Ingested, open_store
from analyzer.store.engine import engine_of, transaction
from analyzer.store.retention import KEEP_DAYS
from analyzer.store.schema import facts
from analyzer.store.times import date_of, number_of
from analyzer.store.url import url_of
from tests.store.sessions import DAY, directly, same, session
from tests.support.sessions import attempt

NEWEST = date(2026, 11, 25)
_EVER = (date_of(0), date_of(106_751))


def _of(day: date, **fields: object) -> Session:
    start = number_of(day) * DAY + DAY // 2
    return session(attempt(), start=start, end=start, **fields)


OLD = _of(NEWEST - timedelta(KEEP_DAYS))
KEPT = _of(NEWEST - timedelta(KEEP_DAYS - 1))
NEW = _of(NEWEST)


def test_sessions_go_after_their_time_and_reports_say_the_same_as_before(url: str) -> None:
    with open_store(url, today=lambda: NEWEST) as store:
        store.ingest([OLD, KEPT, NEW])
        status = store.status()
        assert (status.sessions, status.aggregates) == (2, 3)
        assert status.sessions_from == NEWEST - timedelta(KEEP_DAYS - 1)
        same(store.inventory(*_EVER), directly([OLD, KEPT, NEW]))


def test_what_cannot_be_told_from_what_has_counted_is_refused_and_counted(url: str) -> None:
    with open_store(url, today=lambda: NEWEST) as store:
        store.ingest([OLD, KEPT, NEW])
        assert store.ingest([OLD, KEPT]) == Ingested(known=1, too_old=1)
        same(store.inventory(*_EVER), directly([OLD, KEPT, NEW]))


def test_how_long_is_the_users_choice_and_remembered(url: str) -> None:
    with open_store(url, today=lambda: NEWEST) as store:
        store.ingest([KEPT, NEW])
        assert store.prune(7) == 1
        assert store.prune() == 0
    with open_store(url) as store:
        assert store.status().keep_days == 7
        assert store.ingest([KEPT]).too_old == 1


def test_the_calendar_does_not_empty_a_store_of_old_captures(url: str) -> None:
    with open_store(url, today=lambda: NEWEST + timedelta(1000)) as store:
        store.ingest([KEPT, NEW])
        assert store.status().sessions == 2


def test_a_clock_that_is_wrong_does_not_make_a_store_forget(url: str) -> None:
    with open_store(url, today=lambda: NEWEST) as store:
        store.ingest([NEW, _of(date(2099, 1, 1))])
        assert store.prune() == 0
        assert store.status().sessions == 2


def test_it_happens_by_itself_once_a_day(url: str) -> None:
    today = [NEWEST]
    with open_store(url, today=lambda: today[0]) as store:
        store.ingest([NEW])
        store.ingest([OLD])
        assert store.status().sessions == 2
        today[0] += timedelta(1)
        store.ingest([])
        assert store.status().sessions == 1


def test_facts_go_with_the_last_that_refers_to_them(url: str) -> None:
    half = _of(NEWEST - timedelta(KEEP_DAYS), method="unknown", reason="gap", complete=False, serial=None, messages=0)
    with open_store(url, today=lambda: NEWEST) as store:
        store.ingest([half, OLD, NEW])
    with transaction(engine_of(url_of(url)), writes=False) as connection:
        assert len(connection.execute(select(facts)).all()) == 1  # OLD's and NEW's; the lesser view's are gone


@pytest.mark.parametrize("day", [date(1970, 1, 1), NEWEST])
def test_an_empty_store_has_nothing_to_prune(url: str, day: date) -> None:
    with open_store(url, today=lambda: day) as store:
        assert store.prune() == 0
        assert store.status().sessions_from is None
