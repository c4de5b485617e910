"""Segments are dealt out whole, with their payload, and a conversation stays in one pair of hands."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.packets.segments import SegmentBatch
from analyzer.workers.shares import dealt, share_of

_NUMBER = st.integers(0, 2**64 - 1)
_ENDPOINT = st.tuples(_NUMBER, _NUMBER, st.integers(0, 65535))
_SEGMENT = st.tuples(_ENDPOINT, _ENDPOINT, st.binary(max_size=20))


def batch_of(segments: list[tuple[tuple[int, int, int], tuple[int, int, int], bytes]]) -> SegmentBatch:
    """Segments from an endpoint to another one; between their payloads lie bytes that are nobody's."""
    count = len(segments)
    lengths = [len(payload) for *_, payload in segments]
    number = np.arange(count)
    return SegmentBatch(
        data=np.frombuffer(b"".join(b"\xff" + payload for *_, payload in segments) or b"\xff", np.uint8),
        time=number.astype(np.int64),
        source=number.astype(np.int32),
        src=np.array([source[:2] for source, _, _ in segments], np.uint64).reshape(-1, 2),
        dst=np.array([target[:2] for _, target, _ in segments], np.uint64).reshape(-1, 2),
        sport=np.array([source[2] for source, _, _ in segments], np.uint16),
        dport=np.array([target[2] for _, target, _ in segments], np.uint16),
        seq=number.astype(np.uint32),
        ack=number.astype(np.uint32),
        flags=number.astype(np.uint8),
        start=np.array([1 + at + sum(lengths[:at]) for at in range(count)], np.int64),
        length=np.array(lengths, np.int64),
        wire=np.array(lengths, np.int64) + 1,
        src_mac=number.astype(np.uint64),
        dst_mac=number.astype(np.uint64),
        ttl=number.astype(np.uint8),
    )


def rows(batch: SegmentBatch) -> list[tuple[object, ...]]:
    """Each segment with its payload, without where that lies."""
    columns = [getattr(batch, f.name).tolist() for f in fields(batch) if f.name not in ("data", "start")]
    payload = [
        bytes(batch.data[start : start + length])
        for start, length in zip(batch.start.tolist(), batch.length.tolist(), strict=True)
    ]
    return [tuple(map(str, row)) for row in zip(*columns, payload, strict=True)]


@given(st.lists(_SEGMENT, max_size=30), st.integers(1, 5))
def test_every_segment_comes_into_one_share_in_order_and_with_its_payload(
    segments: list[tuple[tuple[int, int, int], tuple[int, int, int], bytes]], shares: int
) -> None:
    whole = batch_of(segments)
    parts = list(dealt(whole, shares))
    assert len(parts) == shares
    of = share_of(whole, shares)
    told = rows(whole)
    for share, part in enumerate(parts):
        assert rows(part) == [row for row, mine in zip(told, of.tolist(), strict=True) if mine == share]
        assert len(part.data) == part.length.sum()


@given(_ENDPOINT, _ENDPOINT, st.integers(1, 7))
def test_both_directions_of_a_conversation_are_of_one_share(
    one: tuple[int, int, int], other: tuple[int, int, int], shares: int
) -> None:
    there, back = share_of(batch_of([(one, other, b""), (other, one, b"")]), shares).tolist()
    assert there == back


@pytest.mark.parametrize("shares", [2, 3, 4])
def test_the_shares_of_usual_conversations_are_alike(shares: int) -> None:
    """Clients of one network with ports one after another, and one server: numbers that differ in few bits."""
    mapped = 0xFFFF << 32
    server = (0, mapped | 0x0A000001, 587)
    clients = [(0, mapped | 0x0A140000 | n % 250, 40_000 + n // 250) for n in range(5_000)]
    found = np.bincount(share_of(batch_of([(client, server, b"") for client in clients]), shares))
    assert len(found) == shares
    assert found.max() / found.min() < 1.25
