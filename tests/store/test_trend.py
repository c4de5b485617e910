"""The number of password devices week by week is what an inventory of each week says."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from analyzer.inventory.session import Session
from analyzer.store import Store, open_store
from analyzer.store.engine import transaction
from analyzer.store.schema import weeks
from analyzer.store.times import DAY, date_of, monday_of, number_of
from analyzer.store.trend import Week
from tests.store.sessions import fresh, session
from tests.support.sessions import attempt

MONDAY = date(2026, 11, 23)


def _of(day: date, mechanism: str = "LOGIN", **fields: object) -> Session:
    start = number_of(day) * DAY + DAY // 2
    return session(attempt(mechanism), start=start, end=start, **fields)


def _check(store: Store, last: date) -> None:
    points = store.trend(60, last)
    for point in points:
        summary = store.inventory(point.period.first, point.period.last).summary()
        assert (point.devices, point.still_password, point.sessions) == (
            summary.devices,
            summary.still_password,
            summary.sessions,
        )
        assert dict(point.statuses) == summary.statuses
        assert point.period.first.weekday() == 0
        assert point.period.last - point.period.first == timedelta(6)
    assert all(b.period.first - a.period.first == timedelta(7) for a, b in pairwise(points))


@given(number=st.integers(0, 100_000))
def test_a_week_begins_on_monday(number: int) -> None:
    monday = date_of(monday_of(number))
    assert monday.weekday() == 0
    assert timedelta(0) <= date_of(number) - monday < timedelta(7)


def test_weeks_are_worked_out_anew_when_their_days_change(url: str) -> None:
    with open_store(url) as store:
        store.ingest([_of(MONDAY), _of(MONDAY - timedelta(1))])
        _check(store, MONDAY)
        assert [point.still_password for point in store.trend(9, MONDAY)] == [1, 1]
        store.ingest([_of(MONDAY - timedelta(3), client="10.0.0.9"), _of(MONDAY - timedelta(20), "XOAUTH2")])
        _check(store, MONDAY)
        assert [point.still_password for point in store.trend(9, MONDAY)] == [
            1,
            0,
            2,
            1,
        ]  # a token in the clear is a secret, too


def test_only_the_weeks_asked_for_are_told_and_none_before_the_first_day(url: str) -> None:
    with open_store(url) as store:
        store.ingest([_of(MONDAY - timedelta(21)), _of(MONDAY)])
        assert len(store.trend(52, MONDAY)) == 4
        assert [point.period.last for point in store.trend(2, MONDAY - timedelta(1))] == [
            MONDAY - timedelta(8),
            MONDAY - timedelta(1),
        ]


def test_a_better_view_of_a_session_changes_its_week(url: str) -> None:
    half = _of(MONDAY, method="unknown", reason="cut-off", complete=False)
    half.auth = []
    with open_store(url) as store:
        store.ingest([half])
        store.refresh()
        assert store.trend(1, MONDAY)[0].still_password == 0
        store.ingest([_of(MONDAY)])
        assert store.trend(1, MONDAY)[0].still_password == 1
        _check(store, MONDAY)


def test_a_clock_that_is_centuries_off_costs_one_week(url: str) -> None:
    with open_store(url) as store:
        store.ingest([_of(MONDAY), _of(date(1970, 1, 9)), _of(date(2250, 1, 1))])
        store.refresh()
        with transaction(store._engine, writes=False) as connection:
            assert len(connection.execute(select(weeks)).all()) == 3


def test_what_was_worked_out_before_a_change_is_not_remembered_after_it(url: str) -> None:
    with open_store(url) as store, open_store(url) as other:
        store.ingest([_of(MONDAY)])
        keep = store._keep

        def late(worked_out: Iterable[Week], as_of: int) -> None:
            other.ingest([_of(MONDAY, client="10.0.0.9")])
            keep(worked_out, as_of)

        store._keep = late  # type: ignore[method-assign]
        assert store.trend(1, MONDAY)[0].devices == 1
        assert other.trend(1, MONDAY)[0].devices == 2


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    told=st.lists(
        st.lists(st.tuples(st.integers(0, 40), st.sampled_from(["LOGIN", "XOAUTH2"]), st.integers(1, 4)), max_size=5),
        max_size=4,
    )
)
def test_the_trend_is_right_after_any_ingests(tmp_path: Path, told: list[list[tuple[int, str, int]]]) -> None:
    with fresh(tmp_path) as store:
        for portion in told:
            store.ingest([_of(MONDAY - timedelta(n), how, client=f"10.0.0.{who}") for n, how, who in portion])
            _check(store, MONDAY)
