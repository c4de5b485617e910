"""What is remembered of each device, so that what is new about it can be told: bounded, and able to outlive a run.

The snapshot is plain data for a file of the user's. It holds addresses and times; user names stay out of it, and what
can be counted anew (refused logins in a row) does, too.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from analyzer.addresses import canonical
from analyzer.errors import UsageError
from analyzer.inventory.devices import MOST_DEVICES

VERSION = 1
"""Of the snapshot's form."""

MOST_ACCOUNTS = 16
"""Accounts of one device whose refused logins are counted one by one; what a host of many programs has."""

_TIMES = ("first_seen", "last_seen", "last_password", "last_oauth")


@dataclass(slots=True)
class KnownDevice:
    """One address, as far as it matters for what is told next.

    Attributes:
        first_seen, last_seen: packet time, nanoseconds since 1970-01-01 UTC.
        last_password, last_oauth: when it last used one; ``None`` for never.
        refused: logins refused in a row, whatever the account.
        refused_by_account: the same by account (server and user name), the last :data:`MOST_ACCOUNTS` of them.
    """

    first_seen: int
    last_seen: int
    last_password: int | None = None
    last_oauth: int | None = None
    refused: int = 0
    refused_by_account: dict[tuple[str, str | None], int] = field(default_factory=dict)

    def refuse(self, account: tuple[str, str | None]) -> int:
        """Count a refused login: how many of this account were refused in a row."""
        self.refused += 1
        count = self.refused_by_account.pop(account, 0) + 1
        self.refused_by_account[account] = count  # last
        if len(self.refused_by_account) > MOST_ACCOUNTS:
            del self.refused_by_account[next(iter(self.refused_by_account))]
        return count

    def accept(self, account: tuple[str, str | None]) -> None:
        """A login succeeded."""
        self.refused = 0
        self.refused_by_account.pop(account, None)


class KnownDevices:
    """Devices by address, the least recently seen first.

    Args:
        most: how many; as many as the inventory lists, about 10 MB.

    Attributes:
        forgotten: devices that had to go; should they come again, they are new.
    """

    def __init__(self, most: int = MOST_DEVICES) -> None:
        self._most = most
        self._devices: OrderedDict[str, KnownDevice] = OrderedDict()
        self.forgotten = 0

    def seen(self, ip: str, first: int, last: int) -> tuple[KnownDevice, bool]:
        """The device at ``ip``, seen from ``first`` to ``last``, and whether it is new."""
        device = self._devices.get(ip)
        if device is not None:
            device.first_seen = min(device.first_seen, first)
            device.last_seen = last  # and not the latest ever: a clock may have been set back
            self._devices.move_to_end(ip)
            return device, False
        device = self._devices[ip] = KnownDevice(first, last)
        if len(self._devices) > self._most:
            self._devices.popitem(last=False)
            self.forgotten += 1
        return device, True

    def __len__(self) -> int:
        """How many are known."""
        return len(self._devices)

    def snapshot(self) -> dict[str, Any]:
        """All of it as JSON has it, the least recently seen first."""
        return {
            "version": VERSION,
            "devices": {
                ip: {name: getattr(device, name) for name in _TIMES if getattr(device, name) is not None}
                for ip, device in self._devices.items()
            },
        }

    def restore(self, snapshot: object) -> None:
        """Know what an earlier run knew, in the place of what is known now.

        Args:
            snapshot: as :meth:`snapshot` made it, read from a file that anybody may have edited. Of more devices than
                fit the most recently seen are kept.

        Raises:
            UsageError: it is something else.
        """
        if not isinstance(snapshot, Mapping) or not isinstance(snapshot.get("devices"), Mapping):
            raise _unusable("it holds no devices")
        if snapshot.get("version") != VERSION:
            raise _unusable("another version of smtpauth wrote it")
        found = {str(ip): _restored(ip, times) for ip, times in snapshot["devices"].items()}
        recent = sorted(found, key=lambda ip: found[ip].last_seen)
        self.forgotten += max(0, len(recent) - self._most)
        self._devices = OrderedDict((ip, found[ip]) for ip in recent[-self._most :])


def _restored(ip: object, times: object) -> KnownDevice:
    try:
        if not isinstance(ip, str) or ip != canonical(ip):
            raise ValueError
    except ValueError:
        raise _unusable("a device in it has no address") from None
    if (
        not isinstance(times, Mapping)
        or not {"first_seen", "last_seen"} <= times.keys() <= set(_TIMES)
        or not all(type(time) is int for time in times.values())
    ):
        raise _unusable(f"the times of {ip} in it are no whole numbers")
    return KnownDevice(**times)


def _unusable(problem: str) -> UsageError:
    return UsageError(f"the snapshot of known devices cannot be used: {problem}; remove it to begin anew")
