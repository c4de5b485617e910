"""The same TCP segment in every wrapping the decoder knows, built with scapy where scapy knows it."""

from __future__ import annotations

import struct
from typing import Any

from scapy.contrib.geneve import GENEVE
from scapy.contrib.mpls import MPLS
from scapy.contrib.tzsp import TZSP, TZSPTagEnd, TZSPTagPadding, TZSPTagRawRSSIByte, TZSPTagWlanRadioHdrSerial
from scapy.layers.inet import IP, TCP, UDP, IPOption_NOP, IPOption_Timestamp
from scapy.layers.inet6 import IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, IPv6ExtHdrRouting
from scapy.layers.ipsec import AH
from scapy.layers.l2 import (
    GRE,
    GRE_PPTP,
    LLC,
    SNAP,
    CookedLinux,
    CookedLinuxV2,
    Dot1AD,
    Dot1AH,
    Dot1Q,
    Dot3,
    Ether,
    Loopback,
)
from scapy.layers.ppp import PPPoE
from scapy.layers.vxlan import VXLAN
from scapy.packet import Raw

from tests.packets.frames import (
    CLIENT,
    CLIENT6,
    COOKED,
    COOKED2,
    ETHERNET,
    LOOP,
    NULL,
    OUTER_MACS,
    PAYLOAD,
    PPP,
    RAW,
    SERVER,
    SERVER6,
    TTL,
    Frame,
    ether,
    ip,
    ip6,
    tcp,
)

SENDER = b"\x00\x17\xc8\x01\x02\x03\0\0"
PPP_IP, PPP_IP6 = b"\x00\x21", b"\x00\x57"


def outer(**fields: Any) -> Any:
    """An Ethernet header of some router."""
    return Ether(**OUTER_MACS, **fields)


def carrier(**fields: Any) -> Any:
    """An IP header between tunnel endpoints."""
    return outer() / IP(src="192.0.2.1", dst="192.0.2.2", ttl=200, **fields)


def carrier6(**fields: Any) -> Any:
    return outer() / IPv6(src="2001:db8:1::1", dst="2001:db8:1::2", hlim=200, **fields)


def udp(port: int, sport: int = 50000) -> Any:
    return UDP(sport=sport, dport=port)


