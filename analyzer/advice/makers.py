"""Whether a device can log in with OAuth, from its maker: the registered one of its MAC address, else its own words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import islice

from analyzer.advice.knowledge import Maker, OwnDevice
from analyzer.advice.plan import OAuthSupport
from analyzer.inventory.device import Device

LONGEST_HINT = 64
"""Characters of a name that are looked at: default names are short, and the wire chooses how long a name is."""

MOST_HINTS = 8
"""Names of a device that are looked at, the most frequent first: a printer has one or two."""

REMEMBERED = 256
"""Patterns kept compiled; the table that comes with the program has some 20."""


def oauth_support(device: Device, makers: Mapping[str, Maker], own: OwnDevice | None = None) -> OAuthSupport:
    """What is known of the device's maker; what the user says of the device itself goes before it."""
    maker = maker_of(device, makers.values())
    if own is not None and own.oauth is not None:
        return OAuthSupport(own.oauth, maker.name if maker else None, note="said of this device in your own file")
    if maker is None:
        return OAuthSupport("unknown")
    return OAuthSupport(maker.oauth, maker.name, maker.firmware, maker.note, maker.source, maker.as_of)


def maker_of(device: Device, makers: Iterable[Maker]) -> Maker | None:
    """The maker that its MAC address was registered for, else the one whose default names it has.

    A registered maker that the table does not have is no reason to ask the names: a print server of somebody else
    may speak for the printer, and then it is that server whose firmware counts.
    """
    if device.vendor is not None:
        vendor = device.vendor.casefold()
        return next((maker for maker in makers if vendor in map(str.casefold, maker.vendors)), None)
    by_hint = [maker for maker in makers if maker.hints]
    for text in islice(_words(device), MOST_HINTS):
        for maker in by_hint:
            if any(_pattern(hint).search(text[:LONGEST_HINT]) for hint in maker.hints):
                return maker
    return None


def _words(device: Device) -> Iterator[str]:
    """What the device calls itself."""
    yield from device.names
    yield from (host.name for host in device.hostnames)
    yield from device.mail_programs
    if device.vendor_class is not None:
        yield device.vendor_class


@lru_cache(REMEMBERED)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE | re.ASCII)
