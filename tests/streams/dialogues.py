"""Strategies: a conversation as two hosts hold it, and all that a network and a capture do to it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from hypothesis import strategies as st

from analyzer.packets.segments import ACK, FIN, PSH, RST, SYN
from analyzer.streams import CLIENT, SERVER
from tests.streams.packets import MODULUS, SECOND, Endpoint, Packet, Script, timed

STREAMS = tuple(hashlib.shake_256(name).digest(1 << 16) for name in (b"client", b"server"))
"""What each side says; a byte out of its place shows."""

ENDS = [
    (Endpoint("10.10.0.103", 35878), Endpoint("10.10.0.11", 587)),
    (Endpoint("10.10.0.11", 35878), Endpoint("10.10.0.103", 587)),
    (Endpoint("2001:db8::67", 35878), Endpoint("2001:db8::b", 25)),
    (Endpoint("10.10.0.11", 35878), Endpoint("10.10.0.11", 587)),
    (Endpoint("10.10.0.11", 587), Endpoint("10.10.0.103", 587)),
    (Endpoint("10.10.0.11", 65535), Endpoint("10.10.0.11", 65534)),
]
ISNS = st.sampled_from([0, 1, 2**31 - 8, 2**31, 2**32 - 1, 2**32 - 2, 2**32 - 30]) | st.integers(0, 2**32 - 1)
# Strategies that are drawn from packet by packet; to make them anew each time takes longer than to draw.
SIDES = st.sampled_from([SERVER, SERVER, SERVER, CLIENT])
SIZES = st.lists(st.integers(1, 40) | st.sampled_from([1, 1448, 3000]), min_size=1, max_size=4)
KINDS = st.sampled_from(["copy", "repack", "lie", "keep-alive", "keep-alive without data"])
LOSSES = st.sampled_from(["some", "some", "some", "direction", "beginning", "end"])
CHANGES = st.sampled_from(["seq", "ack", "both", "flags", "cut", "new"])
SHIFTS = st.integers(-70, 70) | st.sampled_from(
    [2**30 - 1, 2**30, 2**31 - 1, 2**31, 2**31 + 1, 2**32 - 2**30, 2**32 - 2**30 - 1]
)
FLAGS = st.sampled_from([0, SYN, SYN | ACK, FIN | ACK, RST, RST | ACK, ACK, 0x1F])
PAUSES = st.sampled_from([2, 59, 61, 119, 121, 899, 901, 1801])
ENDINGS = ("client", "server", "both at once", "half-close", "reset by client", "reset by server", "none")


@dataclass(frozen=True)
class Dialogue:
    """One connection.

    Attributes:
        packets: as they were sent, without times.
        turns: who said how many bytes, in the order in which it was said.
        said: what each side said in all.
        isns: initial sequence numbers.
        ended: by FINs or a RST.
    """

    packets: tuple[Packet, ...]
    turns: tuple[tuple[int, bytes], ...]
    said: tuple[bytes, bytes]
    isns: tuple[int, int]
    ends: tuple[Endpoint, Endpoint]
    ended: bool

    def side(self, packet: Packet) -> int:
        return self.ends.index(packet.src)

    def place(self, packet: Packet) -> int:
        """Offset of a segment's first byte in what its side said."""
        return (packet.seq - self.isns[self.side(packet)] - 1) % MODULUS


@st.composite
def dialogues(
    draw: st.DrawFn,
    *,
    endings: Sequence[str] = ENDINGS,
    max_turns: int = 7,
    ends: Sequence[tuple[Endpoint, Endpoint]] = ENDS,
    isns: tuple[st.SearchStrategy[int], st.SearchStrategy[int]] = (ISNS, ISNS),
) -> Dialogue:
    hosts = draw(st.sampled_from(ends))
    first = (draw(isns[CLIENT]), draw(isns[SERVER]))
    tape = Script(first, hosts).open()
    if draw(st.integers(0, 4)) == 0:
        tape.packets.pop()  # the handshake's last acknowledgement rides on data
    side = draw(SIDES)
    at = [0, 0]
    turns = []
    for _ in range(draw(st.integers(0, max_turns))):
        for size in draw(SIZES):
            data = STREAMS[side][at[side] : at[side] + size]
            at[side] += size
            tape.send(side, data)
            turns.append((side, data))
            if draw(st.integers(0, 2)) == 0:
                tape.send(1 - side)
        side = 1 - side
    ending = draw(st.sampled_from(endings))
    if ending in ("client", "server"):
        tape.close(CLIENT if ending == "client" else SERVER)
    elif ending == "both at once":
        acks = tuple(tape.next)
        tape.send(CLIENT, flags=FIN | ACK)
        tape.send(SERVER, flags=FIN | ACK, ack=acks[CLIENT])
        tape.send(CLIENT)
        tape.send(SERVER)
    elif ending == "half-close":
        tape.send(CLIENT, flags=FIN | ACK)
        data = STREAMS[SERVER][at[SERVER] : at[SERVER] + 20]
        at[SERVER] += 20
        turns.append((SERVER, data))
        tape.send(SERVER, data)
        tape.send(SERVER, flags=FIN | ACK)
        tape.send(CLIENT)
    elif ending.startswith("reset"):
        tape.abort(CLIENT if ending == "reset by client" else SERVER)
    said = (STREAMS[CLIENT][: at[CLIENT]], STREAMS[SERVER][: at[SERVER]])
    return Dialogue(tuple(tape.packets), merged(turns), said, first, hosts, ending != "none")


