"""What only several addresses together show: routers, one device with several addresses, clients behind one."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from ipaddress import IPv6Address, ip_address
from itertools import pairwise
from typing import TypeVar

from analyzer.inventory.known_names import KnownNames
from analyzer.inventory.presence import NO_MAC, NO_TTL, Presence

INITIAL_TTLS = frozenset({32, 64, 128, 255})
"""What operating systems start with. Any other value was lowered by a router, so the frame's MAC is the router's.
(Rare stacks start with 30, 60 or 100: their MAC then stays unknown, which is better than a router's name on a
printer.)"""

TTL_CLASSES = (64, 128, 255)
"""Initial values that tell operating systems apart. 32 is not among them: it could be 64 after a long way."""

_LOCALLY_ADMINISTERED = 2
"""The bit of a MAC's first byte that says it was not given by the maker."""

IPV6_ADDRESSES = 3
"""One interface has a link-local, a stable and a temporary address (RFC 8981) at a time; more are several devices, or
months."""

IPV6_SUBNETS = 2
"""A global and a unique local prefix (RFC 4193) side by side are common."""

P = TypeVar("P", bound=Presence)

_ADDRESS = re.compile(r"\[(?:IPv6:)?([0-9A-F:.]{2,45})\]|(\d{1,3}(?:\.\d{1,3}){3})", re.IGNORECASE)
"""An address in the place of a name (RFC 5321 section 4.1.3); many printers leave the brackets out."""


def is_host_name(text: str) -> bool:
    """Whether what was said in EHLO can tell hosts apart; ``localhost`` and addresses cannot."""
    name = text.lower().rstrip(".")
    return (
        bool(name)
        and not name.startswith("[")
        and name.split(".")[0] != "localhost"
        and _ADDRESS.fullmatch(name) is None
    )


def host_names(presences: Iterable[Presence]) -> set[str]:
    """EHLO names that can tell hosts apart, in lower case.

    ``localhost`` and addresses are left out, and so are short forms of longer names.
    """
    names = {name.lower().rstrip(".") for presence in presences for name in presence.names if is_host_name(name)}
    first_labels = {name.split(".")[0] for name in names if "." in name}
    return {name for name in names if "." in name or name not in first_labels}


def named_addresses(presences: Iterable[Presence]) -> set[str]:
    """Addresses that clients gave for a name in EHLO, loopback left out."""
    found = set()
    for presence in presences:
        for name in presence.names:
            if match := _ADDRESS.fullmatch(name):
                try:
                    address = ip_address(match[1] or match[2])
                except ValueError:
                    continue
                if not address.is_loopback and not address.is_unspecified:
                    found.add(str(address))
    return found


def clients_behind(members: Sequence[Presence], known: KnownNames) -> int:
    """How many clients share the address, at least.

    The largest of four counts, each a lower bound by itself: operating systems (by initial TTL, per IP version, whose
    defaults may differ), addresses in EHLO (all of the host's own are one), host names, interfaces that the address
    was leased to. They are not added up: one host may show all four. TLS fingerprints and mail programs are no bound:
    one host may run any number of programs.
    """
    own = {member.ip for member in members}
    leases = max((len(known_leases(known, ip)) for ip in own), default=0)
    if len(members) == 1 and len(members[0].links) < 2 and len(members[0].names) < 2:
        return max(1, leases)  # most devices: nothing of which there could be two
    systems = 1
    for version in (4, 6):
        ttls = {ttl for m in members if m.address.version == version for _, ttl in m.links if ttl != NO_TTL}
        systems = max(systems, len({min(c for c in TTL_CLASSES if ttl <= c) for ttl in ttls}))
    named = named_addresses(members)
    return max(systems, len(named - own) + (not named.isdisjoint(own)), len(host_names(members)), leases)


def known_leases(known: KnownNames, ip: str) -> list[int]:
    """Interfaces that an address was leased to, without those whose MAC was made up and may change (IEEE 802c)."""
    return [mac for mac in known.leased_to(ip) if not mac >> 40 & _LOCALLY_ADMINISTERED]


