"""Everything a pcapng file may hold is read or stepped over."""

from __future__ import annotations

import io
from pathlib import Path
from struct import pack
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.capture import open_captures, pcapng
from analyzer.errors import InputError
from tests.capture import reference
from tests.capture.reading import frames_of, read_all, read_bytes
from tests.capture.writers import (
    NOON,
    SECOND,
    Frame,
    block,
    enhanced,
    interface,
    obsolete,
    option,
    section,
    simple,
    statistics,
)

MICRO = NOON // 1000
CANARY = b"CLIENT_RANDOM c4n4ry-s3cr3t"


@pytest.mark.parametrize("order", "<>")
def test_interfaces_of_different_link_type_and_resolution(order: str) -> None:
    data = b"".join(
        (
            section(order),
            interface(1, order=order),
            interface(113, resolution=9, order=order),
            interface(101, resolution=128 + 30, order=order),
            enhanced(MICRO, b"one", number=0, order=order),
            enhanced(NOON + 1, b"two", number=1, order=order),
            enhanced((NOON // SECOND + 1) << 30, b"three", number=2, order=order),
        )
    )
    found, captures = read_bytes(data)
    assert found == [
        Frame(NOON, b"one", 3, 1),
        Frame(NOON + 1, b"two", 3, 113),
        Frame(NOON + SECOND, b"three", 5, 101),
    ]
    assert captures.sources[0].link_types == {1, 113, 101}
    assert captures.sources[0].format == "pcapng"


def test_a_section_forgets_interfaces_and_may_have_the_other_byte_order() -> None:
    data = b"".join(
        (
            section("<"),
            interface(1),
            interface(113),
            enhanced(MICRO, b"little", number=1),
            section(">", options=option(4, b"a tool with a long comment" * 100, ">")),
            interface(101, resolution=9, order=">"),
            enhanced(NOON + SECOND, b"big", order=">"),
            enhanced(NOON + SECOND, b"whose?", number=1, order=">"),
            section("<"),
            interface(12),
            enhanced(MICRO + 2_000_000, b"little"),
        )
    )
    found, captures = read_bytes(data)
    assert [(one.content, one.link_type) for one in found] == [(b"little", 113), (b"big", 101), (b"little", 12)]
    assert captures.oddities == {"packet-of-undeclared-interface": 1}


def test_simple_packets_have_the_length_of_the_snapshot_and_the_time_of_the_packet_before() -> None:
    data = b"".join(
        (
            section(),
            interface(1, snapshot=4),
            simple(b"abcd", wire=90),
            enhanced(MICRO, b"timed!"),
            simple(b"ab", wire=2),
            simple(b"abcd", wire=1500),
        )
    )
    found, captures = read_bytes(data)
    assert found == [
        Frame(0, b"abcd", 90),
        Frame(NOON, b"timed!", 6),
        Frame(NOON, b"ab", 2),
        Frame(NOON, b"abcd", 1500),
    ]
    assert captures.oddities == {"packet-without-time": 3}


def test_a_simple_packet_without_snapshot_length_is_as_long_as_its_block_at_most() -> None:
    found, _ = read_bytes(section() + interface(1) + simple(b"abcdefg", 7) + simple(b"abcd", 4000))
    assert [(one.content, one.wire) for one in found] == [(b"abcdefg", 7), (b"abcd", 4000)]


@pytest.mark.parametrize("order", "<>")
def test_obsolete_packet_blocks(order: str) -> None:
    head = section(order) + interface(1, order=order) + interface(9, order=order)
    found, _ = read_bytes(head + obsolete(MICRO, b"old frame", 80, number=1, order=order))
    assert found == [Frame(NOON, b"old frame", 80, 9)]


def test_other_blocks_are_stepped_over_and_secrets_are_not_kept() -> None:
    data = b"".join(
        (
            section(),
            block(10, pack("<II", 0x544C534B, len(CANARY)) + CANARY),
            block(4, b"name resolution"),
            interface(1),
            block(0x0BAD, bytes(5000)),
            enhanced(MICRO, b"frame", options=option(1, b"a comment") + option(0, b"")),
            block(0x80000001, b""),
        )
    )
    found, captures = read_bytes(data)
    assert found == [Frame(NOON, b"frame", 5)]
    assert captures.sources[0].decryption_secrets == 1
    assert b"c4n4ry" not in repr((captures.sources, captures.oddities, captures.damage)).encode()


@pytest.mark.parametrize("order", ["<", ">"])
def test_the_tls_keys_a_file_carries_go_to_whoever_asks_for_them_and_other_secrets_do_not(order: str) -> None:
    def secrets(kind: int, size: int, text: bytes) -> bytes:
        return block(10, pack(f"{order}II", kind, size) + text, order)

    data = b"".join(
        (
            section(order),
            secrets(0x544C534B, 5, b"first"),
            secrets(0x57474B4C, 9, b"WireGuard"),
            interface(1, order=order),
            enhanced(MICRO, b"frame", order=order),
            secrets(0x544C534B, 1 << 31, b"a lying length, "),
            block(10, b"", order),
        )
    )
    keys: list[bytes] = []
    captures = open_captures(["-"], stdin=io.BytesIO(data), on_keys=keys.append)
    assert read_all(captures) == [Frame(NOON, b"frame", 5)]
    assert keys == [b"first", b"a lying length, "]
    assert captures.sources[0].decryption_secrets == 4


def test_keys_come_before_the_packets_of_their_file_however_many_files_there_are(tmp_path: Path) -> None:
    told: list[object] = []
    for number in range(2):
        text = b"key %d" % number
        data = section() + interface(1) + block(10, pack("<II", 0x544C534B, len(text)) + text)
        (tmp_path / f"{number}.pcapng").write_bytes(data + enhanced(MICRO + 9 * number, b"frame %d" % number))
    with open_captures([str(tmp_path)], on_keys=told.append) as captures:
        for batch in captures.batches():
            told += [frame.content for frame in frames_of(batch)]
    assert told.index(b"key 0") < told.index(b"frame 0")
    assert told.index(b"key 1") < told.index(b"frame 1")


def test_packets_lost_by_the_capturing_host_are_reported() -> None:
    first = b"".join((section(), interface(1), interface(1), statistics(0, 9, 3, 1), statistics(0, 20, 5, 2)))
    second = b"".join(
        (section(">"), interface(1, order=">"), statistics(0, 5, 0, 10, ">"), statistics(7, 5, 9, 9, ">"))
    )
    _, captures = read_bytes(first + statistics(1, 1, 100, 0) + second)
    assert captures.sources[0].dropped == 7 + 100 + 10


def test_blocks_that_lie_about_their_packet_are_counted() -> None:
    data = b"".join(
        (
            section(),
            interface(1),
            enhanced(MICRO, b"12345678", captured=4_000_000_000),
            block(6, bytes(8)),
            enhanced(MICRO, b"", number=9),
            enhanced(MICRO, b"good"),
        )
    )
    found, captures = read_bytes(data)
    assert [one.content for one in found] == [b"12345678", b"good"]
    assert found[0].wire == 8
    assert captures.oddities == {
        "frame-longer-than-its-block": 1,
        "packet-block-too-short": 1,
        "packet-of-undeclared-interface": 1,
    }
    assert not captures.damage


def test_packets_before_any_interface_are_counted() -> None:
    found, captures = read_bytes(section() + enhanced(MICRO, b"early") + simple(b"x", 1))
    assert not found
    assert captures.oddities == {"packet-of-undeclared-interface": 2}


def test_interfaces_beyond_the_limit_are_ignored_and_counted() -> None:
    data = (
        section()
        + interface(1) * 5
        + block(1, b"")
        + enhanced(MICRO, b"kept", number=2)
        + enhanced(MICRO, b"", number=3)
    )
    with patch.object(pcapng, "MAX_INTERFACES", 3):
        found, captures = read_bytes(data)
    assert [one.content for one in found] == [b"kept"]
    assert captures.oddities == {"interface-ignored": 3, "packet-of-undeclared-interface": 1}


def test_sections_beyond_the_limit_are_damage() -> None:
    one = section() + interface() + enhanced(MICRO, b"frame")
    with patch.object(pcapng, "MAX_SECTIONS", 3):
        found, captures = read_bytes(one * 5)
    assert len(found) == 3
    assert "more than 3 sections" in captures.damage[0].what


@pytest.mark.parametrize(
    ("damaged", "reason"),
    [
        (pack("<III", 6, 13, 13), "claims a length of 13 bytes"),
        (pack("<III", 6, 0, 0), "claims a length of 0 bytes"),
        (pack("<III", 6, 0xFFFF_FFFC, 0), "claims a length of 4,294,967,292 bytes"),
        (pack("<III", 9, 12, 16), "two different lengths"),
        (pack("<IIIII", 0x0A0D0D0A, 28, 0x12345678, 0, 0) + bytes(8), "unknown byte order"),
    ],
)
def test_a_broken_chain_is_damage_and_what_came_before_is_kept(damaged: bytes, reason: str) -> None:
    good = section() + interface(1) + enhanced(MICRO, b"good")
    found, captures = read_bytes(good + damaged + enhanced(MICRO, b"never reached"))
    assert [one.content for one in found] == [b"good"]
    (damage,) = captures.damage
    assert damage.what.startswith(f"damaged from byte {len(good):,} on")
    assert reason in damage.what


def test_a_first_section_of_neither_byte_order_is_refused() -> None:
    with pytest.raises(InputError, match="byte order"):
        read_bytes(section().replace(b"\x4d\x3c\x2b\x1a", b"\x4d\x3c\x2b\x1b"))


orders = st.sampled_from("<>")
contents = st.binary(max_size=50)


@st.composite
def sections(draw: st.DrawFn) -> bytes:
    """A section of any blocks, in a byte order of its own."""
    order = draw(orders)
    numbers = st.integers(0, 3)
    blocks = st.one_of(
        st.builds(
            lambda link, snap, resolution, offset: interface(link, snap, resolution, offset, order),
            st.sampled_from([1, 101, 113]),
            st.sampled_from([0, 10, 65_535]),
            st.sampled_from([None, 0, 3, 6, 9, 12, 128 + 10, 128 + 40]),
            st.sampled_from([None, 0, -3600, 10**6]),
        ),
        st.builds(
            lambda ticks, content, more, number: enhanced(ticks, content, len(content) + more, number, order),
            st.integers(0, 2**52),
            contents,
            st.integers(0, 9),
            numbers,
        ),
        st.builds(
            lambda ticks, content, number: obsolete(ticks, content, 60, number, order),
            st.integers(0, 2**52),
            contents,
            numbers,
        ),
        st.builds(lambda content, more: simple(content, len(content) + more, order), contents, st.integers(0, 9)),
        st.builds(lambda kind, body: block(kind, body, order), st.sampled_from([1, 2, 3, 4, 5, 6, 10, 77]), contents),
    )
    return section(order) + b"".join(draw(st.lists(blocks, max_size=12)))


@settings(max_examples=150, deadline=None)
@given(st.lists(sections(), min_size=1, max_size=5), st.integers(64, 2000), st.integers(16, 4096))
def test_any_sequence_of_sections_is_read_as_by_the_reference(parts: list[bytes], block_bytes: int, span: int) -> None:
    data = b"".join(parts)
    with patch.object(pcapng, "FIRST_SPAN_BYTES", span):
        found, captures = read_bytes(data, block_bytes)
    expected = reference.read(data)
    assert found == expected.frames
    assert (expected.ending == "end") == (not captures.damage)
