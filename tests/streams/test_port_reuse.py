"""Another conversation between the endpoints of one that was never closed, and segments that only look like one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from analyzer.packets.segments import ACK, FIN, PSH, RST, SYN
from analyzer.streams import CLIENT, SERVER, ConversationTracker, Limits
from analyzer.streams.doubt import ENOUGH, FORGET, HELD_OVERHEAD, LIKELY, MOST
from analyzer.streams.sequence import LATE_WINDOW, MAX_WINDOW
from tests.streams.dialogues import dialogues, lost, repeated, swapped
from tests.streams.packets import (
    CLIENT_END,
    DIALOGUE,
    MODULUS,
    PORTS,
    SECOND,
    SERVER_END,
    Packet,
    Recorder,
    Run,
    Script,
    batch_of,
    timed,
    track,
)

BOTH_PATHS = pytest.mark.parametrize("in_columns", [True, False], ids=["columns", "one by one"])
TURNS = list(DIALOGUE)
FIRST_ISNS, SECOND_ISNS = (1000, 5000), (900_000_000, 3_000_000_000)
FAR = [LATE_WINDOW + 10_000, 78_000_000, MAX_WINDOW + 10_000, 2**31, -MAX_WINDOW, -78_000_000, -LATE_WINDOW - 10_000]
"""Distances of a second conversation's numbers: a clock's ticks after the first, or anything."""


def result(packets: Sequence[Packet], *, in_columns: bool = True, limits: Limits | None = None) -> Run:
    """What the tracker makes of ``packets``, the same whole and packet by packet."""
    run = track(packets, in_columns=in_columns, limits=limits)
    assert run == track(packets, range(len(packets)), in_columns=in_columns, limits=limits)
    return run


def turns(run: Run) -> list[list[tuple[int, bytes]]]:
    return [outcome.turns for outcome in run.outcomes]


def unclosed() -> Script:
    return Script(FIRST_ISNS).open().say(*DIALOGUE)


def second(isns: tuple[int, int] = SECOND_ISNS) -> Script:
    return Script(isns).open().say(*DIALOGUE)


def side_of(packet: Packet) -> int:
    return CLIENT if packet.src == CLIENT_END else SERVER


# --- another conversation -----------------------------------------------------------------------


@BOTH_PATHS
@pytest.mark.parametrize("client", FAR)
@pytest.mark.parametrize("server", FAR)
@pytest.mark.parametrize("missing", [1, 2, 3])
def test_it_is_heard_from_its_first_segment_on_whatever_of_its_beginning_is_missing(
    client: int, server: int, missing: int, in_columns: bool
) -> None:
    isns = ((FIRST_ISNS[CLIENT] + client) % MODULUS, (FIRST_ISNS[SERVER] + server) % MODULUS)
    packets = timed([*unclosed().packets, *second(isns).packets[missing:]])
    run = result(packets, in_columns=in_columns)
    assert turns(run) == [TURNS, TURNS]
    assert [outcome.gaps for outcome in run.outcomes] == [0, 0]
    assert [outcome.oddities for outcome in run.outcomes] == [{}, {}]
    assert run.outcomes[1].start == packets[len(unclosed().packets)].time
    assert run.outcomes[0].end < run.outcomes[1].start


@BOTH_PATHS
@pytest.mark.parametrize("side", [CLIENT, SERVER])
@pytest.mark.parametrize("before", ["both directions", "the same direction"])
def test_one_direction_of_it_is_enough(side: int, before: str, in_columns: bool) -> None:
    old = [p for p in unclosed().packets if before == "both directions" or side_of(p) == side]
    new = [p for p in second().packets[3:] if side_of(p) == side]
    run = result(timed([*old, *new]), in_columns=in_columns)
    assert [outcome.said(side) for outcome in run.outcomes] == [b"".join(d for s, d in TURNS if s == side)] * 2


@BOTH_PATHS
@pytest.mark.parametrize("side", [CLIENT, SERVER])
def test_one_direction_that_began_before_the_capture(side: int, in_columns: bool) -> None:
    old = [p for p in unclosed().packets[3:] if side_of(p) == side]
    new = [p for p in second((2**31, 2**31)).packets[3:] if side_of(p) == side]
    run = result(timed([*old, *new]), in_columns=in_columns)
    assert [outcome.said(side) for outcome in run.outcomes] == [b"".join(d for s, d in TURNS if s == side)] * 2


@BOTH_PATHS
def test_syn_ack_with_a_new_number_needs_one_segment_more(in_columns: bool) -> None:
    new = second().packets[1:]
    assert result(timed([*unclosed().packets, *new[:1]]), in_columns=in_columns).opened == 1
    run = result(timed([*unclosed().packets, *new[:2]]), in_columns=in_columns)
    assert run.opened == 2
    assert turns(run) == [TURNS], "nothing was said in the second"


@BOTH_PATHS
def test_server_that_answers_a_repeated_syn_with_another_number(in_columns: bool) -> None:
    first, again = Script((1000, 5000)), Script((1000, 2_000_000_000)).open().say(*DIALOGUE).close()
    first.send(CLIENT, flags=SYN)
    first.send(SERVER, flags=SYN | ACK)
    run = result(timed([*first.packets, *again.packets]), in_columns=in_columns)
    assert run.only.turns == TURNS
    assert run.only.gaps == 0


@BOTH_PATHS
def test_syn_is_believed_when_the_server_speaks_next(in_columns: bool) -> None:
    new = second().packets
    run = result(timed([*unclosed().packets, new[0], *new[3:]]), in_columns=in_columns)
    assert turns(run) == [TURNS, TURNS]
    assert run.outcomes[1].began == (True, False)


@BOTH_PATHS
@pytest.mark.parametrize("ending", ["input", "silence", "reset", "eviction", "third"])
@pytest.mark.parametrize("count", [1, LIKELY, ENOUGH - 1])
def test_few_segments_of_it_are_believed_when_the_old_one_is_over(ending: str, count: int, in_columns: bool) -> None:
    old, limits = unclosed(), None
    packets = timed([*old.packets, *second().packets[3 : 3 + count]])
    if ending == "silence":
        late = Script((77, 88)).send(CLIENT, b"EHLO late\r\n")
        packets.append(replace(late, time=packets[-1].time + 901 * SECOND))
    elif ending == "reset":
        packets.append(replace(old.abort().packets[-1], time=packets[-1].time + 1))
    elif ending == "eviction":
        limits = Limits(conversations=0)
    elif ending == "third":
        packets += timed(second((2**31, 2**31)).packets, start=packets[-1].time)
    run = track(packets, range(0, len(packets), 5) if ending == "silence" else (), in_columns=in_columns, limits=limits)
    if ending == "silence":
        assert run.outcomes.pop().turns == [(CLIENT, b"EHLO late\r\n")]
    if ending == "third":
        assert run.outcomes.pop().turns == TURNS
    if count < LIKELY:
        assert turns(run) == [TURNS]
        assert run.only.oddities == {"segment-out-of-window": count}
    else:
        assert turns(run) == [TURNS, TURNS[:count]]
        assert run.outcomes[0].oddities == {}


@BOTH_PATHS
def test_many_conversations_one_after_the_other_none_of_them_closed(in_columns: bool) -> None:
    packets = []
    for i in range(12):
        packets += second(((i * 1_900_000_000) % MODULUS, (i * 2_700_000_000) % MODULUS)).packets[1 + i % 3 :]
    run = result(timed(packets), in_columns=in_columns)
    assert turns(run) == [TURNS] * 12


# --- what only looks like one -------------------------------------------------------------------


def forged(tape: Script, side: int, flags: int, data: bytes, seq: int, ack: int) -> Packet:
    ends = (CLIENT_END, SERVER_END)
    numbers = (tape.next[side] + seq) % MODULUS, (tape.next[1 - side] + ack) % MODULUS
    return Packet(ends[side], ends[1 - side], *numbers, flags, data)


KINDS = [(ACK | PSH, b"QUIT\r\n"), (ACK, b""), (SYN | ACK, b""), (SYN, b""), (FIN | ACK, b""), (ACK, b"x")]


@BOTH_PATHS
@pytest.mark.parametrize("side", [CLIENT, SERVER])
@pytest.mark.parametrize(("flags", "data"), KINDS)
@pytest.mark.parametrize("far", FAR)
@pytest.mark.parametrize("copies", [1, 3])
def test_one_forged_segment_is_an_oddity(
    side: int, flags: int, data: bytes, far: int, copies: int, in_columns: bool
) -> None:
    whole = unclosed().close().packets
    tape = Script(FIRST_ISNS).open().say(*DIALOGUE[:3])
    lie = forged(tape, side, flags, data, far, -far)
    at = len(tape.packets)
    run = result(timed([*whole[:at], *[lie] * copies, *whole[at:]]), in_columns=in_columns)
    assert run.only.turns == TURNS
    assert run.only.complete
    assert run.only.gaps == 0
    assert run.only.oddities.popitem()[1] == copies
    assert not run.only.oddities
    assert run.opened == 1


@BOTH_PATHS
def test_conversation_goes_on_beside_strays_that_continue_one_another(in_columns: bool) -> None:
    strays = second().packets[3 : 2 + ENOUGH]
    whole = unclosed().close().packets
    packets = [*whole[:6], *strays, *whole[6:]]
    run = result(timed(packets), in_columns=in_columns)
    assert turns(run) == [TURNS, TURNS[: len(strays)]], "both are heard, each in one piece"
    assert run.outcomes[0].complete


@BOTH_PATHS
def test_strays_that_continue_one_another_are_heard_before_they_are_forgotten(in_columns: bool) -> None:
    tape = unclosed()
    before = len(tape.packets)
    for _ in range(FORGET + 2):
        tape.send(CLIENT, b"x")
    strays = second().packets[3:5]
    run = result(timed([*tape.packets[:before], *strays, *tape.packets[before:]]), in_columns=in_columns)
    assert turns(run) == [[*TURNS, (CLIENT, b"x" * (FORGET + 2))], TURNS[:2]]


@BOTH_PATHS
@pytest.mark.parametrize("handshakes", [3, 0])
def test_two_connections_that_take_turns_are_not_cut_to_pieces(handshakes: int, in_columns: bool) -> None:
    """A transparent proxy: both connections are captured, with the same addresses and ports."""
    outside, inside = unclosed().packets, second().packets
    packets = outside[:3] + inside[3 - handshakes : 3]
    for i in range(len(TURNS)):
        pair = [outside[3 + i], inside[3 + i]]
        packets += pair if TURNS[i][0] == CLIENT else pair[::-1]
    run = result(timed(packets), in_columns=in_columns)
    assert TURNS in turns(run)
    assert len(run.outcomes) <= 2


@BOTH_PATHS
@pytest.mark.parametrize("jump", [2 * LATE_WINDOW, 500_000_000])
def test_great_loss_in_one_direction_is_a_gap(jump: int, in_columns: bool) -> None:
    tape = Script(FIRST_ISNS).open().say((SERVER, b"354 go\r\n"), (CLIENT, b"message"))
    tape.next[CLIENT] += jump
    for _ in range(2 * ENOUGH):
        tape.send(CLIENT, b"more text\r\n")
        tape.send(SERVER)
    tape.say((CLIENT, b".\r\n"), (SERVER, b"250 ok\r\n"))
    outcome = result(timed(tape.packets), in_columns=in_columns).only
    assert outcome.gaps == 1
    assert outcome.said(CLIENT) == b"message" + b"more text\r\n" * 2 * ENOUGH + b".\r\n"


@BOTH_PATHS
def test_numbers_written_anew_in_one_direction_begin_nothing(in_columns: bool) -> None:
    """Captured on both sides of a firewall that hides its clients' sequence numbers."""
    shift = 1_234_567_890
    packets = []
    for packet in unclosed().packets:
        if side_of(packet) == CLIENT:
            packets += [packet, replace(packet, seq=(packet.seq + shift) % MODULUS)]
        else:
            packets += [replace(packet, ack=(packet.ack + shift) % MODULUS), packet]
    run = result(timed(packets[2:]), in_columns=in_columns)  # the handshake's first packet on one side only
    assert run.outcomes[-1].said(SERVER) == b"".join(data for side, data in TURNS if side == SERVER)
    assert sum(bool(outcome.turns) for outcome in run.outcomes) == 1


