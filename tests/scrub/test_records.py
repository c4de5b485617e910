"""Records pass the filter whatever chunks they come in; what is no record does not."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from analyzer.scrub.records import RecordFilter

contents = st.lists(
    st.tuples(st.sampled_from([0x14, 0x15, 0x16, 0x17]), st.binary(min_size=1, max_size=60)), max_size=6
)


def record(kind: int, content: bytes) -> bytes:
    return bytes((kind, 3, 3)) + len(content).to_bytes(2, "big") + content


def passed(chunks: list[bytes]) -> bytes:
    """What the filter lets through, and zeros for the rest."""
    walk, shown = RecordFilter(), bytearray()
    for chunk in chunks:
        at = 0
        for size, is_record in walk.feed(chunk):
            shown += chunk[at : at + size] if is_record else bytes(size)
            at += size
        assert at == len(chunk)
    return bytes(shown)


def cut(data: bytes, cuts: set[int]) -> list[bytes]:
    bounds = [0, *sorted(at for at in cuts if at < len(data)), len(data)]
    return [data[begin:end] for begin, end in itertools.pairwise(bounds)]


@given(contents, st.sets(st.integers(1, 400)))
def test_records_pass_however_they_are_cut(records: list[tuple[int, bytes]], cuts: set[int]) -> None:
    stream = b"".join(record(*one) for one in records)
    assert passed(cut(stream, cuts)) == stream


@given(contents, st.sets(st.integers(1, 400)))
def test_what_follows_the_last_record_does_not_pass(records: list[tuple[int, bytes]], cuts: set[int]) -> None:
    stream = b"".join(record(*one) for one in records)
    shown = passed(cut(stream + b"PASS s3cr3t-c4n4ry\r\n", cuts))
    assert shown[: len(stream)] == stream
    assert b"s3cr3t" not in shown


def test_a_hello_of_ssl_2_passes_at_the_beginning_only() -> None:
    hello = b"\x80\x2e\x01\x03\x01" + bytes(43)
    assert passed([hello, record(0x16, b"x")]) == hello + record(0x16, b"x")
    assert passed([record(0x16, b"x"), hello]) == record(0x16, b"x") + bytes(len(hello))


def test_after_a_gap_inside_a_record_the_next_one_passes() -> None:
    walk = RecordFilter()
    assert walk.feed(record(0x17, bytes(100))[:45]) == [(45, True)]
    walk.gap(30)
    assert not walk.lost
    assert walk.feed(bytes(30) + record(0x17, b"x")) == [(36, True)]


def test_after_a_gap_of_unknown_records_only_two_in_a_row_prove_a_record() -> None:
    walk = RecordFilter()
    walk.feed(record(0x17, b"x"))
    walk.gap(1000)
    assert walk.feed(b"s3cr3t \3\3") == [(9, False)]
    assert walk.lost
    assert walk.feed(b"s3cr3t" + record(0x17, b"x") * 2) == [(6, False), (12, True)]
