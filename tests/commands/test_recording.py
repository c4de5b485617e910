"""Captures that are written for months: rotated, never more than their share, and a full disk ends nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from analyzer.commands.recording import Recording
from analyzer.errors import UsageError
from analyzer.scrub import Scrubbed
from tests.capture.reading import read_paths

PACKET = Scrubbed(1_795_466_935_000_000_000, 1, bytes(1000), 1000)


def recording(path: Path, said: list[str], *, size: int = 3000, files: int = 3) -> Recording:
    return Recording(str(path), size, files, said.append)


def test_a_file_that_is_full_makes_room_for_the_next_and_the_oldest_goes(tmp_path: Path) -> None:
    said: list[str] = []
    written = recording(tmp_path / "kept", said)
    for session in range(12):
        packet = PACKET._replace(data=bytes([session]) * 1000)
        written.write([packet, packet], lambda time: time)
    written.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept", "kept.1", "kept.2"]
    sessions = [frame.content[0] for name in ("kept.2", "kept.1", "kept") for frame in read_paths(tmp_path / name)[0]]
    assert sessions == [6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11]
    assert said == []


def test_what_an_earlier_run_wrote_is_kept(tmp_path: Path) -> None:
    for content in (b"a", b"b"):
        written = recording(tmp_path / "kept", [])
        written.write([PACKET._replace(data=content * 1000)], lambda time: time)
        written.close()
    assert [frame.content[:1] for frame in read_paths(tmp_path / "kept.1")[0]] == [b"a"]
    assert [frame.content[:1] for frame in read_paths(tmp_path / "kept")[0]] == [b"b"]


def test_with_one_file_it_begins_anew(tmp_path: Path) -> None:
    written = recording(tmp_path / "kept", [], files=1)
    for _ in range(6):
        written.write([PACKET, PACKET], lambda time: time)
    written.close()
    assert os.listdir(tmp_path) == ["kept"]
    assert len(read_paths(tmp_path / "kept")[0]) == 4


def test_times_are_told_as_asked(tmp_path: Path) -> None:
    written = recording(tmp_path / "kept", [])
    written.write([PACKET], lambda time: time + 3600)
    written.close()
    assert [frame.time for frame in read_paths(tmp_path / "kept")[0]] == [PACKET.time + 3600]


def test_only_the_owner_can_read_it(tmp_path: Path) -> None:
    recording(tmp_path / "kept", []).close()
    assert (tmp_path / "kept").stat().st_mode & 0o777 == 0o600


def test_a_full_disk_is_told_once_and_so_is_its_end(tmp_path: Path) -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("there is no /dev/full")
    said: list[str] = []
    path = tmp_path / "kept"
    written = recording(path, said)
    written.close()
    path.unlink()
    path.symlink_to("/dev/full")
    written._files = 1  # the link stays where it is
    for _ in range(3):
        written.write([PACKET], lambda time: time)
    assert (written.lost, len(said)) == (3, 1)
    path.unlink()
    written.write([PACKET], lambda time: time)
    written.close()
    assert [line.partition(": ")[2] for line in said] == [
        "packets cannot be written (No space left on device); they are lost until they can",
        "packets are written again; those of 3 sessions were lost",
    ]


def test_a_place_where_nothing_can_be_written_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="packets cannot be written there"):
        recording(tmp_path / "nowhere" / "kept", [])
