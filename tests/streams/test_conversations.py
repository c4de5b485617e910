"""Conversations one by one: who the client is, how they begin and end, and what a capture does to them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analyzer.packets.segments import ACK, FIN, PSH, RST, SYN
from analyzer.streams import CLIENT, SERVER
from analyzer.streams.turns import TAIL_BYTES
from tests.streams.packets import (
    CLIENT_END,
    DIALOGUE,
    MODULUS,
    SERVER_END,
    Endpoint,
    Packet,
    Run,
    Script,
    batch_of,
    script,
    timed,
    track,
)

BOTH_PATHS = pytest.mark.parametrize("in_columns", [True, False], ids=["columns", "one by one"])
TURNS = list(DIALOGUE)


def result(packets: list[Packet], *, in_columns: bool = True) -> Run:
    """What the tracker makes of ``packets``, the same whole and packet by packet."""
    timed_packets = timed(packets)
    run = track(timed_packets, in_columns=in_columns)
    assert run == track(timed_packets, range(len(packets)), in_columns=in_columns)
    return run


# --- sequence numbers --------------------------------------------------------------------------


@BOTH_PATHS
@pytest.mark.parametrize("isn", [0, 2**31 - 10, 2**32 - 1, 2**32 - 2, 2**32 - 20, 2**32 - 60])
@pytest.mark.parametrize("side", [CLIENT, SERVER])
def test_sequence_numbers_wrap_around(isn: int, side: int, in_columns: bool) -> None:
    isns = (isn, 77) if side == CLIENT else (77, isn)
    outcome = result(script(isns).packets, in_columns=in_columns).only
    assert outcome.turns == TURNS
    assert outcome.complete
    assert not outcome.oddities


def test_wrap_around_within_a_disordered_run() -> None:
    tape = Script((2**32 - 30, 2**32 - 5)).open().say((SERVER, b"220 x\r\n"))
    chunks = [bytes([65 + i]) * 10 for i in range(6)]
    for chunk in chunks:
        tape.send(CLIENT, chunk)
    packets = tape.packets
    packets[4:] = packets[:3:-1]
    assert result(packets).only.turns == [(SERVER, b"220 x\r\n"), (CLIENT, b"".join(chunks))]


# --- how it begins ------------------------------------------------------------------------------


@BOTH_PATHS
@pytest.mark.parametrize("missing", [0, 1, 2, 3])
def test_the_listener_learns_at_once_whether_the_beginning_was_captured(missing: int, in_columns: bool) -> None:
    packets = timed(script().packets[missing:])
    for cuts in ((), (1,), (2,), (1, 2, 3)):
        outcome = track(packets, cuts, in_columns=in_columns).only
        assert outcome.from_start == (missing < 2), "one of the two SYNs is enough"


# --- who the client is -------------------------------------------------------------------------

LOW, HIGH = Endpoint("10.0.0.1", 0), Endpoint("10.0.0.2", 0)


@BOTH_PATHS
@pytest.mark.parametrize("ends", [(LOW, HIGH), (HIGH, LOW)])
@pytest.mark.parametrize("ports", [(40000, 587), (587, 587), (587, 40000), (25, 587), (587, 25), (2525, 40000)])
@pytest.mark.parametrize("missing", [0, 1])
def test_handshake_tells_who_is_the_client(
    ends: tuple[Endpoint, Endpoint], ports: tuple[int, int], missing: int, in_columns: bool
) -> None:
    client, server = (replace(end, port=port) for end, port in zip(ends, ports, strict=True))
    outcome = result(script(ends=(client, server)).packets[missing:], in_columns=in_columns).only
    assert (outcome.client, outcome.server) == ((client.number, client.port), (server.number, server.port))
    assert outcome.roles_certain
    assert outcome.turns == TURNS


@BOTH_PATHS
@pytest.mark.parametrize("ends", [(LOW, HIGH), (HIGH, LOW)])
@pytest.mark.parametrize("ports", [(40000, 587), (20, 25), (2525, 587)])
@pytest.mark.parametrize("first", [2, 3, 4, 5])
def test_port_hints_at_the_server_where_no_syn_was_captured(
    ends: tuple[Endpoint, Endpoint], ports: tuple[int, int], first: int, in_columns: bool
) -> None:
    client, server = (replace(end, port=port) for end, port in zip(ends, ports, strict=True))
    outcome = result(script(ends=(client, server)).packets[first:], in_columns=in_columns).only
    assert (outcome.client[1], outcome.server[1]) == ports
    assert not outcome.roles_certain
    assert not outcome.complete
    assert outcome.turns == TURNS[max(0, first - 3) :]


def test_both_ends_on_one_host() -> None:
    ends = (Endpoint("127.0.0.1", 40000), Endpoint("127.0.0.1", 25))
    outcome = result(script(ends=ends).packets).only
    assert outcome.turns == TURNS
    assert outcome.server == (ends[1].number, 25)


def test_addresses_of_the_link_go_with_their_ends() -> None:
    packets = [replace(p, mac=10 if p.src == CLIENT_END else 20) for p in script().packets]
    for beginning in (0, 1, 2, 3):
        outcome = result(packets[beginning:]).only
        sender = packets[beginning].src == CLIENT_END
        assert outcome.macs == ((10, 11) if sender else (21, 20))


# --- beginnings --------------------------------------------------------------------------------


@BOTH_PATHS
@pytest.mark.parametrize("gone", [0, 1])
def test_missing_syn_leaves_everything_said_but_not_complete(gone: int, in_columns: bool) -> None:
    packets = script().packets
    del packets[gone]
    outcome = result(packets, in_columns=in_columns).only
    assert outcome.turns == TURNS
    assert outcome.gaps == 0
    assert not outcome.complete
    assert outcome.began == ((False, True) if gone == 0 else (True, False))


def test_syn_ack_and_greeting_missing_are_a_gap_of_known_size() -> None:
    packets = script().packets
    del packets[3], packets[1]
    outcome = result(packets).only
    assert [event[:2] for event in outcome.events[:3]] == [("data", CLIENT), ("gap", SERVER), ("data", SERVER)]
    assert outcome.events[1][2] == len(DIALOGUE[0][1])
    assert outcome.turns == TURNS[1:]


@BOTH_PATHS
def test_syn_captured_late_belongs_to_its_conversation(in_columns: bool) -> None:
    packets = script().packets
    for place in (1, 2, 4, 6):
        late = [*packets[1 : place + 1], packets[0], *packets[place + 1 :]]
        outcome = result(late, in_columns=in_columns).only
        assert outcome.turns == TURNS
        assert outcome.complete


def test_syn_ack_captured_late_belongs_to_its_conversation() -> None:
    packets = script().packets
    for place in (2, 3, 5):
        late = [packets[0], *packets[2 : place + 1], packets[1], *packets[place + 1 :]]
        outcome = result(late).only
        assert outcome.turns == TURNS
        assert outcome.complete


@pytest.mark.parametrize("side", [CLIENT, SERVER])
@BOTH_PATHS
def test_one_direction_alone(side: int, in_columns: bool) -> None:
    packets = [p for p in script().packets if p.src == (CLIENT_END, SERVER_END)[side]]
    outcome = result(packets, in_columns=in_columns).only
    assert outcome.said(side) == b"".join(data for speaker, data in TURNS if speaker == side)
    assert outcome.seen == (side == CLIENT, side == SERVER)
    assert outcome.gaps == 0
    assert not outcome.complete


@BOTH_PATHS
def test_other_direction_turns_up_later(in_columns: bool) -> None:
    packets = script().packets
    silent = [p for i, p in enumerate(packets) if p.src == CLIENT_END or i > 5]
    outcome = result(silent, in_columns=in_columns).only
    assert ("gap", SERVER, sum(len(data) for side, data in TURNS[:3] if side == SERVER)) in [
        event[:3] for event in outcome.events
    ]
    assert not outcome.complete


@BOTH_PATHS
def test_data_in_the_syn(in_columns: bool) -> None:
    tape = Script()
    tape.send(CLIENT, b"EHLO a\r\n", flags=SYN)
    tape.send(SERVER, b"220 b\r\n", flags=SYN | ACK)
    outcome = result(tape.close().packets, in_columns=in_columns).only
    assert outcome.turns == [(CLIENT, b"EHLO a\r\n"), (SERVER, b"220 b\r\n")]
    assert outcome.complete


# --- endings -----------------------------------------------------------------------------------


@BOTH_PATHS
@pytest.mark.parametrize("side", [CLIENT, SERVER])
def test_reset_ends_it(side: int, in_columns: bool) -> None:
    outcome = result(Script().open().say(*DIALOGUE).abort(side).packets, in_columns=in_columns).only
    assert outcome.reset
    assert outcome.complete
    assert outcome.turns == TURNS


@BOTH_PATHS
def test_reset_after_missing_bytes_is_not_complete(in_columns: bool) -> None:
    for side in (CLIENT, SERVER):
        tape = Script().open().say(*DIALOGUE, (side, b"lost\r\n")).abort(side)
        del tape.packets[-2]
        outcome = result(tape.packets, in_columns=in_columns).only
        assert outcome.reset
        assert not outcome.complete
        assert outcome.events[-1][:3] == ("gap", side, 6)
        tape = Script().open().say(*DIALOGUE, (side, b"lost\r\n")).abort(1 - side)
        del tape.packets[-2]
        outcome = result(tape.packets, in_columns=in_columns).only
        assert not outcome.complete
        assert outcome.events[-1][:3] == ("gap", side, 6)


def test_reset_captured_before_the_bytes_it_follows() -> None:
    tape = Script().open().say(*DIALOGUE).abort(SERVER)
    tape.packets[-2:] = tape.packets[:-3:-1]
    outcome = result(tape.packets).only
    assert outcome.turns == TURNS
    assert outcome.complete


def test_reset_far_from_the_window_is_an_oddity() -> None:
    packets = script().packets
    forged = replace(packets[6], flags=RST, seq=(packets[6].seq + 2**30) % MODULUS, data=b"")
    outcome = result([*packets[:6], forged, *packets[6:]]).only
    assert outcome.turns == TURNS
    assert not outcome.reset
    assert outcome.complete
    assert outcome.oddities == {"rst-out-of-window": 1}


def test_refused_connection_has_nothing_to_tell() -> None:
    refused = Packet(SERVER_END, CLIENT_END, 0, 1001, RST | ACK)
    run = result([Script().send(CLIENT, flags=SYN), refused])
    assert run.outcomes == []
    assert run.opened == 1


def test_text_in_a_reset_is_not_said() -> None:
    tape = Script().open().say(*DIALOGUE)
    tape.packets.append(replace(tape.send(SERVER, b"go away", flags=RST | ACK)))
    tape.packets.pop()
    outcome = result(tape.packets).only
    assert outcome.turns == TURNS


@BOTH_PATHS
def test_half_close(in_columns: bool) -> None:
    tape = Script().open().say(*DIALOGUE[:-1])
    tape.send(CLIENT, flags=FIN | ACK)
    tape.say(DIALOGUE[-1])
    tape.send(SERVER, flags=FIN | ACK)
    outcome = result(tape.packets, in_columns=in_columns).only
    assert outcome.turns == TURNS
    assert outcome.complete


@BOTH_PATHS
def test_fin_with_the_last_data(in_columns: bool) -> None:
    tape = Script().open().say(*DIALOGUE[:-1])
    tape.send(SERVER, DIALOGUE[-1][1], flags=FIN | ACK)
    tape.send(CLIENT, flags=FIN | ACK)
    outcome = result(tape.packets, in_columns=in_columns).only
    assert outcome.turns == TURNS
    assert outcome.complete


def test_missing_fin_is_not_complete_and_no_gap() -> None:
    packets = [p for p in script().packets if not (p.flags & FIN and p.src == SERVER_END)]
    outcome = result(packets).only
    assert outcome.gaps == 0
    assert not outcome.complete


def test_data_behind_a_fin_is_an_oddity() -> None:
    tape = Script().open().say(*DIALOGUE)
    tape.send(CLIENT, flags=FIN | ACK)
    tape.send(CLIENT, b"EHLO again\r\n")
    tape.send(SERVER, flags=FIN | ACK)
    outcome = result(tape.packets).only
    assert outcome.turns == TURNS
    assert outcome.oddities == {"segment-after-fin": 1}


@BOTH_PATHS
def test_late_copies_after_the_end_are_counted_and_begin_nothing(in_columns: bool) -> None:
    packets = script().packets
    run = result([*packets, packets[3], packets[4], packets[-1], packets[0]], in_columns=in_columns)
    assert run.only.turns == TURNS
    assert run.oddities == {"segment-after-close": 2}
    assert run.opened == 1


def test_everything_captured_twice() -> None:
    packets = [p for packet in script().packets for p in (packet, packet)]
    outcome = result(packets).only
    assert outcome.turns == TURNS
    assert outcome.complete
    assert outcome.oddities == {"segment-duplicate": len(TURNS), "syn-duplicate": 2}


# --- the same endpoints again ------------------------------------------------------------------

SECOND_ISNS = (900_000_000, 3_000_000_000)


@BOTH_PATHS
@pytest.mark.parametrize(("ending", "missing"), [("close", 0), ("close", 1), ("abort", 0), ("abort", 1), ("none", 0)])
def test_port_reuse(ending: str, missing: int, in_columns: bool) -> None:
    first = Script().open().say(*DIALOGUE)
    if ending == "close":
        first.close()
    elif ending == "abort":
        first.abort()
    second = script(SECOND_ISNS).packets[missing:]
    run = result([*first.packets, *second], in_columns=in_columns)
    assert [outcome.turns for outcome in run.outcomes] == [TURNS, TURNS]
    assert [outcome.complete for outcome in run.outcomes] == [ending != "none", missing == 0]


@BOTH_PATHS
def test_port_reuse_with_neither_syn_captured(in_columns: bool) -> None:
    run = result([*script().packets, *script(SECOND_ISNS).packets[3:]], in_columns=in_columns)
    assert [outcome.turns for outcome in run.outcomes] == [TURNS, TURNS]


@BOTH_PATHS
def test_syn_sent_again_is_the_same_conversation(in_columns: bool) -> None:
    packets = script().packets
    outcome = result([packets[0], packets[0], packets[1], packets[1], *packets[2:]], in_columns=in_columns).only
    assert outcome.turns == TURNS
    assert outcome.complete


def test_unanswered_syn_within_a_conversation_does_not_end_it() -> None:
    packets = script().packets
    forged = Packet(CLIENT_END, SERVER_END, 123_456_789, 0, SYN)
    outcome = result([*packets[:6], forged, *packets[6:]]).only
    assert outcome.turns == TURNS
    assert outcome.complete


def test_syn_to_a_silent_conversation_begins_another() -> None:
    unanswered = Script((1, 2))
    unanswered.send(CLIENT, flags=SYN)
    run = result([*unanswered.packets, *script().packets])
    assert run.only.turns == TURNS
    assert run.only.complete
    assert run.opened == 2


# --- repetition and disorder -------------------------------------------------------------------


def test_first_copy_of_a_byte_wins_and_a_different_one_is_an_oddity() -> None:
    tape = Script().open().say((SERVER, b"220 a\r\n"), (CLIENT, b"EHLO truth\r\n"))
    tape.packets.append(replace(tape.packets[-1], data=b"EHLO false\r\n"))
    outcome = result([*tape.packets, *tape.say((SERVER, b"250 ok\r\n")).close().packets[6:]]).only
    assert outcome.turns == [(SERVER, b"220 a\r\n"), (CLIENT, b"EHLO truth\r\n"), (SERVER, b"250 ok\r\n")]
    assert outcome.oddities["segment-conflict"] == 1


@pytest.mark.parametrize(
    ("changed", "conflicts"), [(0, 0), (1460 - TAIL_BYTES - 1, 0), (1460 - TAIL_BYTES, 1), (1459, 1)]
)
@pytest.mark.parametrize("overlap", [b"", b"more"])
def test_of_a_late_copy_the_last_bytes_are_compared(changed: int, conflicts: int, overlap: bytes) -> None:
    tape = Script().open().say((SERVER, b"354\r\n"), (CLIENT, bytes(1460)))
    lie = bytearray(bytes(1460) + overlap)
    lie[changed] = 1
    outcome = result([*tape.packets, replace(tape.packets[-1], data=bytes(lie))]).only
    assert outcome.said(CLIENT) == bytes(1460) + overlap
    assert outcome.oddities.get("segment-conflict", 0) == conflicts


def test_repacketised_retransmission_adds_only_what_is_new() -> None:
    tape = Script().open()
    a, b = tape.send(CLIENT, b"EHLO "), tape.send(CLIENT, b"client\r\n")
    joined = replace(a, data=a.data + b.data)
    opening = tape.packets[:3]
    for packets in ([a, joined], [joined, b], [b, joined], [a, b, joined], [b, a, joined]):
        outcome = result([*opening, *packets]).only
        assert outcome.said(CLIENT) == b"EHLO client\r\n"


@BOTH_PATHS
@pytest.mark.parametrize("probe", [b"", b"\0"])
def test_keep_alives_say_nothing(probe: bytes, in_columns: bool) -> None:
    tape = Script().open().say(*DIALOGUE)
    for side in (CLIENT, SERVER):
        tape.packets.append(
            Packet(tape.ends[side], tape.ends[1 - side], tape.next[side] - 1, tape.next[1 - side], ACK, probe)
        )
        tape.send(1 - side)
    outcome = result(tape.close().packets, in_columns=in_columns).only
    assert outcome.turns == TURNS
    assert outcome.complete
    assert outcome.oddities == ({"keep-alive": 2} if probe else {})


def test_reply_captured_before_its_command_is_put_behind_it() -> None:
    packets = script().packets
    packets[4:6] = packets[5:3:-1]
    outcome = result(packets).only
    assert outcome.turns == TURNS
    assert not outcome.oddities


def test_lost_command_is_a_gap_before_its_reply() -> None:
    packets = script().packets
    del packets[4]
    outcome = result(packets).only
    kinds = [event[:2] for event in outcome.events]
    assert kinds[:3] == [("data", SERVER), ("gap", CLIENT), ("data", SERVER)]
    assert outcome.events[1][2] == len(DIALOGUE[1][1])
    assert not outcome.complete


def test_acknowledged_bytes_never_captured_are_a_gap_at_the_end() -> None:
    packets = [p for p in Script().open().say(*DIALOGUE).packets if p.data != DIALOGUE[-1][1]]
    tape = Script().open().say(*DIALOGUE)
    tape.send(CLIENT)
    outcome = result([*packets, tape.packets[-1]]).only
    assert outcome.events[-1][:3] == ("gap", SERVER, len(DIALOGUE[-1][1]))
    assert outcome.gaps == 1


@BOTH_PATHS
@pytest.mark.parametrize("captured", [0, 3])
def test_payload_cut_by_the_snapshot_length_is_a_gap(captured: int, in_columns: bool) -> None:
    packets = script().packets
    whole = packets[4].data
    packets[4] = replace(packets[4], data=whole[:captured], wire=len(whole))
    outcome = result(packets, in_columns=in_columns).only
    assert ("gap", CLIENT, len(whole) - captured) in [event[:3] for event in outcome.events]
    assert outcome.oddities == {"segment-cut": 1}
    assert outcome.said(SERVER) == b"".join(data for side, data in TURNS if side == SERVER)


@BOTH_PATHS
def test_offloaded_segments_of_64_kilobytes(in_columns: bool) -> None:
    mail = bytes(range(256)) * 254
    tape = Script((2**32 - 70_000, 5)).open().say((SERVER, b"354\r\n"), (CLIENT, mail), (CLIENT, mail), (CLIENT, mail))
    outcome = result(tape.close().packets, in_columns=in_columns).only
    assert outcome.turns == [(SERVER, b"354\r\n"), (CLIENT, mail * 3)]
    assert outcome.complete


def test_segments_far_from_the_window_are_oddities() -> None:
    packets = script().packets
    far = replace(packets[4], seq=(packets[4].seq + 2**30) % MODULUS)
    strange = replace(packets[4], ack=(packets[4].ack + 2**31) % MODULUS)
    outcome = result([*packets[:4], far, strange, *packets[5:]]).only
    assert outcome.turns == TURNS
    assert outcome.oddities == {"segment-out-of-window": 1, "ack-out-of-window": 1}


def test_segments_without_control_bits_are_heard() -> None:
    packets = [replace(p, flags=p.flags & ~(ACK | PSH)) if p.data else p for p in script().packets]
    assert result(packets).only.turns == TURNS


def test_nothing_is_said_by_a_handshake_alone() -> None:
    run = result(Script().open().close().packets)
    assert run.outcomes == []
    assert run.opened == 1


def test_empty_batch_is_nothing() -> None:
    run = track([])
    run.tracker.add(batch_of([]))
    assert run.opened == 0
