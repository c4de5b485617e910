"""One input: cut, damaged, growing, slow or huge, it gives what it has and says what is lost."""

from __future__ import annotations

import errno
import io
import os
import threading
import time
import tracemalloc
from pathlib import Path
from struct import pack
from typing import Any

import pytest

from analyzer.capture import blocks, open_captures, reader
from analyzer.capture.chain import MAX_RECORD_BYTES
from tests.capture import writers
from tests.capture.reading import frames_of, read_all, read_bytes, read_paths
from tests.capture.writers import NOON, Frame, frame

FRAMES = [Frame(NOON + n * 1_000_000, bytes([n % 256]) * (n % 300), 300) for n in range(2000)]


@pytest.mark.parametrize("write", [writers.pcap, writers.pcapng])
@pytest.mark.parametrize("lost", [1, 17, 200])
def test_a_cut_last_record_costs_that_record(write: Any, lost: int) -> None:
    frames = [frame(n, bytes(250)) for n in range(5)]
    found, captures = read_bytes(write(frames)[:-lost])
    assert found == frames[:-1]
    (damage,) = captures.damage
    whole = len(write(frames)) - len(write(frames[:-1]))
    assert damage.what == f"cut off in its last record ({whole - lost} bytes lost)"
    assert damage.name == "standard input"


@pytest.mark.parametrize("length", [MAX_RECORD_BYTES + 1, 0xFFFF_FFFF])
def test_a_length_that_lies_is_damage_and_allocates_nothing(length: int, tmp_path: Path) -> None:
    good = writers.pcap(FRAMES)
    path = tmp_path / "lies.pcap"
    path.write_bytes(good + pack("<4I", 0, 0, length, length) + bytes(5000))
    tracemalloc.start()
    try:
        found, captures = read_paths(path)
        assert tracemalloc.get_traced_memory()[1] < 8_000_000
    finally:
        tracemalloc.stop()
    assert found == FRAMES
    (damage,) = captures.damage
    assert damage.what == (
        f"damaged from byte {len(good):,} on: a record there claims a length of {length:,} bytes; "
        f"5,016 of {len(good) + 5016:,} bytes were not read"
    )


