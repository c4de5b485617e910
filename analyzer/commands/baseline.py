"""Devices that are known to be as they are (``--baseline``): a gate fails only on what is worse.

The file is a report of before in JSON (of ``smtpauth report`` or ``smtpauth scan``), or a list written by hand: an
address or MAC a line, and the status up to which it is accepted, or nothing for any::

    10.20.0.15                      # the old franking machine, until it is replaced
    00-17-C8-01-02-03 password      # not if it shows its password in the clear
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from analyzer.addresses import canonical
from analyzer.errors import InputError
from analyzer.files import content_of
from analyzer.inventory.device import Device
from analyzer.inventory.status import STATUSES
from analyzer.report.text import clean

LARGEST: Final = 256 << 20
"""Bytes: a report on 32,768 devices, the most that an inventory holds, has some 60 MB."""

_MAC: Final = re.compile(r"[0-9A-Fa-f]{2}([-:]?[0-9A-Fa-f]{2}){5}")
_RANK: Final[Mapping[str, int]] = {status: rank for rank, status in enumerate(STATUSES)}


@dataclass(frozen=True, slots=True)
class Baseline:
    """The worst status that is accepted of each address and MAC, by its place in ``STATUSES``.

    Attributes:
        owner: MAC that an address had; another one there is another device.
    """

    by_ip: Mapping[str, int]
    by_mac: Mapping[int, int]
    owner: Mapping[str, int]

    def accepts(self, device: Device) -> bool:
        """Whether ``device`` is there, and is no worse now."""
        if device.mac is not None and device.mac in self.by_mac:
            accepted = [self.by_mac[device.mac]]
        else:
            accepted = [self.by_ip[ip] for ip in device.ips if ip in self.by_ip and self._may_be(device, ip)]
        return bool(accepted) and _RANK[device.status] >= min(accepted)

    def _may_be(self, device: Device, ip: str) -> bool:
        return device.mac is None or self.owner.get(ip, device.mac) == device.mac


def read_baseline(name: str) -> Baseline:
    """The baseline in the file ``name``.

    Raises:
        InputError: it cannot be read, or is neither a report nor a list.
    """
    content = content_of(name, LARGEST, "no report is as large")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(name, "neither a report in JSON nor a list of addresses", "it is no text") from None
    return _of_report(name, text) if text.lstrip().startswith("{") else _of_list(name, text)


def _of_report(name: str, text: str) -> Baseline:
    try:
        devices = json.loads(text)["devices"]
        entries = [
            (device["ips"], None if device["mac"] is None else _mac(device["mac"]), _RANK[device["status"]])
            for device in devices
        ]
        by_ip = {_ip(ip): rank for ips, _, rank in entries for ip in ips}
    except (ValueError, KeyError, TypeError, RecursionError):
        raise InputError(
            name, "not a report of smtpauth in JSON", "make one with 'smtpauth report --format json'"
        ) from None
    return Baseline(
        by_ip,
        {mac: rank for _, mac, rank in entries if mac is not None},
        {ip: mac for ips, mac, _ in entries if mac is not None for ip in ips},
    )


def _of_list(name: str, text: str) -> Baseline:
    by_ip: dict[str, int] = {}
    by_mac: dict[int, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        status = words[1] if len(words) > 1 else STATUSES[0]
        if len(words) > 2 or status not in _RANK:
            raise InputError(name, f"line {number}: after the address belongs one of {', '.join(STATUSES)}, or nothing")
        try:
            if _MAC.fullmatch(words[0]):
                by_mac[_mac(words[0])] = _RANK[status]
            else:
                by_ip[_ip(words[0])] = _RANK[status]
        except ValueError:
            raise InputError(name, f"line {number}: '{clean(words[0])}' is no address and no MAC") from None
    return Baseline(by_ip, by_mac, {})


def _mac(text: Any) -> int:
    return int(re.sub("[-:]", "", text), 16)


def _ip(text: str) -> str:
    return canonical(text)
