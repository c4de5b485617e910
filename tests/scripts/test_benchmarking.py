"""The generated captures are what they say they are: valid, in order, the same every time."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import dpkt
import pytest

from scripts.benchmarking import background, frames, truth
from scripts.benchmarking.contenders import OURS, Target
from scripts.benchmarking.generate import Plan, ensure, plan, write
from scripts.set_up import ROOT

SMALL = plan("small")
Packet = tuple[float, bytes, dpkt.ip.IP]


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A capture of every kind of traffic in which many segments are retransmitted or late, and its truth."""
    path = tmp_path_factory.mktemp("benchmark") / "capture.pcap"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frames, "RETRANSMITTED", 0.05)
        patch.setattr(frames, "LATE", 0.05)
        patch.setattr(background, "LONG_LIVED", 2)
        record = write(path, replace(SMALL, sessions=30, background_packets=3_000, stretch=10))
    return path, record


def packets(path: Path) -> list[Packet]:
    with path.open("rb") as file:
        return [(time, frame, dpkt.ethernet.Ethernet(frame).data) for time, frame in dpkt.pcap.Reader(file)]


def ones_complement_sum(data: bytes) -> int:
    """RFC 1071, the slow and obvious way."""
    total = sum(int.from_bytes(data[at : at + 2].ljust(2, b"\0"), "big") for at in range(0, len(data), 2))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def test_the_same_plan_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = tmp_path / "first.pcap", tmp_path / "second.pcap"
    assert write(first, SMALL) == write(second, SMALL)
    assert first.read_bytes() == second.read_bytes()


def test_every_checksum_is_valid(damaged: tuple[Path, dict[str, Any]]) -> None:
    for _, frame, _ in packets(damaged[0]):
        header, body = frame[14:34], frame[34:]
        pseudo = header[12:20] + bytes([0, header[9]]) + len(body).to_bytes(2, "big")
        assert ones_complement_sum(header) == 0xFFFF
        assert ones_complement_sum(pseudo + body) == 0xFFFF


def test_lengths_agree_and_time_never_runs_backwards(damaged: tuple[Path, dict[str, Any]]) -> None:
    path, record = damaged
    seen = packets(path)
    assert len(seen) == record["packets"]
    assert all(ip.len == len(frame) - 14 for _, frame, ip in seen)
    assert [time for time, _, _ in seen] == sorted(time for time, _, _ in seen)


def test_every_tcp_stream_is_whole_and_retransmissions_repeat_it(damaged: tuple[Path, dict[str, Any]]) -> None:
    streams: dict[tuple[bytes, int, bytes, int], dict[int, bytes]] = defaultdict(dict)
    repeated = 0
    for _, _, ip in packets(damaged[0]):
        if isinstance(ip.data, dpkt.tcp.TCP) and ip.data.data:
            segment = ip.data
            stream = streams[ip.src, segment.sport, ip.dst, segment.dport]
            repeated += segment.seq in stream
            assert stream.setdefault(segment.seq, segment.data) == segment.data
    assert repeated > 50
    for stream in streams.values():
        start = next(
            seq for seq in stream if not any((seq - len(data)) % 2**32 == other for other, data in stream.items())
        )
        covered, at = 0, start
        while at in stream:
            covered, at = covered + 1, (at + len(stream[at])) % 2**32
        assert covered == len(stream)


def test_the_truth_counts_the_sessions_that_are_there(damaged: tuple[Path, dict[str, Any]]) -> None:
    path, record = damaged
    opened: dict[str, int] = defaultdict(int)
    for _, _, ip in packets(path):
        if (
            isinstance(ip.data, dpkt.tcp.TCP)
            and ip.data.flags == dpkt.tcp.TH_SYN
            and ip.data.dport in (25, 465, 587, 2525)
        ):
            opened[socket.inet_ntoa(ip.src)] += 1
    assert opened == {device["ip"]: device["sessions"] for device in record["devices"]}
    assert sum(opened.values()) == record["sessions"] == 30


def test_a_capture_is_kept_while_its_plan_stays_the_same(tmp_path: Path) -> None:
    path = ensure(tmp_path, SMALL, "kept")
    made = path.stat().st_mtime_ns
    assert ensure(tmp_path, SMALL, "kept").stat().st_mtime_ns == made
    changed: Plan = replace(SMALL, sessions=21)
    assert ensure(tmp_path, changed, "kept").stat().st_mtime_ns != made


def test_the_analysis_of_a_generated_capture_is_right(tmp_path: Path) -> None:
    assert truth.differences(ensure(tmp_path, SMALL, "small")) == []


def test_a_truth_that_differs_is_told(tmp_path: Path) -> None:
    path = ensure(tmp_path, SMALL, "small")
    other = path.with_suffix(".truth.json")
    other.write_text(other.read_text().replace('"port": 25,', '"port": 26,'))
    assert any("26" in line for line in truth.differences(path))


def test_a_run_is_measured_with_its_own_memory_and_exit_code() -> None:
    # From a fresh process: a child's peak begins at the size of its parent, and pytest is large.
    program = """
import sys
from scripts.benchmarking.measure import measure
for code in ("pass", "x = b'x' * 90_000_000; raise SystemExit(3)"):
    run = measure([sys.executable, "-c", code])
    print(run.code, run.peak)
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    (small_code, small_peak), (large_code, large_peak) = (line.split() for line in result.stdout.splitlines())
    assert (small_code, large_code) == ("0", "3")
    assert float(large_peak) > float(small_peak) + 45


@pytest.mark.parametrize(
    ("target", "ours", "other", "expected"),
    [
        (
            Target("dense", "tshark", 1 / 6),
            1.0,
            7.0,
            "dense: at least 6 times faster than tshark: 7.00 times faster: reached",
        ),
        (
            Target("dense", "tshark", 1 / 6),
            2.0,
            7.0,
            "dense: at least 6 times faster than tshark: 3.50 times faster: MISSED",
        ),
        (Target("mixed", "tcpdump", 2), 0.9, 0.3, "mixed: at most 2 times tcpdump: 3.00 times its time: MISSED"),
    ],
)
def test_a_target_says_what_was_measured_and_whether_it_was_reached(
    target: Target, ours: float, other: float, expected: str
) -> None:
    assert target.verdict({OURS: ours, target.other: other}) == expected


def test_a_program_that_is_missing_leaves_its_target_open() -> None:
    assert Target("dense", "tshark", 1 / 6).verdict({OURS: 1.0}).endswith("not measured")
