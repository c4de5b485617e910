"""The command on real interfaces: what it tells while it runs, what it leaves behind, how it ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree, which
from tempfile import mkdtemp
from typing import Any
from urllib.request import urlopen

import pytest

from analyzer.cli import main
from tests.capture.live.network import FAR, NEAR, Namespace, has_networks
from tests.capture.live.network import network as network
from tests.capture.reading import read_paths
from tests.commands.running import COMMAND, OFFICE, PATIENCE, environment, run
from tests.support.root import needs_root
from tests.verify.dialogues import Line, Pcap, b64, bye, hello

CANARY = "canary-4711"
PASSWORD: list[Line] = [("C", b"AUTH PLAIN " + b64(f"\0scan\0{CANARY}".encode()) + b"\r\n"), ("S", b"235 OK\r\n")]

TIMES = ("first_seen", "last_seen", "last_failure")


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A folder for the user that the command becomes, too; pytest's own are root's alone."""
    folder = Path(mkdtemp(prefix="sniff-"))
    folder.chmod(0o777)
    yield folder
    rmtree(folder)


def unprivileged() -> dict[str, str]:
    """The environment of a command that becomes somebody else, who could not write what coverage measured."""
    return {name: value for name, value in environment().items() if not name.startswith("COVERAGE")}


