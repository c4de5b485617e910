"""Segments that a live conversation cannot have sent: another one has begun between its endpoints, or they are forged.

Ports are used again, sometimes before the first connection was closed, and the capture may have missed the SYN that
would tell. What tells then is that segments which lie far from where the old conversation stands, in both
directions, continue one another. Anybody can forge one segment, and captures hold all kinds of strays; so what
is in doubt is kept until enough of it has come, and read from its first segment on if it proves true.
"""

from __future__ import annotations

from typing import NamedTuple

from analyzer.packets.segments import ACK, FIN, RST, SYN
from analyzer.streams.sequence import LATE_WINDOW, MODULUS, distance

HELD_OVERHEAD = 256
"""Bytes of memory that a waiting segment takes beyond its payload."""

ENOUGH = 6
"""Segments in a row, continuing one another, that prove another conversation. A SYN needs only one that answers or uses
it. Where a transparent proxy keeps both hosts' addresses, two connections with the same endpoints are alive at once;
they take turns after two to four segments, and must not be taken for one another's successors."""

LIKELY = 2
"""Segments continuing one another that are told as another conversation if the old one ends, or goes on, before there
are :data:`ENOUGH` to end it."""

MOST = 32
"""Segments kept in doubt; more have not proved anything, as between two connections that take turns."""

FORGET = 16
"""Segments of the old conversation after which nothing is in doubt any more."""


class Segment(NamedTuple):
    """One segment, apart from the batch that it came in.

    Attributes:
        down: its sender is the higher of the two endpoints.
        seq, ack, flags: from the TCP header.
        data: payload bytes captured.
        wire: payload bytes on the wire.
        time: nanoseconds.
        source: index of the input.
        src_mac, dst_mac: 48-bit numbers or ``NO_MAC``.
        ttl: time to live or hop limit.
    """

    down: bool
    seq: int
    ack: int
    flags: int
    data: bytes
    wire: int
    time: int
    source: int
    src_mac: int
    dst_mac: int
    ttl: int

    @property
    def cost(self) -> int:
        """Bytes of memory it takes."""
        return HELD_OVERHEAD + len(self.data)

    @property
    def end(self) -> int:
        """Sequence number of what follows it."""
        if self.flags & RST:  # its text is no part of the stream
            return self.seq
        return (self.seq + self.wire + bool(self.flags & SYN) + bool(self.flags & FIN)) % MODULUS

    @property
    def oddity(self) -> str:
        """What it is called once it has proved to be a stray."""
        if self.flags & SYN:
            return "syn-duplicate"
        return "segment-out-of-window" if self.wire else "ack-out-of-window"


class Doubt:
    """What may be the beginning of another conversation.

    Attributes:
        segments: in capture order, never none.
        cost: bytes of memory they take.
    """

    __slots__ = ("_advances", "_both", "_in_a_row", "_since", "_tips", "cost", "segments")

    def __init__(self, first: Segment) -> None:
        self.segments = [first]
        self.cost = first.cost
        self._tips: list[int | None] = [None, None]  # what comes next, of the lower and of the higher endpoint
        self._tips[first.down] = first.end
        if first.flags & ACK:
            self._tips[not first.down] = first.ack
        self._both = False  # endpoints were heard
        self._advances = self._in_a_row = 1  # segments that went further than those before
        self._since = 0  # segments of the old conversation since the last one here

    def takes(self, segment: Segment) -> bool:
        """Whether ``segment`` may be of the same conversation: near in every direction in which that can be told."""
        near = [abs(distance(number, tip)) < LATE_WINDOW for number, tip in self._compared(segment) if tip is not None]
        return bool(near) and all(near)

    def meets(self, segment: Segment) -> bool:
        """Whether ``segment`` is just what must follow the SYN that all this began with."""
        if not self.segments[0].flags & SYN:
            return False
        hits = [number == tip for number, tip in self._compared(segment) if tip is not None]
        return bool(hits) and all(hits)

    def add(self, segment: Segment) -> None:
        """Keep a segment that it takes."""
        own = segment.down
        advances = own != self.segments[0].down and not self._both
        self._both |= advances
        for side, number in ((own, segment.end), (not own, segment.ack if segment.flags & ACK else None)):
            tip = self._tips[side]
            if number is not None and (tip is None or distance(number, tip) > 0):
                self._tips[side] = number
                advances = True
        self._advances += advances
        self._in_a_row += advances
        self._since = 0
        self.segments.append(segment)
        self.cost += segment.cost

    def interrupt(self) -> bool:
        """The old conversation goes on. Returns whether nothing is in doubt any more."""
        self._in_a_row = 0
        self._since += 1
        return self._since > FORGET

    @property
    def full(self) -> bool:
        """It holds as much as it may."""
        return len(self.segments) >= MOST

    @property
    def proven(self) -> bool:
        """Another conversation has begun."""
        opened = self.segments[0].flags & SYN and self._advances >= LIKELY
        return bool(opened) or self._in_a_row >= ENOUGH

    @property
    def likely(self) -> bool:
        """They are another conversation's, be it one that has begun or one that goes on beside the old one."""
        return self._advances >= LIKELY

    def _compared(self, segment: Segment) -> list[tuple[int, int | None]]:
        """Numbers of ``segment``, each with what it should be."""
        pairs = [(segment.seq, self._tips[segment.down])]
        if segment.flags & ACK:
            pairs.append((segment.ack, self._tips[not segment.down]))
        return pairs
