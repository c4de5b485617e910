"""One segment at a time: the path for conversations that are not plainly in order.

Two rules decide when bytes are delivered. They follow what their direction has delivered already; and their
sender had acknowledged nothing that is still missing from the other direction. The second keeps a reply behind
its command when a capture swaps packets, and shows at once when packets were lost.

Bytes that wait are given up as a gap when the receiver acknowledged them long ago (they arrived, but not here),
when too much waits behind them, or when the conversation ends. The same packets give the same result wherever
the capture was cut into batches or files, because only packets and their times decide.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from analyzer.packets.segments import ACK, FIN, RST, SYN
from analyzer.streams.conversation import NONE_HELD, Conversation, Direction, Held
from analyzer.streams.sequence import MAX_WINDOW, MODULUS, distance
from analyzer.streams.turns import TAIL_BYTES, OneTurn


@dataclass(frozen=True, slots=True)
class Patience:
    """How long bytes may wait for those before them.

    Attributes:
        segments: segments that wait in one conversation; a window of full-size segments fits.
        held_bytes: memory they take in one conversation.
        lost_segments, lost_time: the same, and nanoseconds of packet time, once the receiver has acknowledged
            the missing bytes. Captures swap packets by micro- to milliseconds, hardly by a second.
    """

    segments: int = 4096
    held_bytes: int = 4 << 20
    lost_segments: int = 64
    lost_time: int = 1_000_000_000


def receive(
    conversation: Conversation,
    side: int,
    seq: int,
    ack: int,
    flags: int,
    data: bytes,
    wire: int,
    time: int,
    patience: Patience,
) -> None:
    """Take one segment of ``side`` and deliver what has become deliverable.

    Args:
        conversation: the conversation it belongs to.
        side: its sender.
        seq, ack, flags: from the TCP header.
        data: payload bytes captured.
        wire: payload bytes on the wire, never below ``len(data)``.
        time: nanoseconds.
        patience: limits on waiting.
    """
    own, peer = conversation.directions[side], conversation.directions[1 - side]
    if flags & RST:
        _reset(conversation, side, seq, ack if flags & ACK else None)
        return
    own.seen = True
    if seq == own.next and not flags & (SYN | FIN) and _undisturbed(own, peer, ack if flags & ACK else None):
        if wire:
            _pass_on(conversation, side, Held(seq, data, wire, None, time))
        return
    if flags & SYN:
        seq = (seq + 1) % MODULUS
        _synchronise(conversation, own, seq)
    elif own.next is None:
        own.next = seq
    elif own.first is None and not own.payload and not own.held and -MAX_WINDOW < distance(seq, own.next) < 0 and wire:
        own.next = seq  # the peer's acknowledgement only hinted at where this direction stood
    acknowledged = _acknowledge(conversation, side, ack) if flags & ACK else None
    if flags & FIN and own.fin is None and not own.finished:
        own.fin = (seq + wire) % MODULUS
    if wire:
        _hold(conversation, own, Held(seq, data, wire, acknowledged, time))
    _deliver(conversation)
    if own.held or peer.held:
        _relieve(conversation, time, patience)


def _undisturbed(own: Direction, peer: Direction, ack: int | None) -> bool:
    """Nothing waits, and nothing is acknowledged that has not been delivered: most segments even here."""
    if own.held or peer.held or own.fin is not None or own.finished:
        return False
    return ack is None or (peer.next is not None and -MAX_WINDOW < distance(ack, peer.next) <= 0)


def _reset(conversation: Conversation, side: int, seq: int, ack: int | None) -> None:
    """Believe a RST that may be of this conversation; its numbers tell what was said until then."""
    own = conversation.directions[side]
    if own.next is not None and seq:  # whoever refuses a SYN has no number yet and sends 0
        ahead = distance(seq, own.next)
        if abs(ahead) >= MAX_WINDOW:
            conversation.note("rst-out-of-window")
            return
        if ahead > 0:
            own.raise_acked(seq)
    own.seen = conversation.reset = True
    if ack is not None:
        _acknowledge(conversation, side, ack)


def _acknowledge(conversation: Conversation, side: int, ack: int) -> int | None:
    """Take note of what ``side`` says it has received; ``None`` if that cannot be."""
    own, peer = conversation.directions[side], conversation.directions[1 - side]
    if peer.next is None:
        if own.first is not None and not own.payload:
            peer.next = ack  # the handshake's last packet: whatever precedes it carried no payload
        return ack
    ahead = distance(ack, peer.next)
    if abs(ahead) >= MAX_WINDOW:
        conversation.note("ack-out-of-window")
        return None
    if ahead > 0:
        peer.raise_acked(ack)
    return ack


def surrender(conversation: Conversation) -> None:
    """Deliver everything that waits, with the holes before it marked."""
    client, server = conversation.directions
    while client.held or server.held:
        _give_up(conversation)
        _deliver(conversation)


def flush(conversation: Conversation) -> None:
    """The conversation has ended: deliver what waits, and mark bytes that were acknowledged and never seen."""
    surrender(conversation)
    for side, direction in enumerate(conversation.directions):
        if not direction.seen or direction.next is None or (direction.fin is None and direction.acked is None):
            continue
        end = direction.next
        for bound in (direction.fin, direction.acked):
            if bound is not None and distance(bound, end) > 0:
                end = bound
        missing = distance(end, direction.next)
        if missing == 1 and direction.fin is None and not direction.finished:
            missing = 0  # an acknowledged FIN that was not captured
        if missing > 0:
            _gap(conversation, side, missing, conversation.end)
        if direction.fin is not None and direction.next == direction.fin:
            direction.finished = True


def _synchronise(conversation: Conversation, own: Direction, seq: int) -> None:
    fits = not own.held or 0 <= distance(own.held[0].seq, seq) < MAX_WINDOW
    if own.first is None and not own.payload and fits:
        own.next = own.first = seq
    elif own.first is None and own.origin == seq:
        own.first = seq  # captured after what it opened
    else:
        conversation.note("syn-duplicate")


def _hold(conversation: Conversation, own: Direction, segment: Held) -> None:
    """Put what is new of ``segment`` in its place among the waiting ones; the first copy of a byte wins."""
    assert own.next is not None  # noqa: S101 - receive() has set it
    base = own.next
    offset = distance(segment.seq, base)
    if offset >= MAX_WINDOW or offset + segment.wire <= -MAX_WINDOW:
        conversation.note("segment-out-of-window")
        return
    if offset < 0:
        if segment.wire == 1 and offset == -1:
            conversation.note("keep-alive")  # RFC 9293 section 3.8.4: one old byte
            return
        behind = len(own.tail) + offset + own.finished  # a FIN delivered took up one number
        _compare(conversation, own.tail[max(behind, 0) :], segment.data[max(-behind, 0) :])
        conversation.note("segment-duplicate" if offset + segment.wire <= 0 else "segment-overlap")
        if offset + segment.wire <= 0:
            return
        segment = _cut(segment, -offset, segment.wire)
    if own.finished:
        conversation.note("segment-after-fin")
        return
    place = bisect_right(own.held, distance(segment.seq, base), key=lambda held: distance(held.seq, base))
    overlapped = False
    if place:
        before = own.held[place - 1]
        covered = distance(before.seq, segment.seq) + before.wire
        if covered > 0:
            overlapped = True
            _compare(conversation, before.data[before.wire - covered :], segment.data)
            if covered >= segment.wire:
                conversation.note("segment-duplicate")
                return
            segment = _cut(segment, covered, segment.wire)
    pieces = []  # what is new, and where it goes
    at = 0
    while place < len(own.held):
        after = own.held[place]
        begins = distance(after.seq, segment.seq)
        if begins >= segment.wire:
            break
        overlapped = True
        _compare(conversation, after.data, segment.data[begins:])
        if begins > at:
            pieces.append((place, _cut(segment, at, begins)))
        at = max(at, begins + after.wire)
        place += 1
    if at < segment.wire:
        pieces.append((place, _cut(segment, at, segment.wire) if at else segment))
    if overlapped:
        conversation.note("segment-overlap" if pieces else "segment-duplicate")
    if pieces and not own.held:
        own.held = []
    for place, piece in reversed(pieces):
        own.held.insert(place, piece)
        conversation.held_bytes += piece.cost


def _cut(segment: Held, begin: int, end: int) -> Held:
    return Held((segment.seq + begin) % MODULUS, segment.data[begin:end], end - begin, segment.ack, segment.time)


def _compare(conversation: Conversation, first: bytes, second: bytes) -> None:
    common = min(len(first), len(second))
    if first[:common] != second[:common]:
        conversation.note("segment-conflict")


def _deliver(conversation: Conversation) -> None:
    """Deliver every waiting segment whose turn has come, the earliest captured first."""
    while True:
        ready = [
            (direction.held[0].time, side)
            for side, direction in enumerate(conversation.directions)
            if direction.held and not _obstacle(conversation, side)
        ]
        if not ready:
            break
        _, side = min(ready)
        direction = conversation.directions[side]
        segment = direction.held.pop(0)
        conversation.held_bytes -= segment.cost
        _pass_on(conversation, side, segment)
    for direction in conversation.directions:
        if direction.fin is not None and direction.next == direction.fin and not direction.finished:
            direction.finished = True
            direction.next = (direction.next + 1) % MODULUS
            for segment in direction.held:
                conversation.held_bytes -= segment.cost
                conversation.note("segment-after-fin")
            direction.held = NONE_HELD


def _obstacle(conversation: Conversation, side: int) -> str | None:
    """What keeps the first waiting segment of ``side`` from being delivered."""
    own, peer = conversation.directions[side], conversation.directions[1 - side]
    head = own.held[0]
    if own.next is not None and head.seq != own.next:
        return "own"
    if head.ack is not None and peer.seen and peer.next is not None and distance(head.ack, peer.next) > 0:
        return "peer"
    return None


def _pass_on(conversation: Conversation, side: int, segment: Held) -> None:
    direction = conversation.directions[side]
    direction.next = (segment.seq + segment.wire) % MODULUS
    direction.payload += len(segment.data)
    if segment.data:
        direction.tail = (direction.tail + segment.data)[-TAIL_BYTES:]
        if conversation.listener is not None:
            conversation.listener.turns(OneTurn(side, segment.data, segment.time))
    if segment.wire > len(segment.data):
        direction.next = (segment.seq + len(segment.data)) % MODULUS
        _gap(conversation, side, segment.wire - len(segment.data), segment.time)
        conversation.note("segment-cut")


def _relieve(conversation: Conversation, now: int, patience: Patience) -> None:
    """Give up missing bytes while more waits than patience allows."""
    while True:
        client, server = conversation.directions
        count = len(client.held) + len(server.held)
        if not count:
            return
        oldest = min(direction.held[0].time for direction in conversation.directions if direction.held)
        lost = any(
            direction.held and _is_lost(conversation, side) for side, direction in enumerate(conversation.directions)
        )
        over = lost and (count > patience.lost_segments or now - oldest > patience.lost_time)
        if not over and (count > patience.segments or conversation.held_bytes > patience.held_bytes):
            conversation.note("reassembly-limit")
            over = True
        if not over:
            return
        _give_up(conversation)
        _deliver(conversation)


def _is_lost(conversation: Conversation, side: int) -> bool:
    """Whether the receiver has acknowledged the bytes that ``side``'s first waiting segment waits for."""
    own = conversation.directions[side]
    obstacle = _obstacle(conversation, side)
    if obstacle == "own":
        assert own.next is not None  # noqa: S101 - an obstacle of this kind compares with it
        return own.acked is not None and distance(own.acked, own.next) > 0
    return obstacle == "peer"


