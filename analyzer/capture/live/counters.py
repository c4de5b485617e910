"""What a live capture has seen and lost, interface by interface."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["up", "down", "gone"]


@dataclass(frozen=True, slots=True)
class InterfaceCounters:
    """One interface, from the beginning of the capture until now.

    Attributes:
        name: as the system calls it.
        state: ``up``; ``down`` (switched off, or no carrier: the cable is out); ``gone`` (there is none of that name).
        received: frames that passed the filter and were handed out in batches.
        dropped: frames that passed the filter and for which the kernel had no room, since the reader fell behind.
        truncated: frames of ``received`` that were longer than the capture can hold, and are cut.
        last_frame: when the last frame came, nanoseconds since 1970-01-01 UTC, or ``None``.
        problem: why nothing is read from an interface that exists, one line for the user, or ``None``.
    """

    name: str
    state: State
    received: int
    dropped: int
    truncated: int
    last_frame: int | None
    problem: str | None = None
