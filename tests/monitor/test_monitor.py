"""A live run is a run over captures that tells things early: the same devices, and events while sessions are open."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from analyzer.alerts import Event
from analyzer.capture import open_captures
from analyzer.capture.frames import FrameBatch
from analyzer.inventory.device import Device
from analyzer.inventory.devices import Inventory
from analyzer.monitor import Monitor, SteadyClock
from analyzer.monitor.monitor import IDLE_LOOK
from analyzer.pipeline import Analysis
from analyzer.streams import Limits
from tests.support.material import REPOSITORY
from tests.verify.dialogues import START, Line, Pcap, b64, bye, hello

SECOND = 10**9
CAPTURES = REPOSITORY / "captures"
PASSWORD: list[Line] = [("C", b"AUTH PLAIN " + b64(b"\0scan\0canary-4711") + b"\r\n"), ("S", b"235 OK\r\n")]


class Wall:
    """A clock that shows what the test says."""

    def __init__(self, now: int = START * SECOND) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


class Run:
    """A monitor whose events are kept."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.events: list[Event] = []
        self.wall = Wall()
        self.monitor = Monitor(["eth1"] * 200, self.events.append, limits=limits, clock=SteadyClock(self.wall))

    def feed(self, path: Path, at_once: int = 1, clock_shift: int = 0) -> None:
        """Frames of a file, so many in a batch."""
        for batch in batches(path, at_once):
            self.wall.now = max(self.wall.now, int(batch.time[-1]))
            self.monitor.feed(batch, clock_shift)
            clock_shift = 0

    @property
    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]


def batches(path: Path, at_once: int) -> Iterator[FrameBatch]:
    with open_captures([str(path)]) as captures:
        for batch in captures.batches():
            for begin in range(0, len(batch), at_once):
                yield batch.take(slice(begin, begin + at_once))


def scanned(path: Path) -> list[Device]:
    inventory = Inventory()
    with open_captures([str(path)]) as captures:
        analysis = Analysis(["eth1"] * len(captures.sources), inventory.add, on_name=inventory.learn)
        for batch in captures.batches():
            analysis.feed(batch)
        analysis.finish()
    return inventory.devices()


@pytest.mark.parametrize("name", ["office", "mechanisms", "generated"])
def test_the_inventory_is_that_of_a_scan(name: str) -> None:
    run = Run()
    run.feed(CAPTURES / name, at_once=7)
    run.monitor.finish()
    assert run.monitor.inventory.devices() == scanned(CAPTURES / name)


def test_a_password_in_the_clear_is_told_while_its_session_is_open(tmp_path: Path) -> None:
    run = Run()
    run.feed(Pcap().add([*hello(), *PASSWORD], close=False).write(tmp_path / "open.pcap"))
    assert run.monitor.analysis.open == 1
    assert run.kinds == ["password-in-clear", "first-password-login", "new-device"]
    first = run.events[0]
    assert (first.client_ip, first.username, first.outcome) == ("10.0.0.1", "scan", "success")
    run.monitor.finish()
    assert len(run.kinds) == 3, "and not again at its end"


def test_no_event_holds_the_password(tmp_path: Path) -> None:
    run = Run()
    run.feed(Pcap().add([*hello(), *PASSWORD, *bye()]).write(tmp_path / "one.pcap"))
    run.monitor.finish()
    assert run.events
    assert "canary" not in repr(run.events)


def test_quoted_commands_in_a_message_joined_midway_are_no_event(tmp_path: Path) -> None:
    text: list[Line] = [("C", b"as I wrote:\r\nAUTH PLAIN " + b64(b"\0scan\0secret") + b"\r\nregards\r\n.\r\n")]
    run = Run()
    run.feed(Pcap().add([*text, ("S", b"250 2.0.0 Ok: queued\r\n")], handshake=False).write(tmp_path / "one.pcap"))
    run.monitor.finish()
    assert run.kinds == []


def test_a_session_that_fell_silent_is_over_although_no_packet_says_so(tmp_path: Path) -> None:
    run = Run(Limits(idle=60 * SECOND))
    path = Pcap().add([*hello(), *PASSWORD], close=False).write(tmp_path / "open.pcap")
    run.feed(path)
    (*_, nothing) = batches(path, 1)
    run.wall.now += 121 * SECOND
    run.monitor.feed(nothing.take(slice(0, 0)))
    assert run.monitor.analysis.open == 0
    assert [device.status for device in run.monitor.inventory.devices()] == ["exposed"]


def test_setting_the_clock_ends_no_session_and_shows_in_the_times_that_are_told(tmp_path: Path) -> None:
    hour = 3600 * SECOND
    before = Pcap().add(hello(), close=False).write(tmp_path / "before.pcap")
    whole = Pcap().add([*hello(), *PASSWORD, *bye()]).write(tmp_path / "whole.pcap")
    count = sum(len(batch) for batch in batches(before, 1))
    run = Run()
    run.feed(before)
    run.wall.now += IDLE_LOOK + hour
    for nth, batch in enumerate(batches(whole, 1)):
        if nth >= count:
            batch.time += IDLE_LOOK + hour
            run.monitor.feed(batch, hour if nth == count else 0)
    run.monitor.finish()
    (device,) = run.monitor.inventory.devices()
    assert (device.sessions, device.status) == (1, "exposed")
    assert run.monitor.oddities["clock-set"] == 1
    assert run.events[0].time > (START + 3600) * SECOND
    assert device.last_seen > (START + 3600) * SECOND


def test_a_session_with_missing_bytes_during_a_loss_is_counted(tmp_path: Path) -> None:
    run = Run()
    lines: list[Line] = [*hello(), ("-", b"AUTH LOGIN\r\n"), ("S", b"334 VXNlcm5hbWU6\r\n")]
    run.feed(Pcap().add(lines, client="10.0.0.7", close=False).write(tmp_path / "one.pcap"))
    run.monitor.dropped("eth1", 3, START * SECOND)
    run.monitor.finish()
    assert (run.monitor.losses.sessions, list(run.monitor.losses.devices)) == (1, ["10.0.0.7"])