def _give_up(conversation: Conversation) -> None:
    """Declare the bytes missing that the earliest waiting segment waits for."""
    waiting = [(d.held[0].time, side) for side, d in enumerate(conversation.directions) if d.held]
    _, side = min(waiting)
    own, peer = conversation.directions[side], conversation.directions[1 - side]
    head = own.held[0]
    obstacle = _obstacle(conversation, side)
    if obstacle == "own":
        assert own.next is not None  # noqa: S101
        _gap(conversation, side, distance(head.seq, own.next), head.time)
    elif obstacle == "peer":
        assert peer.next is not None  # noqa: S101 - an obstacle of this kind compares the two
        assert head.ack is not None  # noqa: S101
        until = head.ack
        for bound in (peer.held[0].seq if peer.held else None, None if peer.finished else peer.fin):
            if bound is not None and distance(bound, until) < 0:
                until = bound
        missing = distance(until, peer.next)
        if missing > 0:
            _gap(conversation, 1 - side, missing, head.time)
        else:  # the peer's own next segment waits for this side: neither can be right, so forget the claim
            head.ack = None


def _gap(conversation: Conversation, side: int, size: int, time: int) -> None:
    direction = conversation.directions[side]
    assert direction.next is not None  # noqa: S101 - gaps are measured from it
    direction.next = (direction.next + size) % MODULUS
    direction.tail = b""
    conversation.gaps += 1
    if conversation.listener is not None:
        conversation.listener.gap(side, size, time)
