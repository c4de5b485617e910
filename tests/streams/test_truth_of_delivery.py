"""What is delivered against what was said: all of it when all was captured, and every hole marked when not."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from analyzer.packets.segments import ACK, FIN, RST, SYN
from analyzer.streams import CLIENT, SERVER
from tests.streams.dialogues import Dialogue, dialogues, lost, repeated, swapped
from tests.streams.packets import MODULUS, Event, Packet, timed, track

SIDES = (CLIENT, SERVER)


def handshake(packets: list[Packet]) -> int:
    """How many packets it takes until both SYNs were captured: those stay in order."""
    return 1 + next(i for i, packet in enumerate(packets) if packet.flags & (SYN | ACK) == SYN | ACK)


@dataclass
class Side:
    """The slow, obvious model of one direction: every byte captured, at its place; the first copy wins."""

    bytes: dict[int, int]
    syn: bool = False
    fin: int | None = None
    acked: int = 0  # by the other side, as far as captured

    @property
    def contiguous(self) -> int:
        count = 0
        while count in self.bytes:
            count += 1
        return count


def model(dialogue: Dialogue, packets: list[Packet]) -> tuple[Side, Side]:
    sides = (Side({}), Side({}))
    for packet in packets:
        number = dialogue.side(packet)
        side, peer = sides[number], sides[1 - number]
        if packet.flags & SYN:
            side.syn = True
        elif not packet.flags & RST:
            place = dialogue.place(packet)
            for i, byte in enumerate(packet.data):
                side.bytes.setdefault(place + i, byte)
            if packet.flags & FIN:
                side.fin = place + len(packet.data)
        if packet.flags & ACK:
            peer.acked = max(peer.acked, (packet.ack - dialogue.isns[1 - number] - 1) % MODULUS)
    return sides


@st.composite
def lossless(draw: st.DrawFn) -> tuple[Dialogue, list[Packet]]:
    dialogue = draw(dialogues())
    packets = list(dialogue.packets)
    if draw(st.booleans()):
        packets = draw(repeated(dialogue, packets))
    if draw(st.booleans()):
        packets = draw(swapped(packets, window=draw(st.sampled_from([1, 3, 12])), keep=handshake(packets)))
    return dialogue, timed(packets)


@given(lossless())
@settings(max_examples=300, deadline=None)
def test_everything_captured_is_delivered_as_it_was_said(case: tuple[Dialogue, list[Packet]]) -> None:
    dialogue, packets = case
    sides = model(dialogue, packets)
    for side in SIDES:
        heard = bytes(sides[side].bytes[i] for i in range(len(dialogue.said[side])))
        assume(heard == dialogue.said[side])  # a copy that lies came first
    run = track(packets)
    if not dialogue.turns:
        assert not run.outcomes
        return
    outcome = run.only
    assert outcome.turns == list(dialogue.turns)
    assert outcome.gaps == 0
    assert outcome.complete == dialogue.ended
    assert outcome.roles_certain
    assert (outcome.client, outcome.server) == tuple((end.number, end.port) for end in dialogue.ends)


@st.composite
def lossy(draw: st.DrawFn) -> tuple[Dialogue, list[Packet]]:
    dialogue = draw(dialogues())
    packets = list(dialogue.packets)
    if draw(st.booleans()):
        packets = draw(repeated(dialogue, packets, lies=False))
    if draw(st.booleans()):
        packets = draw(swapped(packets, keep=handshake(packets)))
    packets = draw(lost(packets))
    for side in SIDES:  # a SYN's late copy, the first one lost, comes when it is no news any more
        begun = [packet for packet in packets if dialogue.side(packet) == side]
        assume(not any(packet.flags & SYN for packet in begun) or begun[0].flags & SYN)
    return dialogue, timed(packets)


def _beginning(said: bytes, events: list[Event]) -> int:
    missing = 0
    for _, _, content, _ in events:
        if isinstance(content, bytes):
            assume(said.count(content) == 1)
            return said.index(content) - missing
        missing += content or 0
    return 0


@given(lossy())
@settings(max_examples=300, deadline=None)
def test_what_is_delivered_and_what_is_missing_tile_the_stream(case: tuple[Dialogue, list[Packet]]) -> None:
    dialogue, packets = case
    sides = model(dialogue, packets)
    run = track(packets)
    if not any(side.bytes for side in sides):
        assert not run.outcomes
        return
    assume(len(run.outcomes) == 1)  # a beginning that was missed may look like a conversation of its own
    (outcome,) = run.outcomes
    by_ports = outcome.client != (dialogue.ends[CLIENT].number, dialogue.ends[CLIENT].port)
    for number in SIDES:
        side, said = sides[number], dialogue.said[number]
        mine = [event for event in outcome.events if event[1] ^ by_ports == number]
        place, holes = 0, set()
        if not side.syn:  # it began somewhere: where its first bytes are found, less what is missing before them
            place = _beginning(said, mine)
        for kind, _, content, _ in mine:
            if kind == "data":
                assert isinstance(content, bytes)
                assert content == said[place : place + len(content)], "in its place, and once"
                place += len(content)
            else:
                assert isinstance(content, int)
                holes |= set(range(place, place + content))
                place += content
        if side.syn:
            assert place >= max(side.bytes, default=-1) + 1, "nothing captured is left out"
            assert not holes & set(side.bytes), "what was captured is not called missing"


@given(lossy())
@settings(max_examples=300, deadline=None)
def test_complete_means_that_nothing_is_missing(case: tuple[Dialogue, list[Packet]]) -> None:
    dialogue, packets = case
    sides = model(dialogue, packets)
    reset = any(packet.flags & RST for packet in packets)
    whole = all(side.syn and side.contiguous == len(said) for side, said in zip(sides, dialogue.said, strict=True))
    ended = reset or all(side.fin is not None for side in sides)
    for outcome in track(packets).outcomes:
        assert outcome.complete == (whole and ended)
