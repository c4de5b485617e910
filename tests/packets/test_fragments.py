"""Fragments become the datagram they were cut from, whatever happens to them, and never take more than is allowed."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers import inet, inet6
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment
from scapy.layers.vxlan import VXLAN
from scapy.packet import Raw

from analyzer.packets import SegmentDecoder, fragments
from analyzer.packets.fragments import FragmentBuffer, Piece
from tests.packets.encapsulations import capwap, carrier, outer, udp
from tests.packets.frames import (
    CLIENT6,
    PLAIN,
    PLAIN6,
    SERVER6,
    TTL,
    Frame,
    batch_of,
    decode,
    decode_one_by_one,
    essence,
    ether,
    ip,
    rows_of,
    tcp,
)

LONG = b"MAIL FROM:<scan@example.com>\r\n" + bytes(range(256)) * 8
PLAIN_LONG = (*PLAIN[:7], LONG, len(LONG), TTL)
PLAIN6_LONG = (*PLAIN6[:7], LONG, len(LONG), TTL)
fragment: Any = inet.fragment  # these two have no types
fragment6: Any = inet6.fragment6
KEY = (1, 2, 6, 3)
SECOND = 1_000_000_000


def fragments_of(size: int = 576, *, ident: int = 1, payload: bytes = LONG) -> list[Frame]:
    return [Frame(bytes(ether() / piece)) for piece in fragment(ip(payload, ident=ident), fragsize=size)]


def fragments6_of(size: int = 600, *, ident: int = 5) -> list[Frame]:
    packet = IPv6(src=CLIENT6, dst=SERVER6, hlim=TTL) / IPv6ExtHdrFragment(id=ident) / tcp(LONG)
    return [Frame(bytes(ether() / piece)) for piece in fragment6(packet, size)]


def at(frames: Sequence[Frame], *times: float) -> list[Frame]:
    return [replace(frame, time=int(time * SECOND)) for frame, time in zip(frames, times, strict=True)]


def essences(frames: Sequence[Frame]) -> tuple[list[tuple[object, ...]], Counter[str]]:
    rows, undecoded = decode(frames)
    assert (rows, undecoded) == decode_one_by_one(frames)
    return [essence(row) for row in rows], undecoded


def test_fragments_in_order() -> None:
    assert essences(fragments_of()) == ([PLAIN_LONG], Counter())


def test_ipv6_fragments_in_order() -> None:
    assert essences(fragments6_of()) == ([PLAIN6_LONG], Counter())


def test_ipv6_options_behind_the_fragment_header() -> None:
    header = IPv6(src=CLIENT6, dst=SERVER6, hlim=TTL) / IPv6ExtHdrFragment(id=5) / IPv6ExtHdrDestOpt() / tcp(LONG)
    frames = [Frame(bytes(ether() / piece)) for piece in fragment6(header, 600)]
    assert essences(frames) == ([PLAIN6_LONG], Counter())


@pytest.mark.parametrize("frames", [fragments_of(), fragments6_of()], ids=["IPv4", "IPv6"])
def test_fragments_in_any_order(frames: list[Frame]) -> None:
    expected = essences(frames)
    for order in itertools.islice(itertools.permutations(frames), 0, None, 7):
        assert essences(order) == expected


def test_segment_stands_where_its_last_fragment_was_captured() -> None:
    first, *rest, last = fragments_of()
    other = Frame(bytes(ether() / ip(b"NOOP\r\n", sport=40000)))
    rows, _ = decode([first, other, *rest, other, last, other])
    assert [row.frame for row in rows] == [1, len(rest) + 2, len(rest) + 3, len(rest) + 4]


def test_every_fragment_captured_twice_gives_the_segment_once_and_leaves_nothing() -> None:
    doubled = [frame for frame in fragments_of() for _ in range(2)]
    assert essences(doubled) == ([PLAIN_LONG], Counter())


def test_datagram_repeated_is_a_late_copy() -> None:
    assert essences(fragments_of() * 2) == ([PLAIN_LONG], Counter())


def test_identification_used_again_begins_another_datagram() -> None:
    again = fragments_of(payload=LONG[::-1])
    rows, undecoded = essences([*fragments_of(), *again])
    assert [row[7] for row in rows] == [LONG, LONG[::-1]]
    assert not undecoded


def test_identification_used_again_after_a_foreign_datagram() -> None:
    foreign = [Frame(bytes(ether() / piece)) for piece in fragment(ip(LONG, dport=443, sport=444), fragsize=576)]
    assert essences([*foreign, *fragments_of()]) == ([PLAIN_LONG], Counter())


def test_interleaved_datagrams_are_told_apart() -> None:
    a, b = fragments_of(ident=1), fragments_of(ident=2, payload=LONG[::-1])
    rows, undecoded = essences([frame for pair in zip(a, b, strict=True) for frame in pair])
    assert [row[7] for row in rows] == [LONG, LONG[::-1]]
    assert not undecoded


def test_fragments_in_different_batches() -> None:
    decoder = SegmentDecoder()
    rows = [row for frame in fragments_of() for row in rows_of(decoder.decode(batch_of([frame])))]
    assert [essence(row) for row in rows] == [PLAIN_LONG]


def test_fragments_inside_a_tunnel_and_a_fragmented_tunnel() -> None:
    inside = [Frame(bytes(carrier() / udp(4789) / VXLAN() / ether() / p)) for p in fragment(ip(LONG), fragsize=576)]
    assert essences(inside) == ([PLAIN_LONG], Counter())
    tunnel = IP(src="192.0.2.1", dst="192.0.2.2", id=9) / udp(4789) / VXLAN() / ether() / ip(LONG)
    outside = [Frame(bytes(outer() / piece)) for piece in fragment(tunnel, fragsize=576)]
    assert essences(outside) == ([PLAIN_LONG], Counter())


@pytest.mark.parametrize(
    "wrapping",
    [udp(37008) / Raw(b"\1\0\0\1\1"), udp(50000, sport=5247) / Raw(capwap())],
    ids=["TZSP", "CAPWAP from the controller"],
)
def test_mirrored_frames_of_full_size_come_in_fragments(wrapping: Raw) -> None:
    tunnel = IP(src="192.0.2.1", dst="192.0.2.2", id=9) / wrapping / ether() / ip(LONG)
    assert essences([Frame(bytes(outer() / piece)) for piece in fragment(tunnel, fragsize=1480)][::-1]) == (
        [PLAIN_LONG],
        Counter(),
    )


def test_several_datagrams_of_one_batch_keep_their_own_bytes() -> None:
    payloads = [bytes([i]) * 1200 for i in range(5)]
    frames = [frame for i, payload in enumerate(payloads) for frame in fragments_of(ident=i, payload=payload)]
    rows, _ = decode(frames)
    assert [row.payload for row in rows] == payloads


def test_missing_fragment_is_counted() -> None:
    rows, undecoded = essences(fragments_of()[:-1])
    assert (rows, undecoded) == ([], Counter({"ip-fragment-incomplete": 1}))


def test_last_fragment_too_late_is_counted() -> None:
    first, *rest = fragments_of()
    frames = at([first, *rest], 0, *[31] * len(rest))
    assert essences(frames) == ([], Counter({"ip-fragment-incomplete": 2}))


def test_last_fragment_just_in_time() -> None:
    first, *rest = fragments_of()
    assert essences(at([first, *rest], 0, *[30] * len(rest))) == ([PLAIN_LONG], Counter())


def test_fragment_cut_by_the_snapshot_length_is_counted() -> None:
    frames = fragments_of()
    frames[1] = Frame(frames[1].data[:100], wire=len(frames[1].data))
    rows, undecoded = essences(frames)
    assert (rows, undecoded) == ([], Counter({"ip-fragment-cut": 1, "ip-fragment-incomplete": 1}))


def test_fragment_of_an_impossible_position_is_counted() -> None:
    frames = [Frame(bytes(ether() / IP(id=3, frag=0x1FFF, proto=6) / Raw(bytes(100))))]
    assert essences(frames) == ([], Counter({"ip-fragment-bad": 1}))
    empty = [Frame(bytes(ether() / IP(id=3, flags="MF", proto=6)))]
    assert essences(empty) == ([], Counter({"ip-fragment-bad": 1}))


@pytest.mark.parametrize("protocol", [1, 50, 89])
def test_protocols_that_hold_no_tcp_are_not_put_together(protocol: int) -> None:
    packet = IP(src="10.0.0.1", dst="10.0.0.2", id=3, proto=protocol) / Raw(bytes(2000))
    rows, undecoded = essences([Frame(bytes(ether() / piece)) for piece in fragment(packet, fragsize=576)[:-1]])
    assert not rows
    assert set(undecoded) <= {"unopened-esp"}


@pytest.mark.parametrize("segment", [tcp(LONG, sport=1024, dport=443), UDP(sport=53, dport=1024) / Raw(LONG)])
def test_foreign_ports_are_forgotten_without_a_trace(segment: object) -> None:
    packet = IP(src="10.0.0.1", dst="10.0.0.2", id=3) / segment
    frames = [Frame(bytes(ether() / piece)) for piece in fragment(packet, fragsize=576)[:-1]]
    assert essences(frames) == ([], Counter())
    assert essences(frames[::-1]) == ([], Counter())


# --- the buffer itself -------------------------------------------------------------------------


def buffer() -> tuple[FragmentBuffer, Counter[str]]:
    reasons: Counter[str] = Counter()
    return FragmentBuffer(lambda protocol, head: True, reasons), reasons


def test_first_copy_wins_and_a_different_one_is_counted() -> None:
    collected, reasons = buffer()
    assert collected.add(KEY, Piece(0, b"A" * 8, True), 0) is None
    assert collected.add(KEY, Piece(0, b"B" * 8, True), 0) is None
    assert collected.add(KEY, Piece(8, b"end", False), 0) == b"AAAAAAAAend"
    assert reasons == {"ip-fragment-conflict": 1}


def test_longer_copy_adds_what_the_first_lacks() -> None:
    collected, reasons = buffer()
    assert collected.add(KEY, Piece(0, b"A" * 8, True), 0) is None
    assert collected.add(KEY, Piece(0, b"A" * 8 + b"B" * 8, True), 0) is None
    assert collected.add(KEY, Piece(16, b"end", False), 0) == b"AAAAAAAABBBBBBBBend"
    assert not reasons


def test_overlap_belongs_to_the_piece_that_begins_earlier_and_a_difference_is_counted() -> None:
    collected, reasons = buffer()
    assert collected.add(KEY, Piece(8, b"B" * 16, True), 0) is None
    assert collected.add(KEY, Piece(0, b"A" * 16, True), 0) is None
    assert collected.add(KEY, Piece(24, b"", False), 0) == b"A" * 16 + b"B" * 8
    assert reasons == {"ip-fragment-conflict": 1}


def test_bytes_beyond_the_last_fragment_are_dropped() -> None:
    collected, _ = buffer()
    assert collected.add(KEY, Piece(8, b"B" * 80, True), 0) is None
    assert collected.add(KEY, Piece(16, b"end", False), 0) is None
    assert collected.add(KEY, Piece(0, b"A" * 8, True), 0) == b"A" * 8 + b"B" * 11


def test_datagrams_beyond_the_limit_push_out_the_oldest() -> None:
    collected, reasons = buffer()
    for i in range(fragments.MAX_DATAGRAMS + 10):
        collected.add((1, 2, 6, i), Piece(0, b"A" * 8, True), 0)
    assert reasons == {"ip-fragment-flood": 10}
    assert collected.add((1, 2, 6, 9), Piece(8, b"end", False), 0) is None
    assert collected.add((1, 2, 6, 100), Piece(8, b"end", False), 0) == b"AAAAAAAAend"


def test_overlapping_pieces_count_towards_the_limit_on_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fragments, "MAX_BYTES", 1 << 20)
    collected, reasons = buffer()
    for i in range(100):
        assert collected.add(KEY, Piece(8 + 8 * i, bytes(60_000), True), 0) is None
        assert collected._bytes <= 1 << 20
    assert reasons["ip-fragment-flood"] > 0


def test_tiny_pieces_count_towards_the_limit_on_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fragments, "MAX_BYTES", 1 << 16)
    collected, reasons = buffer()
    for i in range(2000):
        collected.add((1, 2, 6, i // 100), Piece(8 + 8 * (i % 100), b"A", True), 0)
    assert sum(len(d.pieces) for d in collected._waiting.values()) <= (1 << 16) // fragments.PIECE_OVERHEAD
    assert reasons["ip-fragment-flood"] > 0


def test_pieces_of_one_datagram_are_limited() -> None:
    collected, reasons = buffer()
    for i in range(fragments.MAX_PIECES + 3):
        collected.add(KEY, Piece(8 + 8 * i, b"A" * 8, True), 0)
    assert reasons == {"ip-fragment-flood": 3}


def test_everything_given_back_counts_as_nothing() -> None:
    collected, reasons = buffer()
    for i in range(50):
        collected.add((1, 2, 6, i), Piece(0, b"A" * 8, True), 0)
        if i % 2:
            collected.add((1, 2, 6, i), Piece(8, b"end", False), 0)
    collected.finish()
    assert collected._bytes == 0
    assert reasons == {"ip-fragment-incomplete": 25}


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_any_cut_and_order_of_fragments_gives_the_datagram(data: st.DataObject) -> None:
    datagram = data.draw(st.binary(min_size=1, max_size=200))
    cuts = data.draw(st.lists(st.integers(0, len(datagram) // 8), max_size=6))
    bounds = sorted({0, len(datagram), *(8 * cut for cut in cuts)})
    pieces = [Piece(a, datagram[a:b], b < len(datagram)) for a, b in itertools.pairwise(bounds)]
    pieces += [
        Piece(p.position, datagram[p.position : p.position + 8 * n], p.position + 8 * n < len(datagram))
        for p in pieces
        for n in data.draw(st.lists(st.integers(1, 20), max_size=2))
    ]
    order = data.draw(st.permutations(pieces))
    collected, reasons = buffer()
    whole = [result for piece in order if (result := collected.add(KEY, piece, 0)) is not None]
    assert whole[:1] == [datagram]
    assert "ip-fragment-conflict" not in reasons


@given(
    st.lists(
        st.tuples(
            st.integers(0, 20) | st.integers(0, 9000),
            st.sampled_from([0, 8, 100, 60_000]),
            st.booleans(),
            st.sampled_from([6, 17]),
            st.integers(0, 2),
            st.integers(0, 60),
        ),
        max_size=60,
    )
)
@settings(max_examples=200, deadline=None)
def test_random_fragments_never_raise_and_are_accounted_to_the_byte(
    items: list[tuple[int, int, bool, int, int, int]],
) -> None:
    collected, reasons = buffer()
    for position, size, more, protocol, ident, time in items:
        collected.add((1, 2, protocol, ident), Piece(8 * position, bytes(size), more), time * SECOND)
        assert collected._bytes == sum(datagram.cost for datagram in collected._waiting.values())
    collected.finish()
    assert collected._bytes == 0
    assert set(reasons) <= {"ip-fragment-bad", "ip-fragment-incomplete"}


def test_ipv6_identification_differs_from_ipv4() -> None:
    rows, undecoded = essences([*fragments_of(ident=5)[:1], *fragments6_of(), *fragments_of(ident=5)[1:]])
    assert rows == [PLAIN6_LONG, PLAIN_LONG]
    assert not undecoded
