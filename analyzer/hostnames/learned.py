"""What one datagram tells, and which texts are taken for names at all."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import Literal, NamedTuple

Source = Literal["dhcp", "mdns", "netbios", "dns"]

LONGEST_NAME = 253
"""Characters of a name with its dots (RFC 1035 section 2.3.4, without the root)."""

LONGEST_CLASS = 64
"""Characters kept of a vendor class (DHCP option 60); real ones have 5 to 40."""

CACHED = 8192
"""Names and addresses that are remembered as they were understood, some 2 MB of each: most are said over and over."""


class Learned(NamedTuple):
    """One thing that a datagram tells of a host. All fields are plain values, so that equal ones can be counted.

    Attributes:
        source: the protocol.
        time: nanoseconds since 1970-01-01 UTC.
        address: canonical text of the address it is about; ``None`` where it is only about a network interface.
        mac: 48-bit number of the interface; ``None`` where it is only about an address. With both, and no name,
            it is a lease: the address was given to that interface.
        name: host name without a final dot.
        vendor_class: DHCP option 60, where clients name their maker or model (RFC 2132 section 9.13).
    """

    source: Source
    time: int
    address: str | None = None
    mac: int | None = None
    name: str | None = None
    vendor_class: str | None = None

    @property
    def is_lease(self) -> bool:
        """Whether it says no more than that the address was given to the interface."""
        return self.address is not None and self.mac is not None and self.name is None


@lru_cache(CACHED)
def host_name(raw: bytes) -> str | None:
    """``raw`` as a host name, or ``None`` where it is none: letters and digits of any language, ``-``, ``_``, dots.

    Case is kept. Anything else, blanks and what a terminal might obey included, is no name of a host.
    """
    try:
        name = raw.decode().rstrip(".")
    except UnicodeDecodeError:
        return None
    if not 0 < len(name) <= LONGEST_NAME or name.startswith((".", "-")) or ".." in name:
        return None
    bare = name.replace(".", "").replace("-", "").replace("_", "")
    return name if bare.isalnum() and bare.isprintable() else None


def vendor_class(raw: bytes) -> str | None:
    """``raw`` as text without anything unprintable, or ``None`` where nothing is left of it."""
    return "".join(filter(str.isprintable, raw[:LONGEST_CLASS].decode("latin-1"))).strip() or None


@lru_cache(CACHED)
def host_address(packed: bytes) -> str | None:
    """Canonical text of an address of 4 or 16 bytes; ``None`` where it can be no host's: blocklists of names answer
    with loopback and unspecified addresses."""
    address = ip_address(packed)
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if address.is_unspecified or address.is_loopback or address.is_multicast or int(address) == 0xFFFF_FFFF:
        return None
    return str(address)


def interface(mac: bytes) -> int | None:
    """The number of an Ethernet address of 6 bytes; ``None`` where it can be no single interface's."""
    number = int.from_bytes(mac, "big")
    return None if len(mac) != 6 or not number or mac[0] & 1 else number
