"""Which of a device's names is the one to show: the only place where that is decided."""

from __future__ import annotations

from collections.abc import Iterable

from analyzer.inventory.device import HostName, NameSource

BEST_FIRST: tuple[NameSource, ...] = ("assets", "dhcp", "mdns", "ehlo", "netbios", "dns", "rdns")
"""What the user says comes first. Then what the device says of itself, the protocols first in which it must be right
for the device to be found; then what others say of its address."""


def best_first(names: Iterable[HostName]) -> tuple[HostName, ...]:
    """``names`` without those that say the same again, the one to show first.

    Within one source the order stays. Case makes no other name, so ``COPIER3`` from NetBIOS does not stand beside
    ``copier3``.
    """
    kept: list[HostName] = []
    known: set[str] = set()
    for name in sorted(names, key=lambda name: BEST_FIRST.index(name.source)):
        text = name.name.lower()
        if text not in known:
            known.add(text)
            kept.append(name)
    return tuple(kept)
