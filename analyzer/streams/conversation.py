"""A TCP conversation: who talks to whom, how far each direction has been delivered, and who listens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, cast

from analyzer.packets.segments import NO_MAC
from analyzer.streams.doubt import HELD_OVERHEAD, Doubt, Segment
from analyzer.streams.keys import endpoints
from analyzer.streams.sequence import LATE_WINDOW, MAX_WINDOW, MODULUS, distance

CLIENT, SERVER = 0, 1
"""Sides of a conversation, as they index :attr:`Conversation.directions`."""

_NO_MAC = int(NO_MAC)


class Turns(Protocol):
    """A stretch of one conversation: what its sides said, in order, each turn as one piece."""

    @property
    def sides(self) -> Sequence[int]:
        """Who said it, :data:`CLIENT` or :data:`SERVER`. A side may well go on in the next turn."""

    @property
    def lengths(self) -> Sequence[int]:
        """Bytes of each turn."""

    @property
    def heads(self) -> Sequence[int]:
        """First eight bytes as a big-endian number; 0 where they were not captured in one segment."""

    @property
    def times(self) -> Sequence[int]:
        """When the first packet of each was captured, nanoseconds."""

    def payload(self, turn: int) -> bytes:
        """All bytes of a turn; never empty. To be asked for before :meth:`Listener.turns` returns."""


class Listener(Protocol):
    """What a conversation is delivered to: ordered bytes of both sides, holes marked.

    A side's bytes arrive in sequence, in pieces of any size; and a piece arrives only after everything that its
    sender had acknowledged, so that a reply follows its command whatever order the packets were captured in.
    """

    def turns(self, turns: Turns) -> None:
        """Each follows what its side said before."""

    def gap(self, side: int, size: int | None, time: int) -> None:
        """``size`` bytes of this side are missing; ``None`` when nobody can know how many."""


class Direction:
    """One direction of a conversation.

    Attributes:
        next: sequence number of the next byte to deliver, modulo 2**32; ``None`` until known.
        first: sequence number of the first byte, from this direction's SYN; ``None`` when that was not captured.
        seen: at least one segment of this direction was captured.
        acked: highest acknowledgement from the peer that lay beyond ``next``: what the peer has and we may not.
        fin: sequence number of the FIN, or ``None`` before one was seen.
        finished: everything up to the FIN was delivered.
        held: segments that wait for bytes before them, see :mod:`.reassembly`; a list only once there have been any.
        tail: last bytes delivered, to compare late copies with.
        payload: payload bytes delivered.
    """

    __slots__ = ("acked", "fin", "finished", "first", "held", "next", "payload", "seen", "tail")

    def __init__(self) -> None:
        self.next: int | None = None
        self.first: int | None = None
        self.seen = False
        self.acked: int | None = None
        self.fin: int | None = None
        self.finished = False
        self.held = NONE_HELD
        self.tail = b""
        self.payload = 0

    def raise_acked(self, seq: int) -> None:
        """The peer's acknowledgements went as far as ``seq``, which lies beyond :attr:`next`."""
        if self.acked is None or distance(seq, self.acked) > 0:
            self.acked = seq

    @property
    def behind(self) -> bool:
        """Whether the peer acknowledged something that was not captured."""
        return self.seen and self.acked is not None and self.next is not None and distance(self.acked, self.next) > 0

    def ahead(self, number: int) -> int:
        """How far sequence number ``number`` lies beyond :attr:`next`, which must be known."""
        assert self.next is not None  # noqa: S101 - see above
        return distance(number, self.next)

    def lies_off(self, number: int) -> bool:
        """Whether sequence number ``number`` is near nothing of this direction; :attr:`next` must be known."""
        if -self.payload - LATE_WINDOW < self.ahead(number) < LATE_WINDOW:
            return False
        if not self.held and self.fin is None and self.acked is None:
            return True
        waiting = self.held[-1].seq + self.held[-1].wire if self.held else None
        beyond = [bound for bound in (self.acked, self.fin, waiting) if bound is not None and self.ahead(bound) > 0]
        return all(abs(distance(number, bound)) >= LATE_WINDOW for bound in beyond)

    @property
    def origin(self) -> int | None:
        """Sequence number of the first byte delivered, provided that nothing is missing since."""
        return None if self.next is None else (self.next - self.payload - self.finished) % MODULUS


@dataclass(slots=True)
class Held:
    """A segment that waits.

    Attributes:
        seq: sequence number of its first byte.
        data: payload bytes captured.
        wire: payload bytes on the wire.
        ack: what its sender had acknowledged, or ``None``.
        time: nanoseconds.
    """

    seq: int
    data: bytes
    wire: int
    ack: int | None
    time: int

    @property
    def cost(self) -> int:
        """Bytes of memory it takes: a flood of empty or tiny segments would be free if only payload counted."""
        return HELD_OVERHEAD + len(self.data)


