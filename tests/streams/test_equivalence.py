"""The fast path and the slow one, and any cut into batches: the same result for whatever was captured."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.streams import Limits, grouping, tracker
from analyzer.streams.reassembly import Patience
from tests.streams.dialogues import ENDS, ISNS, captured, dialogues, lost, mangled, mixed, repeated, swapped
from tests.streams.packets import MILLISECOND, Packet, timed, track

CUTS = st.lists(st.integers(0, 60), max_size=6)
NEAR = st.integers(-50, 2000) | st.sampled_from([2**20, -(2**20), 2**30, -(2**30)])
FLAGS = st.integers(0, 31) | st.just(16)
UNCAPTURED = st.sampled_from([0, 0, 0, 1, 30])


@st.composite
def disturbed(draw: st.DrawFn) -> list[Packet]:
    """One conversation, perhaps with another between the same endpoints after it, and all that may befall them."""
    dialogue = draw(dialogues())
    packets = list(dialogue.packets)
    if draw(st.booleans()):
        packets = draw(swapped(packets))
    if draw(st.booleans()):
        packets = draw(repeated(dialogue, packets))
    if draw(st.booleans()):
        packets = draw(lost(packets))
    if draw(st.booleans()):
        packets = draw(mangled(packets))
    return packets


@st.composite
def reused(draw: st.DrawFn) -> list[Packet]:
    """Conversations between the same endpoints, each of them disturbed, closed or not, with numbers near or far."""
    first = draw(dialogues())
    packets = list(first.packets)
    for _ in range(draw(st.integers(1, 2))):
        isns = [NEAR.map(isn.__add__) | st.integers(0, 2**32 - 1) for isn in first.isns]
        dialogue = draw(dialogues(ends=[first.ends], isns=(isns[0], isns[1])))
        after = list(dialogue.packets)[draw(st.integers(0, 4)) :]
        if draw(st.booleans()) and after:
            after = draw(lost(after))
        if draw(st.booleans()) and after:
            after = draw(mangled(after))
        at = draw(st.just(len(packets)) | st.integers(0, len(packets)))
        packets = [*packets[:at], *after, *packets[at:]]
    return draw(captured(draw(swapped(packets)) if draw(st.booleans()) else packets))


@st.composite
def captures(draw: st.DrawFn) -> list[Packet]:
    """Conversations one after the other between the same endpoints, beside others."""
    parts = [
        [packet for _ in range(draw(st.integers(1, 2))) for packet in draw(disturbed())]
        for _ in range(draw(st.integers(1, 2)))
    ]
    return draw(captured(draw(mixed(parts))))


@given(captures() | reused(), CUTS)
@settings(max_examples=400, deadline=None)
def test_columns_give_what_one_segment_at_a_time_gives(packets: list[Packet], cuts: list[int]) -> None:
    assert track(packets, cuts) == track(packets, in_columns=False)


@given(captures(), CUTS)
@settings(max_examples=100, deadline=None)
def test_flows_with_equal_hashes_are_told_apart(packets: list[Packet], cuts: list[int]) -> None:
    expected = track(packets, cuts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grouping, "_MIX", [np.uint64(0)] * 5)
        assert track(packets, cuts) == expected


@given(captures() | reused(), CUTS)
@settings(max_examples=100, deadline=None)
def test_how_many_segments_are_taken_at_once_never_shows(packets: list[Packet], cuts: list[int]) -> None:
    expected = track(packets, cuts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tracker, "SEGMENTS_AT_ONCE", 7)
        patch.setattr(tracker, "ROWS_AT_ONCE", 2)
        assert track(packets, cuts) == expected


@st.composite
def noise(draw: st.DrawFn) -> list[Packet]:
    """Segments that belong to nothing, between few endpoints and near few sequence numbers."""
    ends = draw(st.sampled_from(ENDS))
    base = draw(ISNS)
    count = draw(st.integers(0, 30))
    packets = []
    for _ in range(count):
        src = draw(st.integers(0, 1))
        seq, ack = (base + draw(st.integers(-20, 60)) for _ in range(2))
        flags = draw(FLAGS)
        data = draw(st.binary(max_size=20))
        wire = len(data) + draw(UNCAPTURED)
        packets.append(Packet(ends[src], ends[1 - src], seq % 2**32, ack % 2**32, flags, data, wire))
    return draw(captured(timed(packets)))


@given(noise(), CUTS)
@settings(max_examples=400, deadline=None)
def test_random_segments_never_raise_and_both_paths_agree(packets: list[Packet], cuts: list[int]) -> None:
    assert track(packets, cuts) == track(packets, in_columns=False)


TIGHT = Limits(patience=Patience(segments=3, held_bytes=2000, lost_segments=1, lost_time=3 * MILLISECOND))
TIGHTEST = Limits(
    conversations=1, idle=5 * MILLISECOND, linger=2 * MILLISECOND, held_bytes=700, patience=TIGHT.patience
)


@given(captures() | reused() | noise(), CUTS)
@settings(max_examples=200, deadline=None)
def test_both_paths_agree_where_patience_ends(packets: list[Packet], cuts: list[int]) -> None:
    assert track(packets, cuts, limits=TIGHT) == track(packets, in_columns=False, limits=TIGHT)


@given(captures() | reused() | noise(), CUTS)
@settings(max_examples=200, deadline=None)
def test_nothing_is_raised_or_left_over_where_every_limit_is_hit(packets: list[Packet], cuts: list[int]) -> None:
    run = track(packets, cuts, limits=TIGHTEST)
    assert set(run.oddities) <= {"segment-after-close", "reassembly-limit", "conversation-evicted"}
