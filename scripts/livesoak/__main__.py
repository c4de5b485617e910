"""The command line of ``scripts/live-soak``."""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import platform
import signal
import socket
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from datetime import datetime
from ipaddress import IPv4Address
from pathlib import Path
from statistics import median

import numpy as np

from scripts.livebench.network import FAR, NEAR, Network
from scripts.set_up import ROOT

from .flood import PAYLOADS, connections

AT_ONCE = 200
"""Connections made ready at a time."""

EVERY = 10.0
"""Seconds between real logins, and between looks at the memory."""

MOST_MEGABYTES, MOST_LATENCY = 300, 1.0
"""What the project wants to stay below."""

_CLONE_NEWNET = 0x40000000
_LIBC = ctypes.CDLL(None, use_errno=True)


def main() -> int:
    """Run the command; exit code 1 when a real session was missed, 2 when it could not be measured."""
    options = _parser().parse_args()
    if os.geteuid() != 0:
        print("scripts/live-soak: building a network takes root", file=sys.stderr)
        return 2
    print(f"{platform.platform()}, {os.cpu_count()} processors, Python {platform.python_version()}")
    kinds = options.kind or list(PAYLOADS)
    with Network() as network, tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)  # noqa: S103 - for the user that the run becomes
        run = _Run(network, Path(folder))
        try:
            run.flood(kinds, options.connections / options.seconds, options.seconds)
            return run.verdict()
        finally:
            run.process.kill()
            run.process.wait()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/live-soak",
        description="smtpauth sniff in a flood of connections from made-up clients that never end, with a real login "
        f"every {EVERY:g} seconds. Root only; all traffic stays in a network namespace of its own.",
    )
    parser.add_argument("--seconds", type=float, default=1800, help="length (default: 1800)")
    parser.add_argument("--connections", type=int, default=5_000_000, help="how many (default: 5000000)")
    parser.add_argument("--kind", choices=PAYLOADS, action="append", help="only these, repeatable (default: all)")
    return parser


