"""Ethernet, VLAN tags, cooked and raw links, IPv4, IPv6 and TCP decided for a whole batch at once.

Two steps. :class:`Columns` finds, for each frame, where its TCP header is (:class:`Located`) or that only
:mod:`.unwrap` can tell; then :func:`segments` reads the headers of those that were found. Frames of other
protocols and ports fall out after a look at a few bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from analyzer.packets.datagrams import NO_DATAGRAM_PORTS, DatagramPorts
from analyzer.packets.headers import (
    ETHERNET,
    ETHERNET_IPV4_TCP,
    ETHERTYPE_IPV4,
    ETHERTYPE_IPV6,
    IPV4,
    IPV6,
    PORTS,
    TCP,
    TCP_PROTOCOL,
    U16,
    UDP_PROTOCOL,
    gather,
    mac_numbers,
    swapped,
)
from analyzer.packets.located import Ints, Located, Mask
from analyzer.packets.segments import NO_MAC, SegmentBatch
from analyzer.packets.wrappings import (
    ETHERTYPES,
    PROTOCOLS,
    TUNNEL_PORTS,
    TWO_WAY_PORTS,
    UNOPENED_ETHERTYPES,
    UNOPENED_PORTS,
    UNOPENED_PROTOCOLS,
)


def number_table(numbers: Iterable[int]) -> Mask:
    """``bool[65536]``, true at each of ``numbers``: ports, EtherTypes or protocols."""
    table = np.zeros(65536, np.bool_)
    table[list(numbers)] = True
    return table


MAX_TAGS = 8
"""VLAN tags stripped in columns; deeper stacks go to the unwrapper, which has its own limit."""

_TAGS = number_table((0x8100, 0x88A8, 0x9100, 0x9200))
_WRAPPED_ETHERTYPES = number_table(ETHERTYPES.keys() - {ETHERTYPE_IPV4, ETHERTYPE_IPV6})
_WRAPPED_PROTOCOLS = number_table(PROTOCOLS.keys() - {UDP_PROTOCOL})
_V4_MAPPED = np.uint64(0xFFFF << 32)

# How the 26 bytes from the ethertype to the TCP ports look in the most common frame. Fields that are only
# compared stay in the byte order of a little-endian load, which saves a swap per field and frame.
_PEEK = np.dtype(
    {
        "names": ["ethertype", "version_ihl", "fragment", "protocol", "sport", "dport"],
        "formats": ["<u2", "u1", "<u2", "u1", "<u2", "<u2"],
        "offsets": [0, 2, 8, 11, 22, 24],
        "itemsize": 26,
    }
)
_PEEK_AT = 12
_SWAPPED_IPV4 = swapped(ETHERTYPE_IPV4)
_SWAPPED_FRAGMENT = swapped(0x3FFF)  # more-fragments bit and offset


class Columns:
    """Locates the TCP headers on the ports of interest.

    Args:
        ports: the ports of interest.
        reasons: counts what could not be decoded, by reason.
        wanted: ports of UDP datagrams that are wanted, too.

    Attributes:
        datagrams: those among the frames that were last looked at; whoever takes them leaves none.
    """

    def __init__(self, ports: frozenset[int], reasons: Counter[str], wanted: DatagramPorts = NO_DATAGRAM_PORTS) -> None:
        self.datagrams: list[Located] = []
        self._from_wanted, self._to_wanted = number_table(wanted.sources), number_table(wanted.targets)
        self._swapped_from_wanted = number_table(tuple(map(swapped, wanted.sources)))
        self._swapped_to_wanted = number_table(tuple(map(swapped, wanted.targets)))
        self._ports = number_table(ports)
        self._swapped_ports = number_table(frozenset(map(swapped, ports)))
        to, of = (*TUNNEL_PORTS, *TWO_WAY_PORTS), tuple(TWO_WAY_PORTS)
        self._to_tunnel, self._of_tunnel = number_table(to), number_table(of)
        self._swapped_to_tunnel = number_table(tuple(map(swapped, (*to, *UNOPENED_PORTS))))
        self._swapped_of_tunnel = number_table(tuple(map(swapped, of)))
        self._reasons = reasons

    def peek(self, data: npt.NDArray[np.uint8], start: Ints, captured: Ints) -> tuple[Ints, Ints]:
        """Sort Ethernet frames by their first 38 bytes.

        Returns:
            Positions of plain Ethernet/IPv4/TCP frames on the ports of interest, whose headers are the 54 bytes
            of ``ETHERNET_IPV4_TCP``; and positions of frames that need a closer look. All others are of no
            interest.
        """
        roomy = captured >= ETHERNET_IPV4_TCP.itemsize
        if roomy.all():
            position = None
            rows = gather(data, start + _PEEK_AT, _PEEK)
        else:
            position = np.flatnonzero(roomy)
            rows = gather(data, start[position] + _PEEK_AT, _PEEK)
        plain = (rows["ethertype"] == _SWAPPED_IPV4) & (rows["version_ihl"] == 0x45)
        plain &= (rows["fragment"] & np.uint16(_SWAPPED_FRAGMENT)) == 0
        protocol = rows["protocol"]
        tcp = plain & (protocol == TCP_PROTOCOL)
        wanted = tcp & (self._swapped_ports.take(rows["sport"]) | self._swapped_ports.take(rows["dport"]))
        udp = np.flatnonzero(plain & (protocol == UDP_PROTOCOL))
        dull = tcp  # from here on: frames that need no closer look
        if len(udp):
            sport, dport = rows["sport"][udp], rows["dport"][udp]
            dull[udp] = ~(self._swapped_to_tunnel[dport] | self._swapped_of_tunnel[sport])
            named = udp[(self._swapped_from_wanted[sport] | self._swapped_to_wanted[dport]) & dull[udp]]
            if len(named):
                self._note_plain_datagrams(named if position is None else position[named], start)
        other = np.flatnonzero(~dull)
        chosen = np.flatnonzero(wanted)
        if position is None:
            return chosen, other
        return position[chosen], np.sort(np.concatenate((position[other], np.flatnonzero(~roomy))))

    def _note_plain_datagrams(self, position: Ints, start: Ints) -> None:
        link = start[position]
        self.datagrams.append(Located(position, link + 14, link + 34, np.zeros(len(link), np.bool_), link))

    def locate(
        self,
        data: npt.NDArray[np.uint8],
        frame: Ints,
        end: Ints,
        ip: Ints,
        ethertype: npt.NDArray[np.int64],
        link: Ints,
    ) -> tuple[Located, Ints]:
        """Find the TCP headers of frames whose link layer was read.

        Args:
            data: the batch's bytes.
            frame: positions in the batch.
            end: offset one past each frame's last captured byte.
            ip: offset of what follows the link layer.
            ethertype: what follows, as an EtherType.
            link: offset of the Ethernet header or -1.

        Returns:
            What was found, and the positions of frames for the unwrapper.
        """
        ethertype, ip = self._strip_tags(data, end, ip, ethertype)
        wrapped = _WRAPPED_ETHERTYPES[ethertype]
        wrapped |= ethertype < 0x0600
        self._count_unopened(UNOPENED_ETHERTYPES, ethertype)
        parts = [
            self._locate_version(data, frame, end, ip, link, ethertype == ETHERTYPE_IPV4, wrapped, version6=False),
            self._locate_version(data, frame, end, ip, link, ethertype == ETHERTYPE_IPV6, wrapped, version6=True),
        ]
        return _in_order(parts), frame[wrapped]

    def _strip_tags(self, data: npt.NDArray[np.uint8], end: Ints, ip: Ints, ethertype: Ints) -> tuple[Ints, Ints]:
        for _ in range(MAX_TAGS):
            tagged = np.flatnonzero(_TAGS[ethertype] & (ip + 4 <= end))
            if not len(tagged):
                break
            ethertype, ip = ethertype.copy(), ip.copy()
            ethertype[tagged] = gather(data, ip[tagged] + 2, U16)
            ip[tagged] += 4
        return ethertype, ip

    def _locate_version(
        self,
        data: npt.NDArray[np.uint8],
        frame: Ints,
        end: Ints,
        ip: Ints,
        link: Ints,
        of_version: Mask,
        wrapped: Mask,
        *,
        version6: bool,
    ) -> Located:
        layout = IPV6 if version6 else IPV4
        index = np.flatnonzero(of_version)
        short = ip[index] + layout.itemsize > end[index]
        self._count("truncated-header", short)
        index = index[~short]
        rows = gather(data, ip[index], layout)
        if version6:
            protocol = rows["next_header"]
            bad = rows["version_class_flow"] >> 28 != 6
            tcp = ip[index] + 40
            unwrap = np.zeros(len(index), np.bool_)
        else:
            protocol = rows["protocol"]
            header = (rows["version_ihl"] & 15).astype(np.int64) * 4
            bad = (rows["version_ihl"] >> 4 != 4) | (header < 20)
            tcp = ip[index] + header
            unwrap = (rows["fragment"] & 0x3FFF) != 0
        self._count("bad-ip-header", bad)
        unwrap |= _WRAPPED_PROTOCOLS[protocol]
        whole = ~bad & ~unwrap
        self._count_unopened(UNOPENED_PROTOCOLS, protocol[whole])
        transport = ((protocol == TCP_PROTOCOL) | (protocol == UDP_PROTOCOL)) & whole
        short = transport & (tcp + 4 > end[index])
        self._count("truncated-header", short)
        transport &= ~short
        ports = np.zeros(len(index), PORTS)
        ports[transport] = gather(data, tcp[transport], PORTS)
        is_tcp = protocol == TCP_PROTOCOL
        udp = transport & ~is_tcp
        unwrap |= udp & (self._to_tunnel[ports["dport"]] | self._of_tunnel[ports["sport"]])
        self._count_unopened(UNOPENED_PORTS, ports["dport"][udp])
        wrapped[index[unwrap & ~bad]] = True
        named = udp & ~unwrap & (self._from_wanted[ports["sport"]] | self._to_wanted[ports["dport"]])
        if named.any():
            these = index[named]
            self.datagrams.append(
                Located(frame[these], ip[these], tcp[named], np.full(len(these), version6), link[these])
            )
        found = transport & is_tcp & (self._ports[ports["sport"]] | self._ports[ports["dport"]])
        short = found & (tcp + TCP.itemsize > end[index])
        self._count("truncated-header", short)
        found &= ~short
        chosen = index[found]
        return Located(frame[chosen], ip[chosen], tcp[found], np.full(len(chosen), version6), link[chosen])

    def _count_unopened(self, reasons: dict[int, str], numbers: npt.NDArray[Any]) -> None:
        for number, reason in reasons.items():
            self._count(reason, numbers == number)

    def _count(self, reason: str, mask: Mask) -> None:
        if (number := int(np.count_nonzero(mask))) != 0:
            self._reasons[reason] += number


def segments(batch: Any, located: Located, reasons: Counter[str]) -> tuple[Ints, SegmentBatch]:
    """Read the headers of ``located`` frames of any IP version.

    Args:
        batch: the :class:`~analyzer.capture.frames.FrameBatch` that ``located`` points into.
        located: where the headers are.
        reasons: counts headers that cannot be right.

    Returns:
        Positions of the frames in the batch, and their segments.
    """
    data = batch.data
    n = len(located.frame)
    src = np.zeros((n, 2), np.uint64)
    dst = np.zeros((n, 2), np.uint64)
    ttl = np.empty(n, np.uint8)
    length = np.empty(n, np.int64)
    four, six = np.flatnonzero(~located.version6), np.flatnonzero(located.version6)
    if len(four):
        rows = gather(data, located.ip[four], IPV4)
        src[four, 1] = rows["src"].astype(np.uint64) | _V4_MAPPED
        dst[four, 1] = rows["dst"].astype(np.uint64) | _V4_MAPPED
        ttl[four] = rows["ttl"]
        length[four] = rows["total_length"]
    if len(six):
        rows = gather(data, located.ip[six], IPV6)
        src[six], dst[six] = rows["src"], rows["dst"]
        ttl[six] = rows["hop_limit"]
        payload = rows["payload_length"].astype(np.int64)
        length[six] = np.where(payload == 0, 0, payload + 40)
    macs = np.full((2, n), NO_MAC, np.uint64)
    linked = np.flatnonzero(located.link >= 0)
    if len(linked):
        rows = gather(data, located.link[linked], ETHERNET)
        macs[0, linked], macs[1, linked] = mac_numbers(rows["src"]), mac_numbers(rows["dst"])
    return _assemble(
        batch,
        located.frame,
        gather(data, located.tcp, TCP),
        located.ip,
        located.tcp,
        length,
        src,
        dst,
        ttl,
        macs,
        reasons,
    )


def plain_segments(batch: Any, frame: Ints, reasons: Counter[str]) -> tuple[Ints, SegmentBatch]:
    """:func:`segments` for frames that are ``ETHERNET_IPV4_TCP``: all headers in one gather."""
    start = batch.start[frame]
    rows = gather(batch.data, start, ETHERNET_IPV4_TCP)
    ip, ethernet = rows["ip"], rows["ethernet"]
    n = len(frame)
    src, dst = np.zeros((2, 2, n), np.uint64).swapaxes(1, 2)  # each half in one piece
    src[:, 1] = ip["src"]
    dst[:, 1] = ip["dst"]
    src[:, 1] |= _V4_MAPPED
    dst[:, 1] |= _V4_MAPPED
    macs = np.stack((mac_numbers(ethernet["src"]), mac_numbers(ethernet["dst"])))
    length = ip["total_length"].astype(np.int64)
    return _assemble(
        batch, frame, rows["tcp"], start + 14, start + 34, length, src, dst, ip["ttl"].copy(), macs, reasons
    )


def _assemble(
    batch: Any,
    frame: Ints,
    tcp: npt.NDArray[Any],
    ip_at: Ints,
    tcp_at: Ints,
    length: Ints,
    src: npt.NDArray[np.uint64],
    dst: npt.NDArray[np.uint64],
    ttl: npt.NDArray[np.uint8],
    macs: npt.NDArray[np.uint64],
    reasons: Counter[str],
) -> tuple[Ints, SegmentBatch]:
    """Payload bounds from the length fields, and the columns put together.

    ``length`` is the IP datagram's length, 0 where the sender's card was to fill it in (segmentation offload):
    the frame's own length on the wire then counts.
    """
    start = batch.start[frame]
    payload = tcp_at + (tcp["offset"] >> 4).astype(np.int64) * 4
    wire_end = np.where(length == 0, start + batch.wire[frame], ip_at + length)
    end = np.minimum(wire_end, start + batch.captured[frame])
    bad = (payload - tcp_at < TCP.itemsize) | (payload > wire_end)
    segment = SegmentBatch(
        data=batch.data,
        time=batch.time[frame],
        source=batch.source[frame],
        src=src,
        dst=dst,
        sport=tcp["sport"].astype(np.uint16),
        dport=tcp["dport"].astype(np.uint16),
        seq=tcp["seq"].astype(np.uint32),
        ack=tcp["ack"].astype(np.uint32),
        flags=tcp["flags"].copy(),
        start=payload,
        length=np.maximum(end - payload, 0),
        wire=wire_end - payload,
        src_mac=macs[0],
        dst_mac=macs[1],
        ttl=ttl,
    )
    if bad.any():
        reasons["bad-tcp-header"] += int(np.count_nonzero(bad))
        good = ~bad
        return frame[good], segment.take(good)
    return frame, segment


def _in_order(parts: list[Located]) -> Located:
    filled = [part for part in parts if len(part.frame)]
    if len(filled) == 1:
        return filled[0]
    joined = Located(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("frame", "ip", "tcp", "version6", "link")
        )
    )
    order = np.argsort(joined.frame, kind="stable")
    return Located(*(getattr(joined, name)[order] for name in ("frame", "ip", "tcp", "version6", "link")))
