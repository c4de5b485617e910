"""Accounts in several hands: used by two devices at a time, or taken up by one after another.

An address is not yet a device. One device may have an IPv4 and an IPv6 address, get another address with its next
lease, be seen on both sides of an address translation, or send through a relay that passes its login on. So two
addresses count as two devices only where something tells them apart. Nor is a refused login a use: whoever guesses
passwords would share every account.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

from analyzer.inventory.builder import Account, DeviceBuilder
from analyzer.inventory.network import Neighbourhood, host_names
from analyzer.inventory.presence import Order

ACCOUNT_REST = 24 * 3600 * 10**9
"""Nanoseconds an account must rest before its use elsewhere counts as a change of device: devices that share an account
send at least once a day; a replacement is set up after its predecessor is gone."""

COMPARED = 64
"""Uses of an account that each one is compared with, nearest in time first: one account on thousands of devices must
not cost millions of comparisons."""


class Holder:
    """One machine as the holder of accounts, and what tells it from others.

    Attributes:
        machine: its sums. mac: its own, where it is known.
        names: host names it gave in EHLO. labels: first labels of the longer ones.
        ips, server_ips, server_names: its addresses, and the servers it sends to.
        kind: whether its address is private, where it has one and that is IPv4; ``None`` otherwise.
    """

    __slots__ = ("ips", "kind", "labels", "mac", "machine", "names", "server_ips", "server_names")

    def __init__(self, machine: DeviceBuilder, members: Sequence[DeviceBuilder], mac: int | None) -> None:
        self.machine = machine
        self.mac = mac
        self.names = host_names([machine])
        self.labels = {name.split(".")[0] for name in self.names if "." in name}
        self.ips = {member.ip for member in members}
        servers = machine.servers
        self.server_ips = {ip for ip, *_ in servers}
        self.server_names = {name.lower().rstrip(".") for _, _, name, *_ in servers if name}
        only = members[0].address if len(members) == 1 else None
        self.kind = only.is_private if only is not None and only.version == 4 else None

    def relays_for(self, other: Holder) -> bool:
        """Whether ``other`` sends to this machine, which then may only pass the login on."""
        return not self.ips.isdisjoint(other.server_ips) or not self.names.isdisjoint(other.server_names)

    def shares_name(self, other: Holder) -> bool:
        """Whether a host name of one is the other's, too, perhaps in its short form."""
        return (
            not self.names.isdisjoint(other.names)
            or not self.names.isdisjoint(other.labels)
            or not self.labels.isdisjoint(other.names)
        )

    def is_other_than(self, other: Holder, *, at_a_time: bool) -> bool:
        """Whether the two are two devices, each with the account for itself.

        Where neither MAC nor name tells, two private (or two public) IPv4 addresses in use ``at_a_time`` do: a lease is
        one after the other, and an address translation has one side of each kind.
        """
        if self.relays_for(other) or other.relays_for(self):
            return False
        if self.mac is not None and other.mac is not None:
            return self.mac != other.mac
        if self.names and other.names:
            return not self.shares_name(other)
        return at_a_time and self.kind is not None and self.kind == other.kind


class _Use(NamedTuple):
    """One machine's use of one account; the order decides where times are equal, and positions never do."""

    first: int
    last: int
    order: Order
    position: int


def accounts_in_several_hands(
    machines: Sequence[DeviceBuilder], groups: Sequence[Sequence[DeviceBuilder]], around: Neighbourhood
) -> tuple[dict[Account, set[int]], set[int]]:
    """Positions in ``machines`` of those that share an account, by account, and of those that took one up from another.

    Args:
        groups: the addresses of each machine.
        around: what is known of MAC addresses.
    """
    users: dict[Account, list[_Use]] = defaultdict(list)
    for position, machine in enumerate(machines):
        for (refused, user, scope), _, first, last in machine.accounts.spans():
            if not refused:
                users[user, scope].append(_Use(first, last, machine.order, position))
    several = {account: sorted(uses) for account, uses in users.items() if len(uses) > 1 and not _is_fixed(*account)}
    holders = {
        position: Holder(machines[position], groups[position], around.mac_of(groups[position][0]))
        for position in {use.position for uses in several.values() for use in uses}
    }
    shared: dict[Account, set[int]] = {}
    taken_up: set[int] = set()
    for account, uses in several.items():
        if hands := _sharing(uses, holders):
            shared[account] = hands
        _note_taken_up(uses, holders, taken_up)
    return shared, taken_up


def _sharing(uses: Sequence[_Use], holders: Mapping[int, Holder]) -> set[int]:
    """Who used the account together with another, or within the time that it rests."""
    shared: set[int] = set()
    for n, one in enumerate(uses):
        for other in uses[n + 1 : n + 1 + COMPARED]:
            if other.first > one.last + ACCOUNT_REST:
                break
            if one.position in shared and other.position in shared:
                continue
            at_a_time = other.first <= one.last
            if holders[one.position].is_other_than(holders[other.position], at_a_time=at_a_time):
                shared |= {one.position, other.position}
    return shared


def _note_taken_up(uses: Sequence[_Use], holders: Mapping[int, Holder], taken_up: set[int]) -> None:
    """Add to ``taken_up`` who began with the account after all who had begun earlier were long done with it."""
    used_until = list(accumulate((use.last for use in uses), max))
    for use in uses:
        earlier = bisect_left(uses, (use.first,))
        if (
            earlier
            and use.first > used_until[earlier - 1] + ACCOUNT_REST
            and all(
                holders[use.position].is_other_than(holders[before.position], at_a_time=False)
                for before in uses[max(0, earlier - COMPARED) : earlier]
            )
        ):
            taken_up.add(use.position)


def _is_fixed(user: str, scope: str) -> bool:
    """Whether a provider gives this user name to all its customers."""
    if not scope:
        return False
    from analyzer.inventory.providers import provider

    known = provider(scope)
    return known is not None and user in known.fixed_users
