"""Many files are one stream: cut, rotated, overlapping, recorded side by side, or given twice."""

from __future__ import annotations

import resource
import tracemalloc
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from analyzer.capture import captures as captures_module
from analyzer.capture import lanes, merge, open_captures
from analyzer.capture.reader import CaptureReader
from tests.capture import writers
from tests.capture.reading import read_paths
from tests.capture.writers import NOON, SECOND, Frame, frame

MILLISECOND = 1_000_000


def write(folder: Path, *files: Sequence[Frame], names: str = "part_{}.pcap") -> list[Path]:
    paths = [folder / names.format(number) for number in range(len(files))]
    for path, frames in zip(paths, files, strict=True):
        path.write_bytes(writers.pcap(frames))
    return paths


def steady(count: int, step: int = 10 * MILLISECOND, start: int = NOON, mark: bytes = b"") -> list[Frame]:
    return [Frame(start + n * step, mark + n.to_bytes(4, "big"), 60) for n in range(count)]


@st.composite
def cut_captures(draw: st.DrawFn) -> list[list[Frame]]:
    """A capture in 2 to 10 pieces: packets at any pace, some with the same stamp, some out of order by a little."""
    steps = draw(st.lists(st.sampled_from([0, 1000, 50_000, MILLISECOND, SECOND, 3 * SECOND]), min_size=1, max_size=40))
    time = NOON
    frames: list[Frame] = []
    for number, step in enumerate(steps):
        time += step
        jitter = draw(st.sampled_from([0, 0, 0, 1000, 200_000]))
        frames += [Frame(time - jitter, bytes([number]), 60)] * draw(st.sampled_from([1, 1, 2]))  # 2: a span port
    cuts = draw(st.lists(st.integers(0, len(frames)), min_size=1, max_size=9))
    return [frames[begin:end] for begin, end in pairwise([0, *sorted(cuts), len(frames)])]


@settings(max_examples=150, deadline=None)
@given(cut_captures(), st.randoms(use_true_random=False), st.integers(100, 3000), st.booleans())
def test_any_cut_gives_the_identical_frames(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[list[Frame]], random: object, block_bytes: int, mixed: bool
) -> None:
    folder = tmp_path_factory.mktemp("cut")
    paths = write(folder, *pieces)
    if mixed:
        paths[0].write_bytes(writers.pcapng(pieces[0]))
    random.shuffle(paths)  # type: ignore[attr-defined]
    found, captures = read_paths(*paths, block_bytes=block_bytes)
    assert found == [one for piece in pieces for one in piece]
    assert not captures.oddities
    assert not captures.damage


