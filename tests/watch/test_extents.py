"""A file is known again by what it contains, however it is called and stored, and as far as it was read."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.capture import open_captures
from analyzer.watch.directory import Entry, look
from analyzer.watch.extents import IDENTITY_BYTES, Extent, Extents, identity_of
from tests.capture.reading import read_paths
from tests.capture.writers import Frame, frame, pcap

FRAMES = [frame(number, b"frame %d" % number) for number in range(10)]


def entry(path: Path) -> Entry:
    found = look(str(path), path.name)
    assert found is not None
    return found


def noted(extents: Extents[str], path: Path) -> str:
    """``path``, read to its end; its key."""
    key = extents.look(entry(path)).key
    assert key is not None
    extent: Extent[str] = Extent(lane="lane")

    with open_captures([str(path)]) as captures:
        for batch in captures.batches():
            extent.add(batch)
    extents.note(key, extent)
    return key


@pytest.fixture
def known(tmp_path: Path) -> tuple[Extents[str], str]:
    """What is known once a file of five frames was read, and its key."""
    path = tmp_path / "read.pcap"
    path.write_bytes(pcap(FRAMES[:5]))
    extents: Extents[str] = Extents()
    return extents, noted(extents, path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("same.pcap", pcap(FRAMES[:5])),
        ("grown.pcap", pcap(FRAMES)),
        ("half-grown.pcap", pcap(FRAMES)[:-3]),
        ("compressed.pcap.gz", gzip.compress(pcap(FRAMES[:5]))),
    ],
)
def test_what_begins_with_all_that_was_read_is_read_on(
    known: tuple[Extents[str], str], tmp_path: Path, name: str, content: bytes
) -> None:
    extents, key = known
    path = tmp_path / name
    path.write_bytes(content)
    assert extents.look(entry(path)).key == key
    extent = extents.of(entry(path), key)
    assert (extent.frames, extent.lane) == (5, "lane")


@pytest.mark.parametrize(
    "frames",
    [FRAMES[:4], FRAMES[:3] + FRAMES[5:], [*FRAMES[:4], Frame(FRAMES[4].time + 1000, *FRAMES[4][1:])]],
    ids=["shorter", "a part of it", "another time"],
)
def test_what_only_begins_alike_is_read_from_its_start(
    known: tuple[Extents[str], str], tmp_path: Path, frames: list[Frame]
) -> None:
    extents, key = known
    path = tmp_path / "other.pcap"
    path.write_bytes(pcap(frames))
    assert extents.look(entry(path)).key == key
    assert extents.of(entry(path), key).frames == 0


def test_another_first_packet_is_another_file(known: tuple[Extents[str], str], tmp_path: Path) -> None:
    extents, key = known
    path = tmp_path / "read.pcap"  # a ring uses names again
    path.write_bytes(pcap(FRAMES[1:6]))
    other = extents.look(entry(path)).key
    assert other is not None
    assert other != key
    assert extents.of(entry(path), other).frames == 0


def test_files_read_long_ago_are_forgotten_and_counted(tmp_path: Path) -> None:
    extents: Extents[str] = Extents(most=2)
    keys = []
    for number in range(3):
        path = tmp_path / f"{number}.pcap"
        path.write_bytes(pcap(FRAMES[number:]))
        keys.append(noted(extents, path))
    assert extents.forgotten == 1
    assert extents.of(entry(tmp_path / "0.pcap"), keys[0]).frames == 0
    assert extents.of(entry(tmp_path / "2.pcap"), keys[2]).frames == 8


@given(st.lists(st.integers(1, 9), max_size=4), st.data())
def test_how_far_it_was_read_does_not_depend_on_the_batches(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int], data: st.DataObject
) -> None:

    path = tmp_path_factory.mktemp("batches") / "mail.pcap"
    path.write_bytes(pcap(FRAMES))
    whole: Extent[str] = Extent()
    pieces: Extent[str] = Extent()
    with open_captures([str(path)]) as captures:
        for batch in captures.batches():
            whole.add(batch)
            for begin, end in zip([0, *sorted(cuts)], [*sorted(cuts), None], strict=True):
                pieces.add(batch.take(slice(begin, end)))
    assert pieces.frames == whole.frames == len(read_paths(path)[0])
    assert pieces.digest.digest() == whole.digest.digest()


def test_the_identity_of_a_file_is_its_content(tmp_path: Path) -> None:
    contents = [
        b"",
        b"a",
        b"b" * IDENTITY_BYTES,
        b"b" * (IDENTITY_BYTES + 1),
        b"c" + b"b" * 20_000,
        b"b" * 20_000 + b"c",
    ]
    paths = [tmp_path / str(number) for number in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    identities = [identity_of(str(path)) for path in paths]
    assert len(set(identities)) == len(contents)
    moved = paths[4].rename(tmp_path / "moved")
    assert identity_of(str(moved)) == identities[4]
