"""The few UDP datagrams that somebody wants, as objects: there are so few that columns would not pay.

They are found in the same pass as the segments. So that a flood of them costs no more than a quiet network's, only so
many are taken in a second of packet time.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from analyzer.capture.frames import FrameBatch
from analyzer.packets.headers import UDP
from analyzer.packets.located import Located

LONGEST_DATAGRAM = 9_000
"""Bytes of payload that are taken; multicast DNS, which has the longest messages, allows 9,000 with their headers
(RFC 6762 section 17)."""

MOST_PER_SECOND = 1_000
"""Datagrams from one port, or to one, that are taken in a second of packet time. Offices stay below a hundred; a busy
resolver answers more often, and mostly what it answered before."""

SECOND = 1_000_000_000
_V4_MAPPED = 0xFFFF << 32
_HEADER = UDP.itemsize
_UDP = struct.Struct(">3H")  # ports and length, RFC 768
_IPV4_ENDS = struct.Struct(">II")
_MAC = struct.Struct(">HI")


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
        self._taken: dict[int, int] = {}

    def admits(self, time: int, sport: int, dport: int) -> bool:
        """Whether there is room for one more at ``time``."""
        second = time // SECOND
        if second != self._second:
            self._second = second
            self._taken.clear()
        port = sport if sport in self._ports.sources else dport
        taken = self._taken.get(port, 0)
        if taken >= MOST_PER_SECOND:
            self._reasons["datagram-flood"] += 1
            return False
        self._taken[port] = taken + 1
        return True


def read_datagrams(batch: FrameBatch, located: Located, limit: DatagramLimit) -> Iterator[Datagram]:
    """The datagrams at ``located``, for which ``limit`` has room."""
    end_of_frame = batch.start[located.frame] + batch.captured[located.frame]
    view = batch.data.data  # a few bytes at a time: much cheaper than by numpy
    for time, frame_end, ip, udp, version6, link in zip(
        batch.time[located.frame].tolist(),
        end_of_frame.tolist(),
        located.ip.tolist(),
        located.tcp.tolist(),
        located.version6.tolist(),
        located.link.tolist(),
        strict=True,
    ):
        if udp + _HEADER > frame_end:
            continue
        sport, dport, length = _UDP.unpack_from(view, udp)
        if length < _HEADER or not limit.admits(time, sport, dport):
            continue
        end = min(udp + length, frame_end, udp + _HEADER + LONGEST_DATAGRAM)
        if version6:
            src, dst = (int.from_bytes(view[at : at + 16], "big") for at in (ip + 8, ip + 24))
        else:
            src, dst = _IPV4_ENDS.unpack_from(view, ip + 12)
            src, dst = src | _V4_MAPPED, dst | _V4_MAPPED
        mac = None
        if link >= 0:
            maker, serial = _MAC.unpack_from(view, link + 6)
            mac = maker << 32 | serial
        yield Datagram(time, src, dst, sport, dport, mac, bytes(view[udp + _HEADER : end]))
