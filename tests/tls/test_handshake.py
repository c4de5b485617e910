from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.tls.certificate import MAX_CERTIFICATE
from analyzer.tls.handshake import MAX_HELLO, HandshakeReader
from tests.tls.certificates import chain
from tests.tls.wire import message, rechunk

Message = tuple[int, bytes | None]
MESSAGES = st.lists(st.tuples(st.sampled_from([0, 1, 2, 4, 14, 255]), st.binary(max_size=40)), max_size=8)


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
    assert reader.feed(b"\x04\xff\xff\xff" + bytes(100_000)) == [(4, None)]
    assert len(pickle.dumps(reader)) < 300


@given(st.lists(st.binary(max_size=40), max_size=3), st.lists(st.integers(1, 30), min_size=1, max_size=6))
def test_certificate_is_told_when_it_begins_and_once_more_up_to_the_end_of_the_first(
    certificates: list[bytes], sizes: list[int]
) -> None:
    reader = HandshakeReader()
    body = chain(*certificates)
    found: list[Message] = []
    for _, piece in rechunk([(0, message(11, body) + message(14, b""))], sizes):
        found += reader.feed(piece)
    first = body[: 6 + len(certificates[0])] if certificates else body
    assert found == [(11, None), (11, first), (14, None)]


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (chain(bytes(MAX_CERTIFICATE)), 6 + MAX_CERTIFICATE),
        (chain(bytes(MAX_CERTIFICATE + 1)), 6),
        (chain(bytes(2), bytes(2))[:7], 6),
        (b"\0\0", 2),
        (b"", 0),
    ],
)
def test_certificate_whose_length_cannot_be_right_is_told_without_its_bytes(body: bytes, kept: int) -> None:
    found = HandshakeReader().feed(message(11, body) + message(14, b""))
    assert found == [(11, None), (11, body[:kept]), (14, None)]


def test_partial_certificate_is_bounded() -> None:
    reader = HandshakeReader()
    assert reader.feed(b"\x0b\xff\xff\xff\xff\xff\xff\x00\x40\x00" + bytes(MAX_CERTIFICATE - 1)) == [(11, None)]
    assert len(pickle.dumps(reader)) < MAX_CERTIFICATE + 300
