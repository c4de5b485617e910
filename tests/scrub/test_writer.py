"""What is written is read back by our reader, and by tshark."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

import pytest

from analyzer.capture import open_captures
from analyzer.scrub import Scrubbed
from analyzer.scrub.writer import CaptureWriter
from tests.capture.writers import NOON
from tests.support.tools import needs_tshark

FRAMES = [
    Scrubbed(NOON + 123_456_789, 1, b"x" * 60, 60),
    Scrubbed(NOON + 1, 101, b"y" * 41, 1500),
    Scrubbed(NOON + (1 << 33), 1, b"", 0),
]


def write(path: Path, frames: list[Scrubbed], links: set[int]) -> Path:
    out = io.BytesIO()
    writer = CaptureWriter(out, links)
    for frame in frames:
        writer.write(frame)
    path.write_bytes(out.getvalue())
    return path


def read(path: Path) -> list[Scrubbed]:
    found = []
    with open_captures([str(path)]) as captures:
        for batch in captures.batches():
            for at in range(len(batch)):
                start, size = int(batch.start[at]), int(batch.captured[at])
                data = batch.data[start : start + size].tobytes()
                found.append(Scrubbed(int(batch.time[at]), int(batch.link_type[at]), data, int(batch.wire[at])))
        assert not captures.damage
        assert not captures.oddities
    return found


@pytest.mark.parametrize("links", [{1}, {1, 101}])
def test_frames_come_back_as_they_were_to_the_nanosecond(links: set[int], tmp_path: Path) -> None:
    frames = [frame for frame in FRAMES if frame.link_type in links]
    path = write(tmp_path / "x", frames, links)
    assert read(path) == frames
    assert path.read_bytes()[:4] == (b"\x0a\x0d\x0d\x0a" if len(links) > 1 else b"\x4d\x3c\xb2\xa1")


def test_a_capture_without_frames_is_one_all_the_same(tmp_path: Path) -> None:
    for links in (set[int](), {1}, {1, 101}):
        assert read(write(tmp_path / "x", [], links)) == []


@needs_tshark
@pytest.mark.parametrize("links", [{1}, {1, 101}])
def test_tshark_reads_the_same_times_and_lengths(links: set[int], tmp_path: Path) -> None:
    frames = [frame for frame in FRAMES if frame.link_type in links]
    path = write(tmp_path / "x", frames, links)
    fields = ["frame.time_epoch", "frame.cap_len", "frame.len"]
    command = ["tshark", "-n", "-r", str(path), "-T", "fields", *(part for field in fields for part in ("-e", field))]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    expected = [f"{f.time // 10**9}.{f.time % 10**9:09}\t{len(f.data)}\t{f.wire}" for f in frames]
    assert told.splitlines() == expected
