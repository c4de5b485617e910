"""Ctrl-C and SIGTERM: what is known is written, and the exit code says that it is not all."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import pytest

from analyzer.commands.interruption import Interruption
from tests.commands.running import COMMAND, MECHANISMS, OFFICE, PATIENCE, environment, start

ONE = OFFICE / "office-1.pcap"


@contextmanager
def waiting_for_more(*arguments: str | Path, command: list[str] | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """``smtpauth scan -``, having read a capture from a pipe that does not end."""
    ours, theirs = os.pipe()
    pipes = {"stdin": ours, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen([*(command or COMMAND), "scan", "-", *map(str, arguments)], env=environment(), **pipes)  # type: ignore[call-overload]
    try:
        os.write(theirs, (MECHANISMS / "clear-login-two-steps.pcap").read_bytes())  # fits into any pipe
        deadline = monotonic() + PATIENCE
        while _unread(ours) and monotonic() < deadline:
            sleep(0.02)
        sleep(1)  # read, but perhaps not looked at yet
        yield process
    finally:
        process.kill()
        process.communicate()
        os.close(ours)
        os.close(theirs)


def _unread(pipe: int) -> int:
    count: int = struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))[0]
    return count


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_is_known_is_written_before_the_end(number: signal.Signals) -> None:
    with waiting_for_more("--format", "json") as process:
        process.send_signal(number)
        out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    answer = json.loads(out)
    assert answer["summary"]["still_password"] == 1
    assert (answer["complete"], answer["interrupted"]) == (False, True)
    assert err.decode() == "smtpauth: Interrupted: the result covers what had been read until then.\n"


def test_an_interrupted_run_is_neither_a_passed_gate_nor_a_failed_one(tmp_path: Path) -> None:
    report = tmp_path / "devices.txt"
    with waiting_for_more("--fail-on", "exposed", "-q", "--output", report) as process:
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out, err) == (130, b"", b"")
    assert "1 of 1 device still uses a password" in report.read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["devices.txt"]


def test_a_signal_that_was_ignored_at_the_start_stays_ignored() -> None:
    ignoring = (
        "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])"
    )
    with waiting_for_more(command=[sys.executable, "-c", ignoring, *COMMAND]) as process:
        process.send_signal(signal.SIGINT)
        sleep(0.5)
        assert process.poll() is None


def test_interrupted_before_anything_was_read_there_is_nothing_to_say(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    process = start("scan", pipe)  # waits for somebody to open the other end
    with pipe.open("wb"):
        sleep(0.3)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out, err) == (130, b"", b"")


# --- the object alone -----------------------------------------------------------------------------


def test_a_signal_waits_for_the_end_of_what_is_undivided() -> None:
    with Interruption() as interruption:
        with interruption.undivided():
            signal.raise_signal(signal.SIGINT)
            done = True
        assert done
        assert interruption.came
        assert not interruption.insisted


def test_a_signal_ends_waiting_at_once() -> None:
    with Interruption() as interruption, pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGTERM)
    assert interruption.came


def test_a_second_signal_ends_everything_at_once() -> None:
    with Interruption() as interruption, interruption.undivided():
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert interruption.insisted


def test_handlers_are_given_back() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with Interruption():
        assert signal.getsignal(signal.SIGTERM) != before[1]
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_a_thread_that_may_not_handle_signals_runs_without() -> None:
    failures: list[BaseException] = []

    def elsewhere() -> None:
        try:
            with Interruption() as interruption, interruption.undivided():
                pass
        except BaseException as error:  # noqa: BLE001 - any is a failure
            failures.append(error)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert not failures
