"""Files into the store: however they are cut, written, renamed and read again, the result is that of one scan."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analyzer.inventory.session import Session
from analyzer.packets import SUBMISSION_PORTS
from analyzer.store import open_store
from analyzer.streams import Limits
from analyzer.watch import Follower, Taker
from tests.support.cutting import Record, write_pcap
from tests.watch.folder import Folder
from tests.watch.writer import in_bytes, inventory_of, inventory_of_scan, recorded


class Run:
    """One run over a directory, until it is left or forgotten."""

    def __init__(self, folder: Folder, store: Any, **options: Any) -> None:
        self.said: list[str] = []
        self.folder = folder
        self.follower = Follower(str(folder.path), settle=30, wall=folder.wall, steady=folder.ticks)
        self.taker = Taker(
            store,
            "here",
            SUBMISSION_PORTS,
            say=self.said.append,
            done=self.follower.done,
            lives=self.follower.lives,
            settle=30,
            **options,
        )

    def look(self, *, drain: bool = False, **options: Any) -> None:
        self.taker.take(self.follower.look(drain=drain), drain=drain, **options)

    def end(self, *, for_good: bool = False) -> None:
        self.taker.finish(for_good=for_good)


@contextmanager
def running(folder: Folder, store: Path, **options: Any) -> Iterator[Run]:
    with open_store(str(store)) as opened:
        yield Run(folder, opened, **options)


@pytest.fixture(scope="module")
def records() -> list[Record]:
    return recorded()


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    (tmp_path / "in").mkdir()
    return Folder(tmp_path / "in")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture(scope="module")
def whole(records: list[Record], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return inventory_of_scan(write_pcap(tmp_path_factory.mktemp("whole") / "whole.pcap", records))


def parts(records: list[Record], count: int) -> list[list[Record]]:
    size = -(-len(records) // count)
    return [records[at : at + size] for at in range(0, len(records), size)]


def test_rotated_files_taken_as_they_come_are_one_stream(
    folder: Folder, store: Path, records: list[Record], whole: dict[str, Any]
) -> None:
    with running(folder, store) as run:
        for number, part in enumerate(parts(records, 7)):
            folder.put(f"mail.pcap{number}", in_bytes(part))
            run.look()
            folder.wait(5)
        folder.wait(30)
        run.look()
        assert run.taker.counts.files == 7
        run.end()
    assert inventory_of(store) == whole


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_written_when_and_wherever_the_program_is_killed_the_result_is_that_of_one_scan(
    records: list[Record], whole: dict[str, Any], tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    base = tmp_path_factory.mktemp("any")
    (base / "in").mkdir()
    folder, store = Folder(base / "in"), base / "store.db"
    cuts = sorted(data.draw(st.lists(st.integers(1, len(records) - 1), min_size=1, max_size=6, unique=True)))
    run = None
    with open_store(str(store)) as opened:
        for number, (begin, end) in enumerate(zip([0, *cuts], [*cuts, len(records)], strict=True)):
            content = in_bytes(records[begin:end])
            stops = data.draw(st.lists(st.integers(1, len(content)), max_size=2))
            for stop in [*sorted(stops), len(content)]:  # written piece by piece, cut anywhere
                folder.put(f"mail-{number:05}.pcap", content[:stop])
                if run is None or data.draw(st.sampled_from(["go on", "go on", "killed", "ended"])) == "killed":
                    run = Run(folder, opened)
                folder.wait(data.draw(st.sampled_from([1, 40])))
                run.look()
            if run is not None and data.draw(st.booleans()):
                run.end()
                run = None
        run = run or Run(folder, opened)
        run.look(drain=True)
        run.end(for_good=True)
        again = Run(folder, opened)
        again.look(drain=True)
        assert again.taker.counts.frames == 0
    assert inventory_of(store) == whole


def test_a_file_that_seemed_finished_is_read_on_when_it_grows(
    folder: Folder, store: Path, records: list[Record], whole: dict[str, Any]
) -> None:
    content = in_bytes(records)
    with running(folder, store) as run:
        for end in range(5000, len(content) + 5000, 5000):
            folder.put("mail.pcap", content[:end])
            folder.wait(31)
            run.look()
        assert run.taker.counts.frames == len(records)
        assert not run.said
        run.end()
    assert inventory_of(store) == whole


@pytest.mark.parametrize("restart", [False, True], ids=["one run", "two runs"])
def test_a_file_that_is_compressed_after_it_was_read_is_not_read_twice(
    folder: Folder, store: Path, records: list[Record], whole: dict[str, Any], restart: bool
) -> None:
    path = folder.put("mail.pcap", in_bytes(records), age=60)
    with running(folder, store) as run:
        run.look()
        path.unlink()
        folder.put("mail.pcap.gz", gzip.compress(in_bytes(records)), age=60)
        if not restart:
            run.look()
            assert run.taker.counts.frames == len(records)
        run.end()
    with running(folder, store) as run:
        run.look()
        run.end()
        assert restart or run.taker.counts.known
    assert inventory_of(store) == whole


def test_a_renamed_file_is_known(folder: Folder, store: Path, records: list[Record]) -> None:
    path = folder.put("mail.pcap", in_bytes(records), age=60)
    with running(folder, store) as run:
        run.look()
        run.end(for_good=True)
    path.rename(folder.path / "mail.pcap.1")
    with running(folder, store) as run:
        run.look()
        assert (run.taker.counts.known, run.taker.counts.frames) == (1, 0)


def test_a_link_and_the_file_it_leads_to_are_one(folder: Folder, store: Path, records: list[Record]) -> None:
    path = folder.put("mail.pcap", in_bytes(records), age=60)
    (folder.path / "newest").symlink_to(path)
    with running(folder, store) as run:
        run.look()
        assert (run.taker.counts.files, run.taker.counts.known) == (1, 1)
        assert run.taker.counts.frames == len(records)


def test_a_ring_that_uses_names_again_has_new_files(
    folder: Folder, store: Path, records: list[Record], whole: dict[str, Any]
) -> None:
    with running(folder, store) as run:
        for number, part in enumerate(parts(records, 9)):
            folder.put(f"mail.pcap{number % 2}", in_bytes(part))
            run.look()
            folder.wait(5)
        run.look(drain=True)
        run.end()
        assert run.taker.counts.files == 9
    assert inventory_of(store) == whole


def test_what_is_open_at_the_end_of_a_run_is_stored_as_it_stands_and_completed_by_the_next(
    folder: Folder, store: Path, records: list[Record], whole: dict[str, Any]
) -> None:
    first, second = parts(records, 2)
    folder.put("mail-1.pcap", in_bytes(first), age=90)
    with running(folder, store) as run:
        run.look()
        run.end()
        assert run.taker.waiting
    half = inventory_of(store)
    assert half != whole
    assert half["summary"].sessions
    folder.put("mail-2.pcap", in_bytes(second), age=60)
    with running(folder, store) as run:
        run.look(drain=True)
        run.end(for_good=True)
        assert not run.taker.waiting
    assert inventory_of(store) == whole


def test_two_captures_side_by_side_do_not_disturb_each_other(folder: Folder, store: Path, tmp_path: Path) -> None:
    """Each file is finished after hours; the other writer's is read when the first has come hours further."""
    one, other = recorded(slice(6), apart=1500), recorded(slice(6, 12), apart=1500)
    both = inventory_of_scan(write_pcap(tmp_path / "one.pcap", one), write_pcap(tmp_path / "other.pcap", other))
    with running(folder, store) as run:
        for number, (early, late) in enumerate(zip(parts(one, 3), parts(other, 3), strict=True)):
            folder.put(f"a-{number}.pcap", in_bytes(early))
            run.look()
            folder.wait(5)
            folder.put(f"b-{number}.pcap", in_bytes(late))
            run.look()
            folder.wait(5)
        run.look(drain=True)
        assert len(list(run.taker._lanes)) == 2
        run.end(for_good=True)
    assert inventory_of(store) == both


