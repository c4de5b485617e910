"""TCP conversations made of plain packets, batches of them, and what a tracker makes of those."""

from __future__ import annotations

import ipaddress
import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from analyzer.packets import SegmentBatch
from analyzer.packets.segments import ACK, FIN, PSH, RST, SYN
from analyzer.streams import CLIENT, SERVER, Conversation, ConversationTracker, Limits, Turns

PORTS = frozenset({25, 465, 587, 2525})
MILLISECOND, SECOND = 1_000_000, 1_000_000_000
MODULUS = 1 << 32


@dataclass(frozen=True)
class Endpoint:
    ip: str
    port: int

    @property
    def number(self) -> int:
        parsed = ipaddress.ip_address(self.ip)
        return int(parsed) | (0xFFFF << 32 if parsed.version == 4 else 0)


CLIENT_END, SERVER_END = Endpoint("10.10.0.103", 35878), Endpoint("10.10.0.11", 587)


@dataclass(frozen=True)
class Packet:
    """One captured segment; ``wire`` is its payload length on the wire when the capture cut it."""

    src: Endpoint
    dst: Endpoint
    seq: int
    ack: int
    flags: int
    data: bytes = b""
    wire: int | None = None
    time: int = -1
    mac: int = 0x02_00_00_00_00_01

    @property
    def length(self) -> int:
        return len(self.data) if self.wire is None else self.wire


def timed(packets: Iterable[Packet], *, start: int = SECOND, step: int = MILLISECOND) -> list[Packet]:
    """Packets without a time get one in the order in which they stand."""
    result = []
    now = start
    for packet in packets:
        now = now + step if packet.time < 0 else packet.time
        result.append(replace(packet, time=now))
    return result


def batch_of(packets: Sequence[Packet]) -> SegmentBatch:
    data = bytearray(b"\xa5")
    starts = []
    for packet in packets:
        starts.append(len(data))
        data += packet.data + b"\xa5"

    def addresses(ends: Iterable[Endpoint]) -> np.ndarray[tuple[int, int], np.dtype[np.uint64]]:
        return np.array([divmod(end.number, 1 << 64) for end in ends], np.uint64).reshape(-1, 2)

    return SegmentBatch(
        data=np.frombuffer(bytes(data), np.uint8),
        time=np.array([p.time for p in packets], np.int64),
        source=np.zeros(len(packets), np.int32),
        src=addresses(p.src for p in packets),
        dst=addresses(p.dst for p in packets),
        sport=np.array([p.src.port for p in packets], np.uint16),
        dport=np.array([p.dst.port for p in packets], np.uint16),
        seq=np.array([p.seq % MODULUS for p in packets], np.uint32),
        ack=np.array([p.ack % MODULUS for p in packets], np.uint32),
        flags=np.array([p.flags for p in packets], np.uint8),
        start=np.array(starts, np.int64),
        length=np.array([len(p.data) for p in packets], np.int64),
        wire=np.array([p.length for p in packets], np.int64),
        src_mac=np.array([p.mac for p in packets], np.uint64),
        dst_mac=np.array([p.mac + 1 for p in packets], np.uint64),
        ttl=np.full(len(packets), 64, np.uint8),
    )


Event = tuple[str, int, bytes | int | None, int]
"""``("data", side, bytes, time)`` or ``("gap", side, size, time)``."""


class Recorder:
    """A listener that keeps what it hears; consecutive data of a side become one piece."""

    def __init__(self, conversation: Conversation) -> None:
        self.events: list[Event] = []
        self.from_start = any(direction.first is not None for direction in conversation.directions)

    def turns(self, turns: Turns) -> None:
        for turn, (side, length, head, time) in enumerate(
            zip(turns.sides, turns.lengths, turns.heads, turns.times, strict=True)
        ):
            data = turns.payload(turn)
            assert data, "empty pieces say nothing"
            assert isinstance(data, bytes)
            assert length == len(data)
            assert head in (0, int.from_bytes(data[:8], "big"))
            if self.events:
                kind, last, known, since = self.events[-1]
                if (kind, last) == ("data", side) and isinstance(known, bytes):
                    self.events[-1] = ("data", int(side), known + data, since)
                    continue
            self.events.append(("data", int(side), data, time))

    def gap(self, side: int, size: int | None, time: int) -> None:
        assert size is None or size > 0
        self.events.append(("gap", int(side), size, time))


@dataclass
class Outcome:
    """One conversation as it was handed over."""

    client: tuple[int, int]
    server: tuple[int, int]
    events: list[Event]
    start: int
    end: int
    complete: bool
    reset: bool
    gaps: int
    roles_certain: bool
    macs: tuple[int | None, int | None]
    seen: tuple[bool, ...]
    began: tuple[bool, ...]
    from_start: bool
    payload: tuple[int, ...]
    oddities: dict[str, int]

    @classmethod
    def of(cls, conversation: Conversation, recorder: Recorder) -> Outcome:
        directions = conversation.directions
        assert conversation.held_bytes == 0
        assert not any(direction.held for direction in directions)
        return cls(
            (conversation.addresses[0], conversation.ports[0]),
            (conversation.addresses[1], conversation.ports[1]),
            recorder.events,
            conversation.start,
            conversation.end,
            conversation.complete,
            conversation.reset,
            conversation.gaps,
            conversation.roles_certain,
            conversation.macs,
            tuple(direction.seen for direction in directions),
            tuple(direction.first is not None for direction in directions),
            recorder.from_start,
            tuple(direction.payload for direction in directions),
            dict(conversation.oddities),
        )

    def said(self, side: int) -> bytes:
        """Everything a side was heard to say, holes closed."""
        return b"".join(e[2] for e in self.events if e[0] == "data" and e[1] == side and isinstance(e[2], bytes))

    @property
    def turns(self) -> list[tuple[int, bytes]]:
        return [(e[1], e[2]) for e in self.events if isinstance(e[2], bytes)]