def test_cuts_inside_the_raggedness_of_several_interfaces_change_nothing(tmp_path: Path) -> None:
    """Two queues written one after the other: stamps go back by up to 200 ms, inside the file and at its cut."""
    frames = [
        Frame(NOON + (n // 20) * 200 * MILLISECOND + (n % 10) * 20 * MILLISECOND, n.to_bytes(2, "big"), 60)
        for n in range(400)
    ]
    assert max(a.time - b.time for a, b in pairwise(frames)) == 180 * MILLISECOND
    for cut in (205, 211, 219):
        found, _ = read_paths(*write(tmp_path, frames[:cut], frames[cut:]))
        assert found == frames


@pytest.mark.parametrize("cut", range(1, 40, 3))
def test_broken_stamps_do_not_tear_a_rotated_set_apart(tmp_path: Path, cut: int) -> None:
    """Every other stamp is decades ahead, as in a file from a machine with a broken clock source."""
    years = 40 * 365 * 86400 * SECOND
    frames = [Frame(NOON + n * MILLISECOND + (n % 2) * years, n.to_bytes(2, "big"), 60) for n in range(42)]
    found, captures = read_paths(*write(tmp_path, frames[:cut], frames[cut:]))
    assert found == frames
    assert not captures.oddities


def test_a_wrapped_ring_is_read_from_its_oldest_file(tmp_path: Path) -> None:
    oldest, middle, newest = (steady(50, start=NOON + n * 10 * SECOND) for n in range(3))
    found, captures = read_paths(*write(tmp_path, newest, oldest, middle, names="ring{}"))
    assert found == oldest + middle + newest
    assert [Path(source.name).name for source in captures.sources] == ["ring1", "ring2", "ring0"]


def test_the_source_of_each_frame_is_its_file(tmp_path: Path) -> None:
    paths = write(tmp_path, steady(5, start=NOON + SECOND), steady(5))
    with open_captures([str(path) for path in paths]) as captures:
        sources = [captures.sources[index].name for batch in captures.batches() for index in batch.source.tolist()]
        assert sources == [str(paths[1])] * 5 + [str(paths[0])] * 5
        assert [source.frames for source in captures.sources] == [5, 5]


def test_two_taps_are_interleaved_by_time(tmp_path: Path) -> None:
    """One file per direction, as some taps write them; short enough to lie within any slack a cut is granted."""
    for step in (MILLISECOND, 20 * MILLISECOND, SECOND):
        frames = steady(60, step)
        found, captures = read_paths(*write(tmp_path, frames[::2], frames[1::2]))
        assert found == frames
        assert not captures.oddities


def test_two_taps_each_rotated_are_two_lanes(tmp_path: Path) -> None:
    frames = steady(600, 50 * MILLISECOND)
    ours, theirs = frames[::2], frames[1::2]
    files = [ours[:100], ours[100:230], ours[230:], theirs[:90], theirs[90:95], theirs[95:]]
    found, captures = read_paths(*write(tmp_path, *files), block_bytes=500)
    assert found == frames
    assert not captures.oddities


def test_order_inside_a_file_is_kept_where_files_are_merged(tmp_path: Path) -> None:
    ragged = [frame(n + (5 if n % 7 == 3 else 0), bytes([n])) for n in range(100)]
    found, _ = read_paths(*write(tmp_path, ragged, steady(100, SECOND, mark=b"other")))
    assert [one for one in found if len(one.content) == 1] == ragged
    assert len(found) == 200


def test_the_same_content_in_two_files_counts_once(tmp_path: Path) -> None:
    for step in (1000, MILLISECOND, SECOND):
        frames = steady(100, step)
        found, captures = read_paths(*write(tmp_path, frames, frames), block_bytes=300)
        assert found == frames
        assert captures.oddities == {"frame-in-two-inputs": 100}
        assert [source.frames for source in captures.sources] == [100, 100]


def test_a_doubled_frame_at_a_cut_stays_doubled(tmp_path: Path) -> None:
    frames = [frame(1), frame(2), frame(2), frame(3)]
    assert read_paths(*write(tmp_path, frames[:2], frames[2:]))[0] == frames


@settings(max_examples=60, deadline=None)
@given(data=st.data(), step=st.sampled_from([1000, MILLISECOND, SECOND]), block_bytes=st.integers(100, 2000))
def test_what_overlapping_files_share_counts_once(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, step: int, block_bytes: int
) -> None:
    frames = steady(60, step)
    ranges = data.draw(st.lists(st.tuples(st.integers(0, 55), st.integers(3, 60)), min_size=1, max_size=5))
    # Where they share one frame only, it may as well be a doubled frame at a cut; see the test above.
    assume(not any(begin + length - 1 == other for begin, length in ranges for other, _ in ranges))
    if step <= MILLISECOND:  # so short that names decide
        ranges.sort()
    files = [frames[begin : begin + length] for begin, length in ranges]
    paths = write(tmp_path_factory.mktemp("overlap"), *files)
    found, captures = read_paths(*paths, block_bytes=block_bytes)
    assert found == sorted({one for file in files for one in file})
    assert captures.oddities["frame-in-two-inputs"] == sum(map(len, files)) - len(found)


def test_frames_a_span_port_doubled_stay_doubled(tmp_path: Path) -> None:
    doubled = [one for one in steady(50, SECOND) for _ in range(2)]
    once = doubled[::2]
    assert read_paths(*write(tmp_path, doubled, doubled))[0] == doubled
    assert sorted(read_paths(*write(tmp_path, once, doubled))[0]) == doubled


def test_frames_that_differ_in_anything_are_different(tmp_path: Path) -> None:
    one, two = steady(20, SECOND), [one._replace(content=b"\xff" + one.content[1:]) for one in steady(20, SECOND)]
    found, captures = read_paths(*write(tmp_path, one, two))
    assert len(found) == 40
    assert not captures.oddities


def test_a_long_overlap_of_one_instant_is_bounded(tmp_path: Path) -> None:
    """A file without time stamps beside another: the wait for equal times ends at the limit, with a count."""
    still = [Frame(NOON + SECOND, n.to_bytes(4, "big") * 50, 200) for n in range(500)]
    other = [frame(0, b"a"), frame(0.5, b"b"), frame(1, b"c"), frame(2, b"d")]
    with patch.object(lanes, "READ_AHEAD_BYTES", 5_000):
        found, captures = read_paths(*write(tmp_path, [frame(0.9), *still, frame(3)], other), block_bytes=1_000)
    assert sorted(found) == sorted([frame(0.9), *still, frame(3), *other])
    assert captures.oddities["overlap-limit"] > 0
    assert set(captures.oddities) == {"overlap-limit"}


def test_looking_ahead_past_a_cut_is_bounded(tmp_path: Path) -> None:
    """So much of one file lies past the other's beginning that it is no ragged edge, whatever the clocks say."""
    burst = [Frame(NOON + n * 2000, n.to_bytes(4, "big") * 50, 200) for n in range(500)]
    other = [Frame(NOON + n * 2000 + 1000, n.to_bytes(4, "little") * 50, 200) for n in range(500)]
    with patch.object(lanes, "READ_AHEAD_BYTES", 5_000):
        found, captures = read_paths(*write(tmp_path, burst, other), block_bytes=1_000)
    assert found == sorted(burst + other)
    assert not captures.oddities


def test_more_files_side_by_side_than_can_be_open_are_read_in_turn(tmp_path: Path) -> None:
    files = [steady(40, SECOND, mark=bytes([n])) for n in range(6)]
    with patch.object(merge, "MAX_LANES", 4):
        found, captures = read_paths(*write(tmp_path, *files))
    assert sorted(found) == sorted(one for file in files for one in file)
    assert captures.oddities == {"input-not-merged": 2}


def test_a_rotated_set_of_any_size_needs_few_descriptors(tmp_path: Path) -> None:
    files = [steady(3, start=NOON + n * SECOND) for n in range(300)]
    paths = write(tmp_path, *files)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (100, hard))
    try:
        found, _ = read_paths(tmp_path, *paths)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert found == [one for file in files for one in file]


def test_a_rotated_set_of_any_size_needs_the_memory_of_one_file(tmp_path: Path) -> None:
    paths = write(tmp_path, *([Frame(NOON + n * SECOND, bytes(200_000), 200_000)] for n in range(40)))
    with open_captures([str(path) for path in paths], block_bytes=1 << 20) as captures:
        tracemalloc.start()
        try:
            for _ in captures.batches():
                pass
            assert tracemalloc.get_traced_memory()[1] < 6 << 20
        finally:
            tracemalloc.stop()


def test_files_without_packets_are_part_of_a_set(tmp_path: Path) -> None:
    frames = steady(10, SECOND)
    found, captures = read_paths(*write(tmp_path, [], frames[:5], [], frames[5:], []))
    assert found == frames
    assert [source.frames for source in captures.sources] == [0, 0, 0, 5, 5]


def test_a_cut_file_of_a_set_is_damage_and_the_others_are_read(tmp_path: Path) -> None:
    frames = steady(9, SECOND)
    paths = write(tmp_path, frames[:3], frames[3:6], frames[6:])
    paths[1].write_bytes(paths[1].read_bytes()[:-2])
    found, captures = read_paths(*paths)
    assert found == frames[:5] + frames[6:]
    assert [(damage.name, damage.what) for damage in captures.damage] == [
        (str(paths[1]), "cut off in its last record (18 bytes lost)")
    ]


def test_a_file_that_is_gone_when_its_turn_comes_is_damage(tmp_path: Path) -> None:
    frames = steady(9, SECOND)
    paths = write(tmp_path, frames[:3], frames[3:6], frames[6:])
    with open_captures([str(path) for path in paths]) as captures:
        paths[1].unlink()
        assert sum(len(batch) for batch in captures.batches()) == 6
    assert [damage.what for damage in captures.damage] == ["gone when its turn came (no such file or directory)"]


def test_progress_over_a_set_adds_up(tmp_path: Path) -> None:
    paths = write(tmp_path, steady(50), steady(50, start=NOON + 10 * SECOND))
    with open_captures([str(path) for path in paths]) as captures:
        assert captures.bytes_read == 0
        assert captures.bytes_total == sum(path.stat().st_size for path in paths)
        for _ in captures.batches():
            pass
        assert captures.bytes_read == captures.bytes_total


def test_memory_is_shared_by_files_that_are_open_together(tmp_path: Path) -> None:
    asked: list[int] = []
    reader = CaptureReader

    def noting(given: object, block_bytes: int, *more: object) -> object:
        asked.append(block_bytes)
        return reader(given, block_bytes, *more)  # type: ignore[arg-type]

    with patch.object(captures_module, "CaptureReader", noting):
        read_paths(*write(tmp_path, *(steady(40, SECOND, mark=bytes([n])) for n in range(5))), block_bytes=1 << 20)
    assert asked == [captures_module.LOOK_BYTES] * 5 + [1 << 20, 1 << 19, (1 << 20) // 3, 1 << 18, 1 << 18]


def test_stopping_early_closes_what_is_open(tmp_path: Path) -> None:
    paths = write(tmp_path, steady(500), steady(500, mark=b"other"))
    with open_captures([str(path) for path in paths], block_bytes=500) as captures:
        next(captures.batches())
    # warnings are errors: a file left to the garbage collector would fail this test
