"""The same report from a real store as from the sessions themselves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from analyzer.history import periods
from analyzer.history.compile import compile_report
from analyzer.history.model import Period
from analyzer.store import Store
from tests.support.material import REPOSITORY
from tests.support.past import PastSessions
from tests.support.scans import sessions_of
from tests.support.stores import filled
from tests.support.weeks import office, week


@pytest.fixture(scope="module")
def office_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with filled(tmp_path_factory.mktemp("store") / "store.db", office()) as store:
        yield store


def assert_same_report(store: Store, past: PastSessions, period: Period) -> None:
    assert compile_report(store, period) == compile_report(past, period)


@pytest.mark.parametrize("number", [-1, 0, 1, 6, 11, 12, 13])
def test_the_office_week_by_week(office_store: Store, number: int) -> None:
    assert_same_report(office_store, PastSessions(office()), week(number))


@pytest.mark.parametrize(
    "period",
    [
        periods.day_of(date(2026, 11, 23)),
        periods.month_of(date(2026, 11, 1)),
        periods.between(date(2026, 10, 7), date(2026, 11, 20)),
    ],
    ids=periods.name,
)
def test_other_periods(office_store: Store, period: Period) -> None:
    assert_same_report(office_store, PastSessions(office()), period)


def test_a_device_that_was_away_for_weeks(tmp_path: Path) -> None:
    away = range(periods.start(week(4)), periods.start(week(9)))
    seen = [one for one in office() if one.client_ip != "10.0.0.3" or one.start not in away]
    with filled(tmp_path / "store.db", seen) as store:
        for number in range(3, 12):
            assert_same_report(store, PastSessions(seen), week(number))


def test_recorded_captures(tmp_path: Path) -> None:
    seen = sessions_of(REPOSITORY / "captures" / "office", REPOSITORY / "captures" / "mechanisms")
    days = sorted({one.start // (86_400 * 10**9) for one in seen})
    with filled(tmp_path / "store.db", seen) as store:
        for number in days:
            period = periods.day_of(date(1970, 1, 1) + timedelta(days=number))
            ours, theirs = compile_report(store, period), compile_report(PastSessions(seen), period)
            assert ours.devices == theirs.devices
            assert ours == replace(theirs, quality=ours.quality)
