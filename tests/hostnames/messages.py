"""Datagrams about names, built by scapy, which knows these protocols independently of us."""

from __future__ import annotations

import ipaddress
import struct
from typing import Any

from scapy.layers.dhcp import BOOTP, DHCP
from scapy.layers.dhcp6 import (
    DUID_LLT,
    DHCP6_RelayForward,
    DHCP6_Solicit,
    DHCP6OptClientFQDN,
    DHCP6OptClientId,
    DHCP6OptRelayMsg,
)
from scapy.layers.dns import DNS, DNSQR, DNSRR

from analyzer.hostnames import Learned
from analyzer.hostnames.reader import NameReader
from analyzer.packets import Datagram

TIME = 1_795_466_935_000_000_000
MAC_TEXT = "00:17:c8:01:02:03"
MAC = 0x0017C8010203
LINK_LOCAL = "fe80::217:c8ff:fe01:203"


def number(address: str) -> int:
    parsed = ipaddress.ip_address(address)
    return int(parsed) | (0xFFFF << 32 if parsed.version == 4 else 0)


def datagram(payload: bytes, sport: int, dport: int, src: str = "10.20.0.101", mac: int | None = MAC) -> Datagram:
    return Datagram(TIME, number(src), number("10.20.0.1"), sport, dport, mac, payload)


def learned(payload: Any, sport: int, dport: int, **fields: Any) -> list[Learned]:
    """What the datagram tells, after proof that it is well-formed."""
    reader = NameReader()
    found = reader.read(datagram(bytes(payload), sport, dport, **fields))
    assert not reader.oddities
    return found


def answer(*records: Any, question: str = "mail.example", further: tuple[Any, ...] = (), **fields: Any) -> Any:
    """A response of a DNS server."""
    return DNS(qr=1, qd=[DNSQR(qname=question)], an=list(records), ar=list(further), **fields)


def record(name: str, kind: str, data: str) -> Any:
    return DNSRR(rrname=name, type=kind, rdata=data, ttl=60)


def dhcp(*options: Any, operation: int = 1, **fields: Any) -> Any:
    """A DHCP message about the interface :data:`MAC`."""
    mac = bytes.fromhex(MAC_TEXT.replace(":", ""))
    return BOOTP(op=operation, chaddr=mac, **fields) / DHCP(options=[*options, "end"])


def request(*options: Any) -> Any:
    return dhcp(("message-type", "request"), *options)


def acknowledgement(**fields: Any) -> Any:
    return dhcp(("message-type", "ack"), operation=2, **fields)


def solicit(name: str) -> Any:
    identifier = DUID_LLT(hwtype=1, timeval=5, lladdr=MAC_TEXT)
    return DHCP6_Solicit(trid=9) / DHCP6OptClientId(duid=identifier) / DHCP6OptClientFQDN(fqdn=name)


def relayed(message: Any) -> Any:
    return DHCP6_RelayForward(linkaddr="2001:db8::1", peeraddr=LINK_LOCAL) / DHCP6OptRelayMsg(message=message)


def encoded(name: str, suffix: int = 0) -> bytes:
    """A NetBIOS name as it stands in messages (RFC 1001 section 14.1)."""
    padded = name.encode().ljust(15) + bytes((suffix,))
    return b"\x20" + bytes(half + 0x41 for byte in padded for half in (byte >> 4, byte & 15)) + b"\0"


def registration(name: str, address: str, suffix: int = 0, flags: int = 0, opcode: int = 5) -> bytes:
    """A NetBIOS host registers its name (RFC 1002 section 4.2.2); the record points back to the question."""
    head = struct.pack(">6H", 1, opcode << 11 | 0x0110, 1, 0, 0, 1)
    rest = struct.pack(">HHIHH", 0x20, 1, 300000, 6, flags) + ipaddress.IPv4Address(address).packed
    return head + encoded(name, suffix) + struct.pack(">HH", 0x20, 1) + b"\xc0\x0c" + rest


def node_status(*names: tuple[str, int, int], claimed: int | None = None) -> bytes:
    """A NetBIOS host lists its names with their suffixes and flags (RFC 1002 section 4.2.18)."""
    entries = b"".join(name.encode().ljust(15) + struct.pack(">BH", suffix, flags) for name, suffix, flags in names)
    data = bytes((len(names) if claimed is None else claimed,)) + entries + bytes(46)
    head = struct.pack(">6H", 1, 0x8400, 0, 1, 0, 0)
    return head + encoded("*") + struct.pack(">HHIH", 0x21, 1, 0, len(data)) + data
