from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.tls import looks_like_tls
from tests.tls import wire

SSL2_HELLO = bytes.fromhex("802e 01 0301 0015 0000 0010") + bytes(21) + bytes(16)


@pytest.mark.parametrize(
    "data",
    [
        wire.CLIENT_HELLO_13,
        wire.CLIENT_HELLO_12[:7],
        wire.SERVER_HELLO_12,
        wire.CCS + wire.FINISHED_12,
        wire.FATAL_HANDSHAKE_FAILURE,
        wire.data(100) + wire.data(20),
        wire.record(23, b"x" * 17, version=0x0301),
        wire.record(24, b"heartbeat"),
        wire.record(21, bytes(26)),
        SSL2_HELLO,
        SSL2_HELLO[:11],
    ],
)
def test_accepts_what_starts_a_tls_stream(data: bytes) -> None:
    assert looks_like_tls(data) is True


@pytest.mark.parametrize(
    "data",
    [
        b"EHLO copier.example.org\r\n",
        b"220 mail.example.org ESMTP\r\n",
        b"\r\n",
        b"\x16",
        b"\x16\x03",
        b"\xff\xfb\x01",
        b"GET / HTTP/1.1\r\n",
    ],
)
def test_never_takes_text_for_tls(data: bytes) -> None:
    assert looks_like_tls(data) is not True


@pytest.mark.parametrize(
    "data",
    [
        wire.record(22, b"\x01" + bytes(50), version=0x0305),
        wire.record(25, b"tls12_cid"),
        b"\x16\x03\x01\x48\x01",  # one byte longer than a record can be
        wire.record(22, b""),
        wire.record(22, b"\x63" + bytes(50)),  # no such handshake message
        wire.record(20, b"\x01\x01"),
        wire.record(20, b"\x02"),
        wire.record(21, b"\x03\x28"),  # no such alert level
        wire.data(10) + b"250 OK\r\n",
        SSL2_HELLO[:5] + b"\x00\x16" + SSL2_HELLO[7:],  # suites of SSLv2 have three bytes
        SSL2_HELLO[:2] + b"\x04" + SSL2_HELLO[3:],
        b"\x80\x10" + SSL2_HELLO[2:],
    ],
)
def test_rejects_what_no_tls_stream_starts_with(data: bytes) -> None:
    assert looks_like_tls(data) is False


def test_longest_record_is_accepted() -> None:
    assert looks_like_tls(b"\x17\x03\x03\x48\x00") is True


@pytest.mark.parametrize(
    "whole", [wire.CLIENT_HELLO_13, wire.CCS, wire.data(30), wire.FATAL_HANDSHAKE_FAILURE, SSL2_HELLO]
)
def test_says_nothing_until_a_header_is_there_and_then_stays_with_it(whole: bytes) -> None:
    answers = [looks_like_tls(whole[:size]) for size in range(len(whole) + 1)]
    decided = answers.index(True)
    assert answers[:decided] == [None] * decided
    assert decided >= 5
    assert set(answers[decided:]) == {True}


@given(st.binary(max_size=40))
def test_more_bytes_never_turn_a_no_into_a_yes(data: bytes) -> None:
    answers = [looks_like_tls(data[:size]) for size in range(len(data) + 1)]
    if False in answers:
        assert set(answers[answers.index(False) :]) == {False}
