"""Files that a ring removed before anybody read them show in the numbers of those that are left."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.watch import numbering
from analyzer.watch.follower import Follower
from analyzer.watch.numbering import Numbering
from tests.watch.folder import Folder


def ring(*numbers: int, name: str = "mail", began: int = 0) -> list[str]:
    return [f"{name}_{number:05}_202611241030{began + number:02}.pcapng" for number in numbers]


def test_what_came_and_went_between_two_looks_is_counted_once() -> None:
    seen = Numbering()
    assert seen.skipped(ring(3, 4)) == 0
    assert seen.skipped(ring(5, 4)) == 0
    assert seen.skipped(ring(9, 10)) == 3
    assert seen.skipped(ring(9, 10)) == 0
    assert seen.skipped(ring(10, 11, 13)) == 1


def test_what_was_gone_before_the_first_look_is_not_ours_to_tell() -> None:
    assert Numbering().skipped(ring(3, 7, 9)) == 0


def test_files_that_are_removed_after_they_were_there_are_no_matter() -> None:
    seen = Numbering()
    assert [seen.skipped(ring(1, 2, 3)), seen.skipped(ring(3)), seen.skipped(ring(4))] == [0, 0, 0]


def test_a_program_that_is_started_anew_counts_from_1() -> None:
    seen = Numbering()
    assert [seen.skipped(ring(7)), seen.skipped(ring(1, began=20)), seen.skipped(ring(3, began=20))] == [0, 0, 1]


def test_each_ring_has_its_own_numbers_and_other_names_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numbering, "MOST_RINGS", 2)
    seen = Numbering()
    assert seen.skipped([*ring(1), *ring(5, name="eth1"), "mail1.pcap", "mail-1732441800.pcap"]) == 0
    assert seen.skipped([*ring(3), *ring(6, name="eth1"), "mail9.pcap", "mail-1732449999.pcap"]) == 1
    assert [seen.skipped(ring(1, name="eth2")), seen.skipped(ring(9, name="eth2"))] == [0, 0]


@pytest.mark.parametrize(("pattern", "missed"), [(None, 1), ("mail*", 1), ("*[13]_*", 0)])
def test_a_pattern_that_picks_numbers_is_not_taken_for_a_loss(tmp_path: Path, pattern: str | None, missed: int) -> None:
    folder = Folder(tmp_path)
    follower = Follower(str(tmp_path), pattern, wall=folder.wall, steady=folder.ticks)
    for name in ring(1, 3):
        folder.put(name)
        follower.look()
    assert follower.missed == missed
