"""Names of hosts, learned from what they say in passing: DHCP, DNS, multicast DNS, NetBIOS.

UDP payloads in, :class:`Learned` out. Everything here was written by whoever wanted to: a name is a hint with its
source, never an identity. No input or output, no memory: what is learned is kept by
:mod:`analyzer.inventory.known_names`.
"""

from analyzer.hostnames.learned import Learned, Source
from analyzer.hostnames.ports import NAME_PORTS
from analyzer.hostnames.reader import NameReader

__all__ = ["NAME_PORTS", "Learned", "NameReader", "Source"]