# --- what cannot be used --------------------------------------------------------------------------------


def test_a_cut_file_is_told_once_when_it_will_stay_so(folder: Folder, store: Path, records: list[Record]) -> None:
    folder.put("mail-1.pcap", in_bytes(records)[:-7])
    with running(folder, store) as run:
        folder.wait(31)
        run.look()
        assert not run.said  # the newest of its series: the rest may be on its way
        folder.put("mail-2.pcap", in_bytes(records[-3:]))
        for _ in range(3):
            run.look()
        (line,) = run.said
        assert line.startswith("incomplete: mail-1.pcap: cut off in its last record")
        assert run.taker.counts.lost == 1
        run.end(for_good=True)
    with running(folder, store) as run:
        run.look()
        assert not run.said


def test_a_cut_file_whose_writer_is_dead_is_taken_after_an_hour(
    folder: Folder, store: Path, records: list[Record]
) -> None:
    folder.put("mail.pcap", in_bytes(records)[:-7])
    with running(folder, store) as run:
        for _ in range(4):
            folder.wait(1000)
            run.look()
        assert len(run.said) == 1
        assert run.taker.counts.frames == len(records) - 1


def test_a_compressed_file_that_ends_too_early_is_told(folder: Folder, store: Path, records: list[Record]) -> None:
    folder.put("mail.pcap.gz", gzip.compress(in_bytes(records))[:-100], age=4000)
    with running(folder, store) as run:
        run.look()
        assert run.said == ["incomplete: mail.pcap.gz: its gzip data ends too early; the rest is lost"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"no capture at all, but a text that somebody keeps here\n", "not a capture"),
        (b"\x1f\x8b\x08" + b"\xff" * 40, "broken"),
        (b"PK\x03\x04" + bytes(60), "not a capture"),
    ],
)
def test_what_is_no_capture_is_passed_over_and_told_once(
    folder: Folder, store: Path, content: bytes, says: str
) -> None:
    folder.put("notes", content, age=100)
    with running(folder, store) as run:
        for _ in range(3):
            run.look()
        (line,) = run.said
        assert says in line
        assert line.endswith("it is passed over")
        assert run.taker.counts.skipped == 1
        assert not run.taker.counts.lost


