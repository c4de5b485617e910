"""The kernel's filter lets through what the decoder can read, and as little else as it can."""

from __future__ import annotations

import ctypes
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP, fragment
from scapy.layers.inet6 import ICMPv6MLReport2, IPv6, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, fragment6
from scapy.layers.l2 import ARP, Dot1AD, Dot1Q, Ether
from scapy.packet import Raw

from analyzer.capture.live import capture_filter, filters
from analyzer.capture.live.filters import MAX_RANGES, TAGS, CaptureFilter, asks_for_vlan
from analyzer.capture.live.libpcap import INSTRUCTION, REJECT, bindings, both, compiled
from analyzer.errors import UsageError
from analyzer.hostnames.ports import NAME_PORTS
from analyzer.packets import wrappings
from tests.packets.encapsulations import WRAPPED, WRAPPED6

ETHERNET, RAW = 1, 101
PORTS = (25, 587)
PLAIN = capture_filter(PORTS, decap=False, expression=None)
DECAP = capture_filter(PORTS, decap=True, expression=None)

TOO_DEEP = {"eight tags", "nine tags", "ten tags", "24 layers"}
"""More tags than are looked behind."""
NO_TUNNELS = {"ethernet", "802.1Q", "802.1Q with priority and DEI", "QinQ", "QinQ 0x9100", "three tags", "AH"}
NO_TUNNELS |= {"IP options", "IP options, full", "TCP options", "TCP options, full"}
NO_TUNNELS6 = {"ethernet", "802.1Q", "QinQ", "hop-by-hop options", "destination options", "routing header"}
NO_TUNNELS6 |= {"atomic fragment", "authentication header", "all extension headers", "payload length 0", "jumbo"}


def passes(capture: CaptureFilter, frame: bytes, link_type: int = ETHERNET) -> bool:
    """Whether libpcap's interpreter lets ``frame`` through, as the kernel shows it: without its outermost tag."""
    if link_type == ETHERNET and frame[12:14] in (b"\x81\x00", b"\x88\xa8"):
        frame = frame[:12] + frame[16:]
    return accepts(capture.compiled(link_type, "eth0", TAGS), frame)


def accepts(instructions: bytes, frame: bytes) -> bool:
    pcap = bindings()
    program = pcap.bpf_program()
    program.bf_len = len(instructions) // INSTRUCTION
    kept = ctypes.create_string_buffer(instructions, len(instructions))
    program.bf_insns = ctypes.cast(kept, type(program.bf_insns))
    header = pcap.pcap_pkthdr()
    header.caplen = header.len = len(frame)
    content = (ctypes.c_ubyte * len(frame)).from_buffer_copy(frame)
    return bool(pcap._lib.pcap_offline_filter(ctypes.byref(program), ctypes.byref(header), content))


def ethernet(packet: Any) -> bytes:
    return bytes(Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / packet)


cut_fragment: Any = fragment  # scapy types some functions and leaves these out
cut_fragment6: Any = fragment6
IPV4, IPV6 = IP(src="10.0.0.1", dst="10.0.0.2"), IPv6(src="2001:db8::1", dst="2001:db8::2")


@pytest.mark.parametrize("name", [name for name, frame in WRAPPED.items() if frame.link == ETHERNET])
def test_with_decap_all_that_the_decoder_unwraps_passes_up_to_two_tags_behind_the_first(name: str) -> None:
    assert passes(DECAP, WRAPPED[name].data) == (name not in TOO_DEEP)


@pytest.mark.parametrize("name", [name for name, frame in WRAPPED6.items() if frame.link == ETHERNET])
def test_with_decap_all_ipv6_that_the_decoder_unwraps_passes(name: str) -> None:
    assert passes(DECAP, WRAPPED6[name].data) == (name not in TOO_DEEP)


def test_without_decap_tunnels_stay_out_and_everything_else_passes() -> None:
    assert {name for name, frame in WRAPPED.items() if frame.link == 1 and passes(PLAIN, frame.data)} == NO_TUNNELS
    assert {name for name, frame in WRAPPED6.items() if frame.link == 1 and passes(PLAIN, frame.data)} == NO_TUNNELS6


@pytest.mark.parametrize("name", [name for name, frame in WRAPPED.items() if frame.link == RAW])
def test_frames_that_begin_with_ip_pass(name: str) -> None:
    assert passes(DECAP, WRAPPED[name].data, RAW)


