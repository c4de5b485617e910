"""Which devices of several periods are one machine.

Addresses change hands and machines change addresses, so an address alone says neither. Over the union of all periods:

1. Addresses that the network shows to be one machine's (:class:`analyzer.inventory.network.Neighbourhood`: one
   interface on the link, whose lease changed or that has an IPv4 and an IPv6 address) are one machine's in every
   period. A MAC that turns out to be a router's, if only in one of the periods, identifies nothing.
2. Two devices that each have a MAC of their own, and not the same, are two machines, even at the same address.
3. Otherwise those that share an address are one machine.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from analyzer.inventory.builder import DeviceBuilder
from analyzer.inventory.device import Device
from analyzer.inventory.devices import Inventory
from analyzer.inventory.network import Neighbourhood


@dataclass(frozen=True, slots=True)
class Machine:
    """One machine over time.

    Attributes:
        now: as it is in the period; ``None`` where it is not seen.
        before: as it was earlier, when it was seen last; ``None`` where it was not.
        ips: every address it is known by, in no particular order.
    """

    now: Device | None
    before: Device | None
    ips: frozenset[str]


class _Union:
    """What all periods together show of addresses."""

    def __init__(self, inventories: Iterable[Inventory]) -> None:
        sums: dict[str, DeviceBuilder] = {}
        for inventory in inventories:
            for builder in inventory.builders():
                known = sums.get(builder.ip)
                if known is None:
                    sums[builder.ip] = builder
                else:
                    both = DeviceBuilder(builder.ip)
                    both.merge(known)
                    both.merge(builder)
                    sums[builder.ip] = both
        around = Neighbourhood(sums.values())
        self._routers = around.routers
        self._machine = {
            member.ip: min(member.ip for member in members)
            for members in around.machines(sums.values())
            for member in members
        }

    def mac_of(self, device: Device) -> int | None:
        return None if device.mac in self._routers else device.mac

    def groups(self, device: Device) -> set[str]:
        return {self._machine[ip] for ip in device.ips}

    def may_be_one(self, one: Device, other: Device) -> bool:
        """Whether two devices of the same group are one machine."""
        macs = {self.mac_of(one), self.mac_of(other)} - {None}
        return len(macs) < 2


def machines(now: Sequence[Device], before: Sequence[Device], inventories: Iterable[Inventory]) -> list[Machine]:
    """Each machine once; those that are seen now first, in the order of ``now``.

    Args:
        before: devices of earlier periods; a machine may be among them several times.
        inventories: those that all of these devices come from.
    """
    union = _Union(inventories)
    by_group: dict[str, list[Device]] = defaultdict(list)
    for device in sorted(before, key=lambda device: (-device.last_seen, device.device)):
        for group in union.groups(device):
            by_group[group].append(device)
    claimed: set[int] = set()
    found = []
    for device in now:
        found.append(_machine(device, _like(device, by_group, union), claimed))
    for device in sorted(before, key=lambda device: (-device.last_seen, device.device)):
        if id(device) not in claimed:
            found.append(_machine(None, [device, *_like(device, by_group, union)], claimed))
    return found


def _like(device: Device, by_group: dict[str, list[Device]], union: _Union) -> list[Device]:
    """Earlier devices that are the same machine, the one seen last first."""
    same = {
        id(other): other
        for group in union.groups(device)
        for other in by_group.get(group, ())
        if other is not device and union.may_be_one(device, other)
    }
    return sorted(same.values(), key=lambda other: (-other.last_seen, other.device))


def _machine(now: Device | None, before: Sequence[Device], claimed: set[int]) -> Machine:
    claimed.update(map(id, before))
    ips = {ip for device in before for ip in device.ips}
    if now is not None:
        ips.update(now.ips)
    return Machine(now, before[0] if before else None, frozenset(ips))
