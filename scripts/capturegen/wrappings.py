"""Encapsulations, as a table: how one recorded Ethernet frame looks on another link or inside a tunnel."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from scapy.compat import raw
from scapy.config import conf
from scapy.contrib.geneve import GENEVE
from scapy.contrib.mpls import MPLS
from scapy.layers.inet import IP, UDP, IPOption_Router_Alert, fragment
from scapy.layers.inet6 import IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, PadN, fragment6
from scapy.layers.l2 import GRE, CookedLinux, CookedLinuxV2, Dot1AD, Dot1Q, Ether
from scapy.layers.ppp import PPP, PPPoE
from scapy.layers.vxlan import VXLAN
from scapy.packet import Packet, Raw

from scripts.capturegen.products import ETHERNET_LINK, Capture
from scripts.capturegen.seeds import ETHERNET, Frame, Seed

Wrap = Callable[[Frame], list[bytes]]

_OUTER4: dict[str, Any] = {"src": "192.0.2.1", "dst": "192.0.2.2", "id": 1}
_OUTER6: dict[str, Any] = {"src": "2001:db8:ffff::1", "dst": "2001:db8:ffff::2"}
_OUTER_MACS: dict[str, Any] = {"src": "00:00:5e:00:53:01", "dst": "00:00:5e:00:53:02"}
_FRAGMENT_BYTES = 48
_ERSPAN_SESSION = 5
_GRE_ERSPAN_12, _GRE_ERSPAN_3 = 0x88BE, 0x22EB


def _ip_type(frame: Frame) -> int:
    return int.from_bytes(frame.data[12:14], "big")


def _is_ipv4(frame: Frame) -> bool:
    return _ip_type(frame) == 0x0800


def _ethernet(frame: Frame, *layers: Packet) -> list[bytes]:
    """``layers`` and the frame's IP packet behind the frame's own addresses."""
    packet: Packet = Ether(dst=frame.data[:6].hex(":"), src=frame.data[6:12].hex(":"))
    for layer in layers:
        packet /= layer
    return [raw(packet / Raw(frame.packet))]


def _tunnel4(*layers: Packet, inner: bytes, proto: int | None = None) -> list[bytes]:
    outer = IP(**_OUTER4) if proto is None else IP(**_OUTER4, proto=proto)
    packet: Packet = Ether(**_OUTER_MACS) / outer
    for layer in layers:
        packet /= layer
    return [raw(packet / Raw(inner))]


def _erspan(kind: int) -> Wrap:
    """ERSPAN (draft-foschiano-erspan): type I has neither a GRE sequence number nor a header of its own."""

    def wrap(frame: Frame) -> list[bytes]:
        if kind == 1:
            return _tunnel4(GRE(proto=_GRE_ERSPAN_12), inner=frame.data)
        version = kind - 1
        header = struct.pack(">HHI", version << 12 | 100, _ERSPAN_SESSION, 0)
        if kind == 2:
            return _tunnel4(GRE(proto=_GRE_ERSPAN_12, seqnum_present=1, seqence_number=7), inner=header + frame.data)
        header = struct.pack(">HHIHH", version << 12 | 100, _ERSPAN_SESSION, 123_456_789, 0, 0)
        return _tunnel4(GRE(proto=_GRE_ERSPAN_3, seqnum_present=1, seqence_number=7), inner=header + frame.data)

    return wrap


def _erspan3_platform(frame: Frame) -> list[bytes]:
    """ERSPAN III with the optional platform-specific sub-header of 8 bytes (O bit)."""
    header = struct.pack(">HHIHHQ", 2 << 12 | 100, _ERSPAN_SESSION, 123_456_789, 0, 1, 0)
    return _tunnel4(GRE(proto=_GRE_ERSPAN_3, seqnum_present=1, seqence_number=7), inner=header + frame.data)


def _fragments4(frame: Frame) -> list[bytes]:
    pieces = fragment(IP(frame.packet), fragsize=_FRAGMENT_BYTES)  # type: ignore[no-untyped-call]
    return [frame.data[:ETHERNET] + raw(piece) for piece in pieces]


def _fragments6(frame: Frame) -> list[bytes]:
    whole = IPv6(frame.packet)
    transport = whole.payload
    headed = IPv6(src=whole.src, dst=whole.dst, hlim=whole.hlim) / IPv6ExtHdrFragment(id=len(frame.data)) / transport
    pieces = fragment6(headed, 120)  # type: ignore[no-untyped-call]
    return [frame.data[:ETHERNET] + raw(piece) for piece in pieces]


def _extension_headers(frame: Frame) -> list[bytes]:
    whole = IPv6(frame.packet)
    extensions = IPv6ExtHdrHopByHop(options=[PadN(optdata=b"\0\0")]) / IPv6ExtHdrDestOpt(
        options=[PadN(optdata=b"\0\0")]
    )
    return [
        frame.data[:ETHERNET] + raw(IPv6(src=whole.src, dst=whole.dst, hlim=whole.hlim) / extensions / whole.payload)
    ]


def _options4(frame: Frame) -> list[bytes]:
    packet = IP(frame.packet)
    packet.options = [IPOption_Router_Alert()]
    packet.ihl = packet.len = packet.chksum = None
    return [frame.data[:ETHERNET] + raw(packet)]


def _padded(frame: Frame) -> list[bytes]:
    """Padded to Ethernet's least length, and a frame check sequence behind (some taps keep both)."""
    return [frame.data.ljust(60, b"\0") + b"\xfc\xfc\xfc\xfc"]