@given(st.integers(0, 65535), st.integers(0, 65535), st.integers(0, 2), st.booleans(), st.booleans())
def test_tcp_passes_just_when_a_port_is_of_interest(sport: int, dport: int, tags: int, v6: bool, decap: bool) -> None:
    packet: Any = (IPV6 if v6 else IPV4) / TCP(sport=sport, dport=dport) / Raw(b"EHLO me\r\n")
    for _ in range(tags):
        packet = Dot1Q(vlan=7) / packet
    frame = ethernet(packet)
    assert passes(DECAP if decap else PLAIN, frame) == (sport in PORTS or dport in PORTS)


@pytest.mark.parametrize("capture", [PLAIN, DECAP], ids=["plain", "decap"])
@pytest.mark.parametrize(
    "packet",
    [
        IPV4 / UDP(sport=587, dport=25),
        IPV4 / UDP(sport=50000, dport=443) / Raw(bytes(900)),
        IPV4 / ICMP(),
        IPV6 / UDP(sport=587, dport=53),
        IPV6 / IPv6ExtHdrHopByHop() / ICMPv6MLReport2(),
        ARP(),
    ],
    ids=["UDP on the ports", "QUIC", "ping", "DNS over IPv6", "multicast report", "ARP"],
)
def test_other_traffic_stays_out(capture: CaptureFilter, packet: object) -> None:
    assert not passes(capture, ethernet(packet))


NAMES = capture_filter(PORTS, decap=False, expression=None, udp_from=(53,), udp_to=(67,))


@pytest.mark.parametrize(("sport", "dport", "passed"), [(53, 9, True), (9, 53, False), (9, 67, True), (67, 9, False)])
@pytest.mark.parametrize("tags", [0, 1, 2])
@pytest.mark.parametrize("network", [IPV4, IPV6], ids=["IPv4", "IPv6"])
def test_datagrams_pass_by_the_port_of_their_side(
    network: Any, tags: int, sport: int, dport: int, passed: bool
) -> None:
    packet = network / UDP(sport=sport, dport=dport)
    for _ in range(tags):
        packet = Dot1Q(vlan=7) / packet
    assert passes(NAMES, ethernet(packet)) == passed
    assert not passes(PLAIN, ethernet(packet))


def test_fragments_of_tcp_pass_and_the_first_one_only_on_the_ports() -> None:
    mine = cut_fragment(IPV4 / TCP(sport=50000, dport=587) / Raw(bytes(100)), 40)
    other = cut_fragment(IPV4 / TCP(sport=50000, dport=443) / Raw(bytes(100)), 40)
    assert [passes(PLAIN, ethernet(piece)) for piece in mine] == [True, True, True]
    assert [passes(PLAIN, ethernet(piece)) for piece in other] == [False, True, True]


def test_ipv6_fragments_of_tcp_pass_whatever_the_port() -> None:
    pieces = cut_fragment6(IPV6 / IPv6ExtHdrFragment() / TCP(sport=50000, dport=587) / Raw(bytes(3000)), 1280)
    assert [passes(PLAIN, ethernet(piece)) for piece in pieces] == [True] * len(pieces)


def test_fragments_of_udp_pass_with_decap_only_since_tunnels_fragment() -> None:
    later = cut_fragment(IPV4 / UDP(sport=50000, dport=4789) / Raw(bytes(100)), 40)[1]
    assert passes(DECAP, ethernet(later))
    assert not passes(PLAIN, ethernet(later))


@pytest.mark.parametrize("outer", [Dot1Q(vlan=5), Dot1AD(vlan=5), Dot1Q(vlan=1) / Dot1AD(vlan=2) / Dot1Q(vlan=3)])
def test_the_users_expression_holds_behind_tags_too(outer: Any) -> None:
    expression = capture_filter(PORTS, decap=False, expression="host 10.0.0.1")
    assert passes(expression, ethernet(outer / IPV4 / TCP(dport=25)))
    assert not passes(expression, ethernet(outer / IP(src="10.9.9.9", dst="10.0.0.2") / TCP(dport=25)))


