"""What people see: tables as wide as their terminal, colours where they are wanted, and a progress bar that leaves."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
import threading
from pathlib import Path
from time import sleep

import pytest

from tests.commands.running import GENERATED, OFFICE, PATIENCE, environment, start

ONE = OFFICE / "office-1.pcap"
STYLE = re.compile(r"\x1b\[[0-9;]*m")
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
"""Styles, and what moves the cursor or clears a line: a slow run shows how far it is."""


class Terminal:
    """A terminal of some size, and what was written to it."""

    def __init__(self, columns: int = 100) -> None:
        self._ours, self.theirs = pty.openpty()
        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        self._seen = bytearray()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        try:
            while more := os.read(self._ours, 65536):
                self._seen += more
        except OSError:  # Linux says so when the other end is closed
            pass

    def text(self) -> str:
        """Everything that was written, once nobody can write any more."""
        os.close(self.theirs)
        self._reader.join(PATIENCE)
        os.close(self._ours)
        return self._seen.decode().replace("\r\n", "\n")


def on_terminal(*arguments: str | Path, columns: int = 100, **variables: str) -> str:
    """What a command shows, standard output and standard error on one terminal."""
    terminal = Terminal(columns)
    settings = environment(**{"TERM": "xterm-256color", **variables})
    process = start(*arguments, stdout=terminal.theirs, stderr=terminal.theirs, stdin=terminal.theirs, env=settings)
    process.wait(PATIENCE)
    return terminal.text()


@pytest.mark.parametrize("columns", [60, 80, 100, 120, 160, 250])
def test_no_line_is_wider_than_the_terminal(columns: int) -> None:
    for arguments in ([], ["--sessions"]):
        lines = CONTROL.sub("", on_terminal("scan", OFFICE, *arguments, columns=columns)).splitlines()
        assert max(map(len, lines)) <= columns


def test_a_wide_terminal_shows_every_name_whole() -> None:
    shown = on_terminal("scan", OFFICE, columns=160)
    assert "…" not in shown
    for name in (
        "American Power Conversion",
        "legal-scan@office.example",
        "axis-accc8e93d108",
        "relay.office.example +1",
    ):
        assert name in shown


def test_a_terminal_gets_colours_unless_they_are_not_wanted() -> None:
    assert "\x1b[31;1mexposed\x1b[0m" in on_terminal("scan", ONE)
    assert "\x1b[31;1mexposed\x1b[0m" in on_terminal("scan", ONE, NO_COLOR="")  # https://no-color.org: if not empty
    assert "\x1b" not in on_terminal("scan", ONE, NO_COLOR="1")
    assert "\x1b" not in on_terminal("scan", ONE, TERM="dumb")


def test_losses_are_told_once_where_result_and_warnings_share_the_screen() -> None:
    cut = GENERATED / "pcap-cut-record.pcap"
    assert on_terminal("scan", cut).count("cut off in its last record") == 1
    assert on_terminal("scan", cut, "--format", "json").count("smtpauth: Incomplete: ") == 1


# --- the progress bar -----------------------------------------------------------------------------


def slowly(*arguments: str, columns: int = 80) -> tuple[str, bytes]:
    """Read a capture that trickles in; what the terminal (standard error) and the pipe (standard output) get."""
    terminal = Terminal(columns)
    process = start(
        "scan", "-", *arguments, stdin=subprocess.PIPE, stderr=terminal.theirs, env=environment(TERM="xterm")
    )
    assert process.stdin is not None
    assert process.stdout is not None
    content = ONE.read_bytes()
    step = len(content) // 10 + 1
    for position in range(0, len(content), step):
        process.stdin.write(content[position : position + step])
        process.stdin.flush()
        sleep(0.25)
    process.stdin.close()
    out = process.stdout.read()
    process.wait(PATIENCE)
    process.stdout.close()
    return terminal.text(), out


def test_a_long_run_shows_how_far_it_is_and_leaves_no_trace() -> None:
    shown, out = slowly()
    assert re.search(r"reading .*kB .*packets/s", STYLE.sub("", shown))
    assert shown.rstrip().endswith(("\x1b[2K", "\x1b[?25h"))  # the line is wiped and the cursor is back
    assert b"\x1b" not in out
    assert b"still use a password" in out


def test_quiet_shows_no_progress() -> None:
    shown, out = slowly("-q")
    assert shown == ""
    assert b"still use a password" in out
