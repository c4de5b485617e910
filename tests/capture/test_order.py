"""Which times are believed, and the order of inputs that follows."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from analyzer.capture.order import JITTER, LEAP, beginning, chronological, disorder, running_times
from tests.capture.writers import NOON, SECOND


def clock(*seconds: float, latest: float | None = None) -> list[float]:
    times = np.array([NOON + round(one * SECOND) for one in seconds], np.int64)
    before = None if latest is None else NOON + round(latest * SECOND)
    return [(one - NOON) / SECOND for one in running_times(times, before).tolist()]


def test_the_clock_is_the_running_maximum() -> None:
    assert clock(1, 2, 1.5, 3, 0, 4) == [1, 2, 2, 3, 3, 4]
    assert clock(1, 2, latest=1.5) == [1.5, 2]


def test_broken_stamps_in_the_future_do_not_stop_the_clock() -> None:
    future = 40 * 365 * 86400
    assert clock(1, future, 2, future + 1, 3, future + 2) == [1, 2, 2, 3, 3, 3]
    assert clock(future, 1, 2, 3, 4, 5, 6, 7, 8, 9, latest=0) == [1, 1, 2, 3, 4, 5, 6, 7, 8, 9]


def test_a_pause_is_believed_once_packets_confirm_it() -> None:
    night = 8 * 3600
    times = [0, 1, *(night + n for n in range(20))]
    assert clock(*times) == [float(one) for one in times]
    assert clock(0, 1, night) == [0, 1, 1]


def test_broken_stamps_in_the_past_change_nothing() -> None:
    times = np.array([NOON, 0, NOON + 5, 0], np.int64)
    assert running_times(times, None).tolist() == [NOON, NOON, NOON + 5, NOON + 5]
    assert disorder(times, running_times(times, None)) == 0


def test_disorder_is_the_greatest_lag() -> None:
    times = np.array([5, 3, 9, 8], np.int64)
    assert disorder(times, running_times(times, None)) == 2


def test_an_input_begins_with_its_first_believable_time() -> None:
    assert beginning(np.array([0, 0, NOON, NOON + 5])) == NOON
    assert beginning(np.array([NOON + 7, NOON])) == NOON + 7
    assert beginning(np.array([NOON + 2 * LEAP, NOON, NOON + 1])) == NOON
    assert beginning(np.array([5 * SECOND, NOON, NOON + 1])) == NOON
    assert beginning(np.array([0, 0])) == 0
    assert beginning(np.array([5, 6])) == 5


times_of_days = st.integers(NOON, NOON + 10 * LEAP) | st.integers(0, SECOND)


@given(st.lists(times_of_days, min_size=1, max_size=60), st.one_of(st.none(), times_of_days))
def test_the_clock_never_runs_backwards_nor_ahead_of_all_packets(times: list[int], latest: int | None) -> None:
    ticks = running_times(np.array(times, np.int64), latest).tolist()
    assert ticks == sorted(ticks)
    assert ticks[-1] <= max(times + ([] if latest is None else [latest]))
    assert latest is None or ticks[0] >= latest


@given(st.lists(st.integers(NOON, NOON + LEAP), min_size=1, max_size=60))
def test_without_leaps_the_clock_is_the_running_maximum(times: list[int]) -> None:
    column = np.array(times, np.int64)
    assert running_times(column, None).tolist() == np.maximum.accumulate(column).tolist()


def test_inputs_come_in_order_of_their_first_packets_not_their_names() -> None:
    assert chronological([NOON + 9 * SECOND, NOON, NOON + SECOND], ["ring0", "ring1", "ring2"]) == [1, 2, 0]


def test_equal_times_go_by_name_in_natural_order() -> None:
    assert chronological([NOON, NOON, NOON], ["part10", "part9", "part1"]) == [2, 1, 0]


def test_names_are_believed_where_times_contradict_them_by_no_more_than_jitter() -> None:
    assert chronological([NOON, NOON - JITTER, NOON + SECOND], ["a", "b", "c"]) == [0, 1, 2]
    assert chronological([NOON, NOON - JITTER - 1, NOON + SECOND], ["a", "b", "c"]) == [1, 0, 2]


def test_inputs_without_packets_come_first() -> None:
    assert chronological([NOON, None, NOON - SECOND, None], ["a", "z", "c", "d"]) == [3, 1, 2, 0]
    assert chronological([], []) == []