NONE_HELD = cast("list[Held]", ())
"""Most directions never hold anything, and a list of its own would take as much memory as all the rest of one."""


class Conversation:
    """One TCP connection between two endpoints.

    Attributes:
        key: the two endpoints, see :mod:`.keys`.
        ttl: of the client's first segment, or ``None``.
        flipped: the client is the higher of the two endpoints.
        source: index of the input in which it began.
        roles_certain: a SYN told who is the client; otherwise the port did, and content may know better.
        start: nanoseconds of the first segment.
        end: of the last one that was more than an acknowledgement.
        heard: of the last one.
        directions: client's and server's.
        listener: receives the bytes; ``None`` until there are any, and after closing.
        held_bytes: memory of what waits for reassembly in both directions.
        gaps: stretches of bytes known to be missing.
        doubt: segments that may have begun another conversation between the same endpoints.
        reset: a RST ended it.
    """

    # Hundreds of thousands may be open at once: what can be told from something else is not kept.
    __slots__ = (
        "_client_mac",
        "_oddities",
        "_server_mac",
        "directions",
        "doubt",
        "end",
        "flipped",
        "gaps",
        "heard",
        "held_bytes",
        "key",
        "listener",
        "reset",
        "roles_certain",
        "source",
        "start",
        "ttl",
    )

    def __init__(self, key: bytes, opening: Segment, *, flipped: bool, roles_certain: bool) -> None:
        """``opening`` is its first segment."""
        self.key = key
        self.flipped = flipped
        self.roles_certain = roles_certain
        self.start = self.end = self.heard = opening.time
        self.source = opening.source
        self.ttl: int | None = None
        if opening.down == flipped:
            self._client_mac, self._server_mac = opening.src_mac, opening.dst_mac
            self.ttl = opening.ttl
        else:
            self._client_mac, self._server_mac = opening.dst_mac, opening.src_mac
        self.directions = (Direction(), Direction())
        self.listener: Listener | None = None
        self.held_bytes = 0
        self.gaps = 0
        self.reset = False
        self.doubt: Doubt | None = None
        self._oddities: dict[str, int] | None = None

    @property
    def addresses(self) -> tuple[int, int]:
        """128-bit numbers of client and server, IPv4 mapped."""
        (low, _), (high, _) = endpoints(self.key)
        return (high, low) if self.flipped else (low, high)

    @property
    def ports(self) -> tuple[int, int]:
        """Of client and server."""
        (_, low), (_, high) = endpoints(self.key)
        return (high, low) if self.flipped else (low, high)

    @property
    def macs(self) -> tuple[int | None, int | None]:
        """48-bit numbers or ``None``, of client and server, from the first segment."""
        client, server = self._client_mac, self._server_mac
        return None if client == _NO_MAC else client, None if server == _NO_MAC else server

    @property
    def oddities(self) -> dict[str, int]:
        """Named, counted peculiarities of the transport."""
        return self._oddities or {}

    def note(self, oddity: str) -> None:
        """Count one occurrence of ``oddity``."""
        if self._oddities is None:
            self._oddities = {}
        self._oddities[oddity] = self._oddities.get(oddity, 0) + 1

    @property
    def calm(self) -> bool:
        """Nothing waits, is missing or has ended: what comes next may well be in order."""
        if self.reset or self.doubt is not None:
            return False
        for direction in self.directions:
            if direction.held or direction.fin is not None or direction.finished:
                return False
            if direction.acked is not None and direction.behind:
                return False
        return True

    def is_foreign(self, side: int, seq: int, ack: int | None) -> bool:
        """Whether a segment cannot be of this conversation: what it says and what it acknowledges lie far off.

        One of the two alone is far off when much was lost, when a firewall writes sequence numbers anew, or when
        either is damaged.

        Args:
            side: its sender.
            seq: its sequence number.
            ack: what it acknowledges, if it does.
        """
        pairs = ((self.directions[side], seq), (self.directions[1 - side], ack))
        told = [(of, number) for of, number in pairs if number is not None and of.next is not None]
        if not told or not all(of.lies_off(number) for of, number in told):
            return False
        # Much may have been lost: where only one of them is known, what a window might hold is not foreign.
        return len(told) == 2 or not 0 < told[0][0].ahead(told[0][1]) < MAX_WINDOW

    @property
    def complete(self) -> bool:
        """Both directions were seen from SYN to the end, and nothing is missing between."""
        client, server = self.directions
        ended = self.reset or (client.finished and server.finished)
        whole = not (self.gaps or client.behind or server.behind)
        return ended and client.first is not None and server.first is not None and whole
