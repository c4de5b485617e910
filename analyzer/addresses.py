"""IP addresses as people and programs write them."""

from __future__ import annotations

from ipaddress import ip_address


def canonical(text: str) -> str:
    """The address in its one form (RFC 5952), without a scope: the ``%eth0`` of ``fe80::1%eth0`` names an interface of
    some machine, and Python takes any text there.

    Raises:
        ValueError: it is none.
    """
    return str(ip_address(text.partition("%")[0]))
