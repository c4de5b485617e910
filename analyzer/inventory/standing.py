"""What a password is worth at each server it is sent to: the question on which all advice about it hangs.

A device may use several servers. The one that matters is the one at which its password stops working first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Literal

from analyzer.inventory.device import Server
from analyzer.inventory.providers import Provider
from analyzer.inventory.status import STILL_PASSWORD, Status

Standing = Literal["ended", "retiring", "unclear", "own", "kept"]
"""What becomes of passwords there, what presses most first.

ended, retiring: the provider has switched them off, or announced it. unclear: nobody known runs the server. own: it
has a private address, so it is a relay or server of the network itself. kept: the provider takes them, by design or as
application passwords, and has announced no end.
"""
STANDINGS: tuple[Standing, ...] = ("ended", "retiring", "unclear", "own", "kept")

PASSWORD_METHODS = ("basic", "challenge")

OWN_NETWORKS = tuple(
    map(
        ip_network,
        (
            *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"),  # RFC 1918
            *("100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),  # RFC 6598, RFC 1122, RFC 3927
            *("fc00::/7", "fe80::/10", "::1/128"),  # RFC 4193, RFC 4291
        ),
    )
)
"""Addresses of a network's own. Those of documentation, which Python calls private, too, stand for public ones."""

REMEMBERED = 4096
"""Addresses of which it is remembered whether they are own: thousands of devices send to the same few servers."""

_OF_POLICY: dict[str, Standing] = {
    "ended": "ended",
    "retiring": "retiring",
    "app-passwords": "kept",
    "accepted": "kept",
    "none": "unclear",  # a password that a server without AUTH was sent has nothing to open there
}


def standing_of(server: Server, providers: Mapping[str, Provider]) -> Standing:
    """What a password is worth at ``server``, by what ``providers`` (by id) say."""
    known = providers.get(server.provider) if server.provider is not None else None
    if known is not None:
        return _OF_POLICY[known.basic]
    return "own" if _is_own(server.ip) else "unclear"


@lru_cache(REMEMBERED)
def _is_own(ip: str) -> bool:
    address = ip_address(ip)
    return any(address in network for network in OWN_NETWORKS)


def password_servers(status: Status, servers: Sequence[Server]) -> list[Server]:
    """The servers that get the device's password, most used first; none where it uses none.

    Where only several sessions together showed the password, no server is known to have got it: then it may be any
    of which a login was not seen, or any at all.
    """
    if status not in STILL_PASSWORD:
        return []
    known = [server for server in servers if any(method in server.methods for method in PASSWORD_METHODS)]
    return known or [server for server in servers if "unknown" in server.methods] or list(servers)


def deciding(servers: Sequence[Server], providers: Mapping[str, Provider]) -> Server | None:
    """The server that matters: worst standing, then the earliest end, then the one used most (the first)."""

    def press(server: Server) -> tuple[int, date]:
        known = providers.get(server.provider or "")
        ends = known.basic_ends if known is not None and known.basic_ends is not None else date.max
        return STANDINGS.index(standing_of(server, providers)), ends

    return min(servers, key=press, default=None)