# --- bounds -------------------------------------------------------------------------------------


def strays(count: int) -> list[Packet]:
    """Copies of one segment: they continue one another, and lead nowhere."""
    return [forged(unclosed(), CLIENT, ACK, b"x", 2**31, 2**31)] * count


@BOTH_PATHS
def test_no_more_than_a_few_are_kept(in_columns: bool) -> None:
    packets = timed([*unclosed().packets, *strays(5 * MOST)])
    tracker = result(packets, in_columns=in_columns).tracker
    assert tracker.opened == 1
    run = track([*packets, *timed(unclosed().close().packets[len(unclosed().packets) :], start=packets[-1].time)])
    assert run.only.oddities == {"segment-out-of-window": 5 * MOST}
    assert run.only.complete


def test_memory_of_what_is_in_doubt_is_bounded_in_all() -> None:
    limits = Limits(held_bytes=3 * HELD_OVERHEAD)
    run = result(timed([*unclosed().packets, *second().packets[3:6]]), limits=limits)
    assert run.oddities == {"reassembly-limit": 1}
    assert turns(run) == [TURNS, TURNS[:3]]


@pytest.mark.parametrize(("behind", "calm"), [(FORGET, False), (FORGET + 1, True)])
def test_strays_are_forgotten_when_the_conversation_goes_on(behind: int, calm: bool) -> None:
    tape = unclosed()
    before = len(tape.packets)
    for _ in range(behind):
        tape.send(CLIENT, b"x")
    packets = timed([*tape.packets[:before], *strays(1), *tape.packets[before:]])
    run = result(packets)
    assert run.only.oddities == {"segment-out-of-window": 1}
    tracker = ConversationTracker(Recorder, lambda *_: None, PORTS)
    tracker.add(batch_of(packets))
    (conversation,) = tracker._open.values()
    assert conversation.calm == calm
    assert tracker._held_bytes == (0 if calm else HELD_OVERHEAD + 1)