def capwap(*optional: bytes, wbid: int = 0, flags: int = 0, native: bool = False) -> bytes:
    """A CAPWAP header (RFC 5415 section 4.3) with optional fields, which are whole words."""
    rest = b"".join(optional)
    word = (2 + len(rest) // 4) << 19 | 1 << 14 | wbid << 9 | int(native) << 8 | flags
    return struct.pack(">IHH", word, 0, 0) + rest


TEREDO_ORIGIN = struct.pack(">HHI", 0, 0xFFFF ^ 40000, 0xC0000201)
TEREDO_AUTHENTICATION = b"\0\1\x03\x05" + b"idn" + b"value" + bytes(8) + b"\0"


def labels(count: int, *, ttl: int = 64) -> Any:
    """A stack of MPLS labels."""
    stack = MPLS(label=16, s=int(count == 1), ttl=ttl)
    for i in range(1, count):
        stack = stack / MPLS(label=16 + i, s=int(i == count - 1), ttl=ttl)
    return stack


def erspan2() -> bytes:
    return struct.pack(">HHI", 1 << 12 | 100, 3, 7)


def erspan3(*, subheader: bool = False, frame_type: int = 0) -> bytes:
    last = frame_type << 10 | int(subheader)
    return struct.pack(">HHIHH", 2 << 12 | 100, 3, 123456, 0, last) + (b"\x50\x00\x00\x00\x00\x00\x00\x01" * subheader)


def _tags(count: int) -> Any:
    frame = ether()
    for i in range(count):
        frame = frame / Dot1Q(vlan=i + 1)
    return frame


def _linked(link: int, packet: Any) -> Frame:
    return Frame(bytes(packet), link)


def wrapped() -> dict[str, Frame]:
    """Every wrapping of :func:`~tests.packets.frames.ip`, by name."""
    plain, inner = bytes(ip()), bytes(ether() / ip())
    ethernet = {
        "ethernet": ether() / ip(),
        "802.1Q": ether() / Dot1Q(vlan=5) / ip(),
        "802.1Q with priority and DEI": ether() / Dot1Q(vlan=5, prio=7, dei=1) / ip(),
        "QinQ": ether() / Dot1AD(vlan=7) / Dot1Q(vlan=5) / ip(),
        "QinQ 0x9100": ether(type=0x9100)
        / Raw(struct.pack(">HH", 7, 0x8100))
        / Raw(struct.pack(">HH", 5, 0x0800))
        / ip(),
        "QinQ 0x9200": ether(type=0x9200) / Raw(struct.pack(">HH", 7, 0x0800)) / ip(),
        "three tags": _tags(3) / ip(),
        "eight tags": _tags(8) / ip(),
        "nine tags": _tags(9) / ip(),
        "ten tags": _tags(10) / ip(),
        "LLC/SNAP": Dot3(src=OUTER_MACS["src"], dst=OUTER_MACS["dst"])
        / LLC(dsap=0xAA, ssap=0xAA, ctrl=3)
        / SNAP()
        / ip(),
        "LLC/SNAP bridge tunnel": outer(type=8 + len(plain)) / Raw(b"\xaa\xaa\x03\x00\x00\xf8\x08\x00") / ip(),
        "802.1Q before LLC/SNAP": outer()
        / Dot1Q(vlan=5, type=8 + len(plain))
        / Raw(b"\xaa\xaa\x03\x00\x00\x00\x08\x00")
        / ip(),
        "802.1ah": outer() / Dot1AD(vlan=9) / Dot1AH(isid=77) / ether() / ip(),
        "802.1ah without B-TAG, with inner tag": outer(type=0x88E7) / Dot1AH(isid=77) / ether() / Dot1Q(vlan=3) / ip(),
        "PPPoE": outer(type=0x8864) / PPPoE(sessionid=5) / Raw(PPP_IP) / ip(),
        "PPPoE, compressed protocol": outer(type=0x8864) / PPPoE(sessionid=5) / Raw(b"\x21") / ip(),
        "PPPoE in a VLAN": outer() / Dot1Q(vlan=5, type=0x8864) / PPPoE(sessionid=5) / Raw(PPP_IP) / ip(),
        "PPPoE padded": outer(type=0x8864) / PPPoE(sessionid=5, len=2 + len(plain)) / Raw(PPP_IP + plain + b"\0" * 9),
        "MPLS, one label": outer(type=0x8847) / labels(1) / ip(),
        "MPLS, two labels": outer(type=0x8847) / labels(2) / ip(),
        "MPLS, three labels": outer(type=0x8847) / labels(3) / ip(),
        "MPLS multicast ethertype": outer(type=0x8848) / labels(1) / ip(),
        "MPLS pseudowire": outer(type=0x8847) / labels(1) / Raw(inner),
        "MPLS pseudowire with control word": outer(type=0x8847) / labels(2) / Raw(b"\0\0\0\0" + inner),
        "MPLS pseudowire with sequenced control word": outer(type=0x8847) / labels(2) / Raw(b"\0\0\x12\x34" + inner),
        "MPLS pseudowire, tagged": outer(type=0x8847) / labels(2) / Raw(b"\0\0\0\0") / ether() / Dot1Q(vlan=4) / ip(),
        "MPLS in IP": carrier(proto=137) / labels(1) / ip(),
        "MPLS in GRE": carrier() / GRE(proto=0x8847) / labels(2) / ip(),
        "MPLS in PPP in PPPoE": outer(type=0x8864) / PPPoE(sessionid=5) / Raw(b"\x02\x81") / labels(1) / ip(),
        "GRE": carrier() / GRE() / ip(),
        "GRE with checksum": carrier() / GRE(chksum_present=1) / ip(),
        "GRE with key": carrier() / GRE(key_present=1, key=9) / ip(),
        "GRE with sequence number": carrier() / GRE(seqnum_present=1, sequence_number=4) / ip(),
        "GRE with everything": carrier() / GRE(chksum_present=1, key_present=1, seqnum_present=1, key=1) / ip(),
        "GRE with source route": carrier(proto=47)
        / Raw(struct.pack(">HHHH", 0x4000, 0x0800, 0, 0) + b"\x08\x00\x04\x04" + b"\x0a\0\0\1" + b"\0\0\0\0")
        / ip(),
        "GRE over IPv6": carrier6() / GRE() / ip(),
        "GRE, transparent bridging": carrier() / GRE(proto=0x6558) / ether() / ip(),
        "NVGRE": carrier() / GRE(proto=0x6558, key_present=1, key=0x123400) / ether() / ip(),
        "GRE, bridging a tag": carrier() / GRE(proto=0x6558) / ether() / Dot1Q(vlan=3) / ip(),
        "GRE, PPP": carrier() / GRE(proto=0x880B) / Raw(PPP_IP) / ip(),
        "PPTP": carrier() / GRE_PPTP(seqnum_present=1, payload_len=4 + len(plain)) / Raw(b"\xff\x03\x00\x21") / ip(),
        "PPTP with acknowledgement": carrier()
        / GRE_PPTP(seqnum_present=1, acknum_present=1, ack_number=3, payload_len=1 + len(plain))
        / Raw(b"\x21")
        / ip(),
        "PPTP without sequence": carrier()
        / GRE_PPTP(seqnum_present=0, payload_len=2 + len(plain))
        / Raw(PPP_IP)
        / ip(),
        "ERSPAN I": carrier() / GRE(proto=0x88BE) / Raw(inner),
        "ERSPAN II": carrier() / GRE(proto=0x88BE, seqnum_present=1) / Raw(erspan2() + inner),
        "ERSPAN III": carrier() / GRE(proto=0x22EB, seqnum_present=1) / Raw(erspan3() + inner),
        "ERSPAN III with subheader": carrier()
        / GRE(proto=0x22EB, seqnum_present=1)
        / Raw(erspan3(subheader=True) + inner),
        "ERSPAN III of a layer-3 interface": carrier()
        / GRE(proto=0x22EB, seqnum_present=1)
        / Raw(erspan3(frame_type=2) + plain),
        "ERSPAN II, tag inside": carrier()
        / GRE(proto=0x88BE, seqnum_present=1)
        / Raw(erspan2())
        / ether()
        / Dot1Q(vlan=3)
        / ip(),
        "VXLAN": carrier() / udp(4789) / VXLAN(vni=42) / ether() / ip(),
        "VXLAN 8472": carrier() / udp(8472) / VXLAN(vni=42) / ether() / ip(),
        "VXLAN over IPv6": carrier6() / udp(4789) / VXLAN(vni=42) / ether() / ip(),
        "VXLAN, tag inside": carrier() / udp(4789) / VXLAN(vni=42) / ether() / Dot1Q(vlan=3) / ip(),
        "VXLAN with outer IP options": outer()
        / IP(src="192.0.2.1", dst="192.0.2.2", options=[IPOption_NOP()])
        / udp(4789)
        / VXLAN(vni=42)
        / ether()
        / ip(),
        "GENEVE": carrier() / udp(6081) / GENEVE(vni=42, proto=0x6558) / ether() / ip(),
        "GENEVE with options": carrier()
        / udp(6081)
        / Raw(b"\x03\x00\x65\x58\0\0\x2a\0" + b"\1\2\3\4" * 3)
        / ether()
        / ip(),
        "GENEVE of IP": carrier() / udp(6081) / GENEVE(vni=42, proto=0x0800) / ip(),
        "TZSP": carrier() / udp(37008) / TZSP() / TZSPTagEnd() / ether() / ip(),
        "TZSP of a frame to be sent, with tags": carrier()
        / udp(37008)
        / TZSP(type=1)
        / TZSPTagPadding()
        / TZSPTagRawRSSIByte(raw_rssi=200)
        / TZSPTagWlanRadioHdrSerial(sensor_id=b"sensor")
        / TZSPTagPadding()
        / TZSPTagEnd()
        / ether()
        / ip(),
        "TZSP of PPP": carrier() / udp(37008) / Raw(b"\1\0\0\4\1" + PPP_IP) / ip(),
        "TZSP over IPv6, tag inside": carrier6() / udp(37008) / TZSP() / TZSPTagEnd() / ether() / Dot1Q(vlan=3) / ip(),
        "CAPWAP": carrier() / udp(5247) / Raw(capwap()) / ether() / ip(),
        "CAPWAP from the controller": carrier() / udp(50000, sport=5247) / Raw(capwap()) / ether() / ip(),
        "CAPWAP with radio address and wireless information": carrier()
        / udp(5247)
        / Raw(capwap(b"\6\0\1\2\3\4\5\0", b"\4\1\2\3\4\0\0\0", wbid=1, flags=0x30))
        / ether()
        / ip(),
        "IP in IP": carrier(proto=4) / ip(),
        "4in6": carrier6(nh=4) / ip(),
        "IP in IP in IP": carrier(proto=4) / IP(src="192.0.2.3", dst="192.0.2.4", proto=4) / ip(),
        "AH": carrier_ah(IP(src=CLIENT, dst=SERVER, ttl=TTL, proto=51), tcp()),
        "IP options": ether() / IP(src=CLIENT, dst=SERVER, ttl=TTL, options=[IPOption_NOP()] * 4) / tcp(),
        "IP options, full": ether()
        / IP(src=CLIENT, dst=SERVER, ttl=TTL, options=[IPOption_Timestamp(length=40)])
        / tcp(),
        "TCP options": ether() / ip(options=[("MSS", 1460), ("SAckOK", b""), ("Timestamp", (1, 2)), ("WScale", 7)]),
        "TCP options, full": ether() / ip(options=[("NOP", None)] * 40),
        "nested: VXLAN in VLAN in MPLS pseudowire": outer(type=0x8847)
        / labels(2)
        / Raw(b"\0\0\0\0")
        / Ether(**OUTER_MACS)
        / Dot1Q(vlan=8)
        / IP(src="192.0.2.1", dst="192.0.2.2")
        / udp(4789)
        / VXLAN(vni=42)
        / ether()
        / ip(),
        "nested: VXLAN in ERSPAN III in QinQ": outer()
        / Dot1AD(vlan=2)
        / Dot1Q(vlan=3)
        / IP(src="192.0.2.1", dst="192.0.2.2")
        / GRE(proto=0x22EB, seqnum_present=1)
        / Raw(erspan3())
        / Ether(**OUTER_MACS)
        / IP(src="192.0.2.5", dst="192.0.2.6")
        / udp(4789)
        / VXLAN(vni=42)
        / ether()
        / ip(),
        "nested: PPPoE in GENEVE in IPv6": carrier6()
        / udp(6081)
        / GENEVE(vni=1, proto=0x6558)
        / outer(type=0x8864)
        / PPPoE(sessionid=5)
        / Raw(PPP_IP)
        / ip(),
        "24 layers": _tags(22) / ip(),
    }
    other = {
        "cooked": (COOKED, CookedLinux(pkttype=4, lladdrlen=6, src=SENDER, proto=0x0800) / ip()),
        "cooked, tagged": (COOKED, CookedLinux(proto=0x8100) / Raw(struct.pack(">HH", 5, 0x0800)) / ip()),
        "cooked, 802.2": (COOKED, CookedLinux(proto=0x0004) / Raw(b"\xaa\xaa\x03\x00\x00\x00\x08\x00") / ip()),
        "cooked, PPPoE": (
            COOKED,
            CookedLinux(lladdrlen=6, src=SENDER, proto=0x8864) / PPPoE(sessionid=5) / Raw(PPP_IP) / ip(),
        ),
        "cooked v2": (COOKED2, CookedLinuxV2(proto=0x0800, ifindex=3, lladdrlen=6, src=SENDER) / ip()),
        "cooked v2, tagged": (COOKED2, CookedLinuxV2(proto=0x8100) / Raw(struct.pack(">HH", 5, 0x0800)) / ip()),
        "cooked v2, MPLS": (COOKED2, CookedLinuxV2(proto=0x8847) / labels(2) / ip()),
        "raw 12": (12, ip()),
        "raw 14": (14, ip()),
        "raw 101": (RAW, ip()),
        "raw IPv4": (228, ip()),
        "raw, IP in IP": (RAW, IP(src="192.0.2.1", dst="192.0.2.2", proto=4) / ip()),
        "null, little-endian": (NULL, Raw(struct.pack("<I", 2)) / ip()),
        "null, big-endian": (NULL, Raw(struct.pack(">I", 2)) / ip()),
        "loop": (LOOP, Loopback(type=2) / ip()),
        "PPP": (PPP, Raw(PPP_IP) / ip()),
        "PPP with address and control": (PPP, Raw(b"\xff\x03" + PPP_IP) / ip()),
        "PPP, compressed protocol": (PPP, Raw(b"\x21") / ip()),
        "PPP with address and control, compressed protocol": (PPP, Raw(b"\xff\x03\x21") / ip()),
        "PPP, MPLS": (PPP, Raw(b"\xff\x03\x02\x81") / labels(2) / ip()),
        "PPP in HDLC-like framing": (50, Raw(b"\xff\x03" + PPP_IP) / ip()),
        "Cisco HDLC": (50, Raw(b"\x0f\x00\x08\x00") / ip()),
        "Cisco HDLC 104": (104, Raw(b"\x0f\x00\x08\x00") / ip()),
        "Cisco HDLC multicast": (104, Raw(b"\x8f\x00\x08\x00") / ip()),
        "PPPoE without Ethernet": (51, PPPoE(sessionid=5) / Raw(PPP_IP) / ip()),
        "MPLS without Ethernet": (219, labels(2) / ip()),
    }
    frames = {name: _linked(ETHERNET, packet) for name, packet in ethernet.items()}
    return frames | {name: _linked(link, packet) for name, (link, packet) in other.items()}


def carrier_ah(header: Any, segment: Any) -> Any:
    """An authentication header of 24 bytes before the segment (RFC 4302)."""
    return ether() / header / Raw(bytes(AH(nh=6, payloadlen=4, spi=9, seq=1, icv=b"\1" * 12))) / segment


def wrapped6() -> dict[str, Frame]:
    """Every wrapping of :func:`~tests.packets.frames.ip6`, by name."""
    header = IPv6(src=CLIENT6, dst=SERVER6, hlim=TTL)
    segment = tcp()
    segment_bytes = bytes((header / segment)[TCP])  # with its checksum
    ethernet = {
        "ethernet": ether() / ip6(),
        "802.1Q": ether() / Dot1Q(vlan=5) / ip6(),
        "QinQ": ether() / Dot1AD(vlan=7) / Dot1Q(vlan=5) / ip6(),
        "ten tags": _tags(10) / ip6(),
        "LLC/SNAP": Dot3(src=OUTER_MACS["src"], dst=OUTER_MACS["dst"])
        / LLC(dsap=0xAA, ssap=0xAA, ctrl=3)
        / SNAP(code=0x86DD)
        / ip6(),
        "PPPoE": outer(type=0x8864) / PPPoE(sessionid=5) / Raw(PPP_IP6) / ip6(),
        "MPLS": outer(type=0x8847) / labels(2) / ip6(),
        "GRE": carrier() / GRE(proto=0x86DD) / ip6(),
        "VXLAN": carrier() / udp(4789) / VXLAN(vni=42) / ether() / ip6(),
        "GENEVE of IPv6": carrier() / udp(6081) / GENEVE(vni=42, proto=0x86DD) / ip6(),
        "TZSP": carrier() / udp(37008) / TZSP() / TZSPTagEnd() / ether() / ip6(),
        "CAPWAP": carrier() / udp(5247) / Raw(capwap()) / ether() / ip6(),
        "Teredo": carrier() / udp(3544) / ip6(),
        "Teredo from the server": carrier() / udp(50000, sport=3544) / ip6(),
        "Teredo with origin": carrier() / udp(50000, sport=3544) / Raw(TEREDO_ORIGIN) / ip6(),
        "Teredo with authentication": carrier() / udp(3544) / Raw(TEREDO_AUTHENTICATION) / ip6(),
        "Teredo with both": carrier() / udp(3544) / Raw(TEREDO_AUTHENTICATION + TEREDO_ORIGIN) / ip6(),
        "Teredo with options in the outer header": outer()
        / IP(src="192.0.2.1", dst="192.0.2.2", options=[IPOption_NOP()])
        / udp(50000, sport=3544)
        / ip6(),
        "6in4": carrier(proto=41) / ip6(),
        "6in6": carrier6(nh=41) / ip6(),
        "hop-by-hop options": ether() / header / IPv6ExtHdrHopByHop() / segment,
        "destination options": ether() / header / IPv6ExtHdrDestOpt() / segment,
        "routing header": ether() / header / IPv6ExtHdrRouting(addresses=["2001:db8::1"]) / segment,
        "atomic fragment": ether() / header / IPv6ExtHdrFragment(id=5) / segment,
        "authentication header": ether()
        / IPv6(src=CLIENT6, dst=SERVER6, hlim=TTL, nh=51)
        / Raw(bytes(AH(nh=6, payloadlen=4, spi=9, seq=1, icv=b"\1" * 12)))
        / Raw(segment_bytes),
        "all extension headers": ether()
        / header
        / IPv6ExtHdrHopByHop()
        / IPv6ExtHdrDestOpt()
        / IPv6ExtHdrRouting(addresses=["2001:db8::1"])
        / IPv6ExtHdrFragment(id=5)
        / IPv6ExtHdrDestOpt()
        / segment,
        "payload length 0": ether() / IPv6(src=CLIENT6, dst=SERVER6, hlim=TTL, plen=0) / segment,
        "jumbo": ether() / IPv6(src=CLIENT6, dst=SERVER6, hlim=TTL, plen=0) / IPv6ExtHdrHopByHop() / segment,
    }
    other = {
        "cooked": (COOKED, CookedLinux(proto=0x86DD) / ip6()),
        "cooked v2": (COOKED2, CookedLinuxV2(proto=0x86DD) / ip6()),
        "raw": (RAW, ip6()),
        "raw 12": (12, ip6()),
        "raw IPv6": (229, ip6()),
        "null, Linux": (NULL, Raw(struct.pack("<I", 10)) / ip6()),
        "null, NetBSD": (NULL, Raw(struct.pack("<I", 24)) / ip6()),
        "null, FreeBSD": (NULL, Raw(struct.pack("<I", 28)) / ip6()),
        "null, macOS": (NULL, Raw(struct.pack("<I", 30)) / ip6()),
        "loop": (LOOP, Raw(struct.pack(">I", 24)) / ip6()),
        "PPP": (PPP, Raw(PPP_IP6) / ip6()),
        "PPP, compressed protocol": (PPP, Raw(b"\x57") / ip6()),
    }
    frames = {name: _linked(ETHERNET, packet) for name, packet in ethernet.items()}
    return frames | {name: _linked(link, packet) for name, (link, packet) in other.items()}


WRAPPED, WRAPPED6 = wrapped(), wrapped6()
__all__ = ["PAYLOAD", "WRAPPED", "WRAPPED6", "capwap", "carrier", "carrier6", "labels", "outer", "udp"]
