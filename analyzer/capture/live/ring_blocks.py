"""Blocks of a packet ring: how the kernel lays frames out in them (TPACKET_V3, linux/if_packet.h).

A block is a header, then frames one behind the other, each with a header of its own that says where the next one is.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from analyzer.capture.chain import Bytes, Offsets
from analyzer.capture.formats import gather

BLOCK_HEADER = np.dtype(
    [
        ("version", "u4"),
        ("offset_to_private", "u4"),
        ("status", "u4"),
        ("frames", "u4"),
        ("first", "u4"),
        ("length", "u4"),
        ("sequence", "u8"),
        ("oldest", "u4", 2),
        ("newest", "u4", 2),
    ]
)
"""``struct tpacket_block_desc``; ``first`` and ``length`` count from its beginning, ``length`` includes it."""

FRAME_HEADER = np.dtype(
    [
        ("next", "u4"),
        ("seconds", "u4"),
        ("nanoseconds", "u4"),
        ("captured", "u4"),
        ("wire", "u4"),
        ("status", "u4"),
        ("mac", "u2"),
        ("net", "u2"),
        ("hash", "u4"),
        ("vlan_tci", "u4"),
        ("vlan_tpid", "u2"),
        ("padding", "u2", 5),
    ]
)
"""``struct tpacket3_hdr``; ``mac`` is where the frame begins, from the header's own beginning."""

OWNED_BY_KERNEL, OWNED_BY_USER = 0, 1
VLAN_VALID, VLAN_TPID_VALID = 1 << 4, 1 << 6

TAG_BYTES = 4
"""Of an IEEE 802.1Q tag: its type and its control information. The ring keeps so many bytes free before each frame."""

_ADDRESSES = np.dtype((np.void, 12))
_TAG = np.dtype([("tpid", ">u2"), ("tci", ">u2")])
_DEFAULT_TPID = 0x8100


def frame_headers(words: memoryview, first: int, count: int) -> Offsets:
    """Where the headers of a block's frames are.

    Args:
        words: the data as native 32-bit numbers; blocks in it are aligned to 8 bytes, as frames in blocks are.
        first: offset in bytes of the first one.
        count: how many there are.
    """
    at = first >> 2
    found = []
    for _ in range(count):  # each says where the next one is; one step costs less than 0.1 microseconds
        found.append(at)
        at += words[at] >> 2
    return np.array(found, np.int64) << 2


def restore_tags(data: Bytes, headers: npt.NDArray[np.void], start: Offsets, captured: Offsets, wire: Offsets) -> None:
    """Put VLAN tags that the kernel took off the frames back in place; all of the last three are changed.

    The addresses move into the free bytes before the frame, and the tag into the gap (as libpcap does).

    Args:
        data: holds the frames.
        headers: their :data:`FRAME_HEADER`.
        start, captured, wire: as in :class:`~analyzer.capture.frames.FrameBatch`.
    """
    tagged = np.flatnonzero((headers["status"] & VLAN_VALID != 0) & (captured >= _ADDRESSES.itemsize))
    if not len(tagged):
        return
    at = start[tagged]
    tags = np.empty(len(tagged), _TAG)
    told = headers["status"][tagged] & VLAN_TPID_VALID != 0
    tags["tpid"] = np.where(told, headers["vlan_tpid"][tagged], _DEFAULT_TPID)
    tags["tci"] = headers["vlan_tci"][tagged]
    _scatter(data, at - TAG_BYTES, gather(data, at, _ADDRESSES))
    _scatter(data, at - TAG_BYTES + _ADDRESSES.itemsize, tags)
    start[tagged] -= TAG_BYTES
    captured[tagged] += TAG_BYTES
    wire[tagged] += TAG_BYTES


def _scatter(data: Bytes, offsets: Offsets, records: npt.NDArray[np.void]) -> None:
    """Write one record into ``data`` at each of ``offsets``."""
    rows = records.view(np.uint8).reshape(len(records), -1)
    data[offsets[:, np.newaxis] + np.arange(rows.shape[1])] = rows
