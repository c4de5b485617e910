"""Packets that the kernel dropped, and the sessions that may lack bytes because of it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

from analyzer.inventory.session import Session

MOST_SPANS: Final = 4096
"""Stretches of time with losses that are remembered. Such stretches are as long as the capture's ticks and joined where
they touch, so this is hours of overload on and off; then the oldest are joined."""

MOST_DEVICES: Final = 1024
"""Addresses that are listed."""

MARGIN: Final = 1_000_000_000
"""Nanoseconds around a stretch: packets that were dropped then may be missed a little later."""


@dataclass(slots=True)
class _Span:
    first: int
    last: int


class Losses:
    """Which verdicts the losses touch.

    Attributes:
        packets: dropped in all, by interface.
        sessions: sessions that were open during a loss and have bytes missing, no beginning or no end.
        devices: their clients' addresses, at most :data:`MOST_DEVICES`, in order of their first appearance.
    """

    def __init__(self) -> None:
        self.packets: dict[str, int] = {}
        self.sessions = 0
        self.devices: dict[str, None] = {}
        self._spans: deque[_Span] = deque()

    def note(self, interface: str, packets: int, since: int, until: int) -> None:
        """The kernel dropped ``packets`` between ``since`` and ``until``, nanoseconds of steady time."""
        self.packets[interface] = self.packets.get(interface, 0) + packets
        spans = self._spans
        if spans and since <= spans[-1].last + MARGIN:
            spans[-1].last = max(spans[-1].last, until)
            spans[-1].first = min(spans[-1].first, since)
            return
        spans.append(_Span(since, until))
        if len(spans) > MOST_SPANS:
            oldest = spans.popleft()
            spans[0].first = oldest.first

    def forget_before(self, moment: int) -> None:
        """No open session is older than ``moment``: losses before that cannot touch any more."""
        while self._spans and self._spans[0].last + MARGIN < moment:
            self._spans.popleft()

    def look(self, session: Session) -> None:
        """Count ``session``, which is over and told in steady time, if a loss may have touched it."""
        if session.complete or not self._spans:
            return
        if any(span.first - MARGIN <= session.end and session.start <= span.last + MARGIN for span in self._spans):
            self.sessions += 1
            if len(self.devices) < MOST_DEVICES:
                self.devices[session.client_ip] = None
