"""Ticks of any resolution become nanoseconds exactly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.capture.clocks import nanoseconds
from analyzer.capture.formats import MAX_TIME
from tests.capture import reference
from tests.capture.writers import NOON

POWERS_OF_TEN = st.integers(0, 28)
POWERS_OF_TWO = st.integers(128, 128 + 63)
OFFSETS = st.one_of(st.just(0), st.integers(-(10**9), 10**9))


def convert(ticks: list[int], resolutions: list[int], offsets: list[int]) -> list[int]:
    times: list[int] = nanoseconds(
        np.array(ticks, np.uint64), np.array(resolutions, np.uint8), np.array(offsets, np.int64)
    ).tolist()
    return times


@given(st.lists(st.tuples(st.integers(0, 2**64 - 1), POWERS_OF_TEN | POWERS_OF_TWO, OFFSETS), min_size=1, max_size=20))
def test_every_resolution_and_offset_is_exact(rows: list[tuple[int, int, int]]) -> None:
    ticks, resolutions, offsets = (list(column) for column in zip(*rows, strict=True))
    assert convert(ticks, resolutions, offsets) == [reference.nanoseconds(*row) for row in rows]


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1), POWERS_OF_TEN | POWERS_OF_TWO, OFFSETS)
def test_one_clock_for_all_packets_gives_the_same(ticks: list[int], resolution: int, offset: int) -> None:
    assert convert(ticks, [resolution], [offset]) == [reference.nanoseconds(one, resolution, offset) for one in ticks]


@given(st.integers(0, 2**64 - 1), st.integers(29, 127) | st.integers(128 + 64, 255))
def test_absurdly_fine_resolutions_are_right_to_the_nanosecond(ticks: int, resolution: int) -> None:
    assert abs(convert([ticks], [resolution], [0])[0] - reference.nanoseconds(ticks, resolution, 0)) <= 1


@pytest.mark.parametrize(
    ("ticks", "resolution", "offset", "time"),
    [
        (NOON // 1000, 6, 0, NOON),
        (NOON, 9, 0, NOON),
        (1_234_567_890_123, 12, 0, 1_234_567_890),
        (NOON // 10**9, 0, 0, NOON),
        (3 << 32, 128 + 32, 0, 3_000_000_000),
        ((5 << 20) + (1 << 19), 128 + 20, 0, 5_500_000_000),
        (7, 128, 0, 7_000_000_000),
        (1_000_000, 6, 1_000, 1_001_000_000_000),
        (0, 6, -5, -5_000_000_000),
        (2**64 - 1, 0, 0, MAX_TIME),
        (2**64 - 1, 9, -(2**63), MAX_TIME % 10**9),
        (2**64 - 1, 9, 2**63 - 1, MAX_TIME),
    ],
)
def test_times_by_example(ticks: int, resolution: int, offset: int, time: int) -> None:
    assert convert([ticks], [resolution], [offset]) == [time]
