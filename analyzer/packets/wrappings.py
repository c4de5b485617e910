"""What may be inside what: the numbers by which each header names the next, and the layer that reads it.

Both the columns and the unwrapper decide by these tables, so that they agree on which frames deserve a closer look.
"""

from __future__ import annotations

from analyzer.packets.headers import ETHERTYPE_IPV4, ETHERTYPE_IPV6, UDP_PROTOCOL

Layer = str

ETHERTYPES: dict[int, Layer] = {
    ETHERTYPE_IPV4: "ipv4",
    ETHERTYPE_IPV6: "ipv6",
    0x8100: "tag",
    0x88A8: "tag",
    0x9100: "tag",
    0x9200: "tag",
    0x88E7: "backbone-tag",
    0x8847: "mpls",
    0x8848: "mpls",
    0x8864: "pppoe",
    0x6558: "ethernet",  # transparent Ethernet bridging inside GRE and GENEVE
    0x880B: "ppp",
}
PROTOCOLS: dict[int, Layer] = {
    0: "options",
    43: "options",
    60: "options",
    135: "options",  # mobility header, same shape
    44: "fragment6",
    51: "authentication",
    4: "ipv4",
    41: "ipv6",
    47: "gre",
    UDP_PROTOCOL: "udp",
    137: "mpls",  # MPLS-in-IP, RFC 4023
}
TUNNEL_PORTS: dict[int, Layer] = {
    4789: "vxlan",
    8472: "vxlan",
    6081: "geneve",
    37008: "tzsp",
}
"""By UDP destination port: whoever sends into such a tunnel has a source port of its own."""

TWO_WAY_PORTS: dict[int, Layer] = {3544: "teredo", 5247: "capwap"}
"""By either UDP port: one end has it, and answers from it."""

UNOPENED_ETHERTYPES = {
    0x8909: "unopened-cisco-metadata",
    0x88E5: "unopened-macsec",
    0x8926: "unopened-vn-tag",
    0x893F: "unopened-e-tag",
    0x894F: "unopened-nsh",
}
UNOPENED_PROTOCOLS = {
    50: "unopened-esp",
    55: "unopened-minimal-ip",
    94: "unopened-ipip",
    97: "unopened-etherip",
    115: "unopened-l2tp",
}
UNOPENED_PORTS = {
    1701: "unopened-l2tp",
    2152: "unopened-gtp-u",
    4790: "unopened-vxlan-gpe",
    6635: "unopened-mpls-in-udp",
}
"""Wrappings that may hold TCP and that nobody here looks into, by the reason under which they are counted."""


def tunnel(sport: int, dport: int) -> Layer | None:
    """What the payload of a UDP datagram between these ports begins with, if it is a tunnel."""
    return TUNNEL_PORTS.get(dport) or TWO_WAY_PORTS.get(dport) or TWO_WAY_PORTS.get(sport)
