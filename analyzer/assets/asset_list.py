"""Which entry of the user's inventory is which device.

A MAC tells a device where it is the device's own; an address only where no MAC contradicts it, since addresses pass
from one device to the next. A network says where its devices are and whose, but not which.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from analyzer.inventory.device import Asset, Device, HostName
from analyzer.inventory.naming import best_first

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the inventory.

    Attributes:
        addresses: canonical text. macs: 48-bit numbers. networks: more than one address each.
    """

    asset: Asset
    addresses: tuple[str, ...] = ()
    macs: tuple[int, ...] = ()
    networks: tuple[Network, ...] = ()


class AssetList:
    """The user's inventory. Of entries that claim the same device, the first counts."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._by_mac: dict[int, Entry] = {}
        self._by_address: dict[str, Entry] = {}
        self._by_network: dict[Network, Entry] = {}
        for entry in entries:
            for mac in entry.macs:
                self._by_mac.setdefault(mac, entry)
            for address in entry.addresses:
                self._by_address.setdefault(address, entry)
            for network in entry.networks:
                self._by_network.setdefault(network, entry)
        lengths = {(network.version, network.prefixlen) for network in self._by_network}
        self._lengths = sorted(lengths, reverse=True)  # the most specific first

    def __len__(self) -> int:
        """Different interfaces, addresses and networks in it."""
        return len(self._by_mac) + len(self._by_address) + len(self._by_network)

    def of(self, device: Device) -> Asset | None:
        """What the list says of ``device``; ``None`` where it says nothing."""
        entry = self._own_entry(device)
        asset = Asset() if entry is None else entry.asset
        for wider in self._networks_of(device):
            asset = replace(
                asset,
                owner=asset.owner or wider.asset.owner,
                location=asset.location or wider.asset.location,
            )
        return None if asset == Asset() else asset

    def joined(self, devices: Sequence[Device]) -> list[Device]:
        """``devices`` in the same order, each with its asset, and the name from the list before all others."""
        found = []
        for device in devices:
            asset = self.of(device)
            if asset is not None:
                names = (HostName(asset.name, "assets"),) if asset.name else ()
                device = replace(device, asset=asset, hostnames=best_first([*names, *device.hostnames]))
            found.append(device)
        return found

    def _own_entry(self, device: Device) -> Entry | None:
        if device.mac is not None and device.mac in self._by_mac:
            return self._by_mac[device.mac]
        for address in device.ips:
            entry = self._by_address.get(address)
            if entry is not None and not (entry.macs and device.mac is not None):
                return entry
        return None

    def _networks_of(self, device: Device) -> Iterable[Entry]:
        """The networks that the address lies in which the device goes by, the smallest first."""
        address: IPv4Address | IPv6Address = ip_address(device.device)
        for version, length in self._lengths:
            if version == address.version:
                entry = self._by_network.get(ip_network((address, length), strict=False))
                if entry is not None:
                    yield entry
