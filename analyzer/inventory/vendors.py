"""Who made the network interface, from its MAC address.

The IEEE assigns blocks of 24, 28 and 36 bits; the smaller ones lie inside larger ones, so the longest prefix decides.
The table is a file of sorted lines (``scripts/update-vendors`` makes it), kept as one string of bytes and searched by
bisection: looking up a few addresses must not cost the parsing of 46,000 lines.
"""

from __future__ import annotations

import zlib
from functools import cache, lru_cache
from pathlib import Path

GROUP_BIT = 1 << 40
"""Multicast: never a sender (IEEE 802-2014 section 8.2)."""

LOCAL_BIT = 1 << 41
"""Locally administered: virtual machines, containers, phones that hide. The number was made up, so nobody made it."""

PREFIX_DIGITS = (9, 7, 6)
"""Lengths of 36, 28 and 24 bits in hexadecimal digits, longest first."""

REMEMBERED = 4096
"""Prefixes whose makers are remembered: a network has devices of a few makers, and most of them share their blocks."""

_GZIP = 16 + zlib.MAX_WBITS


@cache
def _table() -> bytes:
    """The lines of the table, each preceded and followed by a line feed."""
    packed = Path(__file__).with_name("data").joinpath("vendors.txt.gz").read_bytes()
    return b"\n" + zlib.decompress(packed, _GZIP)


@lru_cache(REMEMBERED)
def _find(prefix: bytes) -> str | None:
    """The name on the line that begins with ``prefix`` and a tab. Header lines begin with ``#``, below every digit."""
    table = _table()
    key = prefix + b"\t"
    low, high = 0, len(table) - 1  # the line sought begins after a line feed in [low, high)
    while low < high:
        middle = table.rfind(b"\n", low, (low + high) // 2 + 1)  # found: low is itself a line feed
        end = table.index(b"\n", middle + 1)
        line = table[middle + 1 : end]
        if line.startswith(key):
            return line[len(key) :].decode()
        if line < key:
            low = end
        else:
            high = middle
    return None


def vendor_of(mac: int | None) -> str | None:
    """The maker that the block of ``mac`` (48-bit number) is assigned to, or ``None`` where no maker is to be known.

    Zeros stand for no address (loopback, tunnels), though their block is somebody's.
    """
    if not mac or mac & (GROUP_BIT | LOCAL_BIT):
        return None
    digits = f"{mac:012X}".encode()
    for length in PREFIX_DIGITS:
        if name := _find(digits[:length]):
            return name
    return None


def table_date() -> str:
    """The day the registries were read, ``YYYY-MM-DD``."""
    header = _table()[:400].decode()
    return header[header.index("as of ") + 6 :][:10]
