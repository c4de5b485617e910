from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.tls.handshake import MAX_HELLO, HandshakeReader
from tests.tls.wire import message, rechunk

Message = tuple[int, bytes | None]
MESSAGES = st.lists(st.tuples(st.sampled_from([0, 1, 2, 4, 11, 14, 255]), st.binary(max_size=40)), max_size=8)


@given(MESSAGES, st.lists(st.integers(1, 30), min_size=1, max_size=6))
def test_messages_come_out_whatever_records_cut_them(messages: list[tuple[int, bytes]], sizes: list[int]) -> None:
    reader = HandshakeReader()
    stream = b"".join(message(kind, body) for kind, body in messages)
    found: list[Message] = []
    for _, piece in rechunk([(0, stream)], sizes):
        found += reader.feed(piece)
    assert found == [(kind, body if kind in (1, 2) else None) for kind, body in messages]


@pytest.mark.parametrize(("size", "kept"), [(MAX_HELLO, True), (MAX_HELLO + 1, False)])
def test_hello_longer_than_the_limit_is_told_without_its_body_and_stepped_over(size: int, kept: bool) -> None:
    reader = HandshakeReader()
    found = reader.feed(message(1, bytes(size)) + message(14, b""))
    assert found == [(1, bytes(size) if kept else None), (14, None)]


def test_announced_length_allocates_nothing() -> None:
    reader = HandshakeReader()
    reader.feed(b"\x01\x00\xff\xff" + b"abc")
    reader.feed(b"")
    assert len(pickle.dumps(reader)) < 300
    reader = HandshakeReader()
    assert reader.feed(b"\x0b\xff\xff\xff" + bytes(100_000)) == [(11, None)]
    assert len(pickle.dumps(reader)) < 300