# --- properties ---------------------------------------------------------------------------------


@st.composite
def reuse(draw: st.DrawFn) -> tuple[list[Packet], list[Packet]]:
    """An unclosed conversation, and another one of which the beginning and more may not have been captured."""
    old = draw(dialogues(endings=["none"]))
    before = list(old.packets)
    kept = draw(st.sampled_from(["all", "all", "not the beginning", "client", "server"]))
    if kept == "not the beginning":
        before = before[draw(st.integers(1, 3)) :]
    elif kept in ("client", "server"):
        before = [packet for packet in before if old.side(packet) == (CLIENT if kept == "client" else SERVER)]
    # Of a direction not captured nobody knows where it stands; what lies ahead then follows a great loss, and a SYN
    # was captured late.
    heard = {old.side(packet) for packet in before}
    nearest = (LATE_WINDOW if len(heard) == 2 else MAX_WINDOW) + 50_000
    isns = [st.integers(nearest, MODULUS - LATE_WINDOW - 50_000).map(isn.__add__) for isn in old.isns]
    new = draw(dialogues(ends=[old.ends], isns=(isns[CLIENT], isns[SERVER]), max_turns=9))
    after = list(new.packets)
    if draw(st.booleans()):
        after = draw(repeated(new, after, lies=False))
    if draw(st.booleans()):
        after = draw(swapped(after))
    after = after[draw(st.integers(0, 4)) :]
    if draw(st.integers(0, 2)) == 0 and after:
        after = draw(lost(after))
    after = [packet for packet in after if old.side(packet) in heard or not packet.flags & SYN]
    assume(before)
    assume(len({(packet.src, packet.seq) for packet in after if packet.data}) >= 2 * LIKELY)
    return timed(before), timed(after, start=10 * SECOND)


