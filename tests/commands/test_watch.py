"""The real command over a directory in which files appear: killed, ended, told something, started anew."""

from __future__ import annotations

import contextlib
import json
import random
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which
from typing import Any

import pytest

from analyzer.errors import UsageError
from analyzer.store import initialise, open_store
from tests.capture.live.network import NEAR, Namespace, has_networks, needs_tcpdump
from tests.capture.live.network import network as network
from tests.capture.reading import read_paths
from tests.commands.running import OFFICE, PATIENCE, run, start
from tests.support.cutting import Record, write_pcap
from tests.support.postgresql import server
from tests.support.root import needs_root
from tests.watch.writer import in_bytes, inventory_of, inventory_of_scan, recorded

needs_dumpcap = pytest.mark.skipif(which("dumpcap") is None, reason="dumpcap is not installed")

AT_ONCE = ("--settle", "1", "--interval", "1")


@pytest.fixture(scope="module")
def records() -> list[Record]:
    return recorded()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


class Watching:
    """The command, running."""

    def __init__(self, process: subprocess.Popen[bytes], told: Path) -> None:
        self.process = process
        self._told = told

    @property
    def said(self) -> str:
        return self._told.read_text()

    def wait_for(self, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, self.said
            assert self.process.poll() is None, self.said
            time.sleep(0.05)

    def says(self, text: str) -> None:
        """Wait until it has said so."""
        self.wait_for(lambda: text in self.said)

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


@contextmanager
def watching(folder: Path, store: Path, *arguments: str) -> Iterator[Watching]:
    told = folder.parent / "stderr"
    with told.open("wb") as err:
        process = start("watch", folder, "--store", store, *AT_ONCE, *arguments, stderr=err)
        try:
            yield Watching(process, told)
        finally:
            process.kill()
            process.communicate()


def sessions_in(store: Path) -> int:
    """How many there are; none while the store is being made."""
    with contextlib.suppress(UsageError):
        return int(inventory_of(store)["summary"].sessions)
    return 0


def put(path: Path, content: bytes) -> None:
    """A file that is there whole, or not at all."""
    part = path.with_name(f".{path.name}")
    part.write_bytes(content)
    part.rename(path)


class Rotation(threading.Thread):
    """Writes records into one file after the other, in pieces cut anywhere, as fast as disks and networks do."""

    def __init__(self, folder: Path, records: list[Record], files: int, seed: int) -> None:
        super().__init__()
        self._folder = folder
        self._random = random.Random(seed)  # noqa: S311
        size = -(-len(records) // files)
        self._parts = [records[at : at + size] for at in range(0, len(records), size)]

    def run(self) -> None:
        for number, part in enumerate(self._parts):
            content = in_bytes(part)
            with (self._folder / f"mail.pcap{number or ''}").open("wb", buffering=0) as file:
                while content:
                    piece = self._random.randint(1, 6000)
                    file.write(content[:piece])
                    content = content[piece:]
                    time.sleep(self._random.choice((0, 0, 0.01, 0.1)))


def test_killed_at_any_moment_while_files_are_written_it_loses_nothing_and_counts_nothing_twice(
    folder: Path, store: Path, records: list[Record], tmp_path: Path
) -> None:
    chance = random.Random(4711)  # noqa: S311
    rotation = Rotation(folder, records, 12, 815)
    rotation.start()
    kills = 0
    while rotation.is_alive() or kills < 8:
        with watching(folder, store) as watch:
            time.sleep(0.3 + 1.2 * chance.random())
            watch.process.send_signal(signal.SIGKILL)
            kills += watch.process.wait(PATIENCE) == -signal.SIGKILL
    rotation.join()
    assert run("watch", folder, "--store", store, "--drain").returncode == 0
    assert inventory_of(store) == inventory_of_scan(write_pcap(tmp_path / "whole.pcap", records))
    again = run("watch", folder, "--store", store, "--drain", "-v")
    assert "0 files taken" in again.stderr
    assert "12 files known" in again.stderr


def test_a_signal_ends_it_after_the_file_at_hand_and_the_next_run_goes_on(
    folder: Path, store: Path, records: list[Record], tmp_path: Path
) -> None:
    half = len(records) // 2
    with watching(folder, store, "-v") as watch:
        put(folder / "mail-1.pcap", in_bytes(records[:half]))
        put(folder / "mail-2.pcap", in_bytes(records[half:-1]))
        watch.wait_for(lambda: sessions_in(store))
        assert watch.end() == 130
        assert "what is needed is read again" in watch.said
    put(folder / "mail-3.pcap", in_bytes(records[-1:]))
    assert run("watch", folder, "--store", store, "--drain").returncode == 0
    assert inventory_of(store) == inventory_of_scan(write_pcap(tmp_path / "whole.pcap", records))


def test_it_answers_to_signals(folder: Path, store: Path, records: list[Record], tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    with watching(folder, store, "--events", str(events)) as watch:
        put(folder / "mail.pcap", in_bytes(records))
        watch.wait_for(lambda: events.exists() and events.read_text())
        watch.process.send_signal(signal.SIGUSR1)
        watch.says(f"1 file, 6 sessions (6 new, 0 completed); 0 files, 0 conversations open; {len(records):,} packets")
        events.rename(tmp_path / "rotated.jsonl")
        watch.process.send_signal(signal.SIGHUP)
        watch.says("reloaded")
        assert events.exists()
        assert watch.end(signal.SIGINT) == 130
    kinds = {json.loads(line)["kind"] for line in (tmp_path / "rotated.jsonl").read_text().splitlines()}
    assert {"new-device", "password-in-clear"} <= kinds


def test_a_directory_that_goes_away_is_waited_for(folder: Path, store: Path, records: list[Record]) -> None:
    with watching(folder, store) as watch:
        watch.wait_for(store.exists)
        away = folder.with_name("away")
        folder.rename(away)
        watch.says("there is no such directory")
        put(away / "mail.pcap", in_bytes(records))
        away.rename(folder)
        watch.says("can be read again")
        watch.wait_for(lambda: sessions_in(store))


def test_once_and_again_takes_what_is_finished_and_no_more(
    folder: Path, store: Path, records: list[Record], tmp_path: Path
) -> None:
    third = len(records) // 3
    for number in range(3):
        put(folder / f"mail.pcap{number}", in_bytes(records[number * third : (number + 1) * third]))
        done = run("watch", folder, "--store", store, "--once")
        assert done.returncode == 0, done.stderr
        # The newest is still being written, and what was open at the end of the one before is read again.
        assert ("0 files taken", "1 file taken", "2 files taken")[number] in done.stderr
    read = [folder / "mail.pcap0", folder / "mail.pcap1"]
    assert inventory_of(store) == inventory_of_scan(*read)


def test_user_names_are_replaced_before_they_are_stored(folder: Path, store: Path, records: list[Record]) -> None:
    put(folder / "mail.pcap", in_bytes(records))
    assert run("watch", folder, "--store", store, "--drain", "--redact-users").returncode == 0
    (device,) = inventory_of(store)["devices"].values()
    assert device.accounts
    assert all(account.startswith("user-") for account in device.accounts)


# --- several sensors ------------------------------------------------------------------------------------


@pytest.fixture
def postgresql() -> Iterator[str]:
    """An empty store on a server."""
    with server() as running:
        url = running.database()
        initialise(url)
        yield url


def test_two_sensors_that_see_the_same_traffic_and_store_at_the_same_time_count_it_once(
    postgresql: str, tmp_path: Path, records: list[Record]
) -> None:
    running = []
    for sensor, clock, files in (("east", 0, 5), ("west", 2, 8)):
        folder = tmp_path / sensor
        folder.mkdir()
        size = -(-len(records) // files)
        for at in range(0, len(records), size):
            late = [(second + clock, micro, frame) for second, micro, frame in records[at : at + size]]
            put(folder / f"mail-{at:05}.pcap", in_bytes(late))
        running.append(start("watch", folder, "--store", postgresql, "--sensor", sensor, "--drain"))
    ended = [(process.communicate(timeout=PATIENCE)[1], process.returncode) for process in running]
    assert [code for _, code in ended] == [0, 0], ended
    whole = inventory_of_scan(write_pcap(tmp_path / "whole.pcap", records))
    stored = inventory_of(postgresql)
    assert stored["summary"].sessions == whole["summary"].sessions
    assert stored["summary"].methods == whole["summary"].methods
    with open_store(postgresql) as opened:
        status = opened.status()
    assert (status.sensors, status.inputs) == (("east", "west"), 13)


# --- real writers ---------------------------------------------------------------------------------------


WRITERS = {
    "tcpdump by size": ("tcpdump", "-C", "1", "-W", "100", "-w", "mail.pcap"),
    "tcpdump by time, compressed": ("tcpdump", "-G", "1", "-z", "gzip", "-w", "mail-%s.pcap"),
    "dumpcap": ("dumpcap", "-b", "filesize:30", "-b", "files:500", "-w", "mail.pcapng"),
}


@needs_root
@has_networks
@needs_tcpdump
@needs_dumpcap
@pytest.mark.parametrize("writer", WRITERS)
def test_what_real_programs_capture_and_rotate_is_taken_as_one_scan_takes_it(
    network: Namespace, folder: Path, store: Path, writer: str
) -> None:
    frames = [frame.content for frame in read_paths(*sorted(OFFICE.glob("*.pcap*")))[0]]
    program, *arguments = WRITERS[writer]
    command = [program, "-i", NEAR, *(("-Z", "root", "-n") if program == "tcpdump" else ("-q",)), *arguments]
    folder.chmod(0o777)
    capture = network.start(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, cwd=folder)
    try:
        deadline = time.monotonic() + PATIENCE
        while not list(folder.iterdir()):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        time.sleep(0.5)  # from the file to the socket
        for kill in range(2):
            with watching(folder, store) as watch:
                for at in range(kill * len(frames) // 2, (kill + 1) * len(frames) // 2, 50):
                    network.send(frames[at : min(at + 50, (kill + 1) * len(frames) // 2)])
                    time.sleep(0.05)
                watch.process.send_signal(signal.SIGKILL)
                watch.process.wait(PATIENCE)
    finally:
        time.sleep(1.5)  # tcpdump is handed packets once a second
        capture.terminate()
        capture.wait(PATIENCE)
    done = run("watch", folder, "--store", store, "--drain")
    assert done.returncode == 0, done.stderr
    taken = inventory_of(store)
    assert taken == inventory_of_scan(*sorted(folder.iterdir()))
    assert taken["summary"].sessions == 37


# --- what cannot be used --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["{in}"], "which store?"),
        (["{in}/nowhere", "--store", "{store}"], "there is no such directory"),
        (["{in}/file", "--store", "{store}"], "it is no directory"),
        (["{in}", "--store", "{in}/nowhere/store.db"], "store.db"),
        (["{in}", "--store", "{in}/file"], "file"),
        (["{in}", "--store", "{store}", "--interval", "0"], "'0' is not a positive whole number"),
        (["{in}", "--store", "{store}", "--state", "{in}/file"], "it is no JSON"),
        (["{in}", "--store", "{store}", "--state", "{in}/deep"], "it is no JSON"),
        (["{in}", "--store", "{store}", "--state", "{in}/" + "a" * 300], "it cannot be written"),
        (["{in}", "--store", "{store}", "--state", "/dev/zero"], "it has more than 512 MB"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_wrong_usage_is_one_line_and_exit_code_2(folder: Path, store: Path, arguments: list[str], says: str) -> None:
    (folder / "file").write_text("a text")
    (folder / "deep").write_text("[" * 100_000)
    names: dict[str, Any] = {"in": folder, "store": store}
    done = run("watch", *(argument.format(**names) for argument in arguments), "--once")
    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_what_is_missing_is_exit_code_3_and_told_once(folder: Path, store: Path, records: list[Record]) -> None:
    put(folder / "mail.pcap", in_bytes(records)[:-7])
    put(folder / "README", b"What is in here is not yours.\n")
    first = run("watch", folder, "--store", store, "--drain")
    assert first.returncode == 3
    assert first.stderr.count("incomplete: mail.pcap: cut off in its last record") == 1
    assert "README: not a capture" in first.stderr
    again = run("watch", folder, "--store", store, "--drain")
    assert again.returncode == 0
    assert "incomplete" not in again.stderr