def test_a_capture_without_packets_is_taken(folder: Folder, store: Path) -> None:
    folder.put("mail.pcap", in_bytes([]), age=100)
    with running(folder, store) as run:
        run.look()
        run.look()
        assert run.taker.counts.files == 1
        assert not run.said


def test_a_file_that_vanishes_between_the_look_and_the_reading_is_counted(
    folder: Folder, store: Path, records: list[Record]
) -> None:
    path = folder.put("mail.pcap", in_bytes(records), age=100)
    with running(folder, store) as run:
        finished = run.follower.look()
        path.unlink()
        run.taker.take(finished)
        assert run.taker.counts.gone == 1
        assert not run.said


@pytest.mark.parametrize(("block", "lost"), [(16 << 20, 0), (4096, 1)], ids=["read by then", "not read by then"])
def test_a_file_overwritten_while_it_is_read_is_told_unless_all_of_it_had_been_read(
    folder: Folder, store: Path, records: list[Record], monkeypatch: pytest.MonkeyPatch, block: int, lost: int
) -> None:
    monkeypatch.setattr("analyzer.watch.taking.BLOCK_BYTES", block)
    one, other = parts(records, 2)[0], recorded(slice(6, 8))
    folder.put("mail.pcap", in_bytes(one), age=100)
    overwritten: list[Path] = []

    def overwrite(session: Session) -> Session:
        if not overwritten:
            overwritten.append(folder.put("mail.pcap", in_bytes(other), age=50))
        return session

    with running(folder, store, on_session=overwrite) as run:
        run.look()
        assert overwritten
        assert (run.taker.counts.lost, run.taker.counts.changed) == (lost, lost)
        assert [line for line in run.said if "it was overwritten while it was read" in line] == run.said
        before = run.taker.counts.frames
        run.look()
        assert run.taker.counts.frames == before + len(other)
        run.end()


def test_a_file_that_is_another_one_by_its_turn_is_read_as_that(
    folder: Folder, store: Path, records: list[Record], whole: dict[str, Any]
) -> None:
    folder.put("mail.pcap", in_bytes(recorded(slice(6, 7))), age=100)
    with running(folder, store) as run:
        finished = run.follower.look()
        folder.put("mail.pcap", in_bytes(records), age=50)
        run.taker.take(finished)
        run.look()
        assert run.taker.counts.frames == len(records)
        assert not run.said
        run.end()
    assert inventory_of(store) == whole


def test_asked_to_stop_it_leaves_the_rest_for_another_run(
    folder: Folder, store: Path, records: list[Record], whole: dict[str, Any]
) -> None:
    for number, part in enumerate(parts(records, 4)):
        folder.put(f"mail-{number}.pcap", in_bytes(part), age=100 - number)
    with running(folder, store) as run:
        run.look(stop=iter([False, False, True]).__next__)
        assert run.taker.counts.files == 2
        run.end()
    with running(folder, store) as run:
        run.look()
        run.end()
    assert inventory_of(store) == whole


def test_a_connection_that_stays_open_does_not_hold_more_files_than_the_limit(
    folder: Folder, store: Path, records: list[Record]
) -> None:
    stays = [records[0]] + [
        (second + 60 * number, micro, frame) for number, (second, micro, frame) in enumerate(records[1:40])
    ]
    with running(folder, store, limits=Limits(idle=10**15), most_waiting=5) as run:
        for number, record in enumerate(stays):
            folder.put(f"mail-{number}.pcap", in_bytes([record]))
            folder.wait(5)
            run.look()
        assert run.taker.counts.hurried
        assert run.taker.waiting <= 6


@pytest.mark.parametrize(("minutes", "waits"), [(50, True), (70, False)])
def test_a_connection_that_stays_open_is_waited_for_an_hour(
    folder: Folder, store: Path, records: list[Record], minutes: int, waits: bool
) -> None:
    later = [(records[0][0] + 60 * minutes, 0, recorded(slice(6, 7))[0][2])]
    folder.put("mail-1.pcap", in_bytes(records[:40]), age=100)
    folder.put("mail-2.pcap", in_bytes(later), age=90)
    with running(folder, store, limits=Limits(idle=10**15)) as run:
        run.look()
        assert run.taker.open
        assert run.taker.waiting == 1 + waits
        assert run.taker.counts.hurried == (not waits)


def test_a_lane_too_many_ends_the_one_used_longest_ago(folder: Folder, store: Path, records: list[Record]) -> None:
    with running(folder, store, most_lanes=2) as run:
        for number in range(4):  # always further back in time
            moved = [(second - number * 100_000, micro, frame) for second, micro, frame in records]
            folder.put(f"{'abcd'[number]}.pcap", in_bytes(moved[:-20]), age=100)
            run.look()
        assert len(list(run.taker._lanes)) == 2
        assert run.taker.ended == 2
        assert run.taker.waiting == 2  # what the others had is recorded
