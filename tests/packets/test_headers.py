"""What headers say about lengths, ports and flags, and what is made of those that cannot be right."""

from __future__ import annotations

import struct
from collections import Counter

import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import GRE, Dot1Q
from scapy.layers.vxlan import VXLAN
from scapy.packet import Raw

from analyzer.packets import SegmentDecoder, unwrap
from analyzer.packets.columns import MAX_TAGS
from analyzer.packets.segments import NO_MAC
from analyzer.packets.wrappings import UNOPENED_ETHERTYPES, UNOPENED_PORTS, UNOPENED_PROTOCOLS
from tests.packets.encapsulations import WRAPPED, WRAPPED6, capwap, carrier, labels, outer, udp
from tests.packets.frames import (
    CLIENT,
    CLIENT6,
    NULL,
    PAYLOAD,
    PLAIN,
    RAW,
    SERVER,
    SERVER6,
    Frame,
    Row,
    batch_of,
    decode,
    decode_one_by_one,
    essence,
    ether,
    ip,
    ip6,
    rows_of,
    tcp,
)

IN_COLUMNS, ONE_BY_ONE = ether(), outer(type=0x8847) / labels(1)
HEADERS = [pytest.param(IN_COLUMNS, id="columns"), pytest.param(ONE_BY_ONE, id="unwrapper")]


def single(frame: Frame | bytes) -> Row:
    rows, undecoded = decode([frame])
    assert not undecoded
    assert (rows, undecoded) == decode_one_by_one([frame])
    (row,) = rows
    return row


def undecoded_of(frame: Frame | bytes) -> Counter[str]:
    rows, undecoded = decode([frame])
    assert not rows
    assert (rows, undecoded) == decode_one_by_one([frame])
    return undecoded


# --- lengths -----------------------------------------------------------------------------------


@pytest.mark.parametrize("link", HEADERS)
def test_padding_of_short_frames_is_no_payload(link: Raw) -> None:
    row = single(bytes(link / ip(b"")) + bytes(6))
    assert (row.payload, row.wire) == (b"", 0)


@pytest.mark.parametrize("link", HEADERS)
@pytest.mark.parametrize("trailer", [4, 46])
def test_trailer_behind_the_ip_datagram_is_no_payload(link: Raw, trailer: int) -> None:
    assert essence(single(bytes(link / ip()) + b"\xee" * trailer)) == PLAIN


@pytest.mark.parametrize("link", HEADERS)
def test_ip_length_zero_means_the_rest_of_the_frame(link: Raw) -> None:
    payload = b"x" * 40_000
    frame = bytes(link / IP(src=CLIENT, dst=SERVER, len=0) / tcp(payload))
    assert single(frame).payload == payload
    assert single(Frame(frame[:200], wire=len(frame))).wire == len(payload)


@pytest.mark.parametrize("link", HEADERS)
def test_ipv6_length_zero_means_the_rest_of_the_frame(link: Raw) -> None:
    payload = b"x" * 70_000
    assert single(bytes(link / IPv6(src=CLIENT6, dst=SERVER6, plen=0) / tcp(payload))).payload == payload


@pytest.mark.parametrize("link", HEADERS)
def test_offloaded_segment_of_64_kilobytes(link: Raw) -> None:
    payload = b"x" * (65535 - 40)
    assert single(bytes(link / ip(payload))).payload == payload


@pytest.mark.parametrize("link", HEADERS)
@pytest.mark.parametrize("captured", [0, 1, len(PAYLOAD) - 1])
def test_snapshot_length_leaves_the_wire_length(link: Raw, captured: int) -> None:
    frame = bytes(link / ip())
    row = single(Frame(frame[: len(frame) - len(PAYLOAD) + captured], wire=len(frame)))
    assert (row.payload, row.wire) == (PAYLOAD[:captured], len(PAYLOAD))


