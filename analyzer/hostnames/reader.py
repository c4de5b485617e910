"""One datagram to what it tells, by its ports."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from analyzer.hostnames.dhcp import read_dhcp, read_dhcpv6
from analyzer.hostnames.dns import read_answers
from analyzer.hostnames.dns_message import Malformed
from analyzer.hostnames.learned import Learned, host_address, interface
from analyzer.hostnames.netbios import read_names
from analyzer.hostnames.ports import DHCP_SERVER, DHCPV6_SERVER, DNS, MDNS, NETBIOS
from analyzer.packets.datagrams import Datagram

MOST_LEARNED = 64
"""Things taken from one datagram; as many as a message has records that are read."""


class NameReader:
    """Reads datagrams.

    Attributes:
        oddities: ``name-malformed`` counts messages that are not what their port says, ``name-flood`` those that told
            more than :data:`MOST_LEARNED`.
    """

    def __init__(self) -> None:
        self.oddities: Counter[str] = Counter()

    def read(self, datagram: Datagram) -> list[Learned]:
        """Everything that ``datagram`` tells; nothing of what is not well-formed to its end."""
        found: list[Learned] = []
        try:
            for learned in _read(datagram):
                if len(found) == MOST_LEARNED:
                    self.oddities["name-flood"] += 1
                    break
                found.append(learned)
        except Malformed:
            self.oddities["name-malformed"] += 1
            return []
        return found


def _read(datagram: Datagram) -> Iterator[Learned]:
    data, time = datagram.payload, datagram.time
    ports = (datagram.sport, datagram.dport)
    if MDNS in ports:
        yield from read_answers(data, time, "mdns")
    elif NETBIOS in ports:
        yield from read_names(data, time, host_address(datagram.src.to_bytes(16, "big")))
    elif DHCP_SERVER in ports:
        yield from read_dhcp(data, time)
    elif datagram.dport == DHCPV6_SERVER:
        on_link = datagram.src >> 118 == 0xFE80 >> 6  # link-local: no router has passed it on (RFC 4291 section 2.5.6)
        sender = host_address(datagram.src.to_bytes(16, "big")) if on_link else None
        mac = None if datagram.src_mac is None or not on_link else interface(datagram.src_mac.to_bytes(6, "big"))
        yield from read_dhcpv6(data, time, sender, mac)
    elif datagram.sport == DNS:
        yield from read_answers(data, time, "dns")