def _loopback(order: str) -> Wrap:
    # DLT_NULL: the address family in the byte order of the recording machine; DLT_LOOP: network byte order.
    return lambda frame: [struct.pack(f"{order}I", 2 if _is_ipv4(frame) else 24) + frame.packet]


def _cooked(frame: Frame) -> list[bytes]:
    return [
        raw(
            CookedLinux(pkttype=0, lladdrtype=1, lladdrlen=6, src=frame.data[6:12], proto=_ip_type(frame))
            / Raw(frame.packet)
        )
    ]


def _cooked2(frame: Frame) -> list[bytes]:
    header = CookedLinuxV2(proto=_ip_type(frame), ifindex=2, lladdrtype=1, pkttype=0, lladdrlen=6, src=frame.data[6:12])
    return [raw(header / Raw(frame.packet))]


def _ppp(frame: Frame) -> list[bytes]:
    return [b"\xff\x03" + (b"\x00\x21" if _is_ipv4(frame) else b"\x00\x57") + frame.packet]


_VNI: dict[str, Any] = {"vni": 4242}

WRAPPINGS: tuple[tuple[str, int, Wrap], ...] = (
    ("vlan", 1, lambda f: _ethernet(f, Dot1Q(vlan=20, type=_ip_type(f)))),
    ("vlan-priority-tag", 1, lambda f: _ethernet(f, Dot1Q(vlan=0, prio=5, type=_ip_type(f)))),
    ("qinq", 1, lambda f: _ethernet(f, Dot1AD(vlan=100), Dot1Q(vlan=20, type=_ip_type(f)))),
    ("vlan-three-tags", 1, lambda f: _ethernet(f, Dot1AD(vlan=100), Dot1Q(vlan=20), Dot1Q(vlan=30, type=_ip_type(f)))),
    ("mpls", 1, lambda f: _ethernet(f, MPLS(label=17, s=1, ttl=60))),
    ("mpls-two-labels", 1, lambda f: _ethernet(f, MPLS(label=17, s=0, ttl=60), MPLS(label=299, s=1, ttl=60))),
    ("pppoe", 1, lambda f: _ethernet(f, PPPoE(sessionid=9), PPP(proto=0x21))),
    ("pppoe-in-vlan", 1, lambda f: _ethernet(f, Dot1Q(vlan=7), PPPoE(sessionid=9), PPP(proto=0x21))),
    ("ethernet-padding", 1, _padded),
    ("linux-cooked-v1", 113, _cooked),
    ("linux-cooked-v2", 276, _cooked2),
    ("raw-ip", 101, lambda f: [f.packet]),
    ("raw-ip-bsd", 12, lambda f: [f.packet]),
    ("raw-ipv4", 228, lambda f: [f.packet]),
    ("null-little-endian", 0, _loopback("<")),
    ("null-big-endian", 0, _loopback(">")),
    ("loop", 108, _loopback(">")),
    ("ppp", 9, _ppp),
    ("gre", 1, lambda f: _tunnel4(GRE(proto=_ip_type(f)), inner=f.packet)),
    (
        "gre-key-and-checksum",
        1,
        lambda f: _tunnel4(GRE(proto=_ip_type(f), chksum_present=1, key_present=1, key=1), inner=f.packet),
    ),
    ("gre-ethernet", 1, lambda f: _tunnel4(GRE(proto=0x6558), inner=f.data)),
    ("erspan-1", 1, _erspan(1)),
    ("erspan-2", 1, _erspan(2)),
    ("erspan-3", 1, _erspan(3)),
    ("erspan-3-platform-header", 1, _erspan3_platform),
    ("vxlan", 1, lambda f: _tunnel4(UDP(sport=50000, dport=4789), VXLAN(flags=8, **_VNI), inner=f.data)),
    ("vxlan-linux-port", 1, lambda f: _tunnel4(UDP(sport=50000, dport=8472), VXLAN(flags=8, **_VNI), inner=f.data)),
    (
        "vxlan-inner-vlan",
        1,
        lambda f: _tunnel4(
            UDP(sport=50000, dport=4789),
            VXLAN(flags=8, **_VNI),
            inner=_ethernet(f, Dot1Q(vlan=20, type=_ip_type(f)))[0],
        ),
    ),
    ("geneve", 1, lambda f: _tunnel4(UDP(sport=50000, dport=6081), GENEVE(**_VNI, proto=0x6558), inner=f.data)),
    ("ip-in-ip", 1, lambda f: _tunnel4(inner=f.packet, proto=4)),
    ("4in6", 1, lambda f: [raw(Ether(**_OUTER_MACS) / IPv6(**_OUTER6, nh=4) / Raw(f.packet))]),
    ("ipv4-options", 1, _options4),
    ("ipv4-fragments", 1, _fragments4),
    ("ipv4-fragments-reversed", 1, lambda f: _fragments4(f)[::-1]),
)
"""Name, link type, and how a frame of the IPv4 session is wrapped."""

