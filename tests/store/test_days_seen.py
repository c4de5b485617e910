"""What reports on silence ask: on which days an address was seen, and what given addresses were like."""

from __future__ import annotations

from datetime import date

from analyzer.history.compile import compile_report
from analyzer.store import Source, open_store
from tests.support.past import PastSessions
from tests.support.weeks import MONDAY, login, office, week, weekly

SEEN = [*weekly("10.0.0.1", [0, 2]), login("10.0.0.2", 3), login("10.0.0.2", 10, "XOAUTH2"), *weekly("fd00::1", [1])]


def test_each_address_has_its_days_in_order_and_no_others(url: str) -> None:
    with open_store(url, today=lambda: MONDAY) as store:
        store.ingest(SEEN, Source("office", "a.pcap"))
        for first, last in ((MONDAY, date(2026, 12, 1)), (date(2026, 9, 10), date(2026, 9, 21)), (MONDAY, MONDAY)):
            theirs, both = PastSessions(SEEN), ["10.0.0.1", "fd00::1", "10.9.9.9"]
            assert store.last_days(first, last, 9) == theirs.last_days(first, last, 9)
            assert store.first_seen(both) == theirs.first_seen(both)
            assert store.days_seen(first, last, both) == theirs.days_seen(first, last, both)
            assert store.days_observed(first, last) == theirs.days_observed(first, last)


def test_those_seen_last_come_before_others_where_not_all_are_asked_for(url: str) -> None:
    with open_store(url, today=lambda: MONDAY) as store:
        store.ingest(SEEN, Source("office", "a.pcap"))
        assert store.last_days(MONDAY, date(2026, 12, 1), 2) == {
            "10.0.0.1": date(2026, 9, 25),
            "fd00::1": date(2026, 9, 18),
        }


def test_an_inventory_of_some_addresses_leaves_the_others_out(url: str) -> None:
    span = (week(0).first, week(2).last)
    with open_store(url, today=lambda: MONDAY) as store:
        store.ingest(SEEN, Source("office", "a.pcap"))
        for clients in ([], ["10.0.0.2"], ["fd00::1", "10.0.0.1"], [f"10.9.{n // 250}.{n % 250}" for n in range(1200)]):
            ours, theirs = store.inventory(*span, clients), PastSessions(SEEN).inventory(*span, clients)
            assert ours.devices() == theirs.devices()


def test_a_report_is_the_same_from_every_kind_of_store(url: str) -> None:
    with open_store(url, today=lambda: MONDAY) as store:
        seen = office()
        store.ingest(seen, Source("office", "a.pcap", min(s.start for s in seen), max(s.end for s in seen)))
        ours, theirs = compile_report(store, week(11)), compile_report(PastSessions(seen), week(11))
        assert (ours.changes, ours.devices, ours.trend) == (theirs.changes, theirs.devices, theirs.trend)
        assert (ours.forecast, ours.shared, ours.first_seen) == (theirs.forecast, theirs.shared, theirs.first_seen)
