"""What a generator makes: the vocabulary of the modules beside this one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from scripts.capturegen.seeds import Frame, Seed

ETHERNET_LINK = 1


@dataclass(frozen=True, slots=True)
class Capture:
    """Frames of one link type, to be written as a plain pcap file.

    ``changes`` are the fields of the seed's label that this capture changes: what it does not show.
    ``sessions`` adds further connections, each as changes to the seed's label.
    """

    name: str
    seed: Seed
    frames: list[Frame]
    link_type: int = ETHERNET_LINK
    changes: dict[str, Any] = field(default_factory=dict)
    sessions: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class File:
    """A whole file, where its form is the point; ``name`` has the suffix."""

    name: str
    seed: Seed
    content: bytes
    changes: dict[str, Any] = field(default_factory=dict)


HIDDEN: dict[str, Any] = {
    "mechanism": None,
    "initial_response": None,
    "username": None,
    "outcome": "unknown",
    "auth_code": None,
    "auth_attempts": [],
    "auth_hidden": True,
}
"""The label of a session in which AUTH took place, but the capture does not show it."""
