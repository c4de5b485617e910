"""What an address was seen with, and when: by this, addresses are told to be one machine's, or a router's.

It is all that is needed of an address where only its identity matters, and little: a store keeps it for weeks gone by.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

from analyzer.inventory.bounded import Sightings

LISTED_NAMES = 32
"""EHLO names of one address; a proxy for a whole office has a few dozen, and a sender of random names must not cost
more."""

LISTED_LINKS = 32
"""MAC address and TTL as they arrived. Devices have one or two, paths over several routers a few."""

NO_MAC = -1
NO_TTL = 0

Link = tuple[int, int]
"""MAC address (or NO_MAC) and TTL (or NO_TTL)."""

Order = tuple[bool, int, int]
"""Sorts addresses: private before public, IPv4 before IPv6, then as numbers; no two have the same."""


def order_of(address: IPv4Address | IPv6Address) -> Order:
    """Private addresses first: where not all devices fit, those of the own network are the ones in question."""
    return not address.is_private, address.version, int(address)


class Presence:
    """One client address.

    Attributes:
        first, last: when its sessions began first and ended last, nanoseconds; -1 where no packet had a time stamp.
        links: how its frames arrived. names: names it gave in EHLO.
    """

    __slots__ = ("_address", "_order", "first", "ip", "last", "links", "names")

    def __init__(self, ip: str) -> None:
        self.ip = ip
        self._address: IPv4Address | IPv6Address | None = None
        self._order: Order | None = None
        self.first = self.last = -1
        self.links: Sightings[Link] = Sightings(LISTED_LINKS)
        self.names: Sightings[str] = Sightings(LISTED_NAMES)

    @property
    def address(self) -> IPv4Address | IPv6Address:
        """The address itself, made of its text when somebody asks: of most, nobody does."""
        if self._address is None:
            self._address = ip_address(self.ip)
        return self._address

    @property
    def order(self) -> Order:
        """See :func:`order_of`."""
        if self._order is None:
            self._order = order_of(self.address)
        return self._order

    def seen(self, start: int, end: int) -> None:
        """Note a session; 0 stands for a time that is not known."""
        if start and (self.first < 0 or start < self.first):
            self.first = start
        if end > self.last:
            self.last = end

    def merge_presence(self, other: Presence) -> None:
        """Add what ``other`` was seen with, which stays as it is."""
        if other.first >= 0:
            self.first = other.first if self.first < 0 else min(self.first, other.first)
        self.last = max(self.last, other.last)
        self.links.merge(other.links)
        self.names.merge(other.names)
