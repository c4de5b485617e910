"""What DHCP tells of clients (RFC 2131, 2132, 4702; for IPv6 RFC 8415, 4704).

A client says its name when it asks for an address, and the server's acknowledgement says which address its interface
has from then on. Both are told separately: the names belong to the interface, the lease joins them with the address.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from analyzer.hostnames.dns_message import Malformed, read_name
from analyzer.hostnames.learned import Learned, host_address, host_name, interface, vendor_class

MOST_OPTIONS = 128
"""Options read of one message; clients send a dozen."""

MOST_RELAYS = 8
"""Relays that a DHCPv6 message was passed on by which are looked behind; RFC 8415 section 7.6 has 8 hops at most."""

_REQUEST, _REPLY = 1, 2
_ETHERNET = 1
_COOKIE = b"\x63\x82\x53\x63"
_FIXED = 236
_HOST_NAME, _MESSAGE_TYPE, _VENDOR_CLASS, _FQDN = 12, 53, 60, 81
_ACK = 5
_CONFIGURED, _BOUND = 0, 255  # padding and end, options without a length

_V6_CLIENT_ID, _V6_RELAYED, _V6_FQDN = 1, 9, 39
_V6_FROM_CLIENT = frozenset({1, 3, 4, 5, 6, 8, 9, 11})  # solicit, request, confirm, renew, rebind, release, …
_V6_RELAY_FORWARD = 12
_DUID_TIME, _DUID_PLAIN = 1, 3


def read_dhcp(data: bytes, time: int) -> Iterator[Learned]:
    """Name and vendor class that a client gives, and the lease that a server acknowledges.

    Raises:
        Malformed: it is no DHCP message.
    """
    if len(data) < _FIXED + len(_COOKIE) or data[_FIXED : _FIXED + 4] != _COOKIE:
        raise Malformed("no DHCP message")
    operation, hardware, size = data[0], data[1], data[2]
    if hardware != _ETHERNET or size != 6:
        return
    mac = interface(data[28:34])
    if mac is None:
        return
    options = _options(data, _FIXED + 4)
    if operation == _REQUEST:
        name = _fully_qualified(options.get(_FQDN, b"")) or host_name(options.get(_HOST_NAME, b"").rstrip(b"\0"))
        described = vendor_class(options.get(_VENDOR_CLASS, b""))
        if name is not None or described is not None:
            yield Learned("dhcp", time, mac=mac, name=name, vendor_class=described)
    elif operation == _REPLY and options.get(_MESSAGE_TYPE) == bytes((_ACK,)):
        # The address it was given, or the one it has and asks about (DHCPINFORM, RFC 2131 section 4.3.5).
        address = host_address(data[16:20]) or host_address(data[12:16])
        if address is not None:
            yield Learned("dhcp", time, address=address, mac=mac)


def _options(data: bytes, at: int) -> dict[int, bytes]:
    """Options by code; parts of one that is split belong together (RFC 3396)."""
    found: dict[int, bytes] = {}
    for _ in range(MOST_OPTIONS):
        if at >= len(data) or data[at] == _BOUND:
            break
        if data[at] == _CONFIGURED:
            at += 1
            continue
        if at + 2 > len(data) or at + 2 + data[at + 1] > len(data):
            raise Malformed("an option ends behind the message")
        code, end = data[at], at + 2 + data[at + 1]
        found[code] = found.get(code, b"") + data[at + 2 : end]
        at = end
    return found


def _fully_qualified(option: bytes) -> str | None:
    """The name in option 81, in labels or, deprecated and everywhere, in plain text (RFC 4702 section 2.3)."""
    if len(option) < 4:
        return None
    if option[0] & 4:  # the E bit
        return _labelled(option[3:])
    return host_name(option[3:].rstrip(b"\0"))


def _labelled(name: bytes) -> str | None:
    """A name in labels, which may be partial and then has no end (RFC 4702 section 2.3.1)."""
    try:
        return host_name(b".".join(read_name(name + b"\0", 0)[0]))
    except Malformed:
        return None


def read_dhcpv6(data: bytes, time: int, sender: str | None, sender_mac: int | None) -> Iterator[Learned]:
    """Name that a client gives.

    Args:
        data: UDP payload.
        time: of the packet.
        sender, sender_mac: where the message comes from: the client itself where that is a link-local address and no
            relay has passed it on. The interface in its identifier may be another one of the same host.

    Raises:
        Malformed: it is no DHCPv6 message.
    """
    relayed = False
    for _ in range(MOST_RELAYS):
        if len(data) < 4:
            raise Malformed("no DHCPv6 message")
        if data[0] != _V6_RELAY_FORWARD:
            break
        relayed, data = True, _v6_options(data, 34).get(_V6_RELAYED, b"")
    if data[0] not in _V6_FROM_CLIENT:
        return
    options = _v6_options(data, 4)
    name = _labelled(options.get(_V6_FQDN, b"")[1:])
    if name is None:
        return
    mac = _hardware_address(options.get(_V6_CLIENT_ID, b"")) if relayed else sender_mac
    address = None if relayed else sender
    if mac is not None or address is not None:
        yield Learned("dhcp", time, address=address, mac=mac, name=name)


def _v6_options(data: bytes, at: int) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    for _ in range(MOST_OPTIONS):
        if at >= len(data):
            break
        if at + 4 > len(data):
            raise Malformed("an option ends behind the message")
        code, length = struct.unpack_from(">HH", data, at)
        if at + 4 + length > len(data):
            raise Malformed("an option ends behind the message")
        found.setdefault(code, data[at + 4 : at + 4 + length])
        at += 4 + length
    return found


def _hardware_address(identifier: bytes) -> int | None:
    """The Ethernet address in a DUID (RFC 8415 section 11)."""
    if len(identifier) < 4:
        return None
    kind, hardware = struct.unpack_from(">HH", identifier)
    if hardware != _ETHERNET or kind not in (_DUID_TIME, _DUID_PLAIN):
        return None
    return interface(identifier[8 if kind == _DUID_TIME else 4 :])
