"""Which devices of several periods are one machine.

Addresses change hands and machines change addresses, so an address alone says neither. Over the union of all periods:

1. Addresses that the network shows to be one machine's (:class:`analyzer.inventory.network.Neighbourhood`: one
   interface on the link, whose lease changed or that has an IPv4 and an IPv6 address) are one machine's in every
   period. A MAC that turns out to be a router's, if only in one of the periods, identifies nothing.
2. Two devices that each have a MAC of their own, and not the same, are two machines, even at the same address.
3. Otherwise those that share an address are one machine.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from analyzer.inventory.device import Device, Outline
from analyzer.inventory.known_names import KnownNames
from analyzer.inventory.network import Neighbourhood
from analyzer.inventory.presence import NO_MAC, Presence


@dataclass(frozen=True, slots=True)
class Machine:
    """One machine over time.

    Attributes:
        now: as it is in the period; ``None`` where it is not seen.
        before: as it was earlier, when it was seen last; ``None`` where it was not.
        ips: every address it is known by, in no particular order.
    """

    now: Device | None
    before: Outline | None
    ips: frozenset[str]


class Seen(Protocol):
    """What a period shows of addresses."""

    @property
    def presences(self) -> Collection[Presence]:
        """Of each address."""

    @property
    def names(self) -> KnownNames:
        """What hosts are called."""


class _Union:
    """What all periods together show of addresses."""

    def __init__(self, periods: Iterable[Seen]) -> None:
        names = KnownNames()
        by_ip: dict[str, list[Presence]] = defaultdict(list)
        for seen in periods:
            names.merge(seen.names)
            for presence in seen.presences:
                by_ip[presence.ip].append(presence)
        sums = [_together(presences) for presences in _entangled(by_ip, names)]
        around = Neighbourhood(sums, names)
        self._routers = around.routers
        self._machine = {
            member.ip: min(member.ip for member in members) for members in around.machines(sums) for member in members
        }

    def mac_of(self, device: Device | Outline) -> int | None:
        return None if device.mac in self._routers else device.mac

    def groups(self, device: Device | Outline) -> set[str]:
        return {self._machine.get(ip, ip) for ip in device.ips}

    def may_be_one(self, one: Device | Outline, other: Device | Outline) -> bool:
        """Whether two devices of the same group are one machine."""
        macs = {self.mac_of(one), self.mac_of(other)} - {None}
        return len(macs) < 2


def _entangled(by_ip: Mapping[str, Sequence[Presence]], names: KnownNames) -> Iterator[Sequence[Presence]]:
    """Addresses that must be looked at together with others: their MAC has several addresses, or they several MACs, or
    leases are known of them. All others, most of a network, are a machine each, in every period the same."""
    macs = {ip: {mac for one in presences for mac, _ in one.links} - {NO_MAC} for ip, presences in by_ip.items()}
    addresses = Counter(mac for own in macs.values() for mac in own)
    for ip, presences in by_ip.items():
        if len(macs[ip]) > 1 or any(addresses[mac] > 1 for mac in macs[ip]) or names.leased_to(ip):
            yield presences


def _together(presences: Sequence[Presence]) -> Presence:
    """What one address was seen with over all periods."""
    if len(presences) == 1:
        return presences[0]
    sums = Presence(presences[0].ip)
    for presence in presences:
        sums.merge_presence(presence)
    return sums


def machines(now: Sequence[Device], before: Sequence[Outline], periods: Iterable[Seen]) -> list[Machine]:
    """Each machine once; those that are seen now first, in the order of ``now``.

    Args:
        before: devices of earlier periods; a machine may be among them several times.
        periods: what those showed that all of these devices come from.
    """
    union = _Union(periods)
    by_group: dict[str, list[Outline]] = defaultdict(list)
    latest_first = sorted(before, key=lambda outline: (-outline.last_seen, outline.device))
    for outline in latest_first:
        for group in union.groups(outline):
            by_group[group].append(outline)
    claimed: set[int] = set()
    found = []
    for device in now:
        found.append(_machine(device, _like(device, by_group, union), claimed))
    for outline in latest_first:
        if id(outline) not in claimed:
            found.append(_machine(None, [outline, *_like(outline, by_group, union)], claimed))
    return found


def _like(device: Device | Outline, by_group: dict[str, list[Outline]], union: _Union) -> list[Outline]:
    """Earlier devices that are the same machine, the one seen last first."""
    same = {
        id(other): other
        for group in union.groups(device)
        for other in by_group.get(group, ())
        if other is not device and union.may_be_one(device, other)
    }
    return sorted(same.values(), key=lambda other: (-other.last_seen, other.device))


def _machine(now: Device | None, before: Sequence[Outline], claimed: set[int]) -> Machine:
    claimed.update(map(id, before))
    ips = {ip for device in before for ip in device.ips}
    if now is not None:
        ips.update(now.ips)
    return Machine(now, before[0] if before else None, frozenset(ips))