@pytest.mark.parametrize("link", HEADERS)
def test_snapshot_length_within_the_tcp_options(link: Raw) -> None:
    frame = bytes(link / ip(options=[("NOP", None)] * 20))
    row = single(Frame(frame[: len(frame) - len(PAYLOAD) - 10], wire=len(frame)))
    assert (row.payload, row.wire) == (b"", len(PAYLOAD))


@pytest.mark.parametrize("link", HEADERS)
def test_ip_length_beyond_the_frame_counts_as_cut(link: Raw) -> None:
    row = single(bytes(link / IP(src=CLIENT, dst=SERVER, len=1000) / tcp()))
    assert (row.payload, row.wire) == (PAYLOAD, 960)


@pytest.mark.parametrize("link", HEADERS)
def test_ip_length_short_of_the_frame_ends_the_payload(link: Raw) -> None:
    row = single(bytes(link / IP(src=CLIENT, dst=SERVER, len=45) / tcp()))
    assert (row.payload, row.wire) == (PAYLOAD[:5], 5)


@pytest.mark.parametrize("link", HEADERS)
@pytest.mark.parametrize("length", [1, 19, 20, 39])
def test_ip_length_within_the_headers_is_counted(link: Raw, length: int) -> None:
    assert undecoded_of(bytes(link / IP(src=CLIENT, dst=SERVER, len=length) / tcp())) == {"bad-tcp-header": 1}


@pytest.mark.parametrize("link", HEADERS)
def test_wrong_checksums_are_nobodys_business(link: Raw) -> None:
    row = single(bytes(link / IP(src=CLIENT, dst=SERVER, chksum=1) / tcp(chksum=2)))
    assert row.payload == PAYLOAD


# --- fields ------------------------------------------------------------------------------------


@pytest.mark.parametrize("link", HEADERS)
@pytest.mark.parametrize(
    "header", [IP(src=CLIENT, dst=SERVER, flags="DF"), IP(src=CLIENT, dst=SERVER, flags="evil", tos=184)]
)
def test_ip_bits_do_not_matter(link: Raw, header: IP) -> None:
    assert single(bytes(link / header / tcp())).payload == PAYLOAD


@pytest.mark.parametrize("link", HEADERS)
@pytest.mark.parametrize("offset", range(5))
def test_tcp_header_shorter_than_itself_is_counted(link: Raw, offset: int) -> None:
    assert undecoded_of(bytes(link / ip(dataofs=offset))) == {"bad-tcp-header": 1}


@pytest.mark.parametrize("link", HEADERS)
def test_tcp_header_longer_than_the_datagram_is_counted(link: Raw) -> None:
    assert undecoded_of(bytes(link / ip(b"", dataofs=15))) == {"bad-tcp-header": 1}


@pytest.mark.parametrize("link", HEADERS)
@pytest.mark.parametrize("flags", [0x00, 0x02, 0x12, 0x11, 0x14, 0xFF])
def test_control_bits_are_kept(link: Raw, flags: int) -> None:
    assert single(bytes(link / ip(flags=flags))).flags == flags


@pytest.mark.parametrize(
    ("name", "macs"),
    [
        ("ethernet", (0x0017C8010203, 0x0050560A0B0C)),
        ("802.1Q", (0x0017C8010203, 0x0050560A0B0C)),
        ("VXLAN", (0x0017C8010203, 0x0050560A0B0C)),
        ("IP in IP", (0x020000000001, 0x020000000002)),
        ("raw 101", (int(NO_MAC), int(NO_MAC))),
        ("cooked", (0x0017C8010203, int(NO_MAC))),
        ("cooked v2", (0x0017C8010203, int(NO_MAC))),
        ("cooked, PPPoE", (0x0017C8010203, int(NO_MAC))),
        ("cooked, tagged", (int(NO_MAC), int(NO_MAC))),
        ("cooked v2, MPLS", (int(NO_MAC), int(NO_MAC))),
        ("PPP", (int(NO_MAC), int(NO_MAC))),
    ],
)
def test_addresses_of_the_innermost_link(name: str, macs: tuple[int, int]) -> None:
    row = single(WRAPPED[name])
    assert (row.src_mac, row.dst_mac) == macs


