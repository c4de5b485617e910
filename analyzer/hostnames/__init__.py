"""Names of hosts, learned from what they say in passing: DHCP, DNS, multicast DNS, NetBIOS.

UDP payloads in, :class:`Learned` out. Everything here was written by whoever wanted to: a name is a hint with its
source, never an identity. No input or output, no memory: what is learned is kept by
:mod:`analyzer.inventory.known_names`.

:mod:`.reader` reads datagrams; it is not imported here, for reports need the records alone.
"""

from analyzer.hostnames.learned import Learned, Source

__all__ = ["Learned", "Source"]
