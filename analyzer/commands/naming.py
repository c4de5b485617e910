"""What devices are called by others than the traffic: the user's own inventory, and reverse DNS."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from analyzer.assets import read_assets
from analyzer.commands.console import say
from analyzer.errors import UsageError
from analyzer.inventory.device import Device
from analyzer.reverse_dns import NameServer, ReverseNames, reverse_names

Naming = Callable[[list[Device]], list[Device]]


def naming_of(options: argparse.Namespace) -> Naming:
    """What gives devices the names that the options ask for. To be called before anything is read, so that a file that
    cannot be used is told at once.

    Raises:
        UsageError: the inventory cannot be used, or the name server is none.
    """
    assets = read_assets(options.assets) if options.assets else None
    server = NameServer.parsed(options.dns_server) if options.dns_server else None
    if server is not None and not options.rdns:
        raise UsageError("--dns-server is for --rdns, which is off")

    def named(devices: list[Device]) -> list[Device]:
        if options.rdns:
            found = reverse_names(devices, server)
            devices = found.devices
            if not options.quiet:
                _tell(found)
        return assets.joined(devices) if assets is not None else devices

    return named


def _tell(found: ReverseNames) -> None:
    if found.problem is not None:
        say(f"no reverse DNS: {found.problem}; name a server with --dns-server")
    elif silent := found.asked - found.answered:
        say(f"reverse DNS: no answer for {silent:,} of {found.asked:,} addresses")
    if found.left_out and found.problem is None:
        say(f"reverse DNS: {found.left_out:,} further addresses were not asked for")
