"""Which files one analysis reads after each other."""

from __future__ import annotations

import pytest

from analyzer.packets import SUBMISSION_PORTS
from analyzer.pipeline import Analysis
from analyzer.watch.lanes import RAGGED, Lane, Lanes

HOUR = 3600 * 10**9


class Directory:
    """Lanes, and the series of which files are still to come."""

    def __init__(self, most: int = 4) -> None:
        self.living: set[str] = set()
        self.over: list[Lane] = []
        self.lanes = Lanes(
            lambda: Analysis([], lambda session: None, SUBMISSION_PORTS),
            lambda series: series in self.living,
            self.over.append,
            most,
        )

    def read(self, series: str, start: int, end: int) -> Lane:
        lane = self.lanes.of(series, start)
        lane.latest = max(end, lane.latest or 0)
        return lane


@pytest.fixture
def directory() -> Directory:
    return Directory()


def test_files_of_a_series_share_a_lane(directory: Directory) -> None:
    first = directory.read("a", 0, HOUR)
    assert directory.read("a", HOUR - RAGGED, 2 * HOUR) is first
    assert directory.read("a", 9 * HOUR, 10 * HOUR) is first


def test_time_never_goes_back_in_a_lane(directory: Directory) -> None:
    first = directory.read("a", 5 * HOUR, 6 * HOUR)
    assert directory.read("a", 0, HOUR) is not first
    assert directory.read("a", 6 * HOUR, 7 * HOUR) is first
    assert directory.read("b", 0, 6 * HOUR) is not first


def test_a_series_that_is_alive_keeps_its_lane_to_itself(directory: Directory) -> None:
    directory.living = {"a"}
    first = directory.read("a", 0, HOUR)
    assert directory.read("b", HOUR, 2 * HOUR) is not first
    assert directory.read("a", HOUR, 2 * HOUR) is first


def test_a_series_of_another_name_goes_on_where_one_has_ended(directory: Directory) -> None:
    monday = directory.read("mail-mon", 0, HOUR)
    assert directory.read("mail-tue", HOUR, 2 * HOUR) is monday


def test_a_file_that_grew_stays_in_its_lane(directory: Directory) -> None:
    first = directory.read("a", 0, HOUR)
    directory.read("a", HOUR, 2 * HOUR)
    assert directory.lanes.of("a", 0, first) is first


def test_the_lane_used_longest_ago_ends_for_another_one() -> None:
    directory = Directory(most=2)
    directory.living = {"a", "b", "c"}
    first = directory.read("a", 3 * HOUR, 4 * HOUR)
    second = directory.read("b", 0, HOUR)
    directory.read("a", 4 * HOUR, 5 * HOUR)
    directory.read("c", 0, HOUR)
    assert directory.over == [second]
    assert directory.lanes.ended == 1
    assert first in list(directory.lanes)
