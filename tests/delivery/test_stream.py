from __future__ import annotations

import io
import os
import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from analyzer.delivery.stream import EventFile, EventOutput
from analyzer.errors import UsageError
from tests.support.material import REPOSITORY


@pytest.fixture
def said() -> list[str]:
    return []


def test_lines_are_appended_to_what_is_there(tmp_path: Path, said: list[str]) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text("before\n")
    events = EventFile(str(path), said.append)
    events.write("one")
    assert path.read_text() == "before\none\n"  # at once
    events.write("two")
    events.close()
    assert path.read_text() == "before\none\ntwo\n"
    assert (events.written, events.lost, said) == (2, 0, [])


def test_a_new_file_is_for_its_owner_alone_and_an_old_one_keeps_its_mode(tmp_path: Path, said: list[str]) -> None:
    old = tmp_path / "old"
    old.touch(0o640)
    EventFile(str(old), said.append).close()
    EventFile(str(tmp_path / "new"), said.append).close()
    assert [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("new", "old")] == [0o600, 0o640]


def test_after_log_rotation_lines_go_to_a_new_file(tmp_path: Path, said: list[str]) -> None:
    path = tmp_path / "events"
    events = EventFile(str(path), said.append)
    events.write("one")
    path.rename(tmp_path / "events.1")
    events.write("two")
    events.reopen()
    events.write("three")
    events.close()
    assert (tmp_path / "events.1").read_text() == "one\ntwo\n"
    assert path.read_text() == "three\n"


def test_where_it_cannot_be_opened_again_lines_are_lost_until_it_can(tmp_path: Path, said: list[str]) -> None:
    folder = tmp_path / "log"
    folder.mkdir()
    events = EventFile(str(folder / "events"), said.append)
    shutil.rmtree(folder)
    events.reopen()
    events.write("one")
    events.write("two")
    folder.mkdir()
    events.write("three")
    events.close()
    assert (folder / "events").read_text() == "three\n"
    assert (events.written, events.lost) == (1, 2)
    assert len(said) == 2
    assert "No such file" in said[0]
    assert "2 were lost" in said[1]


def test_a_full_disk_costs_lines_and_not_the_run(said: list[str]) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full here")
    events = EventFile("/dev/full", said.append)
    for _ in range(3):
        events.write("line")
    events.close()
    assert events.lost == 3
    assert said == ["/dev/full: events cannot be written (No space left on device); they are lost until they can"]


def test_a_line_written_in_part_is_ended_before_the_next(tmp_path: Path) -> None:
    program = """
import resource, sys
from analyzer.delivery.stream import EventFile
events = EventFile(sys.argv[1], print)
resource.setrlimit(resource.RLIMIT_FSIZE, (10, resource.RLIM_INFINITY))
events.write("1234567")
events.write("abcdefg")
events.write("never")
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
events.write("last")
print(events.written, events.lost)
"""
    path = tmp_path / "events"
    result = subprocess.run(
        [sys.executable, "-c", program, path], capture_output=True, text=True, check=True, cwd=REPOSITORY
    )
    assert path.read_text() == "1234567\nab\nlast\n"
    assert result.stdout.splitlines()[-1] == "2 2"


@pytest.mark.parametrize(
    ("prepare", "says"),
    [
        (lambda folder: folder, "Is a directory"),
        (lambda folder: folder / "missing" / "events", "No such file"),
        (lambda folder: Path("a\0b"), "null"),
    ],
)
def test_what_cannot_be_written_is_said_in_one_line(
    prepare: Callable[[Path], Path], says: str, tmp_path: Path, said: list[str]
) -> None:
    with pytest.raises(UsageError, match=says) as caught:
        EventFile(str(prepare(tmp_path)), said.append)
    assert str(caught.value).isprintable()


def test_a_capture_stays_as_it_is(tmp_path: Path, said: list[str]) -> None:
    copy = tmp_path / "copy.pcap"
    shutil.copy(REPOSITORY / "captures" / "mechanisms" / "clear-bdat.pcap", copy)
    before = copy.read_bytes()
    with pytest.raises(UsageError, match="it is a capture"):
        EventFile(str(copy), said.append)
    assert copy.read_bytes() == before


def test_a_database_stays_as_it_is(tmp_path: Path, said: list[str]) -> None:
    store = tmp_path / "mail.db"
    store.write_bytes(b"SQLite format 3\0 and so on")
    with pytest.raises(UsageError, match="it is a database"):
        EventFile(str(store), said.append)
    assert store.read_bytes() == b"SQLite format 3\0 and so on"


def test_a_pipe_that_nobody_reads_is_said(tmp_path: Path, said: list[str]) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(UsageError, match="nobody reads this pipe"):
        EventFile(str(pipe), said.append)


def test_a_pipe_whose_reader_is_slow_or_gone_holds_nothing_up(tmp_path: Path, said: list[str]) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    events = EventFile(str(pipe), said.append)
    for _ in range(1000):
        events.write("x" * 1000)
    assert 0 < events.lost < 1000
    os.close(reader)
    events.write("nobody")
    events.close()
    assert events.written + events.lost == 1001


def test_lines_of_two_writers_stay_whole(tmp_path: Path, said: list[str]) -> None:
    path = str(tmp_path / "events")

    def write(letter: str) -> None:
        events = EventFile(path, said.append)
        for _ in range(500):
            events.write(letter * 300)
        events.close()

    writers = [threading.Thread(target=write, args=(letter,)) for letter in "ab"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert set(Path(path).read_text().splitlines()) == {"a" * 300, "b" * 300}


def test_no_descriptor_is_left_open(tmp_path: Path, said: list[str]) -> None:
    before = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0
    for n in range(20):
        events = EventFile(str(tmp_path / str(n)), said.append)
        events.reopen()
        events.close()
        events.close()
    assert before == (len(os.listdir("/proc/self/fd")) if before else 0)


def test_standard_output_gets_each_line_at_once() -> None:
    raw = io.BytesIO()
    events = EventOutput(io.TextIOWrapper(io.BufferedWriter(raw)))
    events.write("one")
    assert raw.getvalue() == b"one\n"
    events.reopen()
    events.close()
    events.write("two")
    assert raw.getvalue() == b"one\ntwo\n"


def test_a_reader_that_has_seen_enough_ends_the_run() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    out = open(writing, "w")  # noqa: SIM115
    with pytest.raises(BrokenPipeError):
        EventOutput(out).write("line")
    with pytest.raises(BrokenPipeError):
        out.close()
