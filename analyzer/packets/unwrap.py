"""One frame at a time: peel tunnels and tags until a TCP header is found.

Each layer is a small function ``(frame, offset, end) -> next layer | found TCP | nothing``. Headers that
dpkt knows well are read with dpkt; those it does not know (VXLAN, GENEVE, ERSPAN, TZSP, Teredo, CAPWAP, MPLS
with a control word, more than two tags) are read here. The depth is limited, so a frame that wraps itself costs
a fixed price.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from analyzer.packets.datagrams import LONGEST_DATAGRAM, NO_DATAGRAM_PORTS, Datagram, DatagramPorts
from analyzer.packets.fragments import FragmentBuffer, Piece
from analyzer.packets.headers import TCP_PROTOCOL, UDP, UDP_PROTOCOL
from analyzer.packets.segments import NO_MAC
from analyzer.packets.wrappings import (
    ETHERTYPES,
    PROTOCOLS,
    UNOPENED_ETHERTYPES,
    UNOPENED_PORTS,
    UNOPENED_PROTOCOLS,
    Layer,
    tunnel,
)

MAX_LAYERS = 24
"""Headers peeled from one frame. Real stacks (QinQ, MPLS, VXLAN, IP-in-IP) stay below a dozen."""

MAX_MPLS_LABELS = 16

MAX_GRE_HEADER = 64
"""Bytes handed to dpkt: the longest header without source routes is 20, and it need not look further."""

MAX_TZSP_FIELDS = 64
"""Tagged fields of a TZSP header; those in use are a dozen, of which frames hold one or two."""

MAX_TEREDO_INDICATORS = 2
"""One of each kind."""


@dataclass(slots=True)
class FoundTcp:
    """A TCP segment inside a frame.

    Attributes:
        frame: bytes that hold the segment: the frame itself, or a datagram put together from fragments.
        whole: ``True`` when ``frame`` is such a datagram, no longer part of the capture's buffer.
        tcp: offset of the TCP header in ``frame``.
        end: offset in ``frame`` one past the last captured byte of the IP payload.
        wire_end: the same on the wire; above ``end`` where the frame was cut.
        src, dst: 128-bit numbers, IPv4 mapped.
        ttl: time to live or hop limit of the innermost header.
        macs: source and destination of the innermost link layer that has addresses, or ``None``; ``NO_MAC`` for a
            destination that Linux's cooked header does not tell.
    """

    frame: memoryview
    whole: bool
    tcp: int
    end: int
    wire_end: int
    src: int
    dst: int
    ttl: int
    macs: tuple[int, int] | None


Step = tuple[Layer, int]

_V4_MAPPED = 0xFFFF << 32


class Unwrapper:
    """Finds the TCP segment inside a frame of any known encapsulation.

    Args:
        is_port: tells TCP ports of interest.
        reasons: see below.
        wanted: ports of UDP datagrams that are wanted, too.
        on_datagram: receives those.

    Attributes:
        reasons: why frames yielded nothing although they might have held a segment, counted.
    """

    def __init__(
        self,
        is_port: Callable[[int], bool],
        reasons: Counter[str],
        wanted: DatagramPorts = NO_DATAGRAM_PORTS,
        on_datagram: Callable[[Datagram], None] | None = None,
    ) -> None:
        self.reasons = reasons
        self._wanted = wanted
        self._on_datagram = on_datagram
        self._is_port = is_port
        self._fragments = FragmentBuffer(self._is_wanted, reasons)
        self._frame = memoryview(b"")
        self._end = 0
        self._wire_end = 0
        self._time = 0
        self._whole = False
        self._macs: tuple[int, int] | None = None
        self._src = self._dst = self._ttl = 0

    def unwrap(self, frame: memoryview, wire: int, time: int, layer: Layer, offset: int = 0) -> FoundTcp | None:
        """Peel ``frame`` from ``layer`` at ``offset`` on.

        Args:
            frame: captured bytes.
            wire: bytes the frame had on the wire.
            time: nanoseconds; ages fragments.
            layer: name of the outermost layer, a key of :data:`_LAYERS`.
            offset: where that layer begins.
        """
        self._frame, self._end, self._wire_end, self._time = frame, len(frame), max(wire, len(frame)), time
        self._whole = False
        self._macs = None
        try:
            for _ in range(MAX_LAYERS):
                step = self._peel(layer, offset)
                if step is None or isinstance(step, FoundTcp):
                    return step
                layer, offset = step
        except (struct.error, IndexError):
            self.reasons["truncated-header"] += 1
            return None
        self.reasons["too-many-layers"] += 1
        return None

    def expire(self, time: int) -> None:
        """Give up fragments that waited too long by packet time."""
        self._fragments.expire(time)

    def finish(self) -> None:
        """Count the fragments that never completed."""
        self._fragments.finish()

    def _peel(self, layer: Layer, offset: int) -> Step | FoundTcp | None:
        """One header: what it holds, and where that begins."""
        return _LAYERS[layer](self, offset)

    # --- link layers -----------------------------------------------------------------------------

    def _ethernet(self, offset: int) -> Step | None:
        frame = self._frame
        (ethertype,) = struct.unpack_from(">H", frame, offset + 12)
        self._macs = (
            int.from_bytes(frame[offset + 6 : offset + 12], "big"),
            int.from_bytes(frame[offset : offset + 6], "big"),
        )
        return self._by_ethertype(ethertype, offset + 14)

    def _cooked(self, offset: int) -> Step | None:
        size, sender, ethertype = struct.unpack_from(">H6s2xH", self._frame, offset + 4)
        self._macs = _sender(size, sender)
        return self._by_ethertype(ethertype, offset + 16)

    def _cooked2(self, offset: int) -> Step | None:
        ethertype, size, sender = struct.unpack_from(">H9xB6s2x", self._frame, offset)
        self._macs = _sender(size, sender)
        return self._by_ethertype(ethertype, offset + 20)

    def _null(self, offset: int) -> Step | None:
        # The address family is in the byte order of the machine that captured (LOOP: network order), and
        # IPv6 has a number of its own on each BSD; one byte of it says which.
        family = self._frame[offset] or self._frame[offset + 3]
        return ("ip", offset + 4) if family in _NULL_FAMILIES else None

    def _ppp(self, offset: int) -> Step | None:
        frame = self._frame
        if frame[offset] == 0xFF and frame[offset + 1] == 0x03:  # address and control, RFC 1662 section 3.1
            offset += 2
        if frame[offset] & 1:  # protocol field compressed to one byte, RFC 1661 section 6.5
            protocol, offset = frame[offset], offset + 1
        else:
            (protocol,) = struct.unpack_from(">H", frame, offset)
            offset += 2
        if protocol in (0x0021, 0x0057):
            return "ipv4" if protocol == 0x0021 else "ipv6", offset
        if protocol in (0x0281, 0x0283):  # MPLS unicast and multicast, RFC 3032 section 4.3
            return "mpls", offset
        return None

    def _ppp_hdlc(self, offset: int) -> Step | None:
        if self._frame[offset] in (0x0F, 0x8F):  # Cisco HDLC: address, control, ethertype (RFC 1547 section 4.3)
            (ethertype,) = struct.unpack_from(">H", self._frame, offset + 2)
            return self._by_ethertype(ethertype, offset + 4)
        return "ppp", offset

    def _by_ethertype(self, ethertype: int, offset: int) -> Step | None:
        layer = ETHERTYPES.get(ethertype)
        if layer is not None:
            return layer, offset
        if ethertype in UNOPENED_ETHERTYPES:
            self.reasons[UNOPENED_ETHERTYPES[ethertype]] += 1
            return None
        # An 802.3 length, not a type: LLC/SNAP may carry the type (IEEE 802, RFC 1042).
        if ethertype < 0x0600 and bytes(self._frame[offset : offset + 6]) in _SNAP:
            (ethertype,) = struct.unpack_from(">H", self._frame, offset + 6)
            if ethertype >= 0x0600:
                return self._by_ethertype(ethertype, offset + 8)
        return None

    def _tag(self, offset: int) -> Step | None:
        (ethertype,) = struct.unpack_from(">H", self._frame, offset + 2)
        return self._by_ethertype(ethertype, offset + 4)

    def _backbone_tag(self, offset: int) -> Step | None:
        return "ethernet", offset + 4  # IEEE 802.1ah: the I-TAG is followed by a whole Ethernet header

    def _pppoe(self, offset: int) -> Step | None:
        version_type, code, _, length = struct.unpack_from(">BBHH", self._frame, offset)  # RFC 2516 section 4
        if version_type != 0x11 or code != 0:
            return None
        self._cut(offset + 6 + length)
        return "ppp", offset + 6

    def _mpls(self, offset: int) -> Step | None:
        frame = self._frame
        for _ in range(MAX_MPLS_LABELS):
            bottom = frame[offset + 2] & 1  # RFC 3032 section 2.1
            offset += 4
            if bottom:
                break
        else:
            self.reasons["too-many-layers"] += 1
            return None
        # MPLS names no payload type: an IP version nibble means IP, 0 a pseudowire control word (RFC 4385),
        # anything else a plain Ethernet pseudowire (RFC 4448). Ethernet addresses begin with any of these, though,
        # so a known EtherType in its place decides where the nibble proves wrong.
        nibble = frame[offset] >> 4
        if nibble in (4, 6) and not (self._is_ethernet(offset) and self._is_too_long(offset)):
            return "ip", offset
        if nibble == 0 and (self._is_ethernet(offset + 4) or not self._is_ethernet(offset)):
            return "ethernet", offset + 4
        return "ethernet", offset

    def _is_ethernet(self, offset: int) -> bool:
        return int.from_bytes(self._frame[offset + 12 : offset + 14], "big") in ETHERTYPES

    def _is_too_long(self, offset: int) -> bool:
        """Whether what looks like an IP header announces more than the frame has room for."""
        total, payload = struct.unpack_from(">2xHH", self._frame, offset)
        length: int = total if self._frame[offset] >> 4 == 4 else payload + 40
        return offset + length > self._wire_end

    # --- network layer ---------------------------------------------------------------------------

    def _ip(self, offset: int) -> Step | FoundTcp | None:
        version = self._frame[offset] >> 4
        if version == 4:
            return self._ipv4(offset)
        if version == 6:
            return self._ipv6(offset)
        self.reasons["bad-ip-header"] += 1
        return None

    def _ipv4(self, offset: int) -> Step | FoundTcp | None:
        version_ihl, _, total, ident, fragment, ttl, protocol, _, src, dst = struct.unpack_from(
            ">BBHHHBBHII", self._frame, offset
        )
        header = (version_ihl & 15) * 4
        if version_ihl >> 4 != 4 or header < 20:
            self.reasons["bad-ip-header"] += 1
            return None
        if total:  # 0: the card's segmentation offload left it to the driver
            self._cut(offset + total)
        self._src, self._dst, self._ttl = _V4_MAPPED | src, _V4_MAPPED | dst, ttl
        if fragment & 0x3FFF:
            return self._fragment(protocol, ident, (fragment & 0x1FFF) * 8, bool(fragment & 0x2000), offset + header)
        return self._by_protocol(protocol, offset + header)

    def _ipv6(self, offset: int) -> Step | FoundTcp | None:
        first, length, protocol, ttl, src, dst = struct.unpack_from(">IHBB16s16s", self._frame, offset)
        if first >> 28 != 6:
            self.reasons["bad-ip-header"] += 1
            return None
        if length:  # 0: jumbogram or offload; the frame's own end then counts
            self._cut(offset + 40 + length)
        self._src, self._dst, self._ttl = int.from_bytes(src, "big"), int.from_bytes(dst, "big"), ttl
        return self._by_protocol(protocol, offset + 40)

    def _by_protocol(self, protocol: int, offset: int) -> Step | FoundTcp | None:
        if protocol == TCP_PROTOCOL:
            return FoundTcp(
                self._frame,
                self._whole,
                offset,
                self._end,
                self._wire_end,
                self._src,
                self._dst,
                self._ttl,
                self._macs,
            )
        layer = PROTOCOLS.get(protocol)
        if layer is not None:
            return layer, offset
        if protocol in UNOPENED_PROTOCOLS:
            self.reasons[UNOPENED_PROTOCOLS[protocol]] += 1
        return None

    def _options(self, offset: int) -> Step | FoundTcp | None:
        # Hop-by-hop, routing and destination options share one shape: RFC 8200 sections 4.3, 4.4, 4.6.
        protocol, length = self._frame[offset], self._frame[offset + 1]
        return self._by_protocol(protocol, offset + 8 + length * 8)

    def _authentication(self, offset: int) -> Step | FoundTcp | None:
        protocol, length = self._frame[offset], self._frame[offset + 1]
        return self._by_protocol(protocol, offset + 8 + length * 4)  # RFC 4302 section 2.2: words less 2

    def _fragment6(self, offset: int) -> Step | FoundTcp | None:
        protocol, _, where, ident = struct.unpack_from(">BBHI", self._frame, offset)  # RFC 8200 section 4.5
        if not where & 0xFFF9:  # an "atomic fragment" (RFC 6946) is whole
            return self._by_protocol(protocol, offset + 8)
        return self._fragment(protocol, ident, where & 0xFFF8, bool(where & 1), offset + 8)

    def _fragment(self, protocol: int, ident: int, position: int, more: bool, offset: int) -> Step | FoundTcp | None:
        if protocol != TCP_PROTOCOL and protocol not in PROTOCOLS:
            return self._by_protocol(protocol, offset)  # cannot hold TCP, whole or not
        if self._wire_end > self._end:
            self.reasons["ip-fragment-cut"] += 1
            return None
        key = (self._src, self._dst, protocol, ident)
        piece = Piece(position, bytes(self._frame[offset : self._end]), more)
        datagram = self._fragments.add(key, piece, self._time)
        if datagram is None:
            return None
        self._frame, self._whole = memoryview(datagram), True
        self._end = self._wire_end = len(datagram)
        return self._by_protocol(protocol, 0)

    def _is_wanted(self, protocol: int, head: bytes) -> bool:
        """Whether a datagram that begins with ``head`` is worth putting together."""
        if protocol not in (TCP_PROTOCOL, UDP_PROTOCOL) or len(head) < 4:
            return True
        sport, dport = struct.unpack_from(">HH", head)
        if protocol == UDP_PROTOCOL:
            return dport in UNOPENED_PORTS or tunnel(sport, dport) is not None or self._wanted.wants(sport, dport)
        return self._is_port(sport) or self._is_port(dport)

    # --- tunnels ---------------------------------------------------------------------------------

    def _udp(self, offset: int) -> Step | None:
        sport, dport = struct.unpack_from(">HH", self._frame, offset)
        if dport in UNOPENED_PORTS:
            self.reasons[UNOPENED_PORTS[dport]] += 1
            return None
        layer = tunnel(sport, dport)
        if layer is None:
            if self._on_datagram is not None and self._wanted.wants(sport, dport):
                self._on_datagram(self._datagram(offset, sport, dport))
            return None
        (length,) = struct.unpack_from(">H", self._frame, offset + 4)
        if length >= 16:
            self._cut(offset + length)
        return layer, offset + 8

    def _datagram(self, offset: int, sport: int, dport: int) -> Datagram:
        (length,) = struct.unpack_from(">H", self._frame, offset + 4)
        end = min(offset + length, self._end, offset + UDP.itemsize + LONGEST_DATAGRAM)
        payload = bytes(self._frame[offset + UDP.itemsize : end])
        mac = None if self._macs is None else self._macs[0]
        return Datagram(self._time, self._src, self._dst, sport, dport, mac, payload)

    def _vxlan(self, offset: int) -> Step | None:
        valid = self._frame[offset] & 0x08  # the VNI must be, RFC 7348 section 5
        return ("ethernet", offset + 8) if valid else None

    def _geneve(self, offset: int) -> Step | None:
        version_options, _, protocol = struct.unpack_from(">BBH", self._frame, offset)  # RFC 8926 section 3.4
        if version_options >> 6:
            return None
        return self._by_ethertype(protocol, offset + 8 + (version_options & 0x3F) * 4)

    def _tzsp(self, offset: int) -> Step | None:
        # TaZmen sniffer protocol, which MikroTik's routers and wireless sensors mirror frames with.
        version, kind, protocol = struct.unpack_from(">BBH", self._frame, offset)
        if version != 1 or kind > 1:  # a frame received or to be sent; all others carry none
            return None
        if protocol not in _TZSP_PROTOCOLS:
            self.reasons["unopened-tzsp"] += 1
            return None
        offset += 4
        for _ in range(MAX_TZSP_FIELDS):
            tag = self._frame[offset]
            if tag == 1:  # the last one; like padding (0) it has no length
                return _TZSP_PROTOCOLS[protocol], offset + 1
            offset += 1 if tag == 0 else 2 + self._frame[offset + 1]
        self.reasons["too-many-layers"] += 1
        return None

    def _teredo(self, offset: int) -> Step | None:
        frame = self._frame
        for _ in range(MAX_TEREDO_INDICATORS):  # RFC 4380 section 5.1.1: authentication, then origin
            (indicator,) = struct.unpack_from(">H", frame, offset)
            if indicator == 1:
                offset += 4 + frame[offset + 2] + frame[offset + 3] + 9  # both lengths; nonce and confirmation
            elif indicator == 0:
                offset += 8
            else:
                break
        return ("ipv6", offset) if frame[offset] >> 4 == 6 else None

    def _capwap(self, offset: int) -> Step | None:
        preamble, first, _, flags = struct.unpack_from(">BBBB", self._frame, offset)  # RFC 5415 section 4.3
        header = (first >> 3) * 4
        if not preamble and flags & 0x08:  # keep-alive
            return None
        # Bits of the header: native 802.11 in place of 802.3, a fragment. Preamble 1 means DTLS.
        if preamble or header < 8 or flags & 0x80 or self._frame[offset + 2] & 1:
            self.reasons["unopened-capwap"] += 1
            return None
        return "ethernet", offset + header

    def _gre(self, offset: int) -> Step | None:
        from dpkt.gre import GRE  # here, because few captures hold GRE and every run would pay for the import

        try:
            header = GRE(bytes(self._frame[offset : min(offset + MAX_GRE_HEADER, self._end)]))
            length = len(header) - len(header.data)
        except Exception:  # noqa: BLE001 - dpkt raises whatever it runs into on a damaged header
            self.reasons["bad-gre-header"] += 1
            return None
        if header.v > 1:
            self.reasons["bad-gre-header"] += 1
            return None
        offset += length
        if header.p == 0x88BE:  # ERSPAN: type I has neither sequence number nor header of its own
            return "ethernet", offset + (8 if header.flags & 0x1000 else 0)
        if header.p == 0x22EB:
            return "erspan3", offset
        if header.p == 0x880B:
            return "ppp", offset
        return self._by_ethertype(header.p, offset)

    def _erspan3(self, offset: int) -> Step | None:
        trailer = 8 if self._frame[offset + 11] & 1 else 0  # the O bit announces a platform subheader
        frame_type = self._frame[offset + 10] >> 2 & 0x1F
        return "ip" if frame_type == 2 else "ethernet", offset + 12 + trailer

    def _cut(self, end: int) -> None:
        """A header says where its content ends: padding lies beyond, or bytes the capture cut off."""
        self._wire_end = end
        self._end = min(self._end, end)


def _sender(size: int, address: bytes) -> tuple[int, int] | None:
    return (int.from_bytes(address, "big"), int(NO_MAC)) if size == 6 else None


_SNAP = (b"\xaa\xaa\x03\x00\x00\x00", b"\xaa\xaa\x03\x00\x00\xf8")
_TZSP_PROTOCOLS: dict[int, Layer] = {1: "ethernet", 4: "ppp"}
_NULL_FAMILIES = (2, 10, 24, 28, 30)  # AF_INET; AF_INET6 of Linux, NetBSD/OpenBSD, FreeBSD, macOS
_LAYERS: dict[Layer, Callable[[Unwrapper, int], Step | FoundTcp | None]] = {
    "ethernet": Unwrapper._ethernet,
    "cooked": Unwrapper._cooked,
    "cooked2": Unwrapper._cooked2,
    "null": Unwrapper._null,
    "ppp": Unwrapper._ppp,
    "ppp-hdlc": Unwrapper._ppp_hdlc,
    "tag": Unwrapper._tag,
    "backbone-tag": Unwrapper._backbone_tag,
    "pppoe": Unwrapper._pppoe,
    "mpls": Unwrapper._mpls,
    "ip": Unwrapper._ip,
    "ipv4": Unwrapper._ipv4,
    "ipv6": Unwrapper._ipv6,
    "options": Unwrapper._options,
    "fragment6": Unwrapper._fragment6,
    "authentication": Unwrapper._authentication,
    "udp": Unwrapper._udp,
    "vxlan": Unwrapper._vxlan,
    "geneve": Unwrapper._geneve,
    "tzsp": Unwrapper._tzsp,
    "teredo": Unwrapper._teredo,
    "capwap": Unwrapper._capwap,
    "gre": Unwrapper._gre,
    "erspan3": Unwrapper._erspan3,
}