@pytest.mark.parametrize("expression", ["not host 10.0.0.2 or host 10.0.0.1", "tcp and not port 587", "  "])
def test_the_users_expression_and_ours_must_both_hold(expression: str) -> None:
    combined = capture_filter(PORTS, decap=False, expression=expression)
    assert passes(combined, ethernet(IPV4 / TCP(dport=25)))
    assert not passes(combined, ethernet(IPV4 / TCP(sport=80, dport=81)))


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("port smpt", "unknown port 'smpt'"),
        ("tcp port", "syntax error"),
        ("tcp) or (udp", "syntax error"),
        ("host 10.0.0.999", "invalid IPv4 address"),
        ("tcp\0or udp", "NUL"),
        ("tcp\x1b[2J", "syntax error"),
    ],
)
def test_a_bad_expression_is_refused_with_the_compilers_words(expression: str, words: str) -> None:
    with pytest.raises(UsageError) as refused:
        capture_filter(PORTS, decap=True, expression=expression)
    message = str(refused.value)
    assert words in message
    assert message.isprintable()


def test_no_ports_are_refused() -> None:
    with pytest.raises(UsageError, match="without ports"):
        capture_filter([], decap=False, expression=None)


@given(st.sets(st.integers(1, 60), min_size=1, max_size=30), st.integers(1, 60))
def test_ports_in_a_row_are_one_range(ports: set[int], port: int) -> None:
    capture = capture_filter(ports, decap=False, expression=None)
    assert passes(capture, ethernet(IPV4 / TCP(sport=60000, dport=port))) == (port in ports)


def test_more_ports_than_a_filter_can_hold_are_refused() -> None:
    of_names = {"udp_from": NAME_PORTS.sources, "udp_to": NAME_PORTS.targets}
    most = capture_filter(range(1, 2 * MAX_RANGES, 2), decap=True, expression=None, **of_names)
    assert len(most.compiled(ETHERNET, "eth0", TAGS)) // INSTRUCTION < 4096
    assert passes(
        capture_filter(range(1, 65536), decap=False, expression=None), ethernet(IPV4 / TCP(sport=77, dport=9))
    )
    with pytest.raises(UsageError, match="101 separate ports are too many"):
        capture_filter(range(1, 2 * MAX_RANGES + 2, 2), decap=True, expression=None)


def test_the_filter_fits_into_the_kernel_with_all_ports_and_tunnels() -> None:
    of_names = {"udp_from": NAME_PORTS.sources, "udp_to": NAME_PORTS.targets}
    usual = capture_filter((25, 465, 587, 2465, 2525, 2587), decap=True, expression="net 10.0.0.0/8", **of_names)
    assert (
        len(usual.compiled(ETHERNET, "eth0", TAGS)) // INSTRUCTION < 1024
    )  # BPF_MAXINSNS is 4096, and shorter is faster


def test_its_tables_agree_with_what_the_decoder_unwraps() -> None:
    opened = set(wrappings.PROTOCOLS) - {44, 17}  # fragments and UDP are looked into by terms of their own
    assert opened == {*filters.EXTENSION_HEADERS, *filters.TUNNEL_PROTOCOLS}
    assert set(wrappings.TUNNEL_PORTS) == set(filters.TUNNEL_PORTS)
    assert set(wrappings.TWO_WAY_PORTS) == set(filters.TWO_WAY_TUNNEL_PORTS)
    known_to_vlan = {0x8100, 0x88A8, 0x9100}
    assert set(wrappings.ETHERTYPES) - {0x0800, 0x86DD} - known_to_vlan == set(filters.TUNNEL_ETHERTYPES)


@pytest.mark.parametrize(("expression", "asks"), [("vlan 5 and tcp", True), ("host vlan5", False), ("tcp", False)])
def test_an_expression_about_tags_is_recognised(expression: str, asks: bool) -> None:
    assert asks_for_vlan(expression) == asks


@given(st.integers(0, 3000), st.integers(0, 3000), st.integers(0, 3000))
def test_two_programs_in_one_accept_what_both_accept(length: int, least: int, most: int) -> None:
    first, second = compiled(f"greater {least}", ETHERNET), compiled(f"less {most} or port 25", ETHERNET)
    assert accepts(both(first, second), bytes(length)) == (least <= length <= most)


def test_nothing_is_accepted_by_the_program_that_rejects() -> None:
    assert not accepts(REJECT, bytes(60))


def test_an_expression_that_no_frame_of_a_link_can_answer_is_refused_with_the_compilers_words() -> None:
    with pytest.raises(UsageError, match="cannot be used on tun0: ethernet addresses supported only"):
        CaptureFilter("tcp", "ether host 02:00:00:00:00:01").compiled(RAW, "tun0", TAGS)