@pytest.mark.parametrize("ports", [(587, 587), (587, 443), (443, 587), (465, 25)])
def test_either_port_is_enough(ports: tuple[int, int]) -> None:
    for link in (IN_COLUMNS, ONE_BY_ONE):
        row = single(bytes(link / ip(sport=ports[0], dport=ports[1])))
        assert (row.sport, row.dport) == ports


@pytest.mark.parametrize("port", [1, 2525, 6000, 65535])
def test_ports_of_interest_are_the_callers(port: int) -> None:
    frames = [bytes(link / ip(dport=p)) for link in (IN_COLUMNS, ONE_BY_ONE) for p in (port, 587, 6400)]
    rows, undecoded = decode(frames, ports=[port])
    assert [row.dport for row in rows] == [port, port]
    assert not undecoded


def test_port_filter_looks_at_the_innermost_segment_only() -> None:
    foreign_inside = [
        bytes(outer() / IP() / udp(4789, sport=587) / VXLAN() / ether() / ip(dport=443)),
        bytes(carrier() / GRE() / ip(dport=443)),
        bytes(outer(type=0x8847) / labels(2) / ip(dport=443)),
    ]
    wanted_inside = bytes(outer() / IP() / udp(4789, sport=53) / VXLAN() / ether() / ip(dport=25))
    no_tunnel = bytes(outer() / IP() / udp(587, sport=25) / Raw(bytes(ip())))
    rows, undecoded = decode([*foreign_inside, wanted_inside, no_tunnel])
    assert [(row.frame, row.dport) for row in rows] == [(3, 25)]
    assert not undecoded


def test_segments_keep_the_order_of_frames_however_they_were_read() -> None:
    names = [
        "VXLAN",
        "ethernet",
        "null, big-endian",
        "802.1Q",
        "PPP",
        "ethernet",
        "cooked",
        "GRE",
        "raw 12",
        "ethernet",
    ]
    frames = [frame for name in names for frame in (WRAPPED[name], WRAPPED6.get(name, WRAPPED6["6in4"]))]
    rows, _ = decode(frames)
    assert [row.frame for row in rows] == list(range(len(frames)))


@pytest.mark.parametrize("frames", [[], [bytes(ether() / ip(dport=443))]])
def test_nothing_of_interest_is_an_empty_batch(frames: list[bytes]) -> None:
    segments = SegmentDecoder().decode(batch_of(frames))
    assert len(segments) == 0
    assert rows_of(segments) == []


# --- what is counted ---------------------------------------------------------------------------

