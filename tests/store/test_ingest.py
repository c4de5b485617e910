"""Each conversation counts once: in any order, any grouping, however often it is told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analyzer.errors import UsageError
from analyzer.inventory.session import Session
from analyzer.store import Ingested, Source, identity, open_store
from analyzer.store.times import date_of
from tests.store.sessions import DAY, SECOND, START, content, directly, fresh, same, session, sessions
from tests.support.sessions import attempt

_EVER = (date_of(0), date_of(106_751))


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(found=st.lists(sessions(), max_size=10), data=st.data())
def test_order_grouping_and_repetition_change_nothing(
    tmp_path: Path, found: list[Session], data: st.DataObject
) -> None:
    told = data.draw(
        st.permutations(found + data.draw(st.lists(st.sampled_from(found), max_size=5)) if found else found)
    )
    cuts = sorted(data.draw(st.lists(st.integers(0, len(told)), max_size=4)))
    with fresh(tmp_path) as at_once, fresh(tmp_path) as in_parts:
        at_once.ingest(found)
        for begin, end in zip([0, *cuts], [*cuts, len(told)], strict=True):
            in_parts.ingest(told[begin:end])
        assert content(in_parts) == content(at_once)
        same(in_parts.inventory(*_EVER), at_once.inventory(*_EVER))


def test_the_same_session_counts_once(url: str) -> None:
    with open_store(url) as store:
        assert store.ingest([session(), session()]) == Ingested(added=1, known=1)
        assert store.ingest([session(source="other.pcap")]) == Ingested(known=1)
        assert store.inventory(*_EVER).summary().sessions == 1


@pytest.mark.parametrize("apart", [-5, -1, 0, 2, 5])
def test_two_sensors_whose_clocks_differ_count_a_session_once(url: str, apart: int) -> None:
    whole = session(attempt())
    other = replace(whole, start=START + apart * SECOND, end=START + apart * SECOND, client_mac=5, client_ttl=63)
    with open_store(url) as store:
        store.ingest([whole], Source("one", "eth0", START))
        store.ingest([other], Source("two", "eth0", START))
        same(store.inventory(*_EVER), directly([whole]))
        assert store.quality(*_EVER).sensors == ("one", "two")


def test_a_whole_view_replaces_half_a_view_and_the_sums_follow(url: str) -> None:
    whole = session(attempt())
    half = session(method="unknown", reason="cut-off", complete=False, messages=0)
    with open_store(url) as store:
        assert store.ingest([half]) == Ingested(added=1)
        assert store.ingest([whole]) == Ingested(replaced=1)
        same(store.inventory(*_EVER), directly([whole]))
        assert store.ingest([half]) == Ingested(known=1)
        same(store.inventory(*_EVER), directly([whole]))
        assert store.status().aggregates == 1


def test_many_better_views_at_once_leave_what_they_alone_leave(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for asking in ("aggregate", "ingest", "interning"):
        monkeypatch.setattr(f"analyzer.store.{asking}.ASKED", 3)
    monkeypatch.setattr("analyzer.store.aggregate.MOST_FACTS", 2)
    whole = [
        session(
            attempt(username=f"user{number}"),
            client=f"10.0.0.{number % 7}",
            client_port=1024 + number,
            start=START + number % 3 * DAY,
            end=START + number % 3 * DAY + SECOND,
        )
        for number in range(63)
    ]
    half = [replace(one, auth=[], method="unknown", reason="cut-off", complete=False, messages=0) for one in whole]
    with open_store(url) as store, fresh(tmp_path) as alone:
        assert store.ingest(half).added == alone.ingest(whole).added == len(whole)
        assert store.ingest(whole).replaced == len(whole)
        same(store.inventory(*_EVER), alone.inventory(*_EVER))
        now, expected = store.status(), alone.status()
        assert (now.aggregates, now.reduced) == (expected.aggregates, expected.reduced) == (63, 21)


def test_what_was_read_with_keys_replaces_what_was_not(url: str) -> None:
    without = session(method="unknown", reason="ambiguous", tls_mode="starttls", complete=True)
    with_keys = session(attempt(evidence="decrypted"), tls_mode="starttls", complete=True)
    with_keys.evidence = "decrypted"
    with open_store(url) as store:
        store.ingest([with_keys])
        store.ingest([without])
        same(store.inventory(*_EVER), directly([with_keys]))


def test_a_view_that_did_not_hear_the_syn_belongs_to_the_session_at_its_time(url: str) -> None:
    whole = session(attempt(), end=START + 60 * SECOND)
    later = replace(whole, serial=2000, start=START + 3600 * SECOND, end=START + 3660 * SECOND)
    joined = session(attempt(), serial=None, complete=False, start=START + 30 * SECOND, end=START + 60 * SECOND)
    with open_store(url) as store:
        assert store.ingest([joined, later]) == Ingested(added=2)
        assert store.ingest([whole]) == Ingested(replaced=1)
        same(store.inventory(*_EVER), directly([whole, later]))


def test_the_same_endpoints_used_again_are_another_session(url: str) -> None:
    first = session(attempt())
    again = replace(first, serial=2000, start=START + 2 * SECOND, end=START + 3 * SECOND)
    next_day = replace(first, start=START + DAY, end=START + DAY)  # with the same number by chance
    with open_store(url) as store:
        assert store.ingest([first, again, next_day]).added == 3


def test_who_is_the_client_may_be_guessed_wrong(url: str) -> None:
    right = session(attempt(), client="10.0.0.1", client_port=40000, server_ip="10.0.0.2", server_port=587)
    wrong = session(
        method="unknown",
        reason="mid-stream",
        client="10.0.0.2",
        client_port=587,
        server_ip="10.0.0.1",
        server_port=40000,
        serial=None,
        complete=False,
    )
    with open_store(url) as store:
        store.ingest([wrong])
        store.ingest([right])
        same(store.inventory(*_EVER), directly([right]))


def test_an_error_in_the_midst_leaves_nothing_behind(url: str) -> None:
    def failing() -> Iterator[Session]:
        yield session()
        raise KeyboardInterrupt

    with open_store(url) as store:
        with pytest.raises(KeyboardInterrupt):
            store.ingest(failing(), Source("me", "office.pcap", START, identity="digest"))
        assert content(store)[:-1] == []
        assert store.known({"digest"}) == set()
        assert store.ingest([session()]).added == 1


def test_inputs_are_recorded_once_and_known_again(url: str) -> None:
    source = Source("me", "office.pcap", START, START + DAY, dropped=3, damaged=True, identity="digest")
    with open_store(url) as store:
        store.ingest([session()], source)
        store.ingest([session()], replace(source, identity=None))
        assert store.known(["digest", "other"]) == {"digest"}
        quality = store.quality(date_of(START // DAY), date_of(START // DAY))
        assert (quality.inputs, quality.damaged, quality.dropped) == (1, 1, 3)


def test_a_live_run_is_one_input_that_grows(url: str) -> None:
    with open_store(url) as store:
        store.ingest([], Source("me", "eth0", START, START + SECOND, dropped=1))
        store.ingest([], Source("me", "eth0", START, START + DAY, dropped=9))
        store.ingest([], Source("me", "eth0", START, START + SECOND, dropped=1))  # late
        day = date_of(START // DAY + 1)
        assert store.quality(day, day).dropped == 9
        assert store.status().inputs == 1


@pytest.mark.parametrize("name", ["ca\0fé\udce9.pcap", "x" * 10_000, "\x1b[31m"])
def test_any_name_of_an_input_can_be_stored(url: str, name: str) -> None:
    with open_store(url) as store:
        store.ingest([], Source(name, name, START, START))
        store.ingest([], Source(name, name, START, START))
        assert store.status().inputs == 1


def test_what_a_client_says_is_stored_as_it_is(url: str) -> None:
    said = session(attempt(username="\0\ud800\U0001f4e0'; DROP TABLE sessions; --"), ehlo="\0\x1b[2J\udcff")
    with open_store(url) as store:
        store.ingest([said])
        same(store.inventory(*_EVER), directly([said]))


def test_a_client_that_uses_one_port_over_and_over_costs_no_more_than_the_limit(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("analyzer.store.ingest.MOST_VIEWS", 5)
    views = [session(serial=number, start=START + number, end=START + number) for number in range(1, 9)]
    assert identity.MOST_VIEWS > 1000
    with open_store(url) as store:
        assert store.ingest(views) == Ingested(added=5, crowded=3)
        assert store.ingest(views).crowded == 3
        assert store.inventory(*_EVER).summary().sessions == 5


def test_a_database_that_goes_away_is_told_in_one_line(tmp_path: Path) -> None:
    with open_store(str(tmp_path / "store.db")) as store:
        (tmp_path / "store.db").unlink()
        with pytest.raises(UsageError) as told:
            store.days()
        assert "\n" not in str(told.value)
