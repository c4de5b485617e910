"""When a file is taken for finished."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.watch.follower import Follower
from tests.watch.folder import Folder


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


@pytest.fixture
def follower(folder: Folder) -> Follower:
    return Follower(str(folder.path), settle=30, wall=folder.wall, steady=folder.ticks)


def names(follower: Follower, *, drain: bool = False) -> set[str]:
    return {each.entry.name for each in follower.look(drain=drain)}


def test_a_file_is_finished_when_the_next_of_its_series_exists(folder: Folder, follower: Follower) -> None:
    folder.put("mail.pcap", age=2)
    assert names(follower) == set()
    folder.put("mail.pcap1", b"", age=1)  # tcpdump has opened it, and written nothing yet
    assert names(follower) == {"mail.pcap"}


def test_looking_often_does_not_finish_a_file(folder: Folder, follower: Follower) -> None:
    folder.put("mail.pcap")
    assert [names(follower) for _ in range(3)] == [set()] * 3


def test_a_ring_begins_anew_under_its_first_name(folder: Folder, follower: Follower) -> None:
    for number, age in enumerate((1, 9, 6, 3)):
        folder.put(f"mail.pcap{number}", age=age)
    assert names(follower) == {"mail.pcap1", "mail.pcap2", "mail.pcap3"}


def test_another_series_says_nothing(folder: Folder, follower: Follower) -> None:
    folder.put("eth0-0900.pcap", age=2)
    folder.put("eth1-0900.pcap", age=1)
    assert names(follower) == set()


def test_a_file_is_finished_when_it_has_not_grown_for_the_settling_time(folder: Folder, follower: Follower) -> None:
    path = folder.put("mail.pcap")
    folder.wait(20)
    assert names(follower) == set()
    folder.put("mail.pcap", path.read_bytes() * 2)
    folder.wait(20)
    assert names(follower) == set()
    folder.wait(10)
    assert names(follower) == {"mail.pcap"}


def test_an_old_file_that_is_moved_in_is_finished_at_once(folder: Folder, follower: Follower) -> None:
    folder.put("mail.pcap", age=3600)
    (each,) = follower.look()
    assert each.quiet == 3600
    assert not each.followed


def test_a_file_stamped_by_a_clock_that_runs_ahead_is_watched_instead(folder: Folder, follower: Follower) -> None:
    folder.put("mail.pcap", age=-7200)
    assert names(follower) == set()
    folder.wait(30)
    assert names(follower) == {"mail.pcap"}


def test_a_file_stamped_in_another_year_is_taken_by_whoever_looks_once(folder: Folder, follower: Follower) -> None:
    folder.put("mail.pcap", age=-400 * 86_400)
    assert names(follower) == {"mail.pcap"}


def test_a_compressor_that_is_at_work_is_waited_for_though_captures_follow(folder: Folder, follower: Follower) -> None:
    folder.put("mail-0900.pcap.gz", b"\x1f\x8b\x08", age=2)
    folder.put("mail-1000.pcap", age=1)
    assert names(follower) == set()
    folder.wait(30)
    assert "mail-0900.pcap.gz" in names(follower)


def test_nothing_is_named_again_once_it_is_done_unless_something_happens_to_it(
    folder: Folder, follower: Follower
) -> None:
    path = folder.put("mail.pcap", age=100)
    (each,) = follower.look()
    follower.done(each.entry)
    assert names(follower) == set()
    folder.put("mail.pcap", path.read_bytes() * 2, age=90)
    assert names(follower) == {"mail.pcap"}


def test_done_with_what_it_was_is_not_done_with_what_it_is(folder: Folder, follower: Follower) -> None:
    path = folder.put("mail.pcap", age=100)
    (each,) = follower.look()
    folder.put("mail.pcap", path.read_bytes() * 2, age=90)
    follower.look()
    follower.done(each.entry)
    assert names(follower) == {"mail.pcap"}


def test_draining_takes_what_is_being_written_too(folder: Folder, follower: Follower) -> None:
    folder.put("mail.pcap")
    folder.put("mail.pcap1")
    folder.put("mail.pcap2.gz")
    folder.put("empty.pcap", b"")
    assert names(follower, drain=True) == {"mail.pcap", "mail.pcap1", "mail.pcap2.gz"}


def test_a_series_lives_as_long_as_it_has_files_to_come(folder: Folder, follower: Follower) -> None:
    folder.put("mail-1.pcap", age=100)
    (each,) = follower.look()
    assert follower.lives(each.entry.series)
    follower.done(each.entry)
    assert not follower.lives(each.entry.series)
    folder.put("mail-2.pcap")
    follower.look()
    assert follower.lives(each.entry.series)


def test_of_files_that_are_gone_nothing_remains(folder: Folder, follower: Follower) -> None:
    for number in range(50):
        path = folder.put(f"mail-{number}.pcap", age=100)
        for each in follower.look():
            follower.done(each.entry)
        path.unlink()
    follower.look()
    assert not follower._seen
