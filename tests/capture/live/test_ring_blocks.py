"""Blocks as the kernel lays them out, built field by field from linux/if_packet.h."""

from __future__ import annotations

from struct import pack

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from analyzer.capture.formats import gather
from analyzer.capture.live.ring_blocks import BLOCK_HEADER, FRAME_HEADER, TAG_BYTES, frame_headers, restore_tags

HEADROOM = 86
"""Where the kernel puts an Ethernet frame: header 48, address 20, both rounded up, and 4 bytes reserved."""

addresses = st.binary(min_size=12, max_size=12)
bodies = st.binary(min_size=2, max_size=90)
tags = st.one_of(st.none(), st.tuples(st.sampled_from([None, 0x8100, 0x88A8]), st.integers(0, 0xFFFF)))


def laid_out(frames: list[tuple[bytes, tuple[int | None, int] | None]]) -> bytes:
    """Frames one behind the other, each with the tag that was taken off it: its type if told, and its value."""
    block = b""
    for number, (frame, tag) in enumerate(frames):
        size = -(-(HEADROOM + len(frame)) // 8) * 8
        following = 0 if number == len(frames) - 1 else size
        status, tci, tpid = 1, 0, 0
        if tag is not None:
            status |= 1 << 4 | (0 if tag[0] is None else 1 << 6)
            tpid, tci = tag[0] or 0, tag[1]
        header = pack(
            "=6IHHIIHH8x", following, 7, number, len(frame), len(frame) + 1, status, HEADROOM, 100, 0, tci, tpid, 0
        )
        block += (header.ljust(HEADROOM, b"\xee") + frame).ljust(size, b"\xee")
    return block


def test_headers_have_the_kernels_sizes() -> None:
    assert (BLOCK_HEADER.itemsize, FRAME_HEADER.itemsize) == (48, 48)


@given(st.lists(st.tuples(st.builds(bytes.__add__, addresses, bodies), tags), min_size=1, max_size=12))
def test_every_frame_is_found_and_gets_its_tag_back(frames: list[tuple[bytes, tuple[int | None, int] | None]]) -> None:
    first = 48
    data = np.frombuffer(bytearray(first) + laid_out(frames), np.uint8).copy()
    offsets = frame_headers(data.view(np.uint32).data, first, len(frames))
    headers = gather(data, offsets, FRAME_HEADER)
    start = offsets + headers["mac"]
    captured, wire = headers["captured"].astype(np.int64), headers["wire"].astype(np.int64)
    restore_tags(data, headers, start, captured, wire)

    expected = []
    for frame, tag in frames:
        inserted = b"" if tag is None else pack(">HH", tag[0] or 0x8100, tag[1])
        expected.append(frame[:12] + inserted + frame[12:])
    found = [data[a : a + n].tobytes() for a, n in zip(start.tolist(), captured.tolist(), strict=True)]
    assert found == expected
    assert wire.tolist() == [len(frame) + 1 for frame in expected]
    assert headers["nanoseconds"].tolist() == list(range(len(frames)))


def test_what_is_too_short_for_a_tag_stays_as_it_is() -> None:
    data = np.frombuffer(laid_out([(b"\x01" * 11, (None, 5))]), np.uint8).copy()
    headers = gather(data, frame_headers(data.view(np.uint32).data, 0, 1), FRAME_HEADER)
    start, captured, wire = np.array([HEADROOM]), np.array([11]), np.array([12])
    restore_tags(data, headers, start, captured, wire)
    assert (start[0], captured[0], wire[0]) == (HEADROOM, 11, 12)
    assert TAG_BYTES == 4
