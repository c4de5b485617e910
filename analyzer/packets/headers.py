"""Fixed header layouts as numpy record types, and the gather that reads many of them at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

ETHERNET = np.dtype({"names": ["dst", "src"], "formats": [">u8", ">u8"], "offsets": [0, 6], "itemsize": 14})
"""IEEE 802.3 section 3.2. An address is the upper six of the eight bytes that are read, see :func:`mac_numbers`."""

IPV4 = np.dtype(
    [
        ("version_ihl", "u1"),
        ("tos", "u1"),
        ("total_length", ">u2"),
        ("id", ">u2"),
        ("fragment", ">u2"),
        ("ttl", "u1"),
        ("protocol", "u1"),
        ("checksum", ">u2"),
        ("src", ">u4"),
        ("dst", ">u4"),
    ]
)
"""RFC 791 section 3.1, without options."""

IPV6 = np.dtype(
    [
        ("version_class_flow", ">u4"),
        ("payload_length", ">u2"),
        ("next_header", "u1"),
        ("hop_limit", "u1"),
        ("src", ">u8", 2),
        ("dst", ">u8", 2),
    ]
)
"""RFC 8200 section 3."""

TCP = np.dtype(
    [
        ("sport", ">u2"),
        ("dport", ">u2"),
        ("seq", ">u4"),
        ("ack", ">u4"),
        ("offset", "u1"),
        ("flags", "u1"),
        ("window", ">u2"),
        ("checksum", ">u2"),
        ("urgent", ">u2"),
    ]
)
"""RFC 9293 section 3.1, without options."""

SLL = np.dtype({"names": ["size", "sender"], "formats": [">u2", ">u8"], "offsets": [4, 6], "itemsize": 16})
SLL2 = np.dtype({"names": ["size", "sender"], "formats": ["u1", ">u8"], "offsets": [11, 12], "itemsize": 20})
"""The sender's link-layer address in Linux cooked headers, versions 1 and 2; an Ethernet one has size 6."""

UDP = np.dtype([("sport", ">u2"), ("dport", ">u2"), ("length", ">u2"), ("checksum", ">u2")])
"""RFC 768."""

PORTS = np.dtype([("sport", ">u2"), ("dport", ">u2")])
U16 = np.dtype(">u2")

ETHERNET_IPV4_TCP = np.dtype([("ethernet", ETHERNET), ("ip", IPV4), ("tcp", TCP)])
"""The one shape that most frames of most captures have, 54 bytes."""

TCP_PROTOCOL, UDP_PROTOCOL = 6, 17
ETHERTYPE_IPV4, ETHERTYPE_IPV6 = 0x0800, 0x86DD


def gather(data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64], layout: np.dtype[Any]) -> npt.NDArray[Any]:
    """Copy one ``layout`` record from ``data`` at each of ``offsets``.

    A sliding window makes this one pass that copies each header row once; reading fields from the rows
    afterwards costs far less than reading each field from the capture.

    Every ``offset + layout.itemsize`` must lie within ``data``.
    """
    if not len(offsets):
        return np.empty(0, layout)
    size = layout.itemsize
    windows: npt.NDArray[Any] = np.ndarray((len(data) - size + 1,), np.dtype((np.void, size)), data, 0, (1,))
    return windows[offsets].view(layout)


def mac_numbers(column: npt.NDArray[Any]) -> npt.NDArray[np.uint64]:
    """48-bit numbers from eight bytes each, of which two follow the address."""
    return column.astype(np.uint64) >> np.uint64(16)


def swapped(values: int) -> int:
    """A 16-bit number as it reads when its network bytes are loaded little-endian."""
    return (values & 0xFF) << 8 | values >> 8
