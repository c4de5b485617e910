"""Every known variant of pcap is read."""

from __future__ import annotations

from struct import pack

import pytest

from tests.capture import writers
from tests.capture.reading import read_bytes
from tests.capture.writers import NOON, Frame, frame

FRAMES = [Frame(NOON + 123_456_000 * n, bytes([n]) * (40 + n), 60 + n) for n in range(12)]


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(("magic", "tick", "name"), [(0xA1B2C3D4, 1000, "pcap"), (0xA1B23C4D, 1, "pcap (nanoseconds)")])
def test_both_units_in_both_byte_orders(order: str, magic: int, tick: int, name: str) -> None:
    frames = [one._replace(time=one.time + 999 // tick) for one in FRAMES] if tick == 1 else FRAMES
    found, captures = read_bytes(writers.pcap(frames, order, magic, tick))
    assert found == frames
    (source,) = captures.sources
    assert (source.format, source.frames, source.link_types) == (name, 12, {1})
    assert (source.first_time, source.last_time) == (frames[0].time, frames[-1].time)
    assert not captures.damage


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(
    ("magic", "extra", "name"),
    [
        (0xA1B2CD34, 8, "pcap (modified)"),
        (0xA1B2CD34, 12, "pcap (modified)"),
        (0xA1B2C3D4, 8, "pcap"),
        (0xA1B2C3D4, 4, "pcap"),
    ],
    ids=["Kuznetzov's patch", "with processor", "first patch, standard magic", "Nokia"],
)
def test_records_with_longer_headers_are_told_by_their_looks(order: str, magic: int, extra: int, name: str) -> None:
    more = pack(f"{order}IHBB", 2, 0x0800, 4, 0) + bytes(4)
    records = b"".join(writers.pcap_record(one, order, extra=more[:extra]) for one in FRAMES)
    found, captures = read_bytes(writers.pcap_header(order, magic) + records)
    assert found == FRAMES
    assert captures.sources[0].format == name


@pytest.mark.parametrize("count", [1, 2])
def test_a_variant_is_told_by_the_few_records_there_are(count: int) -> None:
    records = b"".join(writers.pcap_record(one, extra=bytes(8)) for one in FRAMES[:count])
    found, _ = read_bytes(writers.pcap_header() + records)
    assert found == FRAMES[:count]


def test_a_damaged_file_is_not_taken_for_a_variant() -> None:
    """Where the usual headers look wrong, others do not look right for a run of zeros."""
    good = writers.pcap([Frame(NOON, bytes(200), 200)])
    found, captures = read_bytes(good + pack("<4I", NOON // 10**9, 5, 0xFFFF_FFFF, 60) + bytes(500))
    assert found == [Frame(NOON, bytes(200), 200)]
    assert len(captures.damage) == 1


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(("magic", "tick"), [(0x1C0001AC, 1), (0x1C0001AB, 1000)])
def test_ixia_files_have_a_longer_file_header(order: str, magic: int, tick: int) -> None:
    records = b"".join(writers.pcap_record(one, order, tick) for one in FRAMES)
    found, _ = read_bytes(writers.pcap_header(order, magic) + pack(f"{order}I", len(records)) + records)
    assert found == FRAMES


@pytest.mark.parametrize("version", [(2, 2), (543, 0)])
def test_old_versions_have_the_lengths_the_other_way_round(version: tuple[int, int]) -> None:
    records = b"".join(
        pack("<4I", one.time // 10**9, one.time % 10**9 // 1000, one.wire, len(one.content)) + one.content
        for one in FRAMES
    )
    found, _ = read_bytes(writers.pcap_header(version=version) + records)
    assert found == FRAMES


@pytest.mark.parametrize("upper", [0x1400_0000, 0x2400_0000, 0x0224_0000])
def test_the_length_of_the_frame_check_sequence_is_no_part_of_the_link_type(upper: int) -> None:
    found, captures = read_bytes(writers.pcap([frame(0, link_type=113)], link_type=upper | 113))
    assert found == [frame(0, link_type=113)]
    assert captures.sources[0].link_types == {113}


def test_a_wire_length_below_the_captured_one_is_raised_to_it() -> None:
    found, _ = read_bytes(writers.pcap([Frame(NOON, bytes(60), 0)]))
    assert found == [Frame(NOON, bytes(60), 60)]


def test_a_header_without_packets_is_a_capture_without_frames() -> None:
    found, captures = read_bytes(writers.pcap([]))
    assert not found
    assert not captures.damage
    assert captures.sources[0].frames == 0
    assert captures.sources[0].first_time is None


def test_empty_frames_are_frames() -> None:
    found, _ = read_bytes(writers.pcap([frame(n, b"") for n in range(5)]))
    assert found == [frame(n, b"") for n in range(5)]