@dataclass
class Run:
    """What a tracker made of a capture."""

    outcomes: list[Outcome]
    oddities: Counter[str]
    opened: int
    tracker: ConversationTracker = field(compare=False, repr=False)

    @property
    def only(self) -> Outcome:
        (outcome,) = self.outcomes
        return outcome


def track(
    packets: Sequence[Packet],
    cuts: Iterable[int] = (),
    *,
    in_columns: bool = True,
    limits: Limits | None = None,
    ports: frozenset[int] = PORTS,
) -> Run:
    """Run a tracker over ``packets``, cut into batches before the positions ``cuts``."""
    outcomes: list[Outcome] = []

    def closed(conversation: Conversation, listener: object) -> None:
        assert isinstance(listener, Recorder)
        outcomes.append(Outcome.of(conversation, listener))

    tracker = ConversationTracker(Recorder, closed, ports, limits, columns_from=1 if in_columns else None)
    bounds = sorted({0, len(packets), *(cut for cut in cuts if cut < len(packets))})
    for begin, end in itertools.pairwise(bounds):
        tracker.add(batch_of(packets[begin:end]))
    tracker.finish()
    assert not len(tracker)
    assert tracker._held_bytes == 0
    outcomes.sort(key=lambda outcome: (outcome.start, outcome.client, outcome.server, outcome.end))
    return Run(outcomes, tracker.oddities, tracker.opened, tracker)


class Script:
    """Writes down the packets of one connection as its two ends would send them.

    Args:
        isns: initial sequence numbers of client and server.
        ends: client and server.
    """

    def __init__(
        self, isns: tuple[int, int] = (1000, 5000), ends: tuple[Endpoint, Endpoint] = (CLIENT_END, SERVER_END)
    ) -> None:
        self.ends = ends
        self.isns = isns
        self.next = list(isns)
        self.packets: list[Packet] = []

    def send(self, side: int, data: bytes = b"", flags: int = ACK, *, ack: int | None = None) -> Packet:
        """Send what follows; acknowledges everything the other side has sent unless ``ack`` says otherwise."""
        acknowledged = (self.next[1 - side] if ack is None else ack) if flags & ACK else 0
        packet = Packet(
            self.ends[side],
            self.ends[1 - side],
            self.next[side] % MODULUS,
            acknowledged % MODULUS,
            flags | (PSH if data else 0),
            data,
        )
        self.next[side] += len(data) + bool(flags & SYN) + bool(flags & FIN)
        self.packets.append(packet)
        return packet

    def open(self) -> Script:
        self.send(CLIENT, flags=SYN)
        self.send(SERVER, flags=SYN | ACK)
        self.send(CLIENT)
        return self

    def say(self, *turns: tuple[int, bytes]) -> Script:
        for side, data in turns:
            self.send(side, data)
        return self

    def close(self, first: int = CLIENT) -> Script:
        self.send(first, flags=FIN | ACK)
        self.send(1 - first, flags=FIN | ACK)
        self.send(first)
        return self

    def abort(self, side: int = CLIENT) -> Script:
        self.send(side, flags=RST | ACK)
        return self

    def again(self, side: int, begin: int, end: int, stream: bytes, *, ack: int | None = None) -> Packet:
        """A copy of bytes ``begin`` to ``end`` of what a side said; not added to the packets."""
        return Packet(
            self.ends[side],
            self.ends[1 - side],
            (self.isns[side] + 1 + begin) % MODULUS,
            (self.next[1 - side] if ack is None else ack) % MODULUS,
            ACK | PSH,
            stream[begin:end],
        )


DIALOGUE = (
    (SERVER, b"220 mail.example.com ESMTP\r\n"),
    (CLIENT, b"EHLO copier3.example.com\r\n"),
    (SERVER, b"250-mail.example.com\r\n250 AUTH PLAIN LOGIN\r\n"),
    (CLIENT, b"MAIL FROM:<scan@example.com>\r\n"),
    (SERVER, b"250 ok\r\n"),
    (CLIENT, b"QUIT\r\n"),
    (SERVER, b"221 bye\r\n"),
)
"""One SMTP conversation, turn by turn."""


def script(isns: tuple[int, int] = (1000, 5000), ends: tuple[Endpoint, Endpoint] = (CLIENT_END, SERVER_END)) -> Script:
    """The :data:`DIALOGUE` from SYN to FIN."""
    return Script(isns, ends).open().say(*DIALOGUE).close()
