"""A clock that is set is noticed; one that drifts is not. Nobody can set the real one for a test."""

from __future__ import annotations

import pytest

from analyzer.capture.live.clock import NOISE, ClockWatch

SECOND = 1_000_000_000


class Clocks:
    def __init__(self) -> None:
        self.wall, self.steady = 1_795_521_600 * SECOND, 5 * SECOND
        self.watch = ClockWatch(lambda: self.wall, lambda: self.steady)

    def pass_by(self, nanoseconds: int, set_by: int = 0) -> int:
        self.steady += nanoseconds
        self.wall += nanoseconds + set_by
        return self.watch.shift()


@pytest.mark.parametrize("by", [3600 * SECOND, -3600 * SECOND, NOISE, -NOISE])
def test_a_step_is_told_once(by: int) -> None:
    clocks = Clocks()
    assert [clocks.pass_by(SECOND), clocks.pass_by(SECOND, by), clocks.pass_by(SECOND)] == [0, by, 0]


def test_time_passing_is_no_step() -> None:
    assert Clocks().pass_by(86_400 * SECOND) == 0


def test_slow_drift_is_told_when_it_has_added_up() -> None:
    clocks = Clocks()
    shifts = [clocks.pass_by(SECOND, NOISE // 4) for _ in range(4)]
    assert shifts == [0, 0, 0, NOISE]


def test_the_real_clocks_run_side_by_side() -> None:
    assert ClockWatch().shift() == 0
