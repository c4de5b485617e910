"""The network interfaces of this machine: their state and what kind of frames they carry."""

from __future__ import annotations

import fcntl
import socket
import struct
import sys
from dataclasses import dataclass

from analyzer.capture.names import inert
from analyzer.errors import UsageError

ETHERNET, RAW_IP = 1, 101
"""LINKTYPE_ETHERNET and LINKTYPE_RAW, https://www.tcpdump.org/linktypes.html."""

LOOPBACK_HARDWARE = 772

LINK_TYPES = {
    1: ETHERNET,  # ARPHRD_ETHER: also bridges, bonds, VLAN interfaces, veth, Wi-Fi outside monitor mode
    LOOPBACK_HARDWARE: ETHERNET,  # ARPHRD_LOOPBACK, with addresses that are all zero
    512: RAW_IP,  # ARPHRD_PPP
    519: RAW_IP,  # ARPHRD_RAWIP: mobile broadband
    768: RAW_IP,  # ARPHRD_TUNNEL: IP in IP
    769: RAW_IP,  # ARPHRD_TUNNEL6
    776: RAW_IP,  # ARPHRD_SIT: IPv6 in IPv4
    778: RAW_IP,  # ARPHRD_IPGRE
    823: RAW_IP,  # ARPHRD_IP6GRE
    65534: RAW_IP,  # ARPHRD_NONE: tun, WireGuard
}
"""Linux hardware types (linux/if_arp.h) that can be read, and the link type that their frames get here. Where the
hardware's own header is missing or of no use, frames begin with the IP header."""

_ON_LINUX = sys.platform == "linux"
_SIOCGIFFLAGS = 0x8913 if _ON_LINUX else 0xC0206911  # linux/sockios.h, sys/sockio.h
_SIOCGIFHWADDR = 0x8927
_IFREQ = struct.Struct("16sH22x")  # netdevice(7): the name, then a union; the two fields read here begin it
_IFF_UP, _IFF_RUNNING = 0x1, 0x40


@dataclass(frozen=True, slots=True)
class Interface:
    """An interface at this moment.

    Attributes:
        name: as the system calls it.
        index: number that no other interface has, nor one of the same name that is made later.
        up: switched on and connected: frames can come.
        hardware: Linux hardware type (``ARPHRD_*``), 0 on other systems.
    """

    name: str
    index: int
    up: bool
    hardware: int

    @property
    def state(self) -> str:
        """``up`` or ``down``."""
        return "up" if self.up else "down"


def interfaces() -> list[Interface]:
    """All interfaces that exist, in the system's order."""
    found = (find(name) for _, name in socket.if_nameindex())
    return [interface for interface in found if interface is not None]


def find(name: str) -> Interface | None:
    """The interface of that name, or ``None``."""
    encoded = name.encode(errors="surrogateescape")
    if not 0 < len(encoded) < 16:  # IFNAMSIZ
        return None
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:

        def ask(request: int) -> int:
            number: int = _IFREQ.unpack(fcntl.ioctl(asking, request, _IFREQ.pack(encoded, 0)))[1]
            return number

        try:
            flags = ask(_SIOCGIFFLAGS)
            hardware = ask(_SIOCGIFHWADDR) if _ON_LINUX else 0
            index = socket.if_nametoindex(name)
        except OSError:  # there is none, or not any more
            return None
    running = _IFF_UP | _IFF_RUNNING
    return Interface(name, index, flags & running == running, hardware)


def chosen(names: list[str]) -> list[Interface]:
    """The interfaces that the user named, each once; ``any`` is every one that is up and can be read.

    Raises:
        UsageError: one does not exist (the message lists those that do), none is up, or its link type cannot be read.
    """
    if not names:
        raise UsageError("no interface was named; " + _existing())
    found: dict[str, Interface] = {}
    for name in names:
        if name == "any":
            found |= {each.name: each for each in interfaces() if each.up and _is_readable(each)}
            continue
        interface = find(name)
        if interface is None:
            raise UsageError(f"there is no interface {inert(name)}; {_existing()}")
        if _ON_LINUX:
            link_type_of(interface)
        found[name] = interface
    if not found:
        raise UsageError("no interface is up; " + _existing())
    return list(found.values())


def link_type_of(interface: Interface) -> int:
    """LINKTYPE_* number of what Linux shows of the frames on an interface.

    Raises:
        UsageError: they are of a kind that cannot be read.
    """
    if interface.hardware not in LINK_TYPES:
        raise UsageError(
            f"{inert(interface.name)}: frames of this kind of interface (hardware type {interface.hardware}) "
            "cannot be read; name an Ethernet, loopback, tunnel or point-to-point interface"
        )
    return LINK_TYPES[interface.hardware]


def _is_readable(interface: Interface) -> bool:
    """On other systems libpcap knows the link type once the interface is open."""
    return interface.hardware in LINK_TYPES or not _ON_LINUX


def _existing() -> str:
    listed = ", ".join(f"{inert(interface.name)} ({interface.state})" for interface in interfaces())
    return f"there are: {listed}" if listed else "this machine has none"
