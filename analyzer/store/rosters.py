"""The devices of a week in short, as bytes that fit into a row; see :class:`analyzer.inventory.devices.Roster`.

A report compares its week with the one before, which is over: to make that one's inventory again would take a third of
the report's time.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable
from typing import Any, Final

from analyzer.inventory.device import Outline
from analyzer.inventory.devices import Roster
from analyzer.inventory.known_names import KnownNames
from analyzer.inventory.presence import Presence

LARGEST: Final = 16_000_000
"""Bytes of JSON that are kept of a week: some 60,000 devices. What clients say in EHLO is part of it."""

_LEVEL: Final = 6
"""Of zlib, its usual one: a tenth is left, in a tenth of a second for 5,000 devices."""


def packed(roster: Roster) -> bytes | None:
    """``roster`` but for its names, which have a table of their own; ``None`` where it is too large to keep."""
    values = (roster.sessions, [*map(_outline, roster.outlines)], [*map(_presence, roster.presences)])
    content = json.dumps(values, separators=(",", ":"), check_circular=False).encode("ascii")
    return zlib.compress(content, _LEVEL) if len(content) <= LARGEST else None


def unpacked(content: bytes, names: KnownNames) -> Roster:
    """The other way round.

    Raises:
        ValueError: it is damaged.
    """
    try:
        sessions, outlines, presences = json.loads(zlib.decompressobj().decompress(content, LARGEST))
    except zlib.error as error:
        raise ValueError(str(error)) from None
    return Roster(
        [
            Outline(device, tuple(ips), mac, status, methods, last)
            for device, ips, mac, status, methods, last in outlines
        ],
        [_restored(*values) for values in presences],
        names,
        sessions,
    )


def _outline(outline: Outline) -> tuple[Any, ...]:
    return outline.device, outline.ips, outline.mac, outline.status, outline.methods, outline.last_seen


def _presence(presence: Presence) -> tuple[Any, ...]:
    return presence.ip, presence.first, presence.last, presence.links.listed(), presence.names.listed()


def _restored(ip: str, first: int, last: int, links: Iterable[list[int]], names: Iterable[str]) -> Presence:
    presence = Presence(ip)
    presence.first, presence.last = first, last
    for mac, ttl in links:
        presence.links.add((mac, ttl), 0)
    for name in names:
        presence.names.add(name, 0)
    return presence
