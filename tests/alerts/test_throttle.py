from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from analyzer.alerts import Event, Throttle
from analyzer.alerts.throttle import INTERVAL, MOST_OF_A_DEVICE, MOST_OF_A_KIND
from tests.support.events import event, events
from tests.support.sessions import SECOND, START


def test_the_first_is_told_as_it_is() -> None:
    assert Throttle().add(event()) == [event()]


def test_the_same_within_the_interval_is_held_back_and_counted() -> None:
    throttle = Throttle()
    throttle.add(event())
    for n in range(1, 4):
        assert throttle.add(event(time=START + n * SECOND)) == []
    assert throttle.held == {"password-in-clear": 3}


def test_the_next_one_after_the_interval_tells_how_many_and_since_when() -> None:
    throttle = Throttle()
    throttle.add(event())
    throttle.add(event(time=START + SECOND))
    throttle.add(event(time=START + 2 * SECOND))
    later = event(time=START + INTERVAL)
    (told,) = throttle.add(later)
    assert (told.time, told.count, told.since) == (later.time, 3, START + SECOND)


def test_the_end_of_the_interval_tells_them_where_no_other_comes() -> None:
    throttle = Throttle()
    throttle.add(event())
    throttle.add(event(time=START + SECOND))
    throttle.add(event(time=START + 2 * SECOND))
    assert throttle.due(START + INTERVAL - 1) == []
    (told,) = throttle.due(START + INTERVAL)
    assert (told.time, told.count, told.since) == (START + 2 * SECOND, 2, START + SECOND)


def test_telling_the_count_begins_another_interval() -> None:
    throttle = Throttle()
    throttle.add(event())
    throttle.add(event(time=START + SECOND))
    assert throttle.due(START + INTERVAL)
    assert throttle.add(event(time=START + INTERVAL + SECOND)) == []
    assert throttle.due(START + 2 * INTERVAL)


def test_an_interval_in_which_nothing_came_is_forgotten() -> None:
    throttle = Throttle()
    throttle.add(event())
    assert throttle.due(START + INTERVAL) == []
    assert len(throttle) == 0
    assert throttle.add(event(time=START + INTERVAL + 1)) == [event(time=START + INTERVAL + 1)]


def test_what_differs_is_told_apart() -> None:
    throttle = Throttle()
    different = [
        event(),
        event("first-password-login"),
        event(client_ip="10.10.0.104"),
        event(server_name="other.example.com"),
        event(mechanism="PLAIN"),
        event(username="erp@example.com"),
    ]
    assert [told for one in different for told in throttle.add(one)] == different


def test_the_servers_of_one_provider_are_one() -> None:
    throttle = Throttle()
    throttle.add(event(provider="exchange-online", server_ip="52.96.0.1", server_name="AM0PR01"))
    assert throttle.add(event(provider="exchange-online", server_ip="52.96.0.2", server_name="DB8PR02")) == []


def test_a_clock_set_back_or_forward_ends_intervals_and_silences_nothing() -> None:
    for step in (-30 * INTERVAL, 30 * INTERVAL):
        throttle = Throttle()
        throttle.add(event())
        throttle.add(event(time=START + SECOND))
        assert [told.count for told in throttle.due(START + step)] == [1]
        throttle.due(START + step + INTERVAL)
        assert throttle.add(event(time=START + step + INTERVAL)) != []


def test_a_guesser_of_names_on_one_device_costs_a_few_lines() -> None:
    throttle = Throttle()
    guesses = [event(time=START + n, username=f"user{n}") for n in range(1000)]
    told = [one for guess in guesses for one in throttle.add(guess)]
    assert len(told) == MOST_OF_A_DEVICE + 1
    assert throttle.crowded["password-in-clear"] == 1000 - MOST_OF_A_DEVICE
    assert sum(one.count for one in told + throttle.due(START + 2 * INTERVAL)) == 1000
    assert throttle.add(event(client_ip="10.10.0.104")) != []  # nobody else is silenced


def test_a_flood_of_devices_is_told_as_one_beyond_the_limit() -> None:
    throttle = Throttle()
    flood = [event("new-device", START + n, client_ip=f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}") for n in range(20_000)]
    told = [one for new in flood for one in throttle.add(new)]
    assert len(told) == MOST_OF_A_KIND + 1
    assert len(throttle) == MOST_OF_A_KIND + 1
    assert throttle.crowded == {"new-device": 20_000 - MOST_OF_A_KIND}
    assert throttle.add(event("password-in-clear")) != []  # of another kind
    assert sum(one.count for one in told + throttle.due(START + 2 * INTERVAL)) == 20_000


def test_the_end_of_the_run_tells_what_is_held() -> None:
    throttle = Throttle()
    throttle.add(event())
    throttle.add(event(time=START + SECOND))
    throttle.add(event("new-device"))
    assert [(told.kind, told.count) for told in throttle.finish()] == [("password-in-clear", 1)]
    assert len(throttle) == 0


@given(st.lists(events, max_size=40), st.integers(1, 2**62))
def test_no_occurrence_goes_uncounted_and_none_is_told_twice(seen: list[Event], interval: int) -> None:
    throttle = Throttle(interval, most_of_a_device=2, most_of_a_kind=3)
    told: list[Event] = []
    for one in seen:
        told += throttle.due(one.time)
        told += throttle.add(one)
    told += throttle.finish()
    expected: Counter[str] = Counter()
    for one in seen:
        expected[one.kind] += one.count
    found: Counter[str] = Counter()
    for one in told:
        found[one.kind] += one.count
    assert found == expected
