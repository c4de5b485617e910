"""Every dialogue that the parser is tested with, on the wire: scrubbed, it says the same and shows no secret."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from analyzer.scrub import Policy, Scrubbed
from analyzer.streams import CLIENT, SERVER
from tests.scrub.scrubbing import assert_silent, connection, on_the_wire, said, scrub, sessions, verdict
from tests.smtp.dialogues import CASES, IN_THE_CLEAR
from tests.smtp.playing import SECRET, joined, rechunked
from tests.streams.dialogues import captured, lost, mangled, repeated, swapped
from tests.streams.packets import CLIENT_END, Packet

POLICIES = [
    Policy(),
    Policy(same_lengths=True),
    Policy(keep_messages=True),
    Policy(keep_messages=True, same_lengths=True),
]


def told(
    frames: Sequence[Scrubbed], name: str, policy: Policy, *, without: tuple[str, ...] = ()
) -> list[dict[str, Any]]:
    """What is said of the sessions in ``frames``.

    A name in Latin-1 has fewer bytes than the one in UTF-8 that stands for it, and no room for more where lengths are
    kept.
    """
    if policy.same_lengths and name == "8-bit name":
        without = (*without, "auth", "findings")
    return [verdict(session, without=without) for session in sessions(frames)]


@pytest.mark.parametrize("policy", POLICIES, ids=str)
@pytest.mark.parametrize("name", IN_THE_CLEAR)
def test_a_dialogue_keeps_its_verdict_and_shows_no_secret(name: str, policy: Policy) -> None:
    frames = on_the_wire(connection(CASES[name].turns).packets)
    shown = scrub(frames, policy)
    assert_silent(shown, SECRET)
    assert told(shown, name, policy) == told(frames, name, policy)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_however_it_was_cut_and_captured_no_secret_is_shown_and_the_verdict_stays(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(IN_THE_CLEAR))
    turns = CASES[name].turns
    size = sum(len(text) for _, text in turns)
    cuts = data.draw(st.sets(st.integers(0, size), max_size=30))
    dialogue = connection(rechunked(joined(turns), cuts))
    # A copy that lies and is captured first is the truth: it can glue two lines, of which nothing is shown then.
    swaps = data.draw(st.booleans())
    packets = data.draw(swapped(dialogue.packets, keep=3)) if swaps else dialogue.packets
    packets = data.draw(repeated(dialogue, packets, lies=not swaps))
    frames = on_the_wire(packets)
    policy = data.draw(st.sampled_from(POLICIES))
    shown = scrub(frames, policy)
    assert_silent(shown, SECRET)
    assert told(shown, name, policy) == told(frames, name, policy)
    assert said(shown, CLIENT)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_where_packets_are_missing_no_secret_is_shown_and_the_login_is_judged_the_same(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(IN_THE_CLEAR))
    turns = CASES[name].turns
    size = sum(len(text) for _, text in turns)
    dialogue = connection(rechunked(turns, data.draw(st.sets(st.integers(0, size), max_size=20))))
    packets = data.draw(lost(data.draw(repeated(dialogue, dialogue.packets, lies=False))))
    frames = on_the_wire(packets)
    policy = data.draw(st.sampled_from(POLICIES))
    shown = scrub(frames, policy)
    assert_silent(shown, SECRET)
    # The copy does not tell that so few bytes are missing that no reply can be among them.
    assume(all(size >= len("250\r\n") for size in _missing(dialogue.packets, packets)))
    without: tuple[str, ...] = ("gaps",)
    if shown and shown[0].time != frames[0].time:  # a session begins where it is first seen
        without += ("start", "auth", "client_mac", "server_mac", "client_ttl")
    if "withheld.invalid" in repr(told(shown, name, policy)):  # a greeting could repeat what is missing
        without += ("greeting", "server_name")
    assert told(shown, name, policy, without=without) == told(frames, name, policy, without=without)


def _missing(packets: Sequence[Packet], captured: Sequence[Packet]) -> list[int]:
    """Sizes of the holes in what the server said."""
    said, there = (
        {packet.seq + at for packet in of for at in range(len(packet.data)) if packet.src.port != CLIENT_END.port}
        for of in (packets, captured)
    )
    holes: list[int] = []
    for at in sorted(said - there):
        if holes and at - 1 in said - there:
            holes[-1] += 1
        else:
            holes.append(1)
    return holes


def test_a_line_end_alone_may_begin_a_proxys_header_even_after_missing_bytes() -> None:
    dialogue = connection(rechunked(CASES["plain, initial response"].turns, {1, 2, 43}))
    frames = on_the_wire(packet for packet in dialogue.packets if not packet.data.startswith(b"EHLO"))
    assert sessions(frames)[0].auth[0].username == "user"
    assert [*map(verdict, sessions(scrub(frames)))] == [*map(verdict, sessions(frames))]


@pytest.mark.parametrize("policy", POLICIES)
def test_where_the_client_was_not_captured_the_server_shows_what_it_is_and_repeats_nothing(policy: Policy) -> None:
    secret = SECRET.encode()
    replies = (
        b"220 mail.example ESMTP\r\n",
        b"250-mail.example\r\n250 SIZE\r\n",
        b"501-%b\r\n" % secret,
        b"220 mail.example ESMTP\r\n",
        b"250 %b\r\n" % secret,
    )
    dialogue = connection([turn for text in replies for turn in ((SERVER, text), (CLIENT, b"%b\r\n" % secret))])
    shown = scrub(on_the_wire(packet for packet in dialogue.packets if packet.src.port != CLIENT_END.port), policy)
    assert_silent(shown, SECRET)
    assert said(shown, SERVER).startswith(replies[0] + replies[1])


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_damaged_and_forged_packets_show_no_secret(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(IN_THE_CLEAR))
    turns = CASES[name].turns
    size = sum(len(text) for _, text in turns)
    dialogue = connection(rechunked(turns, data.draw(st.sets(st.integers(0, size), max_size=20))))
    packets = data.draw(mangled(data.draw(repeated(dialogue, dialogue.packets))))
    assert_silent(scrub(on_the_wire(data.draw(captured(packets)))), SECRET)
