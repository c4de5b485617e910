"""The datagrams that are wanted are found wherever segments are, and a flood of them costs no more than the limit."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import IP, UDP, IPOption_NOP, fragment
from scapy.layers.inet6 import IPv6, IPv6ExtHdrHopByHop
from scapy.layers.l2 import CookedLinux, Dot1Q, Ether
from scapy.layers.vxlan import VXLAN
from scapy.packet import Raw

from analyzer.packets import Datagram, DatagramPorts, SegmentDecoder
from analyzer.packets.datagrams import LONGEST_DATAGRAM, MOST_PER_SECOND, SECOND
from tests.packets.frames import CLIENT, CLIENT6, COOKED, RAW, SERVER, SERVER6, Frame, batch_of, ether, ip, number

WANTED = DatagramPorts(sources=frozenset({53}), targets=frozenset({67}))
ANSWER = b"an answer, and some more so that it is no short frame"
MAC = 0x0017C8010203


def udp(payload: bytes = ANSWER, sport: int = 53, dport: int = 40000) -> Any:
    return UDP(sport=sport, dport=dport) / Raw(payload)


def v4(**fields: Any) -> Any:
    return IP(src=CLIENT, dst=SERVER, **fields) / udp()


def v6() -> Any:
    return IPv6(src=CLIENT6, dst=SERVER6) / udp()


def found(*frames: Frame | bytes, wanted: DatagramPorts = WANTED) -> tuple[list[Datagram], SegmentDecoder]:
    decoder = SegmentDecoder(wanted=wanted)
    decoder.decode(batch_of(frames))
    decoder.finish()
    return decoder.datagrams, decoder


CARRIER = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / IP(src="192.0.2.1", dst="192.0.2.2")
WRAPPED = {
    "plain": Frame(bytes(ether() / v4())),
    "IP options": Frame(bytes(ether() / v4(options=[IPOption_NOP()] * 4))),
    "VLAN": Frame(bytes(ether() / Dot1Q(vlan=5) / v4())),
    "QinQ": Frame(bytes(ether() / Dot1Q(vlan=5) / Dot1Q(vlan=6) / v4())),
    "VXLAN": Frame(bytes(CARRIER / UDP(sport=50000, dport=4789) / VXLAN(vni=5) / ether() / v4())),
    "padded": Frame(bytes(ether() / v4()) + bytes(20)),
}
WITHOUT_MAC = {
    "raw": Frame(bytes(v4()), RAW),
    "cooked": Frame(bytes(CookedLinux(proto=0x800) / v4()), COOKED),
}


@pytest.mark.parametrize("name", [*WRAPPED, *WITHOUT_MAC])
def test_a_datagram_is_the_same_in_every_wrapping(name: str) -> None:
    frame = WRAPPED.get(name) or WITHOUT_MAC[name]
    mac = MAC if name in WRAPPED else None
    assert found(frame)[0] == [Datagram(0, number(CLIENT), number(SERVER), 53, 40000, mac, ANSWER)]


@pytest.mark.parametrize(
    "frame", [ether() / v6(), ether() / IPv6(src=CLIENT6, dst=SERVER6) / IPv6ExtHdrHopByHop() / udp()]
)
def test_a_datagram_over_ipv6_has_its_addresses(frame: Any) -> None:
    assert found(bytes(frame))[0] == [Datagram(0, number(CLIENT6), number(SERVER6), 53, 40000, MAC, ANSWER)]


def test_fragments_are_put_together() -> None:
    long = ANSWER * 30
    parts: Any = fragment(IP(src=CLIENT, dst=SERVER, id=7) / udp(long), fragsize=400)  # type: ignore[no-untyped-call]
    datagrams, decoder = found(*[bytes(ether() / part) for part in parts])
    assert [datagram.payload for datagram in datagrams] == [long]
    assert not decoder.undecoded


def test_a_short_datagram_is_found_too() -> None:
    assert [datagram.payload for datagram in found(bytes(ether() / IP(dst=SERVER) / udp(b"x")))[0]] == [b"x"]


@pytest.mark.parametrize(("sport", "dport", "taken"), [(53, 9, 1), (9, 53, 0), (9, 67, 1), (67, 9, 0), (9, 9, 0)])
@pytest.mark.parametrize("tag", [False, True])
def test_ports_decide_by_their_side(sport: int, dport: int, taken: int, tag: bool) -> None:
    link = ether() / Dot1Q(vlan=1) if tag else ether()
    assert len(found(bytes(link / IP(dst=SERVER) / udp(sport=sport, dport=dport)))[0]) == taken


def test_without_wanted_ports_none_are_taken() -> None:
    decoder = SegmentDecoder()
    decoder.decode(batch_of([*WRAPPED.values(), *WITHOUT_MAC.values()]))
    assert not decoder.datagrams


def test_segments_beside_them_are_the_same() -> None:
    frames: list[Frame | bytes] = [bytes(ether() / v4()), bytes(ether() / ip()), WRAPPED["VLAN"], bytes(ether() / v6())]
    datagrams, _ = found(*frames)
    assert len(datagrams) == 3
    with_them, without = SegmentDecoder(wanted=WANTED), SegmentDecoder()
    assert len(with_them.decode(batch_of(frames))) == len(without.decode(batch_of(frames))) == 1
    assert with_them.undecoded == without.undecoded


def test_of_a_flood_so_many_are_taken_in_a_second() -> None:
    frame = bytes(ether() / v4())
    more = MOST_PER_SECOND + 5
    frames = [Frame(frame, time=second * SECOND) for second in (1, 2) for _ in range(more)]
    datagrams, decoder = found(*frames, Frame(bytes(ether() / Dot1Q() / v4()), time=2 * SECOND))
    assert len(datagrams) == 2 * MOST_PER_SECOND
    assert decoder.oddities == {"datagram-flood": 11}


def test_a_flood_to_one_port_leaves_room_for_others() -> None:
    flood = [Frame(bytes(ether() / v4()))] * (MOST_PER_SECOND + 1)
    datagrams, _ = found(*flood, bytes(ether() / IP(dst=SERVER) / udp(sport=68, dport=67)))
    assert datagrams[-1].dport == 67


def test_of_a_huge_datagram_so_much_is_taken() -> None:
    datagrams, _ = found(bytes(ether() / IP(dst=SERVER) / udp(bytes(LONGEST_DATAGRAM + 100))))
    assert [len(datagram.payload) for datagram in datagrams] == [LONGEST_DATAGRAM]


@given(
    st.sampled_from([*WRAPPED.values(), *WITHOUT_MAC.values()]),
    st.integers(0, 120),
    st.lists(st.tuples(st.integers(0, 119), st.integers(0, 255)), max_size=4),
)
def test_cut_and_damaged_frames_do_no_harm(frame: Frame, cut: int, damages: list[tuple[int, int]]) -> None:
    data = bytearray(frame.data)
    for at, byte in damages:
        if at < len(data):
            data[at] = byte
    datagrams, _ = found(Frame(bytes(data[:cut]), frame.link))
    assert all(datagram.payload in bytes(data) for datagram in datagrams)
