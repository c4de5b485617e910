"""Whatever somebody sends to a port of names: no crash, no hang, nothing unbounded, nothing unfit to be shown."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.hostnames.dns_message import MOST_RECORDS, Malformed, read_message, read_name
from analyzer.hostnames.learned import LONGEST_CLASS, LONGEST_NAME
from analyzer.hostnames.reader import MOST_LEARNED, NameReader
from tests.hostnames.messages import (
    LINK_LOCAL,
    acknowledgement,
    answer,
    datagram,
    node_status,
    record,
    registration,
    relayed,
    request,
    solicit,
)

PORTS = [(53, 40000), (5353, 5353), (137, 137), (68, 67), (67, 68), (546, 547), (547, 547)]
SEEDS = [
    bytes(message)
    for message in (
        answer(record("a.example", "CNAME", "b.example"), record("b.example", "A", "192.0.2.1")),
        answer(record("1.0.20.10.in-addr.arpa", "PTR", "copier.example")),
        registration("ERP-SRV", "10.20.0.41"),
        node_status(("ERP-SRV", 0, 0)),
        request(("hostname", b"copier3"), (81, b"\4\0\0\7copier3\0"), ("vendor_class_id", b"MSFT 5.0")),
        acknowledgement(yiaddr="10.20.0.9"),
        solicit("copier3"),
        relayed(solicit("copier3")),
    )
]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    data = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(0, 6))):
        data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    return bytes(data[: draw(st.integers(0, len(data)))]) + draw(st.binary(max_size=8))


@settings(deadline=None, max_examples=400)
@given(st.one_of(st.binary(max_size=600), damaged()), st.sampled_from(PORTS), st.sampled_from(["10.0.0.9", LINK_LOCAL]))
def test_nothing_that_comes_out_is_unfit(payload: bytes, ports: tuple[int, int], src: str) -> None:
    for one in NameReader().read(datagram(payload, *ports, src=src)):
        assert one.address is not None or one.mac is not None
        if one.name is not None:
            assert 0 < len(one.name) <= LONGEST_NAME
            assert one.name.isprintable()
            assert not any(letter.isspace() for letter in one.name)
        if one.vendor_class is not None:
            assert 0 < len(one.vendor_class) <= LONGEST_CLASS
            assert one.vendor_class.isprintable()


@pytest.mark.parametrize(
    "name",
    [
        b"\xc0\x0c",  # to itself
        b"\xc0\x0e\xc0\x0c",  # forwards, and back
        b"\xc0\x20",  # forwards
        b"\1a\xc0\x0c",  # to its own beginning
        b"\x3fa",  # longer than the message
        b"\x80",  # a kind of label that nobody uses
        b"\xc0",  # half a pointer
        b"",
        (b"\x3f" + b"x" * 63) * 5 + b"\0",  # longer than names may be
    ],
)
def test_a_name_that_loops_or_lies_is_malformed(name: bytes) -> None:
    with pytest.raises(Malformed):
        read_name(bytes(12) + name, 12)


def test_pointers_may_point_to_what_has_been_read() -> None:
    data = b"\7example\0\4mail\xc0\0\xc0\x09"
    assert read_name(data, 9) == ((b"mail", b"example"), 16)
    assert read_name(data, 16) == ((b"mail", b"example"), 18)


def test_counts_are_not_believed() -> None:
    with pytest.raises(Malformed):
        read_message(struct.pack(">6H", 1, 0x8000, 0, 65535, 65535, 65535))


def test_of_a_message_so_many_records_are_read() -> None:
    many = answer(*[record("a.example", "A", f"10.0.0.{i}") for i in range(1, MOST_RECORDS + 20)])
    message = read_message(bytes(many))
    assert len(message.questions) + len(message.answers) == MOST_RECORDS
    assert len(NameReader().read(datagram(bytes(many), 53, 40000))) == MOST_RECORDS - 1


def test_of_a_datagram_so_many_things_are_learned() -> None:
    """A node status says 255 names in one record."""
    reader = NameReader()
    status = node_status(*[(f"HOST{i}", 0, 0) for i in range(MOST_LEARNED + 9)])
    assert len(reader.read(datagram(status, 137, 137))) == MOST_LEARNED
    assert reader.oddities == {"name-flood": 1}


def test_what_is_no_message_is_counted_and_tells_nothing() -> None:
    reader = NameReader()
    for ports in PORTS:
        assert reader.read(datagram(b"\xff" * 3, *ports)) == []
    assert reader.oddities == {"name-malformed": len(PORTS)}
