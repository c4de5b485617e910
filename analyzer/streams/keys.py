"""A flow's key: its two endpoints in 36 bytes, the lower one first."""

from __future__ import annotations

from struct import Struct

import numpy as np

KEY = np.dtype([("low", ">u8", 2), ("high", ">u8", 2), ("low_port", ">u2"), ("high_port", ">u2")])
KEY_BYTES = KEY.itemsize
_addresses_and_ports = Struct(">QQQQHH").unpack
_ports = Struct(">32xHH").unpack

Endpoint = tuple[int, int]
"""Address as a 128-bit number, and port."""


def endpoints(key: bytes) -> tuple[Endpoint, Endpoint]:
    """The lower and the higher endpoint."""
    low_half, low, high_half, high, low_port, high_port = _addresses_and_ports(key)
    return (low_half << 64 | low, low_port), (high_half << 64 | high, high_port)


def ports(key: bytes) -> tuple[int, int]:
    """The ports of the lower and the higher endpoint."""
    low, high = _ports(key)
    return low, high
