"""Whatever wraps a segment is repaired when the segment has another length; tshark finds nothing wrong with it."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.inet6 import IPv6, IPv6ExtHdrFragment
from scapy.layers.l2 import Ether
from scapy.packet import Padding, Raw

from analyzer.packets import SUBMISSION_PORTS
from analyzer.scrub.frames import LINK_LAYERS, Walker
from analyzer.scrub.frames import Path as Way
from analyzer.scrub.plan import Room, StreamPlan, StreamWriter
from analyzer.scrub.scrubber import Scrubbed
from analyzer.scrub.segments import rewritten
from analyzer.scrub.spool import Spool
from analyzer.scrub.writer import CaptureWriter
from tests.packets import encapsulations
from tests.packets.frames import ACKNOWLEDGED, LAYERS, PAYLOAD, SEQ, Frame, ether, ip, ip6
from tests.support.tools import needs_tshark

WRAPPED = encapsulations.wrapped() | {f"{name}, IPv6": frame for name, frame in encapsulations.wrapped6().items()}
SHOWN = b"NOOP this is longer than what it stands for, by some bytes\r\n"


def way_to(frame: bytes, link: int = 1, wire: int | None = None) -> Way | None:
    return Walker(SUBMISSION_PORTS).walk(frame, wire or len(frame), 0, link)


def plan_of(size: int, shown: bytes, spool: Spool, start: int = SEQ) -> StreamPlan:
    writer = StreamWriter(spool, Room(1000))
    writer.replace(size, shown)
    return writer.finish(start, None)


def replaced(frame: Frame, shown: bytes = SHOWN) -> tuple[bytes, int]:
    """The frame with ``shown`` in place of its payload, and its length on the wire."""
    with Spool() as spool:
        way = way_to(frame.data, frame.link, frame.wire)
        assert way is not None
        segment = rewritten(way, plan_of(len(PAYLOAD), shown, spool), plan_of(0, b"", spool, ACKNOWLEDGED), spool)
        assert segment is not None
        return segment.data, segment.wire


def test_links_that_are_walked_are_those_that_are_decoded() -> None:
    assert LINK_LAYERS == LAYERS


@pytest.mark.parametrize("name", WRAPPED)
def test_the_segment_is_found_again_with_its_new_length(name: str) -> None:
    shown, wire = replaced(WRAPPED[name])
    again = way_to(shown, WRAPPED[name].link, wire)
    before = way_to(WRAPPED[name].data, WRAPPED[name].link, WRAPPED[name].wire)
    assert again is not None
    assert before is not None
    assert (again.layers, again.tcp, again.key) == (before.layers, before.tcp, before.key)
    assert again.wire_end == again.end == len(shown) == wire
    assert shown.endswith(SHOWN)


@pytest.mark.parametrize("name", ["ethernet", "802.1Q", "LLC/SNAP"])
def test_lengths_and_checksums_are_those_that_scapy_computes(name: str) -> None:
    shown, _ = replaced(WRAPPED[name])
    packet = type(Ether(shown))(shown)
    for layer in (IP, TCP):
        assert layer in packet
    expected = packet.copy()
    for field in ("len", "chksum"):
        delattr(expected[IP], field)
    del expected[TCP].chksum
    assert bytes(expected) == shown


def test_what_trails_the_segment_is_not_shown() -> None:
    """Padding of short frames has been seen to hold what was in memory before (CVE-2003-0001)."""
    frame = bytes(ether() / ip() / Padding(b"s3cr3t-c4n4ry"))
    shown, _ = replaced(Frame(frame))
    assert b"s3cr3t" not in shown


def test_lengths_that_were_left_to_the_card_stay_so() -> None:
    packet = ether() / ip()
    packet[IP].len = 0
    shown, _ = replaced(Frame(bytes(packet)))
    assert Ether(shown)[IP].len == 0
    assert shown.endswith(SHOWN)


def test_a_frame_that_was_cut_stays_as_long_as_it_was_and_is_cut_where_nothing_is_known() -> None:
    frame = bytes(ether() / ip())
    with Spool() as spool:
        way = way_to(frame[:-10], wire=len(frame))
        assert way is not None
        writer = StreamWriter(spool, Room(1000))
        writer.show(PAYLOAD[:-10])
        writer.miss(10, 10)
        segment = rewritten(way, writer.finish(SEQ, None), plan_of(0, b"", spool, ACKNOWLEDGED), spool)
    assert segment is not None
    assert segment.wire == len(frame)
    assert segment.data.endswith(PAYLOAD[:-10])
    assert len(segment.data) == len(frame) - 10


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("backwards", [False, True])
def test_fragments_become_one_packet(version: int, backwards: bool) -> None:
    pieces = fragments(version)
    walker = Walker(SUBMISSION_PORTS)
    ways = [walker.walk(piece, len(piece), 0, 1) for piece in (pieces[::-1] if backwards else pieces)]
    assert ways[:-1] == [None] * (len(pieces) - 1)
    whole = ways[-1]
    assert whole is not None
    packet = Ether(whole.frame)
    assert bytes(packet[TCP].payload) == PAYLOAD
    assert packet[IPv6].nh == 6 if version == 6 else (packet[IP].flags, packet[IP].frag) == (0, 0)
    rebuilt = packet.copy()
    if version == 4:
        del rebuilt[IP].len, rebuilt[IP].chksum
    else:
        del rebuilt[IPv6].plen
    assert bytes(rebuilt) == whole.frame


def fragments(version: int) -> list[bytes]:
    """One segment in several fragments (RFC 791 section 3.2, RFC 8200 section 4.5)."""
    if version == 4:
        return [bytes(ether() / piece) for piece in ip().fragment(16)]
    packet = ip6()
    raw = bytes(packet)[40:]
    header = IPv6(src=packet.src, dst=packet.dst, hlim=packet.hlim)
    pieces = [raw[:24], raw[24:40], raw[40:]]
    at, result = 0, []
    for piece in pieces:
        more = piece is not pieces[-1]
        extension = IPv6ExtHdrFragment(nh=6, offset=at // 8, m=int(more), id=77)
        result.append(bytes(ether() / header / extension / Raw(piece)))
        at += len(piece)
    return result


def tshark_of(frames: dict[str, tuple[bytes, int]], capture: Path) -> dict[str, tuple[str, bool]]:
    """What tshark says of each frame: its checksums (0: bad, 1: good, 2: not checked), and whether it is malformed."""
    out = io.BytesIO()
    writer = CaptureWriter(out, {frame.link for frame in WRAPPED.values()})
    for number, (name, (data, wire)) in enumerate(frames.items()):
        writer.write(Scrubbed(number, WRAPPED[name].link, data, wire))
    capture.write_bytes(out.getvalue())
    checks = [option for layer in ("ip", "tcp", "udp") for option in ("-o", f"{layer}.check_checksum:TRUE")]
    fields = ["tcp.checksum.status", "ip.checksum.status", "udp.checksum.status", "_ws.malformed", "frame.number"]
    command = ["tshark", "-n", "-r", str(capture), *checks, "-T", "fields"]
    command += [part for field in fields for part in ("-e", field)]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    rows = [line.split("\t") for line in told.splitlines()]
    return {
        name: (",".join(statuses), bool(malformed))
        for name, (*statuses, malformed, _) in zip(frames, rows, strict=True)
    }


@needs_tshark
def test_tshark_finds_every_checksum_right_and_nothing_malformed_that_was_not(tmp_path: Path) -> None:
    before = {name: (frame.data, max(frame.wire or 0, len(frame.data))) for name, frame in WRAPPED.items()}
    was = tshark_of(before, tmp_path / "before.pcapng")
    now = tshark_of({name: replaced(frame) for name, frame in WRAPPED.items()}, tmp_path / "after.pcapng")
    for name, (statuses, malformed) in now.items():
        assert "0" not in statuses, name
        assert malformed <= was[name][1], name
    assert sum("1" in statuses for statuses, _ in now.values()) > len(now) / 2
