"""Time runs on evenly while the clock is set, and is told by the clock as it is now."""

from __future__ import annotations

import numpy as np
import pytest

from analyzer.capture.frames import FrameBatch
from analyzer.monitor.clock import LATE, SteadyClock

SECOND = 10**9
START = 1_795_466_935 * SECOND


class Clock:
    """A wall clock that goes and is set."""

    def __init__(self) -> None:
        self.wall = START

    def __call__(self) -> int:
        return self.wall


def batch(*times: int) -> FrameBatch:
    numbers = np.zeros(len(times), np.int64)
    return FrameBatch(
        np.empty(0, np.uint8), numbers, numbers, numbers, np.array(times, np.int64), numbers.astype(np.uint16),
        numbers.astype(np.int32),
    )  # fmt: skip


def test_without_a_step_times_stay_as_they_are() -> None:
    clock = SteadyClock(Clock())
    times = [START, START + 1]
    assert clock.steady(batch(*times)).time.tolist() == times
    assert clock.told(START) == START


@pytest.mark.parametrize("step", [3600 * SECOND, -3600 * SECOND, 86_400 * 365 * SECOND])
def test_after_a_step_time_goes_on_where_it_was(step: int) -> None:
    wall = Clock()
    clock = SteadyClock(wall)
    wall.wall += step
    clock.was_set(step)
    wall.wall += SECOND
    assert clock.now() == START + SECOND
    assert clock.steady(batch(wall.wall)).time.tolist() == [START + SECOND]
    assert clock.told(START + SECOND) == wall.wall


def test_packets_stamped_before_the_step_and_read_after_it_are_not_an_hour_off() -> None:
    wall = Clock()
    clock = SteadyClock(wall)
    step = 3600 * SECOND
    wall.wall += step + SECOND
    clock.was_set(step)
    early, late = START + SECOND // 2, wall.wall
    assert clock.steady(batch(early, late)).time.tolist() == [START + SECOND // 2, START + SECOND]


def test_long_after_the_step_only_the_clock_as_it_is_counts() -> None:
    wall = Clock()
    clock = SteadyClock(wall)
    wall.wall += 3600 * SECOND
    clock.was_set(3600 * SECOND)
    wall.wall += LATE + SECOND
    assert clock.steady(batch(START)).time.tolist() == [START - 3600 * SECOND]


def test_no_time_stays_no_time() -> None:
    clock = SteadyClock(Clock())
    clock.was_set(SECOND)
    assert clock.told(0) == 0
