"""Columns against the unwrapper: whatever the frames are, both give the same segments and the same counts."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.l2 import Dot1Q
from scapy.packet import Raw

from analyzer.packets import SegmentDecoder
from tests.packets.encapsulations import WRAPPED, WRAPPED6, carrier, outer, udp
from tests.packets.frames import LAYERS, Frame, batch_of, decode, decode_one_by_one, ether, ip, ip6, rows_of

OF_NO_INTEREST = [
    Frame(bytes(ether(type=0x0806) / Raw(b"\0\1\x08\0\6\4\0\1" + bytes(38)))),
    Frame(bytes(ether() / IP(src="10.0.0.1", dst="10.0.0.2") / ICMP() / Raw(bytes(60)))),
    Frame(bytes(ether() / IP(src="10.0.0.1", dst="10.0.0.2") / UDP(sport=25, dport=587) / Raw(bytes(60)))),
    Frame(bytes(ether() / ip(dport=443))),
    Frame(bytes(ether() / ip6(dport=443))),
    Frame(bytes(ether() / Dot1Q(vlan=3) / ip(dport=443))),
    Frame(bytes(carrier() / udp(4789) / Raw(bytes(80)))),
    Frame(bytes(outer(type=0x8863) / Raw(bytes(60)))),
    Frame(b"\x01\x80\xc2\0\0\0" + bytes(6) + b"\x00\x26\x42\x42\x03" + bytes(43)),  # spanning tree
]
SAMPLES = [*WRAPPED.values(), *WRAPPED6.values(), *OF_NO_INTEREST]
COMMON = [WRAPPED[name] for name in ("ethernet", "802.1Q", "QinQ", "IP options", "TCP options")] + [
    WRAPPED6["ethernet"]
]


# Made once: to make a strategy takes longer than to draw from it.
GIVEN = st.sampled_from(COMMON) | st.sampled_from(SAMPLES)
CHANGES = st.sampled_from([0, 0, 0, 1, 1, 2, 4])
VALUES = st.integers(0, 255) | st.sampled_from([0, 4, 6, 17, 41, 44, 45, 47, 51, 0x45, 0x81, 0xFF])
ENDINGS = st.sampled_from([None, None, "cut", "cut on the wire too", "padded"])


@st.composite
def frames(draw: st.DrawFn) -> Frame:
    """A valid frame, perhaps cut short by a snapshot length, perhaps with bytes changed anywhere."""
    frame = draw(GIVEN)
    data = bytearray(frame.data)
    for _ in range(draw(CHANGES)):
        at = draw(st.integers(0, len(data) - 1) | st.integers(0, min(60, len(data) - 1)))
        data[at] = draw(VALUES)
    cut = draw(ENDINGS)
    wire = None
    if cut == "padded":
        data += bytes(draw(st.integers(1, 20)))
    elif cut:
        length = draw(st.integers(0, len(data)))
        wire = len(data) if cut == "cut" else None
        del data[length:]
    return replace(frame, data=bytes(data), wire=wire)


@given(st.lists(frames(), max_size=12))
@settings(max_examples=400, deadline=None)
def test_any_mix_of_frames_decodes_as_one_by_one(batch: list[Frame]) -> None:
    assert decode(batch) == decode_one_by_one(batch)


@given(st.lists(st.tuples(st.sampled_from([*LAYERS, 105, 147]), st.binary(max_size=120)), max_size=8))
@settings(max_examples=300, deadline=None)
def test_random_bytes_of_any_link_type_decode_as_one_by_one(contents: list[tuple[int, bytes]]) -> None:
    batch = [Frame(data, link) for link, data in contents]
    assert decode(batch) == decode_one_by_one(batch)


@given(st.lists(frames(), max_size=12), st.lists(st.integers(0, 12), max_size=4))
@settings(max_examples=150, deadline=None)
def test_any_cut_into_batches_decodes_the_same(frames: list[Frame], cuts: list[int]) -> None:
    decoder = SegmentDecoder()
    rows = []
    bounds = sorted({0, len(frames), *(cut for cut in cuts if cut < len(frames))})
    for begin, end in itertools.pairwise(bounds):
        segments = decoder.decode(batch_of(frames[begin:end]))
        rows += [row._replace(frame=row.frame + begin) for row in rows_of(segments)]
    decoder.finish()
    assert (rows, decoder.undecoded) == decode(frames)


@pytest.mark.parametrize("name", [*WRAPPED, *(f"6 {name}" for name in WRAPPED6)])
def test_every_cut_of_every_wrapping_decodes_as_one_by_one(name: str) -> None:
    frame = WRAPPED6[name[2:]] if name not in WRAPPED else WRAPPED[name]
    cuts = [Frame(frame.data[:length], frame.link, len(frame.data)) for length in range(len(frame.data) + 1)]
    assert decode(cuts) == decode_one_by_one(cuts)
