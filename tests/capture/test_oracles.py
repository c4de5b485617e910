"""Other programs' readers agree, on what they are able to read."""

from __future__ import annotations

import io
import shutil
import subprocess
from pathlib import Path

import dpkt
import pytest
from scapy.layers.l2 import Ether
from scapy.utils import PcapNgWriter, RawPcapNgReader, RawPcapReader, wrpcap

from analyzer.capture import open_captures
from tests.capture import writers
from tests.capture.reading import frames_of, read_paths
from tests.capture.writers import NOON, SECOND, Frame
from tests.support.material import CORPUS, LAB, REPOSITORY, needs_corpus, needs_lab

FRAMES = [Frame(NOON + n * 1_234_000, bytes([n % 256]) * (40 + n % 999), 2000) for n in range(3000)]
needs_tshark = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")

Packet = tuple[int, int, int]
"""Time in ns, captured length, length on the wire."""


def ours(path: Path) -> list[Packet]:
    with open_captures([str(path)]) as captures:
        return [(one.time, len(one.content), one.wire) for batch in captures.batches() for one in frames_of(batch)]


def tsharks(path: Path) -> list[Packet]:
    fields = ("frame.time_epoch", "frame.cap_len", "frame.len")
    command = ["tshark", "-n", "-r", str(path), "-T", "fields", *(word for field in fields for word in ("-e", field))]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    packets = []
    for line in lines:
        time, captured, wire = line.split("\t")
        seconds, _, fraction = time.partition(".")
        packets.append((int(seconds) * SECOND + int(fraction.ljust(9, "0")[:9]), int(captured), int(wire)))
    return packets


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(("magic", "tick"), [(0xA1B2C3D4, 1000), (0xA1B23C4D, 1)])
def test_dpkt_and_scapy_read_the_same_pcap(order: str, magic: int, tick: int, tmp_path: Path) -> None:
    path = tmp_path / "capture"
    path.write_bytes(writers.pcap(FRAMES, order, magic, tick))
    found, _ = read_paths(path)
    assert [one.content for one in found] == [content for _, content in dpkt.pcap.Reader(io.BytesIO(path.read_bytes()))]
    with RawPcapReader(str(path)) as packets:
        for one, (content, facts) in zip(found, packets, strict=True):
            assert (one.content, one.wire) == (content, facts.wirelen)
            assert one.time == facts.sec * SECOND + facts.usec * tick


@pytest.mark.parametrize("order", "<>")
def test_dpkt_and_scapy_read_the_same_pcapng(order: str, tmp_path: Path) -> None:
    path = tmp_path / "capture"
    path.write_bytes(writers.pcapng(FRAMES, order))
    found, _ = read_paths(path)
    assert [one.content for one in found] == [
        content for _, content in dpkt.pcapng.Reader(io.BytesIO(path.read_bytes()))
    ]
    with RawPcapNgReader(str(path)) as packets:
        for one, (content, facts) in zip(found, packets, strict=True):
            assert (one.content, one.wire) == (content, facts.wirelen)


def test_what_dpkt_and_scapy_write_is_read(tmp_path: Path) -> None:
    contents = [bytes(Ether(src="02:00:00:00:00:01", type=0x0800) / bytes([n] * n)) for n in range(1, 50)]
    written = io.BytesIO()
    writer = dpkt.pcapng.Writer(written)
    for number, content in enumerate(contents):
        writer.writepkt(content, ts=NOON / SECOND + number)
    (tmp_path / "dpkt").write_bytes(written.getvalue())
    wrpcap(str(tmp_path / "scapy.pcap"), [Ether(content) for content in contents], nano=True)
    with PcapNgWriter(str(tmp_path / "scapy.pcapng")) as packets:
        packets.write([Ether(content) for content in contents])
    for path in tmp_path.iterdir():
        found, captures = read_paths(path)
        assert [one.content for one in found] == contents
        assert not captures.damage


# tshark fails on a cut file, shows unknown blocks as packets, and gives simple packets no time.
EVERY_FORMAT = [
    path
    for path in sorted((REPOSITORY / "captures" / "generated").glob("pcap*"))
    if not any(word in path.name for word in ("cut", "unknown", "simple"))
]


@needs_tshark
@pytest.mark.parametrize("path", EVERY_FORMAT, ids=lambda path: path.name)
def test_tshark_reads_the_same_from_captures_of_every_format(path: Path) -> None:
    assert ours(path) == tsharks(path)


@needs_tshark
@needs_corpus
def test_tshark_reads_the_same_from_public_captures() -> None:
    for path in [*CORPUS.rglob("*.pcapng"), *sorted(CORPUS.rglob("*.pcap"))[::8]]:
        assert ours(path) == tsharks(path), path


@needs_tshark
@needs_lab
def test_tshark_reads_the_same_from_the_recorded_lab() -> None:
    for path in sorted(LAB.glob("*.pcap.zst")):
        assert ours(path) == tsharks(path), path