class Sniffing:
    """The command, running."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self.process = process
        self.folder = folder

    def wait_for(self, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, self.said
            assert self.process.poll() is None, self.said
            time.sleep(0.05)

    @property
    def said(self) -> str:
        return (self.folder / "stderr").read_text()

    @property
    def printed(self) -> str:
        return (self.folder / "stdout").read_text()

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.printed.splitlines()]

    def tell(self, number: int) -> None:
        self.process.send_signal(number)

    def end(self, number: int = signal.SIGTERM) -> int:
        """End it; its exit code."""
        self.tell(number)
        return self.process.wait(PATIENCE)


@contextmanager
def sniffing(network: Namespace, folder: Path, *arguments: str, program: Sequence[str] = COMMAND) -> Iterator[Sniffing]:
    """``smtpauth sniff`` on the near end, once it listens."""
    command = [*program, "sniff", "-i", NEAR, "--inventory", str(folder / "devices.json"), *arguments]
    with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as err:
        process = network.start(command, stdout=out, stderr=err, env=unprivileged())
        found = Sniffing(process, folder)
        try:
            found.wait_for((folder / "devices.json").exists)  # the first snapshot: it listens
            yield found
        finally:
            process.kill()
            process.wait()


def devices_of(path: Path) -> list[dict[str, Any]]:
    """The inventory in a file, but for what depends on how it was captured, and for the plans that scans make."""
    devices = json.loads(path.read_text())["devices"]
    for device in devices:
        device.pop("plan", None)
        for name in TIMES:
            device.pop(name)
    return sorted(devices, key=lambda device: str(device["device"]))


@needs_root
@has_networks
def test_the_inventory_of_what_crosses_an_interface_is_that_of_its_capture(network: Namespace, tmp_path: Path) -> None:
    frames, _ = read_paths(*sorted(OFFICE.glob("*.pcap*")))
    with sniffing(network, tmp_path) as sniff:
        network.send(frame.content for frame in frames)
        sniff.wait_for(lambda: "10.20.0.250" in sniff.printed)
        assert sniff.end() == 130
    assert main(["scan", str(OFFICE), "--format", "json", "--output", str(tmp_path / "scan.json"), "-q"]) == 0
    assert devices_of(tmp_path / "devices.json") == devices_of(tmp_path / "scan.json")
    (interface,) = json.loads((tmp_path / "devices.json").read_text())["inputs"]
    whole = sum(len(frame.content) for frame in frames)  # of which the filter lets all pass but DNS
    assert 0.9 * whole < interface["bytes"] < whole


@needs_root
@has_networks
@pytest.mark.skipif(which("tcpreplay") is None, reason="tcpreplay is not installed")
@pytest.mark.parametrize("name", ["office-1.pcap", "office-3.pcap"])
def test_a_capture_replayed_with_its_own_pauses_gives_the_inventory_of_a_scan(
    network: Namespace, tmp_path: Path, name: str
) -> None:
    with sniffing(network, tmp_path) as sniff:
        replay = ["tcpreplay", "--quiet", "--intf1", FAR, "--multiplier", "8", str(OFFICE / name)]
        assert network.start(replay, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).wait(PATIENCE) == 0
        assert sniff.end() == 130
    assert main(["scan", str(OFFICE / name), "--format", "json", "--output", str(tmp_path / "scan.json"), "-q"]) == 0
    assert devices_of(tmp_path / "devices.json") == devices_of(tmp_path / "scan.json")


@needs_root
@has_networks
def test_a_password_is_told_while_its_session_is_open_and_is_never_shown(network: Namespace, tmp_path: Path) -> None:
    path = Pcap().add([*hello(), *PASSWORD], close=False).write(tmp_path / "open.pcap")
    with sniffing(network, tmp_path) as sniff:
        network.send(frame.content for frame in read_paths(path)[0])
        sniff.wait_for(lambda: "password-in-clear" in sniff.printed)
        assert sniff.end() == 130
        (told,) = [event for event in sniff.events if event["kind"] == "password-in-clear"]
    assert (told["device"], told["login"]["username"]) == ("10.0.0.1", "scan")
    for name in ("stdout", "stderr", "devices.json"):
        text = (tmp_path / name).read_text()
        assert CANARY not in text
        assert b64(f"\0scan\0{CANARY}".encode()).decode() not in text


@needs_root
@has_networks
@pytest.mark.parametrize(("gate", "code"), [(["--fail-on", "exposed"], 1), ([], 0)], ids=["a gate", "no gate"])
def test_after_its_duration_it_ends_with_the_exit_code_of_its_result(
    gate: list[str], code: int, network: Namespace, tmp_path: Path
) -> None:
    path = Pcap().add([*hello(), *PASSWORD, *bye()]).write(tmp_path / "one.pcap")
    with sniffing(network, tmp_path, "--duration", "3", "--format", "text", *gate) as sniff:
        network.send(frame.content for frame in read_paths(path)[0])
        assert sniff.process.wait(PATIENCE) == code
        assert "critical password-in-clear: 10.0.0.1" in sniff.printed
    assert [device["status"] for device in devices_of(tmp_path / "devices.json")] == ["exposed"]


@needs_root
@has_networks
def test_signals_ask_for_statistics_and_for_files_to_be_opened_anew(network: Namespace, tmp_path: Path) -> None:
    events, config = tmp_path / "events.jsonl", tmp_path / "smtpauth.toml"
    config.write_text("[sniff]\nthrottle = 60\n")
    one = Pcap().add([*hello(), *PASSWORD, *bye()]).write(tmp_path / "one.pcap")
    other = Pcap().add([*hello(), *PASSWORD, *bye()], client="10.0.0.9").write(tmp_path / "other.pcap")
    with sniffing(network, tmp_path, "--events", str(events), "--config", str(config)) as sniff:
        network.send(frame.content for frame in read_paths(one)[0])
        sniff.wait_for(lambda: events.stat().st_size)
        sniff.tell(signal.SIGUSR1)
        sniff.wait_for(lambda: "dropped" in sniff.said)
        assert NEAR in sniff.said
        events.rename(tmp_path / "events.1")
        events.touch()
        events.chmod(0o666)
        config.write_text("[sniff]\nthrottle = nothing\n")
        sniff.tell(signal.SIGHUP)
        sniff.wait_for(lambda: "not reloaded" in sniff.said)
        config.write_text("[sniff]\nthrottle = 5\n")
        sniff.tell(signal.SIGHUP)
        sniff.wait_for(lambda: "reloaded: files opened anew" in sniff.said)
        network.send(frame.content for frame in read_paths(other)[0])
        sniff.wait_for(lambda: "10.0.0.9" in events.read_text())
        assert sniff.end(signal.SIGINT) == 130
    assert "10.0.0.9" not in (tmp_path / "events.1").read_text()


@needs_root
@has_networks
def test_prometheus_collects_what_was_seen_and_told(network: Namespace, tmp_path: Path) -> None:
    path = Pcap().add([*hello(), *PASSWORD, *bye()]).write(tmp_path / "one.pcap")
    frames = [frame.content for frame in read_paths(path)[0]]

    def collected() -> str:
        with network.entered(), urlopen("http://127.0.0.1:9587/metrics", timeout=PATIENCE) as answer:
            text: str = answer.read().decode()
            return text

    with sniffing(network, tmp_path, "--metrics", "9587") as sniff:
        network.send(frames)
        sniff.wait_for(lambda: 'smtpauth_devices{status="exposed"} 1.0' in collected())
        told = collected()
        assert sniff.end() == 130
    for line in (
        f"smtpauth_packets_total {float(len(frames))}",
        f"smtpauth_bytes_total {float(sum(map(len, frames)))}",
        'smtpauth_events_total{kind="password-in-clear"} 1.0',
        'smtpauth_sessions_total{method="basic"} 1.0',
        f'smtpauth_kernel_drops_total{{interface="{NEAR}"}} 0.0',
        "smtpauth_open_conversations 0.0",
    ):
        assert line in told.splitlines(), told
    assert "10.0.0.1" not in told


@needs_root
@has_networks
def test_packets_of_sessions_with_a_password_are_kept_without_it(network: Namespace, tmp_path: Path) -> None:
    path = (
        Pcap()
        .add([*hello(), *PASSWORD, *bye()], client="10.0.0.1")
        .add([*hello(), *bye()], client="10.0.0.2")
        .write(tmp_path / "two.pcap")
    )
    kept = tmp_path / "kept.pcapng"
    with sniffing(network, tmp_path, "--write", str(kept)) as sniff:
        network.send(frame.content for frame in read_paths(path)[0])
        sniff.wait_for(lambda: "password-in-clear" in sniff.printed)
        assert sniff.end() == 130
    assert kept.stat().st_mode & 0o777 == 0o600
    assert CANARY.encode() not in kept.read_bytes()
    assert b64(f"\0scan\0{CANARY}".encode()) not in kept.read_bytes()
    assert main(["scan", str(kept), "--format", "json", "--output", str(tmp_path / "scan.json"), "-q"]) == 0
    (device,) = devices_of(tmp_path / "scan.json")
    assert (device["device"], device["status"], device["accounts"]) == ("10.0.0.1", "exposed", ["scan"])


@needs_root
@has_networks
def test_syslog_messages_arrive(network: Namespace, tmp_path: Path) -> None:
    path = Pcap().add([*hello(), *PASSWORD, *bye()]).write(tmp_path / "one.pcap")
    with network.entered():
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with server:
        server.bind(("127.0.0.1", 5140))
        server.settimeout(PATIENCE)
        with sniffing(network, tmp_path, "--syslog", "udp://127.0.0.1:5140") as sniff:
            network.send(frame.content for frame in read_paths(path)[0])
            message = server.recv(65536)
            assert sniff.end() == 130
    assert b" smtpauth " in message
    assert b" password-in-clear " in message
    assert CANARY.encode() not in message


@needs_root
@has_networks
def test_when_nobody_reads_its_events_any_more_it_ends_and_writes_what_it_knows(
    network: Namespace, tmp_path: Path
) -> None:
    path = Pcap().add([*hello(), *PASSWORD, *bye()]).write(tmp_path / "one.pcap")
    inventory = tmp_path / "devices.json"
    command = [*COMMAND, "sniff", "-i", NEAR, "--inventory", str(inventory)]
    process = network.start(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=unprivileged())
    assert process.stdout is not None
    deadline = time.monotonic() + PATIENCE
    while not inventory.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.stdout.close()
    network.send(frame.content for frame in read_paths(path)[0])
    assert process.wait(PATIENCE) == 0
    assert process.stderr is not None
    assert process.stderr.read() == ""
    process.stderr.close()
    assert [device["status"] for device in devices_of(inventory)] == ["exposed"]


@needs_root
@has_networks
def test_silence_and_an_interface_that_goes_down_are_told(network: Namespace, tmp_path: Path) -> None:
    hasty = (
        "import sys, analyzer.commands.sniff as sniff; from analyzer.cli import main; "
        "sniff.SILENCE = 1.0; sys.exit(main(sys.argv[1:]))"
    )
    with sniffing(network, tmp_path, program=[sys.executable, "-c", hasty]) as sniff:
        sniff.wait_for(lambda: f"no packet for 1 seconds on {NEAR}" in sniff.said)
        network.ip("link", "set", NEAR, "down")
        sniff.wait_for(lambda: f"{NEAR} is down; waiting for it" in sniff.said)
        network.ip("link", "set", NEAR, "up")
        sniff.wait_for(lambda: f"{NEAR} is up again" in sniff.said)
        network.send(frame.content for frame in read_paths(*OFFICE.glob("office-1.pcap"))[0])
        sniff.wait_for(lambda: "password-in-clear" in sniff.printed)
        assert sniff.end() == 130


@needs_root
@has_networks
def test_what_a_run_knew_the_next_one_does_not_tell_anew(network: Namespace, tmp_path: Path) -> None:
    frames = read_paths(Pcap().add([*hello(), *PASSWORD, *bye()]).write(tmp_path / "one.pcap"))[0]
    known = tmp_path / "known.json"
    told = []
    for nth in ("first", "second"):
        folder = tmp_path / nth
        folder.mkdir()
        folder.chmod(0o777)
        with sniffing(network, folder, "--state", str(known)) as sniff:
            network.send(frame.content for frame in frames)
            sniff.wait_for(lambda: "password-in-clear" in sniff.printed)
            assert sniff.end() == 130
            told.append({event["kind"] for event in sniff.events})
    assert told == [{"password-in-clear", "first-password-login", "new-device"}, {"password-in-clear"}]


@needs_root
@has_networks
def test_packets_that_the_filter_keeps_out_are_not_looked_at(network: Namespace, tmp_path: Path) -> None:
    path = (
        Pcap()
        .add([*hello(), *PASSWORD, *bye()], client="10.0.0.1")
        .add([*hello(), *PASSWORD, *bye()], client="10.0.0.9")
        .write(tmp_path / "two.pcap")
    )
    with sniffing(network, tmp_path, "host", "10.0.0.9") as sniff:
        network.send(frame.content for frame in read_paths(path)[0])
        sniff.wait_for(lambda: "10.0.0.9" in sniff.printed)
        assert sniff.end() == 130
    assert [device["device"] for device in devices_of(tmp_path / "devices.json")] == ["10.0.0.9"]


@needs_root
@has_networks
@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["-i", "nowhere0"], NEAR),
        (["-i", NEAR, "tcp", "prot", "25"], "syntax error"),
        (["-i", NEAR, "--user", "nobody-of-that-name"], "nobody-of-that-name"),
        (["-i", NEAR, "--inventory", "devices.exe"], "the ending tells the format"),
        (["-i", NEAR, "--inventory", "/nowhere/devices.json"], "/nowhere/devices.json"),
        (["-i", NEAR, "--events", "/nowhere/events"], "/nowhere/events"),
        (["-i", NEAR, "--syslog", "http://example.com"], "tls://HOST"),
        (["-i", NEAR, "--state", "/etc/passwd"], "no JSON"),
        ([], NEAR),
    ],
)
def test_what_cannot_be_done_is_one_line_and_exit_code_2(
    arguments: Sequence[str], problem: str, network: Namespace, tmp_path: Path
) -> None:
    process = network.start(
        [*COMMAND, "sniff", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path,
        env=unprivileged(),
    )  # fmt: skip
    _, said = process.communicate(timeout=PATIENCE)
    assert (process.returncode, said.count("\n")) == (2, 1), said
    assert said.startswith("smtpauth: ")
    assert problem in said


def test_without_the_right_to_capture_the_line_says_how_to_get_it() -> None:
    if os.geteuid() != 0:
        done = run("sniff", "-i", "lo")
    else:
        code = (
            "import os, sys, scapy.libs.winpcapy; from analyzer.cli import main; import analyzer.commands.sniff; "
            "os.setgroups([]); os.setgid(65534); os.setuid(65534); sys.exit(main(['sniff', '-i', 'lo']))"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=unprivileged())
    assert done.returncode == 2
    assert "CAP_NET_RAW" in done.stderr
    assert done.stderr.count("\n") == 1


_LOADS = """
import sys
from pathlib import Path

