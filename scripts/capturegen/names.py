"""What a host says of itself and what others say of it, before the recorded session: DHCP, mDNS, NetBIOS, DNS."""

from __future__ import annotations

import struct
from typing import Any

from scapy.compat import raw
from scapy.layers.dhcp import BOOTP, DHCP
from scapy.layers.dns import DNS, DNSQR, DNSRR
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Packet, Raw

from scripts.capturegen.products import Capture
from scripts.capturegen.seeds import Frame, Seed

_STEP = 100_000_000
_ROUTER_MAC, _ROUTER = "00:15:6d:20:00:01", "10.20.0.1"
_BROADCAST = "ff:ff:ff:ff:ff:ff"
_NAME = "bench"


def _dhcp(mac: str, operation: int, *options: Any, **fields: Any) -> Packet:
    message: Packet = BOOTP(op=operation, chaddr=bytes.fromhex(mac.replace(":", "")), xid=7, **fields)
    return message / DHCP(options=[*options, "end"])


def _answer(name: str, kind: str, data: str) -> Packet:
    response: Packet = DNS(id=7, qr=1, qd=[DNSQR(qname=name)], an=[DNSRR(rrname=name, type=kind, rdata=data, ttl=60)])
    return response


def _registration(name: str, address: str) -> bytes:
    """A NetBIOS name registration (RFC 1002 section 4.2.2); scapy writes its names otherwise."""
    padded = name.upper().encode().ljust(15) + b"\0"
    encoded = b"\x20" + bytes(half + 0x41 for byte in padded for half in (byte >> 4, byte & 15)) + b"\0"
    packed = bytes(map(int, address.split(".")))
    head, question = struct.pack(">6H", 7, 0x2910, 1, 0, 0, 1), encoded + struct.pack(">HH", 0x20, 1)
    return head + question + b"\xc0\x0c" + struct.pack(">HHIHH", 0x20, 1, 300_000, 6, 0) + packed


def _datagrams(seed: Seed) -> list[Packet]:
    client, mac, server = seed.label["client_ip"], seed.label["client_mac"], seed.label["server_ip"]
    relay = seed.label["server_name"]
    own, router = Ether(src=mac, dst=_BROADCAST), Ether(src=_ROUTER_MAC, dst=mac)
    asked = _dhcp(
        mac, 1, ("message-type", "request"), ("hostname", f"{_NAME}-dhcp".encode()), ("vendor_class_id", b"udhcp 1.36")
    )
    given = _dhcp(mac, 2, ("message-type", "ack"), ("server_id", _ROUTER), yiaddr=client)
    return [
        own / IP(src="0.0.0.0", dst="255.255.255.255") / UDP(sport=68, dport=67) / asked,  # noqa: S104 - a client's
        router / IP(src=_ROUTER, dst=client) / UDP(sport=67, dport=68) / given,
        own
        / IP(src=client, dst="224.0.0.251", ttl=255)
        / UDP(sport=5353, dport=5353)
        / _answer(f"{_NAME}-mdns.local", "A", client),
        own / IP(src=client, dst="10.20.0.255") / UDP(sport=137, dport=137) / Raw(_registration(_NAME, client)),
        router
        / Dot1Q(vlan=20)
        / IP(src=_ROUTER, dst=client)
        / UDP(sport=53, dport=40001)
        / _answer(relay, "A", server),
        router
        / IP(src=_ROUTER, dst=client)
        / UDP(sport=53, dport=40002)
        / _answer(".".join(reversed(client.split("."))) + ".in-addr.arpa", "PTR", f"{_NAME}.office.example"),
    ]


def captures(seed: Seed) -> list[Capture]:
    """The session ``seed``, and before it a name of its client from each source."""
    datagrams = _datagrams(seed)
    start = seed.frames[0].time - len(datagrams) * _STEP
    told = [Frame(start + at * _STEP, raw(packet)) for at, packet in enumerate(datagrams)]
    return [Capture("host-names", seed, [*told, *seed.frames])]
