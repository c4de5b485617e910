from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.tls.recognition import MAX_RECORD
from analyzer.tls.record_layer import BULK_RECORD, RESYNC_HEADERS, RecordWalk
from tests.tls.wire import rechunk, record

Header = tuple[int, int]
KINDS = st.sampled_from([20, 21, 22, 23, 24])
RECORDS = st.lists(st.tuples(KINDS, st.sampled_from([0, 1, 2, 5, 40, 300, 1023, 1024, 1500])), max_size=12)
SIZES = st.lists(st.integers(1, 2000), min_size=1, max_size=6)


@dataclass
class Notes:
    """A record observer that wants the payload of handshake records and writes everything down."""

    records: list[Header] = field(default_factory=list)
    payloads: bytes = b""
    losses: list[str] = field(default_factory=list)
    ssl2: list[int] = field(default_factory=list)

    def record(self, side: int, kind: int, length: int) -> bool:
        self.records.append((kind, length))
        return kind == 22

    def payload(self, side: int, kind: int, piece: bytes) -> None:
        assert kind == 22
        self.payloads += piece

    def ssl2_client_hello(self, side: int, version: int) -> None:
        self.ssl2.append(version)

    def payload_lost(self, side: int) -> None:
        self.losses.append("payload")

    def records_lost(self, side: int) -> None:
        self.losses.append("records")


def without_runs(records: list[Header]) -> list[Header]:
    """The records with each run of equal large ones as one, as an observer may be told them."""
    told: list[Header] = []
    for header, run in groupby(records):
        bulk = header[1] >= BULK_RECORD and header[0] != 22
        told += [header] if bulk else list(run)
    return told


def walked(*pieces: bytes) -> tuple[RecordWalk, Notes]:
    notes = Notes()
    walk = RecordWalk(0, notes)
    for piece in pieces:
        walk.feed(piece)
    return walk, notes


@given(RECORDS, SIZES)
def test_walk_tells_every_record_whatever_chunks_cut_them(records: list[Header], sizes: list[int]) -> None:
    stream = b"".join(record(kind, bytes([kind]) * length) for kind, length in records)
    walk, notes = walked(*(piece for _, piece in rechunk([(0, stream)], sizes)))
    assert without_runs(notes.records) == without_runs(records)
    assert notes.payloads == b"".join(b"\x16" * length for kind, length in records if kind == 22)
    assert walk.oddity is None


def test_run_of_bulk_records_is_told_once_in_one_chunk() -> None:
    _, notes = walked(record(23, bytes(16401)) * 50 + record(23, bytes(99)))
    assert notes.records == [(23, 16401), (23, 99)]


def test_small_records_are_all_told() -> None:
    _, notes = walked(record(23, bytes(30)) * 50)
    assert notes.records == [(23, 30)] * 50


@given(RECORDS, st.data())
def test_gap_within_a_payload_is_bridged_exactly(records: list[Header], data: st.DataObject) -> None:
    records = [(23, 50), *records, (23, 20)]
    index = data.draw(st.integers(0, len(records) - 1))
    _kind, length = records[index]
    cut_from = data.draw(st.integers(0, length))
    cut_to = data.draw(st.integers(cut_from, length))
    streams = [record(kind, bytes([kind]) * length) for kind, length in records]
    before = b"".join(streams[:index]) + streams[index][: 5 + cut_from]
    after = streams[index][5 + cut_to :] + b"".join(streams[index + 1 :])
    walk, notes = walked(before)
    if cut_to > cut_from:
        walk.gap(cut_to - cut_from)
        assert notes.losses == ["payload"]
    walk.feed(after)
    assert without_runs(notes.records) == without_runs(records)
    assert not walk.lost


@pytest.mark.parametrize("size", [None, 1000])
def test_after_any_other_gap_records_count_from_the_second_header_on(size: int | None) -> None:
    walk, notes = walked(record(23, bytes(50))[:20])
    walk.gap(size)
    assert notes.losses == ["records"]
    walk.feed(record(23, bytes(60)) + record(21, bytes(26)) + record(23, bytes(70)))
    assert RESYNC_HEADERS == 2
    assert notes.records == [(23, 50), (21, 26), (23, 70)]
    assert walk.oddity is None


@given(st.binary(min_size=5, max_size=400), SIZES)
def test_side_is_lost_where_no_record_follows_a_gap(junk: bytes, sizes: list[int]) -> None:
    walk, notes = walked(record(23, bytes(50)))
    walk.gap(None)
    for _, piece in rechunk([(0, b"\x00" + junk)], sizes):
        walk.feed(piece)
    walk.feed(record(23, bytes(50)) * 3)
    assert walk.oddity == "tls-lost-after-gap"
    assert notes.records == [(23, 50)]


def test_gap_that_ends_inside_ciphertext_that_looks_like_one_header_is_not_trusted() -> None:
    walk, notes = walked(record(23, bytes(50)))
    walk.gap(None)
    walk.feed(record(23, b"abcd") + b"\x99" * 100)
    assert notes.records == [(23, 50)]
    assert walk.lost


@pytest.mark.parametrize(
    ("stream", "oddity"),
    [
        (b"500 Error: bad syntax\r\n", "not-tls"),
        (b"EH", "not-tls"),
        (b"\x16\x03\x05\x00\x01x", "not-tls"),
        (record(23, b"x") + b"421 lost input connection\r\n", "clear-text-after-tls"),
        (record(23, b"x") + b"\x00\x00\x00\x00\x00", "tls-framing-lost"),
        (record(23, b"x") + b"\xc3\xa5\xc3\xa5\xc3\xa5", "tls-framing-lost"),
        (record(23, b"x") + b"\x17\x03\x03" + (MAX_RECORD + 1).to_bytes(2, "big"), "tls-framing-lost"),
    ],
)
def test_stream_that_is_not_records_is_left_with_a_reason(stream: bytes, oddity: str) -> None:
    for pieces in ([stream], [bytes([byte]) for byte in stream]):
        walk, _ = walked(*pieces)
        assert walk.oddity == oddity
        walk.feed(record(23, b"x"))
        assert walk.oddity == oddity


@pytest.mark.parametrize("stream", [b"", b"\x16", b"\x16\x03\x01", b"\x80"])
def test_too_few_bytes_are_no_oddity(stream: bytes) -> None:
    walk, _ = walked(stream)
    assert walk.oddity is None
    assert not walk.started


def test_ssl2_client_hello_is_stepped_over() -> None:
    hello = bytes.fromhex("802e 01 0301 0015 0000 0010") + bytes(21) + bytes(16)
    for pieces in ([hello + record(22, b"x")], [bytes([byte]) for byte in hello + record(22, b"x")]):
        _walk, notes = walked(*pieces)
        assert notes.ssl2 == [0x0301]
        assert notes.records == [(22, 1)]


def test_ssl2_client_hello_is_known_only_at_the_start() -> None:
    walk, notes = walked(record(23, b"x") + bytes.fromhex("802e 01 0301 0015 0000 0010"))
    assert not notes.ssl2
    assert walk.oddity == "tls-framing-lost"


def test_announced_record_length_holds_no_memory() -> None:
    walk, _ = walked(b"\x17\x03\x03\x48\x00")
    for _ in range(1000):
        walk.feed(b"x" * 18)
    assert walk.oddity is None
    walk.feed(record(20, b"\x01"))
    assert walk.oddity is None