REASONS: dict[str, list[Frame | bytes]] = {
    "truncated-header": [
        b"",
        Frame(b"", RAW),
        bytes(ether() / ip())[:13],
        bytes(ether() / ip())[:33],
        bytes(ether() / ip())[:53],
        bytes(ether() / ip6())[:40],
        bytes(ether() / ip6())[:73],
        bytes(ether() / Dot1Q() / ip())[:16],
        bytes(WRAPPED["VXLAN"].data)[:60],
        bytes(WRAPPED["MPLS, two labels"].data)[:20],
        bytes(WRAPPED["GENEVE with options"].data)[:48],
        bytes(WRAPPED["TZSP"].data)[:45],
        bytes(WRAPPED["TZSP of a frame to be sent, with tags"].data)[:48],
        bytes(WRAPPED["CAPWAP"].data)[:45],
        bytes(WRAPPED6["Teredo"].data)[:43],
        bytes(WRAPPED6["Teredo with both"].data)[:60],
        Frame(bytes(WRAPPED["cooked"].data)[:15], 113),
        Frame(bytes(WRAPPED["cooked v2"].data)[:19], 276),
        Frame(b"\x02\0\0", NULL),
        Frame(b"\xff", 9),
    ],
    "bad-ip-header": [
        bytes(ether(type=0x0800) / ip6()),
        bytes(ether(type=0x86DD) / ip()),
        bytes(ether() / IP(ihl=4) / tcp()),
        Frame(b"\x00" * 60, RAW),
        Frame(struct.pack("<I", 2) + b"\x00" * 60, NULL),
    ],
    "bad-tcp-header": [bytes(ether() / ip(dataofs=4))],
    "bad-gre-header": [
        bytes(carrier(proto=47) / Raw(b"\0\2\x08\0") / ip()),
        bytes(carrier(proto=47) / Raw(b"\x40")),
    ],
    "too-many-layers": [
        bytes(outer() / IP(proto=4) / Raw(bytes(IP(proto=4, len=20)) * unwrap.MAX_LAYERS)),
        bytes(outer(type=0x8847) / Raw(b"\0\1\0\x40" * (unwrap.MAX_MPLS_LABELS + 1)) / ip()),
        bytes(carrier() / udp(37008) / Raw(b"\1\0\0\1" + bytes(unwrap.MAX_TZSP_FIELDS) + b"\1") / ether() / ip()),
    ],
    "link-type-147": [Frame(b"\0" * 60, 147)],
    "unopened-cisco-metadata": [bytes(outer(type=0x8909) / Raw(b"\1\1\0\1\0\0\x08\0") / ip())],
    "unopened-macsec": [bytes(outer() / Dot1Q(type=0x88E5) / Raw(bytes(40)))],
    "unopened-vn-tag": [bytes(outer(type=0x8926) / Raw(bytes(4) + b"\x08\0") / ip())],
    "unopened-e-tag": [bytes(outer(type=0x893F) / Raw(bytes(6) + b"\x08\0") / ip())],
    "unopened-nsh": [bytes(carrier() / GRE(proto=0x894F) / Raw(bytes(60)))],
    "unopened-esp": [
        bytes(carrier(proto=50) / Raw(bytes(60))),
        bytes(ether() / IPv6(nh=50) / Raw(bytes(60))),
        bytes(carrier() / GRE() / IP(proto=50) / Raw(bytes(60))),
    ],
    "unopened-minimal-ip": [bytes(carrier(proto=55) / Raw(bytes(60)))],
    "unopened-ipip": [bytes(carrier(proto=94) / ip())],
    "unopened-etherip": [bytes(carrier(proto=97) / Raw(b"\x30\0") / ether() / ip())],
    "unopened-l2tp": [bytes(carrier(proto=115) / Raw(bytes(60))), bytes(carrier() / udp(1701) / Raw(bytes(60)))],
    "unopened-gtp-u": [bytes(carrier() / udp(2152) / Raw(bytes(60)))],
    "unopened-vxlan-gpe": [bytes(carrier() / udp(4790) / Raw(bytes(60)))],
    "unopened-tzsp": [bytes(carrier() / udp(37008) / Raw(b"\1\0\0\x12\1" + bytes(60)))],
    "unopened-capwap": [
        bytes(carrier() / udp(5247) / Raw(capwap(native=True, wbid=1)) / ether() / ip()),
        bytes(carrier() / udp(50000, sport=5247) / Raw(capwap(flags=0x80)) / ether() / ip()),
        bytes(carrier() / udp(5247) / Raw(b"\1\0\0\0\x17\xfe\xfd" + bytes(60))),
        bytes(carrier() / udp(5247) / Raw(bytes(8)) / ether() / ip()),
    ],
    "unopened-mpls-in-udp": [bytes(outer() / Dot1Q() / IP() / udp(6635) / Raw(bytes(60)))],
}


@pytest.mark.parametrize(
    ("reason", "frame"), [(reason, frame) for reason, frames in REASONS.items() for frame in frames]
)
def test_what_cannot_be_read_is_counted_by_reason(reason: str, frame: Frame | bytes) -> None:
    assert undecoded_of(frame) == {reason: 1}


def test_every_reason_of_the_tables_has_a_test() -> None:
    tables = (UNOPENED_ETHERTYPES, UNOPENED_PROTOCOLS, UNOPENED_PORTS)
    assert {reason for table in tables for reason in table.values()} <= set(REASONS)