WRAPPINGS6: tuple[tuple[str, int, Wrap], ...] = (
    ("vlan-ipv6", 1, lambda f: _ethernet(f, Dot1Q(vlan=20, type=_ip_type(f)))),
    ("6in4", 1, lambda f: _tunnel4(inner=f.packet, proto=41)),
    ("raw-ipv6", 229, lambda f: [f.packet]),
    ("null-ipv6", 0, _loopback("<")),
    ("linux-cooked-v1-ipv6", 113, _cooked),
    ("ipv6-extension-headers", 1, _extension_headers),
    ("ipv6-fragments", 1, _fragments6),
    ("mpls-ipv6", 1, lambda f: _ethernet(f, MPLS(label=17, s=1, ttl=60))),
)
"""The same for the IPv6 session."""


_WITH_MAC = {ETHERNET_LINK, 113, 276}
_INNER_IP = {"gre", "gre-key-and-checksum", "ip-in-ip", "4in6", "6in4"}


def captures(seed4: Seed, seed6: Seed) -> list[Capture]:
    """One capture per row of the tables."""
    # Upper layers are bound by explicit protocol numbers above; scapy must not guess others.
    conf.debug_dissector = False
    made = []
    for seed, table in ((seed4, WRAPPINGS), (seed6, WRAPPINGS6)):
        for name, link_type, wrap in table:
            frames = [frame.with_data(data) for frame in seed.frames for data in wrap(frame)]
            # A tunnel shows its own ends' MAC addresses where it carries IP, and no link has one without Ethernet.
            keeps_mac = link_type in _WITH_MAC and name not in _INNER_IP
            made.append(Capture(name, seed, frames, link_type, {} if keeps_mac else {"client_mac": None}))
    return made
