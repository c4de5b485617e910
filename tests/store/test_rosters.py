"""The devices of a week in short: kept, found again as they were, and made anew when something they rest on changes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from analyzer.hostnames import Learned
from analyzer.inventory.devices import Inventory, Roster
from analyzer.inventory.session import Session
from analyzer.store import Store, open_store, rosters
from analyzer.store.engine import transaction
from analyzer.store.rosters import packed, unpacked
from analyzer.store.schema import weeks
from analyzer.store.times import DAY, number_of
from tests.store.sessions import session
from tests.support.sessions import attempt, sessions

MONDAY = date(2026, 11, 16)
SUNDAY = MONDAY + timedelta(days=6)
MAC, ROUTER = 0x0017C8_000103, 0x00005E_000101


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with open_store(url) as opened:
        yield opened


def seen(day: int = 0, mechanism: str = "LOGIN", **fields: object) -> Session:
    start = (number_of(MONDAY) + day) * DAY + DAY // 2
    return session(attempt(mechanism), start=start, end=start, **fields)


def contents(roster: Roster) -> object:
    """All of it, in an order of its own."""
    return (
        roster.sessions,
        sorted((outline.device, repr(outline)) for outline in roster.outlines),
        sorted(
            (one.ip, one.first, one.last, one.links.listed(), one.names.listed(), one.address, one.order)
            for one in roster.presences
        ),
    )


def read(store: Store) -> bytes | None:
    with transaction(store._engine, writes=False) as connection:
        found: bytes | None = connection.execute(select(weeks.c.roster)).scalar_one()
        return found


def change(store: Store, **values: object) -> None:
    with transaction(store._engine, writes=True) as connection:
        connection.execute(update(weeks).values(**values))


@given(st.lists(sessions(), max_size=12))
def test_a_roster_is_the_same_after_it_was_stored(seen: list[Session]) -> None:
    made = Inventory()
    for one in seen:
        made.add(one)
    roster = made.roster()
    stored = packed(roster)
    assert stored is not None
    assert contents(unpacked(stored, roster.names)) == contents(roster)


@pytest.mark.parametrize("damage", [b"", b"no such thing", b"\x78\x9c\x03\x00\x00\x00\x00\x01"])
def test_a_damaged_roster_is_told(damage: bytes) -> None:
    with pytest.raises(ValueError, match=r"Expecting value|Error"):
        unpacked(damage, Inventory().names)


def test_a_week_that_is_worked_out_is_not_worked_out_again(store: Store) -> None:
    store.ingest([seen(), seen(1, client="10.0.0.9")])
    made = store.roster(MONDAY, SUNDAY)
    store.refresh()
    other = Inventory()
    other.add(seen(client="10.0.0.77"))
    change(store, roster=packed(other.roster()))
    assert contents(store.roster(MONDAY, SUNDAY)) == contents(other.roster())
    assert contents(store.roster(MONDAY, SUNDAY - timedelta(1))) == contents(made)  # no week


@pytest.mark.parametrize(
    "values",
    [
        {"roster": None},
        {"roster": b"damaged"},
        {"made_by": "0.0.1"},
    ],
)
def test_what_is_not_there_or_damaged_or_of_another_version_is_made_anew(
    store: Store, values: dict[str, object]
) -> None:
    store.ingest([seen(), seen(1, client="10.0.0.9")])
    store.refresh()
    expected, trend = contents(store.roster(MONDAY, SUNDAY)), store.trend(1, SUNDAY)
    change(store, **values)
    assert contents(store.roster(MONDAY, SUNDAY)) == expected
    assert store.trend(1, SUNDAY) == trend
    if "made_by" in values:
        assert read(store) is not None  # and kept as made by this one
        change(store, statuses='{"password": 99}')
        assert store.trend(1, SUNDAY)[0].devices == 99


def test_a_roster_beyond_the_limit_is_not_kept(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.ingest([seen()])
    expected = contents(store.roster(MONDAY, SUNDAY))
    monkeypatch.setattr(rosters, "LARGEST", 20)
    store.refresh()
    assert read(store) is None
    assert contents(store.roster(MONDAY, SUNDAY)) == expected


def test_a_roster_that_became_larger_than_the_limit_is_not_read(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.ingest([seen()])
    store.refresh()
    expected = contents(store.roster(MONDAY, SUNDAY))
    monkeypatch.setattr(rosters, "LARGEST", 20)
    assert contents(store.roster(MONDAY, SUNDAY)) == expected


def test_leases_that_become_known_later_change_the_weeks_they_are_of(store: Store) -> None:
    """Behind a router two addresses are two devices, until DHCP says that they are one interface's."""
    store.ingest(
        [seen(client=ip, client_mac=ROUTER, client_ttl=63) for ip in ("10.0.0.1", "10.0.0.2")]
        + [seen(7, client="10.0.0.1")]
    )
    store.refresh()
    assert [point.devices for point in store.trend(2, SUNDAY + timedelta(7))] == [2, 1]
    leases = [
        Learned("dhcp", (number_of(MONDAY) + day) * DAY, address=ip, mac=MAC)
        for day, ip in [(0, "10.0.0.1"), (3, "10.0.0.2")]
    ]
    store.ingest([], names=leases)
    assert [point.devices for point in store.trend(2, SUNDAY + timedelta(7))] == [1, 1]
    assert len(store.roster(MONDAY, SUNDAY).outlines) == 1
    change(store, statuses='{"password": 99}')
    store.ingest([], names=leases)  # nothing new
    assert [point.devices for point in store.trend(2, SUNDAY + timedelta(7))] == [99, 99]


def test_what_is_read_at_one_moment_is_what_was_there_when_it_began(url: str) -> None:
    with open_store(url) as store, open_store(url) as other:
        store.ingest([seen()])
        with store.at_one_moment():
            assert store.inventory(MONDAY, SUNDAY).sessions == 1
            other.ingest([seen(1, client="10.0.0.9")])
            assert store.inventory(MONDAY, SUNDAY).sessions == 1
            assert store.trend(1, SUNDAY)[0].devices == 1
            assert len(store.roster(MONDAY, SUNDAY).outlines) == 1
        assert store.trend(1, SUNDAY)[0].devices == 2  # what was worked out of that moment was not kept
        assert store.inventory(MONDAY, SUNDAY).sessions == 2


def test_what_is_worked_out_at_one_moment_is_kept_after_it(store: Store) -> None:
    store.ingest([seen()])
    with store.at_one_moment():
        store.trend(1, SUNDAY)
        assert len(store.roster(MONDAY, SUNDAY).outlines) == 1
    assert read(store) is not None


def test_a_moment_that_ends_in_an_error_leaves_nothing_behind(store: Store) -> None:
    store.ingest([seen()])

    def fail() -> None:
        with store.at_one_moment():
            store.trend(1, SUNDAY)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert not store._made
    store.ingest([seen(1, client="10.0.0.9")])
    assert store.trend(1, SUNDAY)[0].devices == 2
    assert len(store.roster(MONDAY, SUNDAY).outlines) == 2
