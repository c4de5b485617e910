"""What hosts are called, remembered by address and by network interface while datagrams come in.

Like everything in an inventory it merges in any grouping and order, and is bounded: of each table the smallest keys
are kept, private addresses before public ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from ipaddress import ip_address
from typing import Any, Final, Generic, TypeVar

from analyzer.hostnames import Learned
from analyzer.inventory.bounded import Sightings
from analyzer.inventory.device import HostName, NameSource

MOST_NAMED = 16_384
"""Addresses, and interfaces, of which names are kept: 16 MB at 1 KB each. A resolver's answers name any number of
addresses; those of the own network come first."""

SLACK = 1.125
"""A table may grow by an eighth before it is cut back, so that cutting is rare."""

LISTED_NAMES = 8
"""Names from one source that are kept of one address: servers of many sites have more, devices one or two."""

LISTED_LEASES = 4
"""Interfaces that one address was given to; more than one is enough to know that it is nobody's for long."""

LISTED_CLASSES = 4
"""Vendor classes of one interface: boot loader and operating system say different ones."""

LEASE: Final = "lease"
CLASS: Final = "class"
_SOURCES: tuple[NameSource, ...] = ("dhcp", "mdns", "netbios", "dns")

K = TypeVar("K", str, int)


class _Known:
    """What is known of one address or interface: sightings of names by source, of leases and of vendor classes."""

    __slots__ = ("order", "tables")

    def __init__(self, order: Any) -> None:
        self.order = order
        self.tables: dict[str, Sightings[Any]] = {}

    def table(self, kind: str) -> Sightings[Any]:
        found = self.tables.get(kind)
        if found is None:
            limit = {LEASE: LISTED_LEASES, CLASS: LISTED_CLASSES}.get(kind, LISTED_NAMES)
            found = self.tables[kind] = Sightings(limit)
        return found

    def merge(self, other: _Known) -> None:
        for kind, table in other.tables.items():
            self.table(kind).merge(table)

    def times(self) -> Iterator[tuple[Any, Any, int]]:
        """Kind, value and time of each thing, when it was learned first and last."""
        for kind, table in self.tables.items():
            for value, _, first, last in table.spans():
                yield from ((kind, value, time) for time in sorted({first, last}))

    @property
    def kept(self) -> int:
        """Sightings of what is within the limits."""
        for table in self.tables.values():
            table.settle()
        return sum(table.total for table in self.tables.values())


class _Table(Generic[K]):
    """Everything known by key; the smallest ``limit`` keys by their order are kept."""

    def __init__(self, limit: int, order: Callable[[K], Any]) -> None:
        self._limit = limit
        self._order: Callable[[K], Any] = order
        self._known: dict[K, _Known] = {}
        self.total = 0

    def add(self, key: K, kind: str, value: str | int, time: int) -> None:
        self.total += 1
        self._entry(key).table(kind).add(value, time)

    def merge(self, other: _Table[K]) -> None:
        self.total += other.total
        for key, known in other._known.items():
            self._entry(key).merge(known)

    def get(self, key: K) -> _Known | None:
        self._settle()
        return self._known.get(key)

    def items(self) -> Iterator[tuple[K, _Known]]:
        self._settle()
        yield from self._known.items()

    @property
    def dropped(self) -> int:
        """Sightings of what is beyond a limit."""
        self._settle()
        return self.total - sum(known.kept for known in self._known.values())

    def _entry(self, key: K) -> _Known:
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= self._limit * SLACK:
                self._settle()
            known = self._known[key] = _Known(self._order(key))
        return known

    def _settle(self) -> None:
        if len(self._known) > self._limit:
            kept = sorted(self._known.items(), key=lambda entry: entry[1].order)[: self._limit]
            self._known = dict(kept)


def _by_address(text: str) -> tuple[bool, int, int]:
    address = ip_address(text)
    return not address.is_private, address.version, int(address)


class KnownNames:
    """All that datagrams told of hosts.

    Args:
        most: addresses, and interfaces, of which anything is kept.
    """

    def __init__(self, most: int = MOST_NAMED) -> None:
        self._addresses: _Table[str] = _Table(most, _by_address)
        self._interfaces: _Table[int] = _Table(most, int)

    def learn(self, learned: Learned) -> None:
        """Remember one thing."""
        source, time, address, mac, name, described = learned
        if address is not None and mac is not None and learned.is_lease:
            self._addresses.add(address, LEASE, mac, time)
            return
        if name is not None and address is not None:
            self._addresses.add(address, source, name, time)
        if mac is not None:
            if name is not None:
                self._interfaces.add(mac, source, name, time)
            if described is not None:
                self._interfaces.add(mac, CLASS, described, time)

    def merge(self, other: KnownNames) -> None:
        """Add all that ``other`` knows, which stays as it is."""
        self._addresses.merge(other._addresses)
        self._interfaces.merge(other._interfaces)

    def told(self, addresses: Collection[str]) -> Iterator[Learned]:
        """Everything known, each thing as it was learned first and, at another time, last; of public addresses only
        those among ``addresses``: whatever else a resolver answered is of no use to anybody."""
        for address, known in self._addresses.items():
            if address in addresses or ip_address(address).is_private:
                for kind, value, time in known.times():
                    yield (
                        Learned("dhcp", time, address, value)
                        if kind == LEASE
                        else Learned(kind, time, address, name=value)
                    )
        for mac, known in self._interfaces.items():
            for kind, value, time in known.times():
                yield (
                    Learned("dhcp", time, mac=mac, vendor_class=value)
                    if kind == CLASS
                    else Learned(kind, time, mac=mac, name=value)
                )

    def leased_to(self, address: str) -> tuple[int, ...]:
        """Interfaces that DHCP servers gave ``address`` to, smallest first."""
        known = self._addresses.get(address)
        return tuple(known.table(LEASE).listed()) if known is not None and LEASE in known.tables else ()

    def names(self, addresses: Iterable[str], mac: int | None = None) -> list[HostName]:
        """Names of a host by its addresses and interface; of each source the most frequent first."""
        entries = [known for address in addresses if (known := self._addresses.get(address)) is not None]
        if mac is not None and (known := self._interfaces.get(mac)) is not None:
            entries.append(known)
        found: list[HostName] = []
        if not entries:
            return found
        for source in _SOURCES:
            tables = [entry.tables[source] for entry in entries if source in entry.tables]
            if len(tables) > 1:
                joined: Sightings[str] = Sightings(LISTED_NAMES)
                for table in tables:
                    joined.merge(table)
                tables = [joined]
            found += [HostName(name, source) for table in tables for name, _ in table.counts()]
        return found

    def vendor_class(self, mac: int | None) -> str | None:
        """What the interface says of its maker, most often."""
        known = None if mac is None else self._interfaces.get(mac)
        counts = known.tables[CLASS].counts() if known is not None and CLASS in known.tables else []
        return counts[0][0] if counts else None

    def server_names(self, address: str) -> list[str]:
        """What DNS calls an address, most frequent first."""
        known = self._addresses.get(address)
        return [name for name, _ in known.tables["dns"].counts()] if known is not None and "dns" in known.tables else []

    @property
    def oddities(self) -> Counter[str]:
        """``name-limit``: things learned of addresses and interfaces beyond the limits."""
        beyond = self._addresses.dropped + self._interfaces.dropped
        return Counter({"name-limit": beyond} if beyond else {})