def _one_lease_at_a_time(members: Sequence[Presence]) -> bool:
    """Whether IPv4 addresses of one MAC are one host whose address changed: same /24, one after the other, same
    name."""
    if len({int(member.address) >> 8 for member in members}) > 1:
        return False
    in_time = sorted(members, key=lambda member: (member.first, member.order))
    return all(
        before.last < after.first and host_names([before]) & host_names([after]) for before, after in pairwise(in_time)
    )


def _is_router(mac: int, members: Sequence[Presence], known: KnownNames) -> bool:
    """Whether one MAC speaks for too many addresses to be a device.

    Addresses that DHCP gave to that very interface, and to no other one, are its own however many there are.
    """
    if len(members) == 1:
        return False
    ipv4 = [member for member in members if member.address.version == 4]
    if all(known.leased_to(member.ip) == (mac,) for member in ipv4):
        ipv4 = ipv4[:1]
    ipv6 = [m.address for m in members if isinstance(m.address, IPv6Address) and not m.address.is_link_local]
    return (
        (len(ipv4) > 1 and not _one_lease_at_a_time(ipv4))
        or len(ipv6) > IPV6_ADDRESSES
        or len({int(address) >> 64 for address in ipv6}) > IPV6_SUBNETS
    )


class Neighbourhood:
    """Who is on the link itself and who is behind a router, over all addresses of an inventory.

    Args:
        presences: of every address.
        names: what DHCP told of leases.
    """

    def __init__(self, presences: Iterable[Presence], names: KnownNames | None = None) -> None:
        self.names = names or KnownNames()
        by_mac: dict[int, list[Presence]] = defaultdict(list)
        self.routers: set[int] = set()
        for presence in presences:
            for mac in {mac for mac, _ in presence.links} - {NO_MAC}:
                by_mac[mac].append(presence)
            self.routers |= {mac for mac, ttl in presence.links if ttl != NO_TTL and ttl not in INITIAL_TTLS}
        self.routers -= {NO_MAC}
        self.routers |= {
            mac for mac, members in by_mac.items() if len(members) > 1 and _is_router(mac, members, self.names)
        }

    def mac_of(self, presence: Presence) -> int | None:
        """The device's own MAC: the only one it has been seen with that is no router's, else the one that its address
        was leased to."""
        own = {mac for mac, _ in presence.links} - self.routers - {NO_MAC}
        return own.pop() if len(own) == 1 else None if own else self._leased_mac(presence)

    def _leased_mac(self, presence: Presence) -> int | None:
        """The only interface that the address was ever leased to; a router's own address tells nothing of who is
        behind it."""
        leases = self.names.leased_to(presence.ip)
        return leases[0] if len(leases) == 1 and leases[0] not in self.routers else None

    def behind_router(self, presence: Presence) -> bool:
        """Whether frames of this address came from a router."""
        return any(mac in self.routers for mac, _ in presence.links)

    def _proven_mac(self, presence: Presence) -> int | None:
        """The device's MAC where every frame came straight from it: one MAC, and no router on the way. Or the one that
        DHCP gave the address to, and no other one, if frames came by a router.

        Of some sessions no TTL is known; those of the same MAC speak for them.
        """
        links = presence.links
        ttls = {ttl for _, ttl in links} - {NO_TTL}
        if len({mac for mac, _ in links}) == 1 and ttls and ttls <= INITIAL_TTLS:
            return self.mac_of(presence)
        if {mac for mac, _ in links} <= self.routers:
            return self._leased_mac(presence)
        return None

    def machines(self, presences: Iterable[P]) -> list[list[P]]:
        """Addresses grouped into machines: those of one interface (dual stack, or a lease that changed) belong
        together.

        The first member of each group is the address to call it by: IPv4 before IPv6, the one used last before others.
        """
        groups: dict[object, list[P]] = defaultdict(list)
        for presence in presences:
            mac = self._proven_mac(presence)
            groups[presence.ip if mac is None else mac].append(presence)
        for members in groups.values():
            members.sort(key=lambda member: (member.address.version, -member.last, member.order))
        return list(groups.values())