@pytest.mark.parametrize(
    "datagram",
    [
        udp(37008) / Raw(b"\1\4\0\0" + bytes(60)),
        udp(37008) / Raw(b"\x20\x01\0\0" + bytes(60)),
        udp(5247) / Raw(capwap(flags=0x08) + bytes(60)),
        udp(5246) / Raw(b"\1\0\0\0\x17\xfe\xfd" + bytes(60)),
        udp(3544) / Raw(b"\x45" + bytes(60)),
        udp(50000, sport=3544) / Raw(bytes(80)),
        udp(3544) / IPv6(nh=59),
        udp(50000, sport=37008) / Raw(b"\1\0\0\1\1" + bytes(ether() / ip())),
    ],
    ids=[
        "TZSP keep-alive",
        "no TZSP",
        "CAPWAP keep-alive",
        "CAPWAP control",
        "no IPv6",
        "indicators without end",
        "Teredo bubble",
        "from TZSP's port",
    ],
)
def test_tunnels_without_content_and_other_traffic_on_their_ports_are_no_loss(datagram: Raw) -> None:
    assert undecoded_of(bytes(carrier() / datagram)) == {}


@pytest.mark.parametrize(
    "wrapping", [udp(37008) / Raw(b"\1\0\0\1\1"), udp(5247) / Raw(capwap())], ids=["TZSP", "CAPWAP"]
)
def test_padding_behind_a_tunnel_is_no_payload(wrapping: Raw) -> None:
    segment = bytes(ether() / IP(src=CLIENT, dst=SERVER, len=0) / tcp())
    row = single(bytes(carrier() / wrapping / Raw(segment)) + bytes(9))
    assert (row.payload, row.wire) == (PAYLOAD, len(PAYLOAD))


def test_frames_of_unknown_link_types_are_counted_by_type() -> None:
    decoder = SegmentDecoder()
    decoder.decode(batch_of([Frame(b"x" * 60, 147), Frame(b"x", 105), Frame(b"x", 105), WRAPPED["ethernet"]]))
    assert decoder.unknown_links == {147: 1, 105: 2}
    assert decoder.undecoded == {"link-type-147": 1, "link-type-105": 2}


def test_depth_limit_is_where_it_says() -> None:
    def stack(depth: int) -> bytes:
        frame = outer()
        for _ in range(depth - 2):
            frame = frame / IP(src="192.0.2.1", dst="192.0.2.2", proto=4)
        return bytes(frame / ip())

    assert essence(single(stack(unwrap.MAX_LAYERS))) == PLAIN
    assert undecoded_of(stack(unwrap.MAX_LAYERS + 1)) == {"too-many-layers": 1}


@pytest.mark.parametrize("depth", [MAX_TAGS, MAX_TAGS + 1, unwrap.MAX_LAYERS - 2])
def test_tags_beyond_what_the_columns_strip(depth: int) -> None:
    frame = ether()
    for _ in range(depth):
        frame = frame / Dot1Q(vlan=1)
    assert essence(single(bytes(frame / ip()))) == PLAIN


@pytest.mark.parametrize("first", [0x00, 0x08, 0x44, 0x48, 0x4C, 0x60, 0x64, 0x68, 0x6C, 0x9C])
@pytest.mark.parametrize("control_word", [b"", b"\0\0\0\0", b"\0\0\0\x09"])
def test_pseudowire_is_told_from_ip_whatever_address_it_begins_with(first: int, control_word: bytes) -> None:
    inner = bytes([first, 0x17, 0xC8, 1, 2, 3]) + bytes(ether() / ip())[6:]
    assert essence(single(bytes(outer(type=0x8847) / labels(1) / Raw(control_word + inner)))) == PLAIN


def test_addresses_that_look_like_an_ethertype_stay_ip() -> None:
    header = IP(src="8.0.129.0", dst=SERVER)  # 0x0800 and 0x8100 where a pseudowire has its EtherType
    row = single(bytes(outer(type=0x8847) / labels(1) / header / tcp()))
    assert row.payload == PAYLOAD
    assert bytes(header / TCP())[12:14] == b"\x08\x00"