def test_a_record_of_the_greatest_length_is_read_through_a_small_block() -> None:
    huge = Frame(NOON, b"jumbo" * (MAX_RECORD_BYTES // 5), MAX_RECORD_BYTES)
    found, captures = read_bytes(writers.pcap([FRAMES[7], huge, FRAMES[8]]), block_bytes=1000)
    assert found == [FRAMES[7], huge, FRAMES[8]]
    assert not captures.damage


@pytest.mark.parametrize("block_bytes", [1, 100, 5000, 1 << 16, 1 << 22])
def test_the_size_of_a_block_does_not_matter(block_bytes: int) -> None:
    assert read_bytes(writers.pcap(FRAMES), block_bytes)[0] == FRAMES


@pytest.mark.parametrize("most", [1, 7, 100, len(FRAMES) - 1, len(FRAMES)])
@pytest.mark.parametrize("write", [writers.pcap, writers.pcapng])
def test_no_batch_has_more_frames_than_may_be(
    most: int, write: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "FRAMES_AT_ONCE", most)
    path = tmp_path / "capture"
    path.write_bytes(write(FRAMES))
    with open_captures([str(path)]) as captures:
        batches = [list(frames_of(batch)) for batch in captures.batches()]
    assert [one for batch in batches for one in batch] == FRAMES
    assert max(map(len, batches)) <= most


def test_batches_are_on_loan_and_detached_ones_are_not(tmp_path: Path) -> None:
    path = tmp_path / "capture"
    path.write_bytes(writers.pcap(FRAMES))
    with open_captures([str(path)], block_bytes=20_000) as captures:
        kept = [batch.detached() for batch in captures.batches()]
    assert len(kept) > 5
    assert [one for batch in kept for one in frames_of(batch)] == FRAMES


def test_columns_have_the_types_they_promise(tmp_path: Path) -> None:
    for name, data in (("pcap", writers.pcap(FRAMES, ">")), ("pcapng", writers.pcapng(FRAMES, ">"))):
        (tmp_path / name).write_bytes(data)
        with open_captures([str(tmp_path / name)]) as captures:
            for batch in captures.batches():
                columns = ("data", "link_type", "source", "start", "captured", "wire", "time")
                types = [str(getattr(batch, column).dtype) for column in columns]
                assert types == ["uint8", "uint16", "int32", *["int64"] * 4]
                assert len(batch)


def test_progress_grows_with_reading(tmp_path: Path) -> None:
    path = tmp_path / "capture"
    path.write_bytes(writers.pcap(FRAMES))
    with open_captures([str(path)], block_bytes=50_000) as captures:
        assert captures.bytes_total == path.stat().st_size
        progress = [captures.bytes_read for _ in captures.batches()]
        assert captures.bytes_read == captures.bytes_total
    assert progress == sorted(progress)
    assert len(set(progress)) > 3


class NeverSeeks(io.RawIOBase):
    """A stream that gives a few bytes at a time and fails on anything but reading."""

    def __init__(self, data: bytes, step: int) -> None:
        self._data = io.BytesIO(data)
        self._step = step

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._data.readinto(memoryview(buffer)[: self._step])

    def seek(self, *_: Any) -> int:
        raise AssertionError("a pipe cannot seek")

    tell = seek


@pytest.mark.parametrize("step", [1, 7, 1000])
def test_streams_are_read_forward_only(step: int) -> None:
    frames = FRAMES[:200]
    assert read_all(open_captures(["-"], stdin=NeverSeeks(writers.pcap(frames), step))) == frames  # type: ignore[arg-type]


def test_a_slow_pipe_is_read_as_it_comes() -> None:
    """Frames are handed on before the writer has finished, or filled a block."""
    reading, writing = os.pipe()
    second_may_come = threading.Event()

    def write() -> None:
        with os.fdopen(writing, "wb", buffering=0) as pipe:
            pipe.write(writers.pcap([frame(1)]))
            assert second_may_come.wait(20)
            pipe.write(writers.pcap_record(frame(2)))

    writer = threading.Thread(target=write)
    writer.start()
    with os.fdopen(reading, "rb") as pipe, open_captures(["-"], stdin=pipe) as captures:
        batches = captures.batches()
        assert list(frames_of(next(batches))) == [frame(1)]
        second_may_come.set()
        assert [one for batch in batches for one in frames_of(batch)] == [frame(2)]
        assert captures.bytes_total is None
    writer.join()


def test_a_pipe_that_trickles_without_pause_is_handed_on_after_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "LIVE_SECONDS", 0.02)
    reading, writing = os.pipe()
    stop = threading.Event()

    def write() -> None:
        with os.fdopen(writing, "wb", buffering=0) as pipe:
            pipe.write(writers.pcap([frame(0)]))
            while not stop.is_set():
                pipe.write(writers.pcap_record(frame(1)))
                time.sleep(0.001)

    writer = threading.Thread(target=write)
    writer.start()
    with os.fdopen(reading, "rb") as pipe, open_captures(["-"], stdin=pipe) as captures:
        for _, batch in zip(range(3), captures.batches(), strict=False):
            assert len(batch)
        stop.set()
        writer.join()


def test_a_read_error_ends_the_input_with_damage(tmp_path: Path) -> None:
    data = writers.pcap(FRAMES)

    class Failing(NeverSeeks):
        def readinto(self, buffer: Any) -> int:
            if self._data.tell() > len(data) // 2:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return super().readinto(buffer)

    captures = open_captures(["-"], stdin=Failing(data, 10_000))  # type: ignore[arg-type]
    found = read_all(captures)
    assert found == FRAMES[: len(found)]
    assert 900 < len(found) < 1500
    assert [damage.what for damage in captures.damage] == [
        "it could not be read any further (Input/output error); the rest is lost"
    ]


def test_a_pipe_set_to_non_blocking_is_waited_for() -> None:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)

    def write() -> None:
        with os.fdopen(writing, "wb", buffering=0) as pipe:
            time.sleep(0.05)
            pipe.write(writers.pcap(FRAMES[:10]))

    writer = threading.Thread(target=write)
    writer.start()
    with os.fdopen(reading, "rb", buffering=0) as pipe:
        assert read_all(open_captures(["-"], stdin=pipe)) == FRAMES[:10]
    writer.join()


def test_named_pipes_are_read_once(tmp_path: Path) -> None:
    path, other = tmp_path / "pipe", tmp_path / "file"
    os.mkfifo(path)
    other.write_bytes(writers.pcap([frame(5000)]))
    writer = threading.Thread(target=lambda: path.write_bytes(writers.pcap(FRAMES)))
    writer.start()
    found, captures = read_paths(other, path)
    writer.join()
    assert found == [*FRAMES, frame(5000)]
    assert captures.bytes_total is None
    assert [source.bytes_total is None for source in captures.sources] == [True, False]
