"""A batch holds what was put in, whole, and in order of time where several interfaces were read."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from analyzer.capture.live.collector import ALIGNMENT, BATCH_FRAMES, Collector
from tests.capture.reading import frames_of

parts = st.lists(
    st.tuples(st.integers(0, 2), st.lists(st.tuples(st.integers(0, 50), st.binary(max_size=9)), max_size=4)), max_size=8
)


def put(collector: Collector, source: int, frames: list[tuple[int, bytes]]) -> None:
    content = b"".join(content for _, content in frames)
    at = collector.put(np.frombuffer(content, np.uint8))
    assert at % ALIGNMENT == 0
    lengths = np.array([len(content) for _, content in frames], np.int64)
    times = np.array([time for time, _ in frames], np.int64)
    collector.add(at + np.cumsum(lengths) - lengths, lengths, lengths, times, 1, source)


@given(parts)
def test_nothing_is_lost_and_each_interface_keeps_its_order(
    given_parts: list[tuple[int, list[tuple[int, bytes]]]],
) -> None:
    collector = Collector(4096)
    for source, frames in given_parts:
        put(collector, source, frames)
    batch = collector.batch()
    found = list(zip(batch.source.tolist(), frames_of(batch), strict=True))
    for source in range(3):
        mine = [frame for each, frames in given_parts if each == source for frame in frames]
        assert [(frame.time, frame.content) for each, frame in found if each == source] == mine


@given(parts)
def test_frames_of_several_interfaces_follow_their_clocks(
    given_parts: list[tuple[int, list[tuple[int, bytes]]]],
) -> None:
    collector = Collector(4096)
    for source, frames in given_parts:
        put(collector, source, sorted(frames))
    batch = collector.batch()
    clocks = dict.fromkeys(range(3), 0)
    seen = 0
    for source, time in zip(batch.source.tolist(), batch.time.tolist(), strict=True):
        clocks[source] = max(clocks[source], time)
        if len(set(batch.source.tolist())) > 1:
            assert clocks[source] >= seen
            seen = clocks[source]


def test_an_empty_batch_can_be_read_like_any_other() -> None:
    batch = Collector(64).batch()
    assert (len(batch), list(frames_of(batch))) == (0, [])


def test_room_shrinks_as_it_fills_and_is_back_with_the_next_batch() -> None:
    collector = Collector(64)
    put(collector, 0, [(1, b"twelve bytes")])
    assert collector.room == 48
    collector.batch()
    assert collector.room == 64


def test_a_batch_of_many_small_frames_is_full_before_its_bytes_are() -> None:
    collector = Collector(BATCH_FRAMES * 2)
    put(collector, 0, [(1, b"x")] * (BATCH_FRAMES - 1))
    assert collector.room > 0
    put(collector, 0, [(1, b"x")])
    assert collector.room == 0
    assert len(collector.batch()) == BATCH_FRAMES
    assert collector.room == BATCH_FRAMES * 2