@given(reuse(), st.lists(st.integers(0, 60), max_size=6), st.booleans())
@settings(max_examples=120, deadline=None)
def test_both_are_told_as_if_each_had_been_captured_alone(
    case: tuple[list[Packet], list[Packet]], cuts: list[int], in_columns: bool
) -> None:
    before, after = case
    alone = track(before).outcomes + track(after).outcomes
    assert track([*before, *after], cuts, in_columns=in_columns).outcomes == alone


@st.composite
def lied_to(draw: st.DrawFn) -> tuple[list[Packet], int]:
    """A conversation, and where in the midst of it a segment with numbers of no meaning was put."""
    dialogue = draw(dialogues(endings=["none", "client", "server", "reset by client"]))
    packets = list(dialogue.packets)
    said = next((i for i, packet in enumerate(packets) if packet.data), len(packets))
    over = next((i for i, packet in enumerate(packets) if packet.flags & (FIN | RST)), len(packets) - 1)
    assume(said < over)
    at = draw(st.integers(said + 1, over))
    model = packets[at - 1]
    seq, ack = (draw(st.integers(LATE_WINDOW + 50_000, MODULUS - LATE_WINDOW - 50_000)) for _ in range(2))
    flags = draw(st.sampled_from([ACK, ACK | PSH, SYN, SYN | ACK, FIN | ACK, FIN | ACK | PSH]))
    data = b"" if flags & SYN else draw(st.sampled_from([b"", b"x", b"QUIT\r\n"]))
    lie = replace(model, seq=(model.seq + seq) % MODULUS, ack=(model.ack + ack) % MODULUS, flags=flags, data=data)
    return [*packets[:at], lie, *packets[at:]], at


@given(lied_to(), st.lists(st.integers(0, 60), max_size=6), st.booleans())
@settings(max_examples=120, deadline=None)
def test_a_forged_segment_anywhere_changes_nothing_but_the_count_of_oddities(
    case: tuple[list[Packet], int], cuts: list[int], in_columns: bool
) -> None:
    packets = timed(case[0])
    honest = track([packet for i, packet in enumerate(packets) if i != case[1]]).only
    told = track(packets, cuts, in_columns=in_columns).only
    assert told.oddities
    assert replace(told, oddities={}) == replace(honest, oddities={})
