"""The many-cursor walk gives what a serial walk gives, whatever the payloads look like."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from struct import pack
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.capture import chain, pcap, pcapng
from tests.capture import reference, writers
from tests.capture.reading import read_bytes
from tests.capture.writers import NOON, Frame


@contextmanager
def small_cursors(stride: int, window: int) -> Iterator[None]:
    """Cursors so dense that a file of a few hundred bytes has many."""
    with ExitStack() as patches:
        for module, name, value in (
            (chain, "STRIDE_BYTES", stride),
            (chain, "WINDOW_BYTES", window),
            (pcap, "WINDOW_BYTES", window),
            (pcapng, "WINDOW_BYTES", window),
            (chain, "PARALLEL_BYTES", 4 * stride),
            (chain, "FEW_CURSORS", 1),
            (chain, "WINDOWS_AT_ONCE", 3),
            (pcapng, "FIRST_SPAN_BYTES", 64),
        ):
            patches.enter_context(patch.object(module, name, value))
        yield


times = st.integers(NOON // 1000, NOON // 1000 + 200_000).map(lambda microseconds: microseconds * 1000)


@cache  # made once for all the frames of all the files: to make a strategy takes longer than to draw from it
def imitations(order: str) -> st.SearchStrategy[bytes]:
    """Bytes that look like the headers of records, some of which lead to others, past the end, or nowhere."""
    parts = st.one_of(
        st.binary(max_size=40),
        st.builds(
            lambda time, length: writers.pcap_record(Frame(time, bytes(length), length), order),
            times,
            st.integers(0, 60),
        ),
        st.builds(
            lambda time, length: pack(f"{order}4I", time // 10**9, 5, length, length),
            times,
            st.sampled_from([0, 1, 100, 500, 262_144, 0xFFFF_FFFF]),
        ),
        st.builds(lambda time, length: writers.enhanced(time, bytes(length), order=order), times, st.integers(0, 60)),
        st.builds(lambda total: pack(f"{order}7I", 6, total, 0, 1, 2, 3, 3), st.sampled_from([0, 32, 36, 400])),
        st.just(b"\n\r\r\n" + b"\x4d\x3c\x2b\x1a" * 3),
    )
    return st.lists(parts, max_size=6).map(b"".join)


@st.composite
def capture_files(draw: st.DrawFn) -> bytes:
    order = draw(st.sampled_from("<>"))
    contents = draw(st.lists(st.tuples(times, imitations(order), st.integers(0, 9)), max_size=40))
    frames = [Frame(time, content, len(content) + more) for time, content, more in contents]
    kind = draw(st.sampled_from(["µs", "ns", "pcapng"]))
    if kind == "pcapng":
        return writers.pcapng(frames, order)
    magic, tick = (0xA1B2C3D4, 1000) if kind == "µs" else (0xA1B23C4D, 1)
    return writers.pcap(frames, order, magic, tick)


def ending(damage: list[str]) -> str:
    if not damage:
        return "end"
    assert len(damage) == 1
    return "cut" if damage[0].startswith("cut off") else "damaged"


def assert_read_as_by_reference(data: bytes, block_bytes: int) -> None:
    expected = reference.read(data)
    frames, captures = read_bytes(data, block_bytes)
    assert frames == expected.frames
    assert ending([damage.what for damage in captures.damage]) == expected.ending


@settings(max_examples=150, deadline=None)
@given(capture_files(), st.integers(100, 5000), st.sampled_from([(32, 16), (64, 32), (64, 64), (256, 64)]), st.data())
def test_any_file_whole_or_cut_is_read_as_by_the_reference(
    data: bytes, block_bytes: int, cursors: tuple[int, int], more: st.DataObject
) -> None:
    length = more.draw(st.one_of(st.just(len(data)), st.integers(min(28, len(data)), len(data))))
    if length < 28 and data[:4] == b"\n\r\r\n":
        return
    with small_cursors(*cursors):
        assert_read_as_by_reference(data[:length], block_bytes)


@settings(max_examples=150, deadline=None)
@given(capture_files(), st.integers(100, 5000), st.data())
def test_any_file_with_overwritten_bytes_is_read_as_by_the_reference(
    data: bytes, block_bytes: int, more: st.DataObject
) -> None:
    if len(data) < 60:
        return
    at = more.draw(st.integers(28, len(data) - 1))
    junk = more.draw(st.binary(min_size=1, max_size=8))
    data = data[:at] + junk + data[at + len(junk) :]
    with small_cursors(64, 32):
        assert_read_as_by_reference(data, block_bytes)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("write", [writers.pcap, writers.pcapng])
@pytest.mark.parametrize("shortest", [0, 40, 1400])
def test_blocks_of_usual_size_are_read_as_by_the_reference(
    write: Callable[[list[Frame], str], bytes], order: str, shortest: int
) -> None:
    random = np.random.default_rng(shortest)
    payload = random.integers(0, 256, 2000, np.uint8).tobytes()
    lengths = shortest + random.integers(0, 100, 12_000)
    frames = [Frame(NOON + 1000 * n, payload[:length], length) for n, length in enumerate(lengths.tolist())]
    assert_read_as_by_reference(write(frames, order), chain.PARALLEL_BYTES * 4)


def test_payloads_that_continue_a_chain_of_their_own_do_not_lead_astray() -> None:
    """Every guess is drawn to a false record, and the false chains hang together from frame to frame."""
    false = b"".join(writers.pcap_record(Frame(NOON, bytes(24), 24)) for _ in range(40))
    frames = [Frame(NOON + 1000 * n, false + bytes(n % 7), 2000) for n in range(800)]
    data = writers.pcap(frames)
    assert len(data) > chain.PARALLEL_BYTES
    assert_read_as_by_reference(data, 1 << 20)


def test_a_cursor_that_stands_still_visits_nothing_twice() -> None:
    """A false block of length 0 never moves its cursor on."""
    still = pack("<7I", 6, 0, 0, 0, 0, 0, 0)
    looks_right = writers.enhanced(NOON, b"")
    frames = [Frame(NOON + n, (looks_right + still) * 8, 480) for n in range(2000)]
    assert_read_as_by_reference(writers.pcapng(frames), 1 << 20)


def test_illegal_lengths_that_lead_back_to_the_chain_are_found() -> None:
    """Cursors step over anything that lands; here a block of 14 bytes and one of 18 stand for one of 32."""
    frames = [Frame(NOON + n, bytes(68), 68) for n in range(12_000)]
    data = bytearray(writers.pcapng(frames))
    at = data.index(writers.enhanced(NOON + 4000, bytes(68)))
    data[at : at + 32] = pack("<II6x", 6, 14) + pack("<II10x", 6, 18)
    data[at + 32 : at + 100] = writers.block(99, bytes(56))
    assert len(data) > chain.PARALLEL_BYTES
    assert_read_as_by_reference(bytes(data), 1 << 22)


def test_times_that_change_their_upper_half_are_no_obstacle() -> None:
    turn = (NOON // 10**9 | 0xFFFF) * 10**9
    frames = [Frame(turn + (n - 3000) * 1_000_000, bytes(200), 200) for n in range(6000)]
    assert_read_as_by_reference(writers.pcap(frames), 1 << 20)


def test_most_cursors_land_so_the_walk_is_not_serial() -> None:
    """The point of it all: the serial walk takes only what is left behind the last guess of a block."""
    frames = [Frame(NOON + 1000 * n, bytes(100 + n % 60), 160) for n in range(20_000)]
    data = writers.pcap(frames)
    stepped = 0
    serial = chain._walk_serially

    def counting(*arguments: Any) -> tuple[chain.Offsets, int]:
        nonlocal stepped
        offsets, position = serial(*arguments)
        stepped += len(offsets)
        return offsets, position

    with patch.object(chain, "_walk_serially", counting):
        frames_read, _ = read_bytes(data, 1 << 20)
    assert len(frames_read) == 20_000
    assert stepped < 2_000
