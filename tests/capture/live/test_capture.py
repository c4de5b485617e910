"""What is captured from real interfaces: just what tcpdump captures from them, and every frame accounted for."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from scapy.layers.inet import IP, TCP, fragment
from scapy.layers.inet6 import IPv6, IPv6ExtHdrFragment, fragment6
from scapy.layers.l2 import Dot1AD, Dot1Q, Ether
from scapy.packet import Raw

from analyzer.capture.live import LiveCapture, capture_filter
from analyzer.capture.live.collector import BATCH_BYTES
from analyzer.capture.live.ring import BLOCK_BYTES, LEAST_BLOCKS
from tests.capture.live.network import NEAR, Namespace, contents, has_networks, needs_tcpdump, reading
from tests.packets.encapsulations import WRAPPED, WRAPPED6
from tests.packets.frames import ETHERNET, decode
from tests.support.root import needs_root

pytestmark = [needs_root, has_networks]
RAW_IP = 101
cut_fragment: Any = fragment  # scapy types some functions and leaves these out
cut_fragment6: Any = fragment6
PORTS = (25, 587)
FILTER = capture_filter(PORTS, decap=False, expression=None)
DECAP = capture_filter(PORTS, decap=True, expression=None)

THROUGH = pytest.mark.parametrize("ring", [True, False], ids=["ring", "libpcap"])


def frame(payload: bytes = b"EHLO me\r\n", *, tags: int = 0, port: int = 587, number: int = 0) -> bytes:
    packet: Any = IP(src="10.0.0.1", dst="10.0.0.2", id=number & 0xFFFF) / TCP(sport=50000, dport=port) / Raw(payload)
    for tag in range(tags):
        packet = (Dot1AD if tag == tags - 1 and tags > 1 else Dot1Q)(vlan=10 + tag) / packet
    return bytes(Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / packet)


def many(count: int, payload: bytes) -> list[bytes]:
    """Frames that differ in one number; scapy would take a second for a thousand."""
    one = frame(payload)
    return [one[:18] + number.to_bytes(2, "big") + one[20:] for number in range(count)]


def plain_traffic() -> list[bytes]:
    """What the filter must let through without looking into tunnels, and in the midst what it must not."""
    v4, v6 = IP(src="10.0.0.1", dst="10.0.0.2"), IPv6(src="2001:db8::1", dst="2001:db8::2")
    head = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
    frames = [frame(number=number, tags=number % 4) for number in range(8)]
    frames += [bytes(head / piece) for piece in cut_fragment(v4 / TCP(dport=25) / Raw(bytes(3000)), 800)]
    frames += [
        bytes(head / piece)
        for piece in cut_fragment6(v6 / IPv6ExtHdrFragment() / TCP(dport=25) / Raw(bytes(3000)), 1280)
    ]
    frames += [bytes(head / v6 / TCP(sport=587) / Raw(b"220 ready\r\n")), frame(bytes(8900)), frame(b"")]
    return frames


@needs_tcpdump
@THROUGH
def test_frames_are_those_that_tcpdump_records(network: Namespace, tmp_path: Path, ring: bool) -> None:
    network.ip("link", "set", NEAR, "mtu", "9000")
    network.ip("link", "set", "far0", "mtu", "9000")
    sent = [*plain_traffic(), *(each.data for each in {**WRAPPED, **WRAPPED6}.values() if each.link == ETHERNET)]
    passing = [content for content in sent if frame(tags=4)[12:24] != content[12:24]]
    before = time.time_ns()
    with reading(network, LiveCapture([NEAR], DECAP, ring=ring)) as reader:
        with network.recorded(tmp_path / "all.pcap", len(sent)) as recorded:
            network.send(sent)
        reader.until(lambda: reader.frames and reader.frames[-1].content == recorded[-1].content)
        frames = reader.finish()
        (counters,) = reader.capture.counters()
    assert contents(recorded) == [(content, len(content)) for content in passing]
    deeper = {WRAPPED[name].data for name in ("eight tags", "nine tags", "ten tags", "24 layers")}
    deeper.add(WRAPPED6["ten tags"].data)
    assert contents(frames) == [(each.content, each.wire) for each in recorded if each.content not in deeper]
    assert all(before <= each.time <= time.time_ns() for each in frames)
    assert (counters.received, counters.dropped, counters.truncated) == (len(frames), 0, 0)
    assert counters.last_frame == frames[-1].time
    assert {each.link_type for each in frames} == {ETHERNET}
    assert decode([each.content for each in frames]) == decode(
        [each.content for each in recorded if each.content not in deeper]
    )


@THROUGH
def test_what_the_filter_does_not_want_never_gets_in(network: Namespace, ring: bool) -> None:
    stop = threading.Event()

    def chatter() -> None:
        while not stop.is_set():
            network.send([frame(port=443)] * 50 + [frame(tags=1, port=443)] * 50)

    talker = threading.Thread(target=chatter)
    talker.start()
    try:
        with reading(network, LiveCapture([NEAR], FILTER, ring=ring)) as reader:
            network.send([frame()])
            reader.until(lambda: reader.frames)
            frames = reader.finish()
    finally:
        stop.set()
        talker.join()
    assert contents(frames) == [(frame(), len(frame()))]


def test_a_quiet_interface_gives_empty_batches(network: Namespace) -> None:
    with reading(network, LiveCapture([NEAR], FILTER)) as reader:
        assert [len(reader.step()) for _ in range(3)] == [0, 0, 0]
        assert reader.capture.clock_shift == 0
        (counters,) = reader.capture.counters()
    assert (counters.state, counters.received, counters.last_frame) == ("up", 0, None)


@THROUGH
def test_what_has_come_before_stop_is_given_out_and_nothing_later(network: Namespace, ring: bool) -> None:
    with reading(network, LiveCapture([NEAR], FILTER, ring=ring)) as reader:
        reader.step()
        network.send(frame(number=number) for number in range(100))
        reader.capture.stop()
        (first, *_) = reader.finish()
        assert len(reader.frames) == 100
        network.send([frame(b"too late")])
        assert reader.finish()[-1].content == frame(number=99)
    assert first.content == frame(number=0)


@THROUGH
def test_what_the_kernel_has_no_room_for_is_counted_to_the_frame(network: Namespace, ring: bool) -> None:
    sent = many(4000, bytes(1000))
    with reading(network, LiveCapture([NEAR], FILTER, buffer=LEAST_BLOCKS * BLOCK_BYTES, ring=ring)) as reader:
        network.send(sent)
        frames = reader.finish()
        (counters,) = reader.capture.counters()
        (again,) = reader.capture.counters()
    assert counters.dropped > 0
    assert counters.received == len(frames)
    assert counters.received + counters.dropped == len(sent)
    assert contents(frames) == [(content, len(content)) for content in sent[: len(frames)]]
    assert again == counters


def test_a_ring_that_was_full_takes_frames_again_once_it_was_read(network: Namespace) -> None:
    sent = many(2000, bytes(1000))
    with reading(network, LiveCapture([NEAR], FILTER, buffer=LEAST_BLOCKS * BLOCK_BYTES)) as reader:
        for _ in range(3):
            network.send(sent)
            while len(reader.step()):
                pass
        network.send([frame(b"the last one")])
        assert reader.finish()[-1].content == frame(b"the last one")
        (counters,) = reader.capture.counters()
    assert counters.dropped > 0
    assert counters.received + counters.dropped == 3 * len(sent) + 1


@THROUGH
def test_many_frames_come_whole_in_order_and_in_bounded_batches(network: Namespace, ring: bool) -> None:
    sent = many(13_000, bytes(1300))
    with reading(network, LiveCapture([NEAR], FILTER, ring=ring)) as reader:
        network.send(sent)
        batches = [reader.step() for _ in range(3)]
        assert max(len(batch.data) for batch in batches) <= BATCH_BYTES
        assert sum(len(batch.data) for batch in batches) > BATCH_BYTES
        frames = reader.finish()
        (counters,) = reader.capture.counters()
    assert contents(frames) == [(content, len(content)) for content in sent]
    assert (counters.received, counters.dropped) == (len(sent), 0)


@THROUGH
def test_two_interfaces_are_told_apart_and_merged_by_time(network: Namespace, ring: bool) -> None:
    network.add_pair(1)
    with reading(network, LiveCapture(["near1", NEAR], FILTER, ring=ring)) as reader:
        for number in range(20):
            network.send([frame(number=number)], "far0" if number % 2 else "far1")
        reader.until(lambda: len(reader.frames) == 20)
        frames = reader.finish()
        counters = reader.capture.counters()
    assert reader.capture.sources == ["near1", NEAR]
    assert [each.name for each in counters] == ["near1", NEAR]
    assert [each.received for each in counters] == [10, 10]
    by_time = sorted(zip(frames, reader.sources, strict=True), key=lambda pair: pair[0].time)
    assert [pair[0].content for pair in by_time] == [frame(number=number) for number in range(20)]
    assert [pair[1] for pair in by_time] == [0, 1] * 10


def test_any_stands_for_all_interfaces_that_are_up(network: Namespace) -> None:
    network.add_pair(1)
    network.ip("link", "set", "far1", "down")
    with reading(network, LiveCapture(["any"], FILTER)) as reader:
        assert sorted(reader.capture.sources) == ["far0", "lo", NEAR]


@needs_tcpdump
@THROUGH
def test_loopback_frames_come_once_and_whole_however_long(network: Namespace, tmp_path: Path, ring: bool) -> None:
    message = b"x" * 400_000
    with reading(network, LiveCapture(["lo"], FILTER, ring=ring)) as reader:
        with network.recorded(tmp_path / "lo.pcap", 12, "tcp port 587", "lo") as recorded:
            _mail(network, message)
        frames = reader.finish()
        (counters,) = reader.capture.counters()
    ours = contents(frames)[: len(recorded)]
    assert ours == contents(recorded)
    assert max(wire for _, wire in ours) > 30_000
    assert counters.truncated == counters.dropped == 0


def test_a_frame_longer_than_a_block_is_cut_and_counted(network: Namespace) -> None:
    network.ip("link", "set", "lo", "gso_max_size", "500000")  # "BIG TCP", which began with IPv6
    with network.entered():
        Path("/proc/sys/net/ipv6/conf/lo/disable_ipv6").write_text("0")
    with reading(network, LiveCapture(["lo"], FILTER)) as reader:
        with network.entered():
            _mail(network, b"x" * 8_000_000, "::1")
        frames = reader.finish()
        (counters,) = reader.capture.counters()
    cut = [each for each in frames if len(each.content) < each.wire]
    assert max(each.wire for each in frames) > BLOCK_BYTES
    assert counters.truncated == len(cut) > 0
    assert all(len(each.content) > BLOCK_BYTES - 1000 for each in cut)


def _mail(network: Namespace, message: bytes, address: str = "127.0.0.1") -> None:
    """A real connection to port 587, with segmentation left to the card that is none."""
    with network.entered():
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        server = socket.create_server((address, 587), family=family)
        client = socket.create_connection((address, 587))
    accepted = server.accept()[0]
    with server, client, accepted:
        writer = threading.Thread(target=client.sendall, args=(message,))
        writer.start()
        left = len(message)
        while left:
            left -= len(accepted.recv(65536))
        writer.join()


@THROUGH
def test_a_tunnel_interface_gives_frames_that_begin_with_ip(network: Namespace, ring: bool) -> None:
    sent = [bytes(IP(src="10.0.0.1", dst="10.0.0.2", id=number) / TCP(dport=587)) for number in range(5)]
    sent.append(bytes(IPv6(src="2001:db8::1", dst="2001:db8::2") / TCP(sport=25)))
    with network.tun("tun0") as write, reading(network, LiveCapture(["tun0"], FILTER, ring=ring)) as reader:
        for packet in [*sent[:3], bytes(IP() / TCP(dport=443)), *sent[3:]]:
            write(packet)
        frames = reader.finish()
    assert contents(frames) == [(packet, len(packet)) for packet in sent]
    assert {each.link_type for each in frames} == {RAW_IP}


@pytest.mark.parametrize("promiscuous", [True, False])
@THROUGH
def test_promiscuous_mode_is_on_while_it_runs_if_wanted(network: Namespace, ring: bool, promiscuous: bool) -> None:
    def is_on() -> bool:
        command = ["ip", "-j", "-d", "-n", network.name, "link", "show", NEAR]
        told = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
        return bool(json.loads(told)[0]["promiscuity"])

    with reading(network, LiveCapture([NEAR], FILTER, promiscuous=promiscuous, ring=ring)):
        assert is_on() == promiscuous
    assert not is_on()


@THROUGH
@pytest.mark.parametrize(
    ("expression", "wanted"), [("vlan 10", [1]), ("vlan 11", [2]), ("vlan", [1, 2]), ("not vlan", [0])]
)
def test_an_expression_about_vlan_tags_means_those_that_the_kernel_took_off(
    network: Namespace, expression: str, wanted: list[int], ring: bool
) -> None:
    with reading(
        network, LiveCapture([NEAR], capture_filter(PORTS, decap=False, expression=expression), ring=ring)
    ) as reader:
        network.send(frame(tags=tags) for tags in range(3))
        frames = reader.finish()
    assert contents(frames) == [(frame(tags=tags), len(frame(tags=tags))) for tags in wanted]
