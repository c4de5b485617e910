"""Compressed captures are read as a stream, whole, broken or hostile."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tracemalloc
from collections.abc import Callable
from functools import cache
from pathlib import Path

import lz4.frame
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.capture.byte_source import RawSource
from analyzer.capture.compression import CODECS, INPUT_BYTES, DecompressedSource, codec_of
from analyzer.errors import InputError
from tests.capture import writers
from tests.capture.reading import read_bytes, read_paths
from tests.capture.writers import NOON, Frame

COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zstd": zstandard.ZstdCompressor(write_checksum=True).compress,
    "xz": lzma.compress,
    "bzip2": bz2.compress,
    "lz4": lz4.frame.compress,
}
NAMES = sorted(COMPRESSORS)
FRAMES = [Frame(NOON + n * 1_000_000, (n * 2654435761).to_bytes(8, "big") * 20, 160) for n in range(3000)]
CAPTURE = writers.pcap(FRAMES)


@cache
def noise() -> list[Frame]:
    """Two megabytes that no compression makes any smaller."""
    content = b"".join((n * 2654435761 % 2**32).to_bytes(4, "big") for n in range(500_000))
    return [Frame(NOON + n * 1000, content[n * 1000 : n * 1000 + 1000], 1000) for n in range(2000)]


@cache
def compressed_noise(name: str) -> bytes:
    """A capture of it, compressed."""
    return COMPRESSORS[name](writers.pcap(noise()))


def plain(data: bytes, size: int = 10_000) -> tuple[bytes, str | None]:
    """All bytes behind a compression, read ``size`` at a time, and why they ended too early."""
    codec = codec_of(data)
    assert codec is not None
    source = DecompressedSource(RawSource(io.BytesIO(data)), codec)
    view, parts = bytearray(size), []
    while count := source.readinto(memoryview(view)):
        parts.append(bytes(view[:count]))
    return b"".join(parts), source.fault


@pytest.mark.parametrize("name", NAMES)
def test_a_compressed_capture_is_read(name: str, tmp_path: Path) -> None:
    path = tmp_path / "any.name"
    path.write_bytes(COMPRESSORS[name](CAPTURE))
    found, captures = read_paths(path)
    assert found == FRAMES
    (source,) = captures.sources
    assert (source.compression, source.format) == (name, "pcap")
    assert source.bytes_read == source.bytes_total == captures.bytes_total == path.stat().st_size
    assert not captures.damage


def test_every_codec_is_tested() -> None:
    assert sorted(codec.name for codec in CODECS) == NAMES


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=25, deadline=None)
@given(st.lists(st.binary(max_size=300), min_size=1, max_size=5), st.integers(1, 700))
def test_members_one_after_the_other_are_one_stream(name: str, parts: list[bytes], size: int) -> None:
    assert plain(b"".join(COMPRESSORS[name](part) for part in parts), size) == (b"".join(parts), None)


@pytest.mark.parametrize("name", NAMES)
def test_a_member_that_ends_where_a_read_ends_is_followed_by_the_next(name: str) -> None:
    content = b"".join((n * 2654435761 % 2**32).to_bytes(4, "big") for n in range(INPUT_BYTES))
    for size in (40_000, 65_000, 200_000):
        parts = [content[:size], content[size:]]
        assert plain(b"".join(COMPRESSORS[name](part) for part in parts)) == (content, None)


@pytest.mark.parametrize("name", NAMES)
def test_zeros_after_the_last_member_are_padding(name: str) -> None:
    assert plain(COMPRESSORS[name](b"data") + bytes(512)) == (b"data", None)


@pytest.mark.parametrize("name", NAMES)
def test_anything_else_after_the_last_member_is_damage(name: str) -> None:
    data, fault = plain(COMPRESSORS[name](b"data") + b"something else altogether")
    assert data == b"data"
    assert fault == f"its {name} data is followed by something else"


def test_skippable_zstd_frames_come_first_in_parallel_archives() -> None:
    skippable = b"\x50\x2a\x4d\x18\x04\x00\x00\x00abcd"
    assert plain(skippable + COMPRESSORS["zstd"](CAPTURE)) == (CAPTURE, None)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("share", [0.6, 0.8, 0.999])
def test_cut_compressed_data_gives_the_frames_before_the_cut(name: str, share: float) -> None:
    data = compressed_noise(name)
    found, captures = read_bytes(data[: int(len(data) * share)])
    assert found == noise()[: len(found)]
    assert found
    (damage,) = captures.damage
    assert damage.what == f"its {name} data ends too early; the rest is lost"


@pytest.mark.parametrize("name", NAMES)
def test_compressed_data_broken_midway_gives_the_frames_before(name: str) -> None:
    data = bytearray(compressed_noise(name))
    middle = len(data) * 3 // 4
    data[middle : middle + 3000] = bytes(3000)
    found, captures = read_bytes(bytes(data))
    assert found[:500] == noise()[:500]
    assert len(captures.damage) == 1
    assert captures.damage[0].name == "standard input"


@pytest.mark.parametrize("name", NAMES)
def test_compression_broken_at_the_start_is_an_unusable_input(name: str, tmp_path: Path) -> None:
    data = COMPRESSORS[name](CAPTURE)
    path = tmp_path / "office.pcap.z"
    for broken in (data[:9], data[:6] + b"\xff" * 200):
        path.write_bytes(broken)
        with pytest.raises(InputError, match=f"its {name} data (ends too early|is broken)") as caught:
            read_paths(path)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_file_compressed_is_no_capture(name: str) -> None:
    with pytest.raises(InputError, match=f"holds {name} data of an empty file"):
        read_bytes(COMPRESSORS[name](b""))


@pytest.mark.parametrize("name", NAMES)
def test_something_else_compressed_is_named(name: str) -> None:
    with pytest.raises(InputError, match=f"not a capture, behind its {name} compression: it looks like text"):
        read_bytes(COMPRESSORS[name](b"just a log\n" * 100))


def test_capture_files_in_a_tar_archive_are_to_be_unpacked() -> None:
    with pytest.raises(InputError, match="tar archive; unpack it first"):
        read_bytes(gzip.compress(bytes(257).replace(b"\0", b"a", 5) + b"ustar\x0000" + bytes(2000)))


@pytest.mark.parametrize("name", NAMES)
def test_a_compression_bomb_takes_no_more_memory_than_a_few_blocks(name: str) -> None:
    bomb = COMPRESSORS[name](bytes(120_000_000))
    codec = codec_of(bomb)
    assert codec is not None
    source = DecompressedSource(RawSource(io.BytesIO(bomb)), codec)
    view = memoryview(bytearray(100_000))
    tracemalloc.start()
    try:
        for _ in range(20):
            assert source.readinto(view)
        assert tracemalloc.get_traced_memory()[1] < 80_000_000
    finally:
        tracemalloc.stop()


def test_an_xz_header_that_asks_for_gigabytes_is_refused() -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 29}]
    data = lzma.compress(CAPTURE, lzma.FORMAT_XZ, filters=filters)
    with pytest.raises(InputError, match="its xz data is broken"):
        read_bytes(data)
