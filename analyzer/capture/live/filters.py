"""What the kernel lets through: as little as possible, yet everything that may hold a segment of interest.

The language is that of pcap-filter(7). What cannot be decided in it (ports behind IPv6 extension headers, in later
fragments, inside tunnels) is let through, and decided by the decoder.

Our expression and the user's are compiled apart and joined as programs: in one expression, ``vlan`` on one side would
move what the other side looks at.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from analyzer.capture.live.interface import ETHERNET
from analyzer.capture.live.libpcap import both, compiled
from analyzer.capture.names import inert
from analyzer.errors import UsageError

EXTENSION_HEADERS = (0, 43, 51, 60, 135)
"""IPv6 next headers with others behind them: options, routing, authentication, mobility (RFC 8200 section 4.1)."""

TUNNEL_PROTOCOLS = (4, 41, 47, 137)
"""IP protocols that hold packets or frames: IPv4, IPv6, GRE (with PPTP and ERSPAN), MPLS."""

TUNNEL_PORTS = (4789, 6081, 8472, 37008)
"""UDP destination ports: VXLAN, GENEVE, VXLAN as Linux had it first, TZSP."""

TWO_WAY_TUNNEL_PORTS = (3544, 5247)
"""UDP ports of either end: Teredo, CAPWAP data."""

TUNNEL_ETHERTYPES = (0x6558, 0x8847, 0x8848, 0x880B, 0x8864, 0x88E7, 0x9200)
"""EtherTypes: bridged Ethernet, MPLS, PPP, PPPoE, provider backbone bridges, and a tag that ``vlan`` does not know."""

SNAP = 0xAA
"""The service access point of LLC/SNAP, in which an EtherType may follow (RFC 1042); it stands for one here, too."""

TAGS = 2
"""VLAN tags looked behind that are still in the frame: Linux took off the outermost one of what it received."""

ALL_TAGS = TAGS + 1
"""The same on other systems, where it is in the frame as well."""

MAX_RANGES = 100
"""Ranges of ports in one filter: with tunnels some 2,600 instructions, of which the kernel takes 4,096. The compiler's
time grows with the square."""

_ICMPV6, _UDP, _TCP = 58, 17, 6
_FRAGMENT_HEADER = 44


@dataclass(frozen=True, slots=True)
class CaptureFilter:
    """Two expressions, of which both must hold.

    Attributes:
        wanted: applies behind VLAN tags, too.
        expression: the user's own, or ``None``; applies behind VLAN tags, too, unless it speaks of them itself.
    """

    wanted: str
    expression: str | None = None

    def compiled(self, link_type: int, interface: str, tags: int) -> bytes:
        """The BPF program for frames of an interface.

        Args:
            link_type: LINKTYPE_* number.
            interface: its name; it must be up if the user's expression speaks of ``vlan``, see
                :func:`~analyzer.capture.live.libpcap.compiled`.
            tags: looked behind, where frames are Ethernet's.

        Raises:
            UsageError: an expression cannot be used on frames of this link type, with the compiler's words.
        """

        def spread(expression: str) -> str:
            return behind_tags(expression, tags) if link_type == ETHERNET else expression

        try:
            program = compiled(spread(self.wanted), link_type)
            if self.expression is None:
                return program
            if asks_for_vlan(self.expression):
                return both(compiled(self.expression, link_type, interface), program)
            return both(compiled(spread(self.expression), link_type), program)
        except ValueError as words:
            raise UsageError(f"the filter cannot be used on {inert(interface)}: {words}") from None


def capture_filter(
    ports: Iterable[int],
    *,
    decap: bool,
    expression: str | None,
    udp_from: Iterable[int] = (),
    udp_to: Iterable[int] = (),
) -> CaptureFilter:
    """The filter for TCP on ``ports``, for :class:`~analyzer.capture.live.capture.LiveCapture`.

    Args:
        ports: TCP ports of interest, of either end.
        decap: also tunnels, whatever is in them.
        expression: the user's own, in the language of pcap-filter(7); both must hold. In tunnels it is about the
            outer headers.
        udp_from, udp_to: also UDP datagrams from and to these ports; fragments of them only with ``decap``.

    Raises:
        UsageError: there is no port, there are too many, or the expression is not one; with the words of libpcap.
    """
    ranges = _ranges(ports)
    if not ranges:
        raise UsageError("a capture without ports of interest would capture nothing")
    if len(ranges) > MAX_RANGES:
        raise UsageError(
            f"{len(ranges)} separate ports are too many for a capture filter; name at most {MAX_RANGES}, where ports "
            "in a row count as one"
        )
    terms = [f"tcp port {low}" if low == high else f"tcp portrange {low}-{high}" for low, high in ranges]
    terms.append(f"ip proto {_TCP} and ip[6:2] & 0x1fff != 0")  # later fragments have no ports
    terms.append("ip proto 51")  # authentication header: the ports are somewhere behind it
    terms.append(f"({_any_of('ip6[6]', EXTENSION_HEADERS)}) and ip6[40] != {_ICMPV6}")  # not every multicast report
    terms.append(f"ip6[6] = {_FRAGMENT_HEADER} and ({_any_of('ip6[40]', (_TCP, *EXTENSION_HEADERS))})")
    terms += [f"udp src port {port}" for port in sorted(udp_from)]
    terms += [f"udp dst port {port}" for port in sorted(udp_to)]
    if decap:
        terms += [f"proto {protocol}" for protocol in TUNNEL_PROTOCOLS]
        terms += [f"udp dst port {port}" for port in TUNNEL_PORTS]
        terms += [f"udp port {port}" for port in TWO_WAY_TUNNEL_PORTS]
        terms.append(f"ip proto {_UDP} and ip[6:2] & 0x1fff != 0")
        terms.append(f"ip6[6] = {_FRAGMENT_HEADER} and ({_any_of('ip6[40]', (_UDP, *TUNNEL_PROTOCOLS))})")
        terms += [f"ether proto {ethertype:#06x}" for ethertype in (*TUNNEL_ETHERTYPES, SNAP)]
    ours = " or ".join(f"({term})" if " and " in term else term for term in terms)
    if expression is None or not expression.strip():
        return CaptureFilter(ours)
    try:
        compiled(expression, ETHERNET)
    except ValueError as words:
        raise UsageError(f'the filter "{inert(expression)}" cannot be used: {words}') from None
    return CaptureFilter(ours, expression)


def _ranges(ports: Iterable[int]) -> list[tuple[int, int]]:
    """Runs of ports: first and last."""
    runs: list[tuple[int, int]] = []
    for port in sorted(set(ports)):
        if runs and runs[-1][1] == port - 1:
            runs[-1] = (runs[-1][0], port)
        else:
            runs.append((port, port))
    return runs


def behind_tags(expression: str, tags: int) -> str:
    """``expression`` for Ethernet frames that carry up to ``tags`` VLAN tags.

    ``vlan`` moves the offsets of all that follows it in the expression, so each further tag nests inside the last.
    """
    return expression if not tags else f"({expression}) or (vlan and ({behind_tags(expression, tags - 1)}))"


def asks_for_vlan(expression: str) -> bool:
    """Whether an expression speaks of VLAN tags, which the kernel keeps beside the frame."""
    return re.search(r"\bvlan\b", expression) is not None


def _any_of(field: str, values: Iterable[int]) -> str:
    return " or ".join(f"{field} = {value}" for value in values)