class _Run:
    def __init__(self, network: Network, folder: Path) -> None:
        self.events = folder / "events.jsonl"
        self.inventory = folder / "devices.json"
        self.logins: dict[str, float] = {}
        self.latencies: list[float] = []
        self.memory: list[int] = []
        self.sent = self.sessions = 0
        self._read = 0
        command = [sys.executable, "-m", "analyzer.cli", "sniff", "-i", NEAR, "--events", str(self.events)]
        command += ["--inventory", str(self.inventory), "--every", "60"]
        self._said = (folder / "said").open("w+")
        self.process = subprocess.Popen(network.command(*command), cwd=ROOT, stderr=self._said)
        while not self.inventory.exists():
            if self.process.poll() is not None:
                raise SystemExit(self._stderr())
            time.sleep(0.1)
        self._socket = _socket_in(network)

    def flood(self, kinds: list[str], rate: float, seconds: float) -> None:
        """Send connections of ``kinds`` in turn, ``rate`` a second."""
        chance = np.random.default_rng(1)
        print(f"{'seconds':>8} {'connections':>12} {'packets':>11} {'memory MB':>10} {'logins':>7} {'latency s':>10}")
        began = time.monotonic()
        shown = -EVERY
        while (elapsed := time.monotonic() - began) < seconds:
            if elapsed - shown >= EVERY:
                shown = elapsed
                self._log_in()
                self._look(elapsed)
            if self.sessions > elapsed * rate:
                self._read_events()
                time.sleep(0.005)
                continue
            kind = kinds[self.sessions // AT_ONCE % len(kinds)]
            for step in connections(kind, AT_ONCE, chance):
                for frame in step:
                    self._socket.send(frame)
                self.sent += len(step)
            self.sessions += AT_ONCE

    def _log_in(self) -> None:
        """A real session: a login in the clear from a device that was not there before."""
        number = len(self.logins)
        client = f"10.77.{number >> 8}.{number & 255}"
        for frame in _session(client):
            self._socket.send(frame)
        self.logins[client] = time.time()

    def _read_events(self) -> None:
        """Take note of when the events of real logins come."""
        with self.events.open("rb") as lines:
            lines.seek(self._read)
            for line in lines:
                if not line.endswith(b"\n"):
                    break
                self._read += len(line)
                event = json.loads(line)
                if event["kind"] == "password-in-clear" and event["device"] in self.logins:
                    when = datetime.fromisoformat(event["time"]).timestamp()
                    self.latencies.append(time.time() - when)

    def _look(self, elapsed: float) -> None:
        status = Path(f"/proc/{self.process.pid}/statm").read_text()
        self.memory.append(int(status.split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1_000_000)
        latest = f"{self.latencies[-1]:.2f}" if self.latencies else "-"
        if len(self.memory) % 6 == 1:
            row = f"{elapsed:8.0f} {self.sessions:12,} {self.sent:11,} {self.memory[-1]:10,} {len(self.logins):7}"
            print(f"{row} {latest:>10}", flush=True)

    def verdict(self) -> int:
        """Say how it went."""
        deadline = time.monotonic() + 10
        while len(self.latencies) < len(self.logins) and time.monotonic() < deadline:
            self._read_events()
            time.sleep(0.01)
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait()
        devices = json.loads(self.inventory.read_text())
        found = {device["device"] for device in devices["devices"] if device["status"] == "exposed"}
        missed = set(self.logins) - found
        dropped = sum(source["dropped"] for source in devices["inputs"])
        later = self.memory[len(self.memory) // 3 :]
        print(f"\n{self.sessions:,} connections, {self.sent:,} packets, {dropped:,} dropped; exit code {code}")
        for what, reached in (
            (f"memory at most {MOST_MEGABYTES} MB: {max(self.memory)} MB", max(self.memory) <= MOST_MEGABYTES),
            (
                f"memory levels off: {min(later)} to {max(later)} MB after the first third",
                max(later) <= 1.1 * min(later),
            ),
            (f"real sessions found: {len(self.logins) - len(missed)} of {len(self.logins)}", not missed),
            (
                f"alert at most {MOST_LATENCY:g} s after the packet: median {median(self.latencies):.2f} s, "
                f"longest {max(self.latencies):.2f} s",
                max(self.latencies) <= MOST_LATENCY,
            ),
        ):
            print(f"  {what}: {'reached' if reached else 'MISSED'}")
        return 1 if missed else 0

    def _stderr(self) -> str:
        self._said.seek(0)
        return self._said.read()


def _socket_in(network: Network) -> socket.socket:
    """A packet socket on the far end, in the network's namespace."""
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{network.name}", os.O_RDONLY)
    try:
        _enter(there)
        sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        sender.bind((FAR, 0))
        return sender
    finally:
        _enter(home)
        os.close(home)
        os.close(there)


def _enter(namespace: int) -> None:
    if _LIBC.setns(namespace, _CLONE_NEWNET):  # os.setns came with Python 3.12
        raise OSError(ctypes.get_errno(), "setns")


def _session(client: str) -> list[bytes]:
    """Frames of a whole session with a login in the clear."""
    lines = [
        ("S", b"220 mail.example.com ESMTP\r\n"),
        ("C", b"EHLO scanner\r\n"),
        ("S", b"250-mail.example.com\r\n250 AUTH PLAIN\r\n"),
        ("C", b"AUTH PLAIN " + b64encode(b"\0scan\0secret") + b"\r\n"),
        ("S", b"235 2.7.0 OK\r\n"),
        ("C", b"QUIT\r\n"),
        ("S", b"221 Bye\r\n"),
    ]
    ends = {"C": (client, 40000), "S": ("10.0.0.2", 587)}
    place = {"C": 1000, "S": 90_000}
    frames = []

    def send(side: str, flags: int, payload: bytes = b"") -> None:
        other = "S" if side == "C" else "C"
        (source, port), (target, target_port) = ends[side], ends[other]
        tcp = port.to_bytes(2, "big") + target_port.to_bytes(2, "big") + place[side].to_bytes(4, "big")
        tcp += place[other].to_bytes(4, "big") + bytes((0x50, flags, 0xFF, 0xFF, 0, 0, 0, 0))
        ip = bytes((0x45, 0)) + (40 + len(payload)).to_bytes(2, "big") + bytes((0, 0, 0, 0, 64, 6, 0, 0))
        ip += IPv4Address(source).packed + IPv4Address(target).packed
        frames.append(bytes.fromhex("0200000000020200000000010800") + ip + tcp + payload)
        place[side] += len(payload) + bool(flags & 3)

    send("C", 0x02)
    send("S", 0x12)
    for side, line in lines:
        send(side, 0x18, line)
    send("C", 0x11)
    send("S", 0x11)
    send("C", 0x10)
    return frames


if __name__ == "__main__":
    sys.exit(main())
