"""An inventory made of daily sums says what one made of the sessions says."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analyzer.inventory.devices import Inventory
from analyzer.inventory.session import Session
from analyzer.store import open_store
from analyzer.store.times import date_of
from tests.store.sessions import DAY, SECOND, START, directly, distinct, fresh, same, session, sessions
from tests.support.material import REPOSITORY
from tests.support.scans import sessions_of
from tests.support.sessions import attempt

_EVER = (date_of(0), date_of(106_751))

_repeated = st.lists(st.tuples(sessions(timeless=True), st.integers(1, 4)), min_size=1, max_size=8).map(
    lambda drawn: distinct([one for one, times in drawn for _ in range(times)])
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(found=_repeated)
def test_any_sessions_make_the_inventory_that_a_scan_makes(tmp_path: Path, found: list[Session]) -> None:
    with fresh(tmp_path) as store:
        store.ingest(found)
        same(store.inventory(*_EVER), directly(found))


@settings(max_examples=30, deadline=None)
@given(one=sessions(timeless=True), times=st.integers(1, 5))
def test_equal_sessions_weigh_as_much_as_each_of_them_added(one: Session, times: int) -> None:
    weighted = Inventory()
    weighted.add(one, times)
    same(weighted, directly([one] * times))


@pytest.fixture(scope="module")
def recorded() -> list[Session]:
    """Every session in the recorded captures, each once."""
    folders = [path for path in sorted((REPOSITORY / "captures").iterdir()) if path.is_dir()]
    return distinct([one for folder in folders for one in sessions_of(folder)])


def test_recorded_sessions_make_the_inventory_that_a_scan_makes(
    url: str, recorded: list[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(recorded) > 100
    monkeypatch.setattr("analyzer.store.aggregate.MOST_FACTS", 10_000)  # the lab is one client that plays them all
    with open_store(url) as store:
        store.ingest(recorded)
        same(store.inventory(*_EVER), directly(recorded))


def test_an_attempt_begins_with_its_session(recorded: list[Session]) -> None:
    """Or else its time would have to be stored."""
    assert {tried.time or one.start for one in recorded for tried in one.auth} <= {one.start for one in recorded}
    assert all(tried.time in (0, one.start) for one in recorded for tried in one.auth)


def _of_days(found: Sequence[Session], first: int, last: int) -> list[Session]:
    return [one for one in found if first <= (one.start - START) // DAY <= last]


def test_days_are_chosen_by_when_sessions_began(url: str) -> None:
    late = START // DAY * DAY + DAY - SECOND  # goes on into the next day
    found = distinct(
        [
            session(attempt("LOGIN"), start=late, end=late + 5 * SECOND),
            session(attempt("XOAUTH2"), start=late + 2 * SECOND, end=late + 3 * SECOND),
        ]
    )
    day = date_of(late // DAY)
    with open_store(url) as store:
        store.ingest(found)
        same(store.inventory(day, day), directly(found[:1]))
        same(store.inventory(day + timedelta(1), day + timedelta(1)), directly(found[1:]))
        same(store.inventory(day, day + timedelta(1)), directly(found))
        assert store.days() == (day, day + timedelta(1))


def test_a_store_without_sessions_has_no_days_and_no_devices(url: str) -> None:
    with open_store(url) as store:
        assert store.days() is None
        assert not store.inventory(*_EVER).devices()
        assert store.trend(52, date_of(20_000)) == []
        assert store.first_seen() == {}


def test_first_seen_is_the_first_of_all_and_only_of_mail(url: str) -> None:
    later = session(attempt(), client="10.0.0.1", start=START + 3 * DAY, end=START + 3 * DAY)
    earlier = session(attempt(), client="10.0.0.1", start=START, end=START)
    other = session(client="10.0.0.2", is_smtp=False, method="none")
    with open_store(url) as store:
        store.ingest([later])
        store.ingest([earlier, other])
        assert store.first_seen() == {"10.0.0.1": START}


def test_times_that_no_database_holds_do_no_harm(url: str) -> None:
    with open_store(url) as store:
        assert store.ingest([session(start=2**70, end=2**71), session(start=-5, end=-1, serial=3)]).added == 2
        assert store.inventory(*_EVER).summary().sessions == 2
