"""What a capture may lack: packets at random, the end or the beginning of connections, one of their directions.

The same seed takes away the same packets. They are missing from the capture only; the connection had them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .recordings import Ints, Mask, Recording

LOSSES = (0.005, 0.02, 0.05)

Seed = tuple[int, int]
"""Number of the run, and of the recording in its set."""


@dataclass(frozen=True, slots=True)
class Damage:
    """One kind of damage.

    Attributes:
        name: for people.
        kept: the segments that are left, by seed.
        chance: another seed gives another result.
    """

    name: str
    kept: Callable[[Recording, Seed], Mask]
    chance: bool = True


def loss(rate: float) -> Damage:
    """Each packet is missing with this probability."""

    def kept(recording: Recording, seed: Seed) -> Mask:
        return np.random.default_rng((*seed, round(rate * 1e6))).random(len(recording)) >= rate

    return Damage(f"{rate:.1%} of packets lost", kept)


def _cut(recording: Recording, seed: Seed) -> Mask:
    place, last = _places(recording, seed)
    return place <= last


def _late(recording: Recording, seed: Seed) -> Mask:
    place, last = _places(recording, seed)
    return place > last


def _client_only(recording: Recording, seed: Seed) -> Mask:
    return recording.from_client


def _server_only(recording: Recording, seed: Seed) -> Mask:
    return ~recording.from_client


def _places(recording: Recording, seed: Seed) -> tuple[Ints, Ints]:
    """Place of each segment in its connection, and a place before the last one, drawn for each connection."""
    connection = recording.connection
    order = np.argsort(connection, kind="stable")
    count = np.bincount(connection, minlength=len(recording.ends))
    first = np.concatenate(([0], np.cumsum(count)))[:-1]
    place = np.empty(len(recording), np.int64)
    place[order] = np.arange(len(recording)) - first[connection[order]]
    drawn = (np.random.default_rng((*seed, 1)).random(len(recording.ends)) * np.maximum(count - 1, 1)).astype(np.int64)
    return place, drawn[connection]


CUT = Damage("cut at a random packet", _cut)
LATE = Damage("begins at a random packet", _late)
CLIENT_ONLY = Damage("client's packets only", _client_only, chance=False)
SERVER_ONLY = Damage("server's packets only", _server_only, chance=False)
DAMAGES = (*map(loss, LOSSES), CUT, LATE, CLIENT_ONLY, SERVER_ONLY)