from analyzer.alerts import Event
from analyzer.capture import open_captures
from analyzer.commands.preload import preload
from analyzer.monitor import Monitor
from analyzer.report.events import EVENT_FORMATS, event_line
from analyzer.report.model import FORMATS, Report
from analyzer.report.write import write
import io

preload()
loaded = []
home = str(Path(sys.argv[1]) / "analyzer")
opened = []
with open_captures(sys.argv[2:]) as captures:
    batches = [batch.detached() for batch in captures.batches()]
batches[:1] = [batches[0].take(slice(at, at + 1)) for at in range(len(batches[0]))]  # as on a quiet interface
def note(event, arguments):
    if event == "import" and arguments[0] not in sys.modules:
        loaded.append(arguments[0])
    if event == "open" and isinstance(arguments[0], str):
        opened.append(arguments[0])
sys.addaudithook(note)
lines = []
monitor = Monitor(["x"] * 1000, lambda event: lines.extend(event_line(form, event) for form in EVENT_FORMATS))
for batch in batches:
    monitor.feed(batch)
monitor.finish()
devices = monitor.inventory.devices()
for form in FORMATS:
    write(form, Report(devices, monitor.inventory.summary(devices)), io.StringIO())
assert lines and len(devices) > 10, (len(lines), len(devices))
print(loaded + opened)
"""


def test_after_preloading_a_run_loads_nothing_more() -> None:
    folders = [str(path) for path in sorted((OFFICE.parent).iterdir()) if path.is_dir()]
    root = str(OFFICE.parent.parent)
    done = subprocess.run(
        [sys.executable, "-c", _LOADS, root, *folders], capture_output=True, text=True, env=unprivileged()
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")
