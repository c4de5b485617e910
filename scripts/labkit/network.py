"""Builds the network: hosts in namespaces of their own, two Ethernet segments (bridges) and a router between them."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import IO, Any

from scripts.labkit.world import ROUTER, SEGMENTS, Host


@dataclass(frozen=True, slots=True)
class Network:
    """The built network; ``hosts`` by name."""

    hosts: dict[str, Host]

    def command(self, host: str, command: list[str]) -> list[str]:
        """``command`` as it runs on ``host``."""
        return ["ip", "netns", "exec", host, *command]

    def start(
        self, host: str, command: list[str], output: IO[bytes], env: dict[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a long-running ``command`` on ``host``."""
        stdin: Any = subprocess.DEVNULL
        return subprocess.Popen(self.command(host, command), stdin=stdin, stdout=output, stderr=output, env=env)


def build(hosts: list[Host]) -> Network:
    """Make every segment, the router and ``hosts``."""
    for segment in SEGMENTS:
        _ip("netns", "add", segment.name)
        # No spanning tree, no multicast snooping: the capture shall hold the hosts' frames only.
        _ip("-n", segment.name, "link", "add", "span0", "type", "bridge", "stp_state", "0", "mcast_snooping", "0")
        _quiet(segment.name)
        _ip("-n", segment.name, "link", "set", "span0", "up")
    _ip("netns", "add", ROUTER.name)
    _up_loopback(ROUTER.name)
    _in(ROUTER.name, "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
    for number, segment in enumerate(SEGMENTS):
        _plug(ROUTER.name, f"eth{number}", segment.name, segment.router_mac)
        _address(ROUTER.name, f"eth{number}", f"{segment.router_ipv4}/24", f"{segment.router_ipv6}/64")
    for host in hosts:
        segment = next(s for s in SEGMENTS if s.name == host.segment)
        _ip("netns", "add", host.name)
        _up_loopback(host.name)
        _plug(host.name, "eth0", segment.name, host.mac)
        _address(host.name, "eth0", f"{host.ipv4}/24", f"{host.ipv6}/64")
        _ip("-n", host.name, "route", "add", "default", "via", segment.router_ipv4)
        _ip("-n", host.name, "-6", "route", "add", "default", "via", segment.router_ipv6)
    return Network({host.name: host for host in hosts})


def _plug(namespace: str, interface: str, segment: str, mac: str) -> None:
    port = f"p{abs(hash((namespace, interface))) % 10**9}"
    _ip(
        "link",
        "add",
        interface,
        "address",
        mac,
        "netns",
        namespace,
        "type",
        "veth",
        "peer",
        "name",
        port,
        "netns",
        segment,
    )
    _ip("-n", segment, "link", "set", port, "master", "span0")
    _in(segment, "sysctl", "-qw", f"net.ipv6.conf.{port}.disable_ipv6=1")
    _ip("-n", segment, "link", "set", port, "up")
    # Without offloads the frames are what a switch would see: at most one MTU, with right checksums.
    for name, where in ((interface, namespace), (port, segment)):
        _in(where, "ethtool", "-K", name, "tx", "off", "rx", "off", "tso", "off", "gso", "off", "gro", "off")


def _address(namespace: str, interface: str, ipv4: str, ipv6: str) -> None:
    # No duplicate address detection: it would only delay the start.
    _in(
        namespace,
        "sysctl",
        "-qw",
        f"net.ipv6.conf.{interface}.accept_dad=0",
        f"net.ipv6.conf.{interface}.router_solicitations=0",
    )
    _ip("-n", namespace, "addr", "add", ipv4, "dev", interface)
    _ip("-n", namespace, "addr", "add", ipv6, "dev", interface, "nodad")
    _ip("-n", namespace, "link", "set", interface, "up")


def _up_loopback(namespace: str) -> None:
    _ip("-n", namespace, "link", "set", "lo", "up")


def _quiet(namespace: str) -> None:
    _in(namespace, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1")


def _in(namespace: str, *command: str) -> None:
    subprocess.run(["ip", "netns", "exec", namespace, *command], check=True, stdout=subprocess.DEVNULL)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)
