"""Writes a capture and the truth about it, stretch by stretch: memory does not grow with the length."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from random import Random
from typing import Any, Literal

import numpy as np

from .background import Background
from .dialogue import Conversation, stock
from .frames import FILE_HEADER, Ints, build
from .office import Device, staff
from .script import Script

Shape = Literal["dense", "mixed", "small"]
GENERATOR = 1
"""Raised whenever the bytes would change, so that kept files are made anew."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to generate; equal plans give equal files."""

    shape: Shape
    sessions: int
    background_packets: int
    devices: int
    sessions_per_second: int
    stretch: int  # sessions generated at a time
    seed: int = 20261123
    generator: int = GENERATOR


PLANS = {
    "dense": Plan("dense", 20_000, 0, 600, 200, 1_000),
    "mixed": Plan("mixed", 1_700, 2_300_000, 300, 15, 68),
    "small": Plan("small", 20, 0, 10, 20, 20),
}


def plan(shape: str, times: int = 1) -> Plan:
    """The plan for a shape, ``times`` as long as usual."""
    base = PLANS[shape]
    return replace(base, sessions=base.sessions * times, background_packets=base.background_packets * times)


def ensure(folder: Path, wanted: Plan, name: str) -> Path:
    """The capture of ``wanted`` in ``folder``, generated unless it is there already."""
    path, truth_path = folder / f"{name}.pcap", folder / f"{name}.truth.json"
    if path.is_file() and truth_path.is_file():
        truth = json.loads(truth_path.read_text())
        if truth["plan"] == asdict(wanted) and truth["bytes"] == path.stat().st_size:
            return path
    folder.mkdir(parents=True, exist_ok=True)
    truth_path.unlink(missing_ok=True)  # written last: a file without truth is one that was not finished
    truth = write(path, wanted)
    truth_path.write_text(json.dumps(truth, indent=1) + "\n")
    return path


def write(path: Path, wanted: Plan) -> dict[str, Any]:
    """Write the capture; returns the truth about it."""
    truth = _Truth()
    packets = 0
    with path.open("wb", buffering=1 << 20) as file:
        file.write(FILE_HEADER)
        for frames in _in_order(_stretches(wanted, truth)):
            packets += len(frames)
            file.writelines(frames)
        size = file.tell()
    return {"plan": asdict(wanted), "bytes": size, "packets": packets, **truth.record()}


def _stretches(wanted: Plan, truth: _Truth) -> Iterator[tuple[int, Ints, list[bytes]]]:
    """(start, times, records) of each stretch; no packet of a later stretch is earlier than its start."""
    random = Random(wanted.seed)  # noqa: S311 - traffic, not keys
    rng = np.random.Generator(np.random.PCG64(wanted.seed))
    devices = staff(wanted.devices, random)
    background = Background(random)
    bulk = stock(random)
    duration = 1_000_000 * wanted.stretch // wanted.sessions_per_second
    others = wanted.background_packets * wanted.stretch // wanted.sessions
    for number in range(-(-wanted.sessions // wanted.stretch)):
        script, start = Script(bulk), number * duration
        for _ in range(min(wanted.stretch, wanted.sessions - number * wanted.stretch)):
            device = random.choice(devices)
            outcome = Conversation(script, device, start + random.randrange(duration), random).run()
            truth.add(device, outcome.authenticated, outcome.messages)
        if others:
            background.add(script, start, duration, others)
        times, records = build(script, rng)
        yield start, times, records


def _in_order(stretches: Iterator[tuple[int, Ints, list[bytes]]]) -> Iterator[list[bytes]]:
    """Records by time; what runs on into the next stretch waits for it."""
    times, records = np.empty(0, np.int64), list[bytes]()
    for start, new_times, new_records in stretches:
        order = np.argsort(times, kind="stable")
        done = int(np.searchsorted(times[order], start))
        yield [records[index] for index in order[:done].tolist()]
        records = [records[index] for index in order[done:].tolist()] + new_records
        times = np.concatenate([times[order[done:]], new_times])
    yield [records[index] for index in np.argsort(times, kind="stable").tolist()]


class _Truth:
    """Counts what was generated, by device and over all."""

    def __init__(self) -> None:
        self._devices: dict[int, dict[str, Any]] = {}
        self._auth: Counter[str] = Counter()
        self._tls: Counter[str] = Counter()
        self._sessions = self._messages = 0

    def add(self, device: Device, authenticated: bool | None, messages: int) -> None:
        role = device.role
        entry = self._devices.setdefault(
            device.ip,
            {
                "ip": ".".join(str(byte) for byte in device.ip.to_bytes(4, "big")),
                "mac": "-".join(f"{byte:02X}" for byte in device.mac.to_bytes(6, "big")),
                "account": device.account if role.mechanism else None,
                "tls": role.tls,
                "version": role.version,
                "mechanism": role.mechanism,
                "server": role.server.name,
                "port": role.port,
                "sessions": 0,
                "success": 0,
                "failure": 0,
                "messages": 0,
            },
        )
        entry["sessions"] += 1
        entry["messages"] += messages
        if authenticated is not None:
            entry["success" if authenticated else "failure"] += 1
        outcome = {None: "no AUTH", True: "success", False: "failure"}[authenticated]
        where = "clear" if role.tls == "none" else "inside TLS"
        self._auth[f"{where}: {role.mechanism or 'none'} {outcome}"] += 1
        self._tls[f"{role.tls} {role.version}" if role.version else role.tls] += 1
        self._sessions += 1
        self._messages += messages

    def record(self) -> dict[str, Any]:
        """The truth as JSON."""
        return {
            "sessions": self._sessions,
            "messages": self._messages,
            "tls": dict(sorted(self._tls.items())),
            "auth": dict(sorted(self._auth.items())),
            "devices": [self._devices[ip] for ip in sorted(self._devices)],
        }


if __name__ == "__main__":
    where, what, length = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    print(ensure(where, plan(what, length), what if length == 1 else f"{what}-x{length}"))
