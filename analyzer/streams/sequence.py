"""TCP sequence numbers: 32 bits that wrap around (RFC 9293 section 3.4)."""

from __future__ import annotations

MODULUS = 1 << 32
_HALF = 1 << 31

MAX_WINDOW = 1 << 30
"""Largest window TCP can announce (RFC 7323 section 2.3). What lies further ahead is not this conversation."""

LATE_WINDOW = 1 << 20
"""How far from a conversation that has ended its late copies, and what was in flight, may lie."""


def distance(a: int, b: int) -> int:
    """How far ``a`` lies beyond ``b``, from -2**31 to 2**31 - 1."""
    return (a - b + _HALF) % MODULUS - _HALF