def merged(turns: Sequence[tuple[int, bytes]]) -> tuple[tuple[int, bytes], ...]:
    """Consecutive pieces of one side as one turn."""
    result: list[tuple[int, bytes]] = []
    for side, data in turns:
        if result and result[-1][0] == side:
            result[-1] = (side, result[-1][1] + data)
        else:
            result.append((side, data))
    return tuple(result)


@st.composite
def swapped(draw: st.DrawFn, packets: Sequence[Packet], *, window: int = 4, keep: int = 0) -> list[Packet]:
    """Each packet captured up to ``window`` places too late; the first ``keep`` stay where they are."""
    late = [0] * keep + [draw(st.integers(0, window)) for _ in packets[keep:]]
    order = sorted(range(len(packets)), key=lambda i: (i + late[i] + 0.5 * (late[i] > 0), i))
    return [packets[i] for i in order]


@st.composite
def repeated(draw: st.DrawFn, dialogue: Dialogue, packets: Sequence[Packet], *, lies: bool = True) -> list[Packet]:
    """Some packets captured or sent again: the same, cut differently, keep-alives, and later copies that differ."""
    result = list(packets)
    for _ in range(draw(st.integers(0, 5))):
        at = draw(st.integers(0, len(result) - 1))
        packet = result[at]
        side = dialogue.side(packet)
        place = dialogue.place(packet)
        kind = draw(KINDS)
        later = min(len(result), at + 1 + draw(st.integers(0, 6)))
        if kind == "copy" or (kind == "lie" and not lies) or not packet.data or packet.flags & (SYN | FIN | RST):
            result.insert(later, packet)
            continue
        if kind.startswith("keep-alive"):
            # Probes come from a side that has nothing unacknowledged: everything it said is long there.
            probe = replace(packet, seq=(packet.seq + len(packet.data) - 1) % MODULUS, flags=ACK, data=b"")
            if kind == "keep-alive":
                probe = replace(probe, data=packet.data[-1:])
            result.insert(later, probe)
            continue
        begin = max(0, place - draw(st.integers(0, 50)))
        end = draw(st.integers(place + 1, place + len(packet.data)))
        data = dialogue.said[side][begin:end]
        if kind == "lie":
            # Only bytes captured before may be told differently: the first copy is the true one.
            data = bytes(byte ^ 0x20 for byte in data)
        copy = replace(packet, seq=(dialogue.isns[side] + 1 + begin) % MODULUS, data=data, flags=ACK | PSH)
        result.insert(later, copy)
    return result


@st.composite
def lost(draw: st.DrawFn, packets: Sequence[Packet]) -> list[Packet]:
    """The capture misses some packets, or one direction, or the beginning, or the end."""
    kind = draw(LOSSES)
    if kind == "direction":
        src = draw(st.sampled_from([packets[0].src, packets[0].dst]))
        return [packet for packet in packets if packet.src == src]
    if kind == "beginning":
        return list(packets[draw(st.integers(0, len(packets))) :])
    if kind == "end":
        return list(packets[: draw(st.integers(0, len(packets)))])
    gone = draw(st.sets(st.integers(0, len(packets) - 1), max_size=4))
    return [packet for i, packet in enumerate(packets) if i not in gone]


@st.composite
def mangled(draw: st.DrawFn, packets: Sequence[Packet]) -> list[Packet]:
    """Fields of some packets changed to anything: forged, damaged, from another connection."""
    result = list(packets)
    for _ in range(draw(st.integers(0, 4))):
        if not result:
            break
        at = draw(st.integers(0, len(result) - 1))
        packet = result[at]
        seq, ack = draw(SHIFTS), draw(SHIFTS)
        changes = draw(CHANGES)
        if changes in ("seq", "both", "new"):
            packet = replace(packet, seq=(packet.seq + seq) % MODULUS)
        if changes in ("ack", "both"):
            packet = replace(packet, ack=(packet.ack + ack) % MODULUS)
        if changes in ("flags", "new"):
            packet = replace(packet, flags=draw(FLAGS))
        if changes == "cut" and packet.data:
            packet = replace(packet, data=packet.data[: draw(st.integers(0, len(packet.data)))], wire=len(packet.data))
        if changes == "new":
            result.insert(draw(st.integers(0, len(result))), packet)
        else:
            result[at] = packet
    return result


@st.composite
def captured(draw: st.DrawFn, packets: Sequence[Packet]) -> list[Packet]:
    """Packets with times: now and then a silence, now and then a clock that goes backwards."""
    result = timed(packets)
    for _ in range(draw(st.integers(0, 2))):
        if not result:
            break
        at = draw(st.integers(0, len(result) - 1))
        pause = draw(PAUSES) * SECOND
        result[at:] = [replace(packet, time=packet.time + pause) for packet in result[at:]]
    for _ in range(draw(st.integers(0, 1))):
        if result:
            at = draw(st.integers(0, len(result) - 1))
            result[at] = replace(result[at], time=max(1, result[at].time - draw(st.integers(0, 5 * SECOND))))
    return result


@st.composite
def mixed(draw: st.DrawFn, several: Sequence[Sequence[Packet]]) -> list[Packet]:
    """Several captures interleaved, each in its own order."""
    result: list[Packet] = []
    rest = [list(packets) for packets in several]
    while any(rest):
        chosen = draw(st.sampled_from([packets for packets in rest if packets]))
        for _ in range(draw(st.integers(1, 6))):
            if chosen:
                result.append(chosen.pop(0))
    return result
