"""A network namespace with one pair of virtual interfaces, which nothing else uses."""

from __future__ import annotations

import os
import subprocess
from types import TracebackType

NEAR, FAR = "near0", "far0"
"""Frames sent into the far end arrive at the near one."""


class Network:
    """The namespace; a context manager that takes it away again, with all that is in it."""

    def __init__(self) -> None:
        self.name = f"livebench-{os.getpid()}"

    def __enter__(self) -> Network:
        try:
            self._ip("netns", "add", self.name)
            self._ip("-n", self.name, "link", "add", NEAR, "type", "veth", "peer", "name", FAR)
            for end in (NEAR, FAR):
                # Without addresses and IPv6 neither end speaks unasked; frames may be longer than an MTU of 1500.
                self._in("sh", "-c", f"echo 1 >/proc/sys/net/ipv6/conf/{end}/disable_ipv6")
                self._ip("-n", self.name, "link", "set", end, "mtu", "9000", "up")
        except BaseException:  # ended in the midst of it, too
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        subprocess.run(["ip", "netns", "del", self.name], stderr=subprocess.DEVNULL)  # it may never have come to be

    def command(self, *command: str) -> list[str]:
        """``command`` as it runs in the namespace."""
        return ["ip", "netns", "exec", self.name, *command]

    def arrived(self) -> int:
        """Frames that the near end has received since it was made."""
        told = self._in("cat", f"/sys/class/net/{NEAR}/statistics/rx_packets")
        return int(told)

    def _in(self, *command: str) -> str:
        return subprocess.run(self.command(*command), check=True, stdout=subprocess.PIPE, text=True).stdout

    def _ip(self, *arguments: str) -> None:
        subprocess.run(["ip", *arguments], check=True)
