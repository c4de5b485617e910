"""The few UDP datagrams that somebody wants, as objects: there are so few that columns would not pay.

They are found in the same pass as the segments. So that a flood of them costs no more than a quiet network's, only so
many are taken in a second of packet time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from analyzer.capture.frames import FrameBatch
from analyzer.packets.headers import ETHERNET, IPV4, IPV6, UDP, gather, mac_numbers
from analyzer.packets.located import Located

LONGEST_DATAGRAM = 9_000
"""Bytes of payload that are taken; multicast DNS, which has the longest messages, allows 9,000 with their headers
(RFC 6762 section 17)."""

MOST_PER_SECOND = 1_000
"""Datagrams from one port, or to one, that are taken in a second of packet time. Offices stay below a hundred; a busy
resolver answers more often, and mostly what it answered before."""

SECOND = 1_000_000_000
_V4_MAPPED = 0xFFFF << 32


class DatagramPorts(NamedTuple):
    """Which datagrams are wanted: those from one of ``sources``, and those to one of ``targets``."""

    sources: frozenset[int]
    targets: frozenset[int]

    def wants(self, sport: int, dport: int) -> bool:
        """Whether a datagram between these ports is wanted."""
        return sport in self.sources or dport in self.targets


NO_DATAGRAM_PORTS = DatagramPorts(frozenset(), frozenset())


class Datagram(NamedTuple):
    """One UDP datagram.

    Attributes:
        time: nanoseconds since 1970-01-01 UTC.
        src, dst: 128-bit numbers, IPv4 mapped.
        src_mac: 48-bit number of the frame's sender, ``None`` where the link has none.
        payload: as much as was captured, at most :data:`LONGEST_DATAGRAM` bytes.
    """

    time: int
    src: int
    dst: int
    sport: int
    dport: int
    src_mac: int | None
    payload: bytes


class DatagramLimit:
    """Lets so many datagrams pass in a second of packet time, from and to each port of interest.

    Args:
        ports: which are wanted.
        reasons: counts what had no room, as ``datagram-flood``.
    """

    def __init__(self, ports: DatagramPorts, reasons: Counter[str]) -> None:
        self._ports = ports
        self._reasons = reasons
        self._second = -1
        self._taken: Counter[int] = Counter()

    def admits(self, time: int, sport: int, dport: int) -> bool:
        """Whether there is room for one more at ``time``."""
        second = time // SECOND
        if second != self._second:
            self._second = second
            self._taken.clear()
        port = sport if sport in self._ports.sources else dport
        self._taken[port] += 1
        if self._taken[port] > MOST_PER_SECOND:
            self._reasons["datagram-flood"] += 1
            return False
        return True


def read_datagrams(batch: FrameBatch, located: Located, limit: DatagramLimit) -> Iterator[Datagram]:
    """The datagrams at ``located``, for which ``limit`` has room."""
    end_of_frame = batch.start[located.frame] + batch.captured[located.frame]
    whole = np.flatnonzero(located.tcp + UDP.itemsize <= end_of_frame)
    headers = gather(batch.data, located.tcp[whole], UDP)
    rows = zip(whole.tolist(), *(headers[name].tolist() for name in ("sport", "dport", "length")), strict=True)
    for at, sport, dport, length in rows:
        time = int(batch.time[located.frame[at]])
        if length < UDP.itemsize or not limit.admits(time, sport, dport):
            continue
        start = int(located.tcp[at])
        end = min(start + length, int(end_of_frame[at]), start + UDP.itemsize + LONGEST_DATAGRAM)
        src, dst = _addresses(batch, int(located.ip[at]), version6=bool(located.version6[at]))
        link = int(located.link[at])
        mac = None if link < 0 else int(mac_numbers(gather(batch.data, np.array([link]), ETHERNET)["src"])[0])
        payload = batch.data[start + UDP.itemsize : end].tobytes()
        yield Datagram(time, src, dst, sport, dport, mac, payload)


def _addresses(batch: FrameBatch, ip: int, *, version6: bool) -> tuple[int, int]:
    layout = IPV6 if version6 else IPV4
    packed = batch.data[ip : ip + layout.itemsize].tobytes()
    if version6:
        return int.from_bytes(packed[8:24], "big"), int.from_bytes(packed[24:40], "big")
    return _V4_MAPPED | int.from_bytes(packed[12:16], "big"), _V4_MAPPED | int.from_bytes(packed[16:20], "big")
