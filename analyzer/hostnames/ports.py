"""UDP ports whose datagrams may tell a name."""

from __future__ import annotations

from analyzer.packets.datagrams import DatagramPorts

DNS, DHCP_SERVER, NETBIOS, DHCPV6_SERVER, MDNS = 53, 67, 137, 547, 5353

NAME_PORTS = DatagramPorts(
    sources=frozenset({DNS, DHCP_SERVER, NETBIOS, MDNS}),
    targets=frozenset({DHCP_SERVER, NETBIOS, DHCPV6_SERVER, MDNS}),
)
"""By source port: answers of DNS servers (questions tell nothing), of DHCP servers, and of hosts that are asked. By
destination port: what clients ask DHCP servers for, and what hosts announce."""
