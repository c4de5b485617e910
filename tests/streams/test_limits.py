"""Every bound on memory and waiting is reached by a test, and reaching it is counted."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.packets.segments import ACK, FIN, SYN
from analyzer.streams import CLIENT, SERVER, Conversation, ConversationTracker, Limits
from analyzer.streams.doubt import HELD_OVERHEAD
from analyzer.streams.reassembly import Patience
from tests.streams.packets import (
    CLIENT_END,
    DIALOGUE,
    MILLISECOND,
    PORTS,
    SECOND,
    SERVER_END,
    Endpoint,
    Packet,
    Recorder,
    Run,
    Script,
    batch_of,
    script,
    timed,
    track,
)

GREETING = (SERVER, b"220 a\r\n")
BOTH_PATHS = pytest.mark.parametrize("in_columns", [True, False], ids=["columns", "one by one"])


def later(packets: list[Packet], seconds: float) -> list[Packet]:
    return [replace(packet, time=packet.time + int(seconds * SECOND)) for packet in timed(packets)]


def identical(packets: list[Packet], *, in_columns: bool = True, limits: Limits | None = None) -> Run:
    """The run over ``packets``, the same whole and packet by packet."""
    run = track(packets, in_columns=in_columns, limits=limits)
    assert run == track(packets, range(len(packets)), in_columns=in_columns, limits=limits)
    return run


def holed(count: int, *, size: int = 10, lost: bool = False) -> Script:
    """A client whose first chunk is not captured, then ``count`` that are; acknowledged by the server or not."""
    tape = Script().open().say(GREETING)
    tape.send(CLIENT, b"missing!")
    del tape.packets[-1]
    if lost:
        tape.send(SERVER)
    for i in range(count):
        tape.send(CLIENT, bytes([65 + i % 26]) * size)
    return tape


def heard_before_the_end(packets: list[Packet], limits: Limits | None = None) -> Recorder:
    """What was delivered while the conversation was still open."""
    recorders: list[Recorder] = []

    def listen(conversation: Conversation) -> Recorder:
        recorders.append(Recorder(conversation))
        return recorders[-1]

    tracker = ConversationTracker(listen, lambda *_: None, PORTS, limits)
    tracker.add(batch_of(packets))
    assert len(tracker) == 1
    (recorder,) = recorders
    return recorder


# --- patience ----------------------------------------------------------------------------------


def test_bytes_that_nobody_acknowledged_are_waited_for() -> None:
    recorder = heard_before_the_end(timed(holed(4000).packets))
    assert [event[0] for event in recorder.events] == ["data"]


def test_more_segments_than_may_wait() -> None:
    limits = Limits(patience=Patience(segments=50))
    assert len(heard_before_the_end(timed(holed(50).packets), limits).events) == 1
    outcome = identical(timed(holed(51).packets), limits=limits).only
    assert outcome.oddities == {"reassembly-limit": 1}
    assert [event[0] for event in outcome.events] == ["data", "gap", "data"]
    assert len(outcome.said(CLIENT)) == 510


def test_more_bytes_than_may_wait() -> None:
    limits = Limits(patience=Patience(held_bytes=10 * (1000 + HELD_OVERHEAD)))
    assert len(heard_before_the_end(timed(holed(10, size=1000).packets), limits).events) == 1
    outcome = identical(timed(holed(11, size=1000).packets), limits=limits).only
    assert outcome.oddities == {"reassembly-limit": 1}


def test_segments_without_captured_payload_count_as_well() -> None:
    limits = Limits(patience=Patience(held_bytes=100 * HELD_OVERHEAD))
    packets = [replace(p, data=b"", wire=p.length) if p.src == CLIENT_END else p for p in holed(101).packets]
    assert identical(timed(packets), limits=limits).only.oddities["reassembly-limit"] == 1


def test_bytes_acknowledged_but_not_captured_are_given_up_after_some_segments() -> None:
    patience = Patience()
    waiting = heard_before_the_end(timed(holed(patience.lost_segments, lost=True).packets, step=1000))
    assert [event[0] for event in waiting.events] == ["data"]
    given_up = heard_before_the_end(timed(holed(patience.lost_segments + 1, lost=True).packets, step=1000))
    assert [event[:3] for event in given_up.events][1:2] == [("gap", CLIENT, 8)]


def test_bytes_acknowledged_but_not_captured_are_given_up_after_some_time() -> None:
    for delay, kinds in ((0.99, ["data"]), (1.01, ["data", "gap", "data"])):
        tape = holed(1, lost=True)
        packets = timed(tape.packets)
        tape.send(CLIENT, b"later")
        packets.append(replace(tape.packets[-1], time=packets[-1].time + int(delay * SECOND)))
        assert [event[0] for event in heard_before_the_end(packets).events] == kinds


def test_late_bytes_of_a_hole_given_up_are_not_delivered() -> None:
    tape = holed(65, lost=True)
    late = Packet(CLIENT_END, SERVER_END, 1001, tape.next[SERVER], ACK, b"missing!")
    outcome = identical(timed([*tape.packets, late], step=1000)).only
    assert b"missing!" not in outcome.said(CLIENT)
    assert outcome.oddities == {"segment-duplicate": 1}
    assert outcome.gaps == 1


@given(st.permutations(range(60)))
@settings(max_examples=30, deadline=None)
def test_segments_in_any_order_behind_a_hole(order: list[int]) -> None:
    tape = holed(60)
    head, tail = tape.packets[:-60], tape.packets[-60:]
    outcome = track(timed([*head, *(tail[i] for i in order)], step=1000)).only
    assert outcome.said(CLIENT) == b"".join(packet.data for packet in tail)
    assert outcome.gaps == 1


# --- all conversations -------------------------------------------------------------------------


def several(count: int) -> list[Script]:
    return [Script(ends=(Endpoint("10.1.0.1", 20_000 + i), SERVER_END)) for i in range(count)]


def test_more_bytes_than_may_wait_in_all_conversations() -> None:
    limits = Limits(held_bytes=20 * (1000 + HELD_OVERHEAD))
    packets = []
    for tape in several(5):
        tape.open().say(GREETING)
        tape.next[CLIENT] += 8
        for _ in range(5):
            tape.send(CLIENT, bytes(1000))
        packets += tape.packets
    run = identical(timed(packets), limits=limits)
    assert run.oddities == {"reassembly-limit": 1}
    assert [len(outcome.said(CLIENT)) for outcome in run.outcomes] == [5000] * 5
    assert [outcome.gaps for outcome in run.outcomes] == [1] * 5


def test_bytes_waiting_are_bounded_at_every_moment() -> None:
    limits = Limits(held_bytes=50_000, patience=Patience(held_bytes=20_000, segments=40))
    tracker = ConversationTracker(Recorder, lambda *_: None, PORTS, limits)
    tapes = several(20)
    for tape in tapes:
        tape.open().say(GREETING)
        tape.next[CLIENT] += 8
        for i in range(60):
            tape.send(CLIENT, bytes(i * 7))
    packets = [packet for at_once in zip(*(tape.packets for tape in tapes), strict=True) for packet in at_once]
    for packet in timed(packets):
        tracker.add(batch_of([packet]))
        waiting = sum(conversation.held_bytes for conversation in tracker._open.values())
        assert tracker._held_bytes == waiting <= limits.held_bytes
    assert tracker.oddities["reassembly-limit"] > 0


def test_more_conversations_than_are_remembered() -> None:
    limits = Limits(conversations=10)
    packets = [packet for tape in several(15) for packet in tape.open().say(GREETING).packets]
    run = track(timed(packets), range(0, len(packets), 4), limits=limits)
    assert run.oddities == {"conversation-evicted": 5}
    assert len(run.outcomes) == 15
    tracker = ConversationTracker(Recorder, lambda *_: None, PORTS, limits)
    for packet in timed(packets):
        tracker.add(batch_of([packet]))
        assert len(tracker) <= 10


def test_conversations_in_which_nothing_was_said_go_before_those_that_speak() -> None:
    limits = Limits(conversations=10)
    speaking = several(8)
    scan = [Packet(Endpoint(f"10.9.0.{i}", 1024), SERVER_END, i * 7919, 0, SYN) for i in range(100)]
    packets = [packet for tape in speaking for packet in tape.open().say(GREETING).packets]
    cuts = range(0, len(packets) + len(scan), 4)
    run = track(timed([*packets, *scan, *(tape.send(CLIENT, b"EHLO a\r\n") for tape in speaking)]), cuts, limits=limits)
    assert [len(outcome.turns) for outcome in run.outcomes] == [2] * 8
    assert run.oddities == {"conversation-evicted": 98}


def test_what_is_left_of_conversations_that_are_over_goes_first_of_all() -> None:
    limits = Limits(conversations=4)
    old = [script(ends=(Endpoint("10.1.0.1", 30_000 + i), SERVER_END)).packets for i in range(20)]
    tapes = several(2)
    packets = [packet for tape in tapes for packet in tape.open().say(GREETING).packets]
    cuts = range(0, 1000, 5)
    last = [tape.send(CLIENT, b"EHLO a\r\n") for tape in tapes]
    run = track(timed([*packets, *(p for packets in old for p in packets), *last]), cuts, limits=limits)
    assert run.oddities == {}
    assert len(run.outcomes) == 22
    assert [len(outcome.turns) for outcome in run.outcomes[:2]] == [2, 2]


def test_longest_silent_conversation_goes_first() -> None:
    limits = Limits(conversations=2)
    a, b, c = (tape.open().say(GREETING) for tape in several(3))
    first = [*a.packets, *b.packets, a.send(CLIENT, b"EHLO a\r\n")]
    run = track(timed([*first, *c.packets, a.send(SERVER, b"250 a\r\n")]), [len(first)], limits=limits)
    assert {outcome.client[1]: len(outcome.turns) for outcome in run.outcomes} == {20_000: 3, 20_001: 1, 20_002: 1}
    assert run.opened == 3


# --- silence -----------------------------------------------------------------------------------


@BOTH_PATHS
@pytest.mark.parametrize(("silence", "conversations"), [(899, 1), (901, 2), (1801, 2)])
def test_silence_ends_a_conversation(silence: int, conversations: int, in_columns: bool) -> None:
    tape = Script().open().say(*DIALOGUE[:3])
    early = timed(tape.packets)
    tape.say(*DIALOGUE[3:]).close()
    run = identical([*early, *later(tape.packets[len(early) :], silence)], in_columns=in_columns)
    assert len(run.outcomes) == conversations
    assert run.opened == conversations
    assert [turn for outcome in run.outcomes for turn in outcome.turns] == list(DIALOGUE)


@BOTH_PATHS
def test_limits_on_silence_are_options(in_columns: bool) -> None:
    tape = Script().open().say(*DIALOGUE)
    early, late = tape.packets[:6], tape.packets[6:]
    run = identical([*timed(early), *later(late, 6)], in_columns=in_columns, limits=Limits(idle=5 * SECOND))
    assert len(run.outcomes) == 2


@BOTH_PATHS
@pytest.mark.parametrize(("silence", "copies"), [(59, {"segment-after-close": 1}), (61, {})])
def test_late_copies_are_expected_for_a_while(silence: int, copies: dict[str, int], in_columns: bool) -> None:
    packets = timed(script().packets)
    run = identical([*packets, *later([packets[4]], silence)], in_columns=in_columns)
    assert run.oddities == copies
    assert len(run.outcomes) == (1 if copies else 2)


@BOTH_PATHS
@pytest.mark.parametrize("silence", [59, 61, 899, 901])
def test_acknowledgement_long_after_the_end(silence: int, in_columns: bool) -> None:
    packets = script().packets
    identical([*timed(packets[:-1]), *later(packets[-1:], silence)], in_columns=in_columns)


def test_silent_conversations_are_handed_over_before_the_input_ends() -> None:
    closed = []
    tracker = ConversationTracker(Recorder, lambda c, _: closed.append(c.ports), PORTS)
    tracker.add(batch_of(timed(Script().open().say(*DIALOGUE).packets)))
    assert tracker.earliest_open() == SECOND + MILLISECOND
    other = Script(ends=(Endpoint("10.1.0.1", 20_000), SERVER_END)).open().packets
    tracker.add(batch_of(later(other, 1802)))
    assert closed == [(CLIENT_END.port, SERVER_END.port)]
    assert len(tracker) == 1


@given(st.lists(st.integers(0, 40), max_size=60), st.integers(1, 12))
@settings(max_examples=50, deadline=None)
def test_no_open_conversation_began_before_the_time_that_is_given(turns: list[int], size: int) -> None:
    """Conversations begin, speak and end in any order, with clocks that run backwards now and then."""
    tracker = ConversationTracker(Recorder, lambda *_: None, PORTS, columns_from=None)
    tapes = [script(ends=(Endpoint("10.1.0.1", 20_000 + i), SERVER_END)).packets[::-1] for i in range(41)]
    packets = [tapes[i].pop() for i in turns if tapes[i]]
    stamped = [replace(p, time=(1000 + 7 * i - 50 * (i % 5)) * MILLISECOND) for i, p in enumerate(packets)]
    for at in range(0, len(stamped), size):
        tracker.add(batch_of(stamped[at : at + size]))
        starts = [c.start for table in (tracker._opening, tracker._open) for c in table.values()]
        earliest = tracker.earliest_open()
        assert (earliest is None) == (not starts)
        assert earliest is None or earliest <= min(starts)


def test_conversations_over_are_forgotten() -> None:
    tracker = ConversationTracker(Recorder, lambda *_: None, PORTS)
    tracker.add(batch_of(timed(script().packets)))
    assert len(tracker) == 1
    assert tracker.earliest_open() is None
    other = Script(ends=(Endpoint("10.1.0.1", 20_000), SERVER_END)).open().packets
    tracker.add(batch_of(later(other, 122)))
    assert len(tracker) == 1


def test_time_is_the_latest_seen_even_if_clocks_go_backwards() -> None:
    packets = timed(script().packets)
    packets[5] = replace(packets[5], time=1)
    run = identical(packets)
    assert [turn for outcome in run.outcomes for turn in outcome.turns] == list(DIALOGUE)
    assert len(run.outcomes) == 1


def test_flood_of_syns_is_bounded() -> None:
    flood = [Packet(Endpoint(f"10.2.{i >> 8}.{i & 255}", 1024 + i), SERVER_END, i * 7919, 0, SYN) for i in range(3000)]
    limits = Limits(conversations=500)
    tracker = ConversationTracker(Recorder, lambda *_: None, PORTS, limits)
    for i in range(0, len(flood), 250):
        tracker.add(batch_of(timed(flood[i : i + 250])))
        assert len(tracker) <= 500
    assert tracker.oddities == {"conversation-evicted": 2500}


def test_forged_fin_does_not_silence_what_follows_a_hole() -> None:
    tape = Script().open().say(GREETING)
    forged = Packet(CLIENT_END, SERVER_END, tape.next[CLIENT] + 3, tape.next[SERVER], FIN | ACK)
    tape.packets.append(forged)
    tape.send(CLIENT, b"EHLO client\r\n")
    outcome = identical(timed(tape.packets)).only
    assert outcome.said(CLIENT) == b"EHLO client\r\n"
    assert not outcome.complete
