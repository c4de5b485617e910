"""Where a device stands: the server that matters, what its password is worth there, and who else uses it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from analyzer.advice.knowledge import Knowledge, OwnDevice
from analyzer.advice.makers import oauth_support
from analyzer.advice.plan import Deadline, OAuthSupport
from analyzer.inventory.device import Device, Server
from analyzer.inventory.providers import Provider
from analyzer.inventory.standing import Standing, deciding, password_servers, standing_of
from analyzer.inventory.status import STILL_PASSWORD

_CONCERNED = STILL_PASSWORD | {"unknown"}
"""Statuses of devices that an end of passwords concerns, or may."""


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything that a plan is made from.

    Attributes:
        device: as it was observed.
        server: the one that matters: of those that get its password, else the one used most; ``None`` without any.
        standing: what the password is worth there; ``None`` where the device uses none.
        provider: who runs it, if that is known.
        relay: the device that the server is, where it sends mail itself.
        fleet: devices that send a password to the same provider or server, this one included.
        own: what the user says of the device.
    """

    device: Device
    server: Server | None
    standing: Standing | None
    provider: Provider | None
    relay: Device | None
    deadline: Deadline | None
    oauth: OAuthSupport
    fleet: int
    own: OwnDevice | None

    @property
    def uses_password(self) -> bool:
        """Whether its status says so."""
        return self.device.status in STILL_PASSWORD

    @property
    def service(self) -> str | None:
        """What to call the server that matters."""
        return None if self.server is None else service_name(self.server, self.provider)


def service_name(server: Server, provider: Provider | None) -> str:
    """The provider's name, else the server's, else its address."""
    return provider.name if provider is not None else server.name or server.ip


class Fleet:
    """All devices of a report, and what only all of them together show.

    Args:
        today: the last day of what was observed; ``None`` where no packet had a time.
    """

    def __init__(self, devices: Sequence[Device], knowledge: Knowledge, today: date | None) -> None:
        self._knowledge = knowledge
        self._today = today
        self._by_address = {ip: device for device in devices for ip in device.ips}
        self._with_password: Counter[str] = Counter()
        for device in devices:
            servers = password_servers(device.status, device.servers)
            self._with_password.update({_same_service(server) for server in servers})

    def situation(self, device: Device) -> Situation:
        """Where ``device`` stands."""
        providers = self._knowledge.providers
        servers = password_servers(device.status, device.servers)
        server = deciding(servers, providers) or (device.servers[0] if device.servers else None)
        provider = providers.get(server.provider or "") if server is not None else None
        own = own_device(device, self._knowledge.devices)
        return Situation(
            device,
            server,
            standing_of(server, providers) if servers and server is not None else None,
            provider,
            self._relay(device, server),
            _deadline(provider, self._today) if provider is not None and device.status in _CONCERNED else None,
            oauth_support(device, self._knowledge.makers, own),
            self._with_password[_same_service(server)] if servers and server is not None else 0,
            own,
        )

    def _relay(self, device: Device, server: Server | None) -> Device | None:
        relay = None if server is None else self._by_address.get(server.ip)
        return None if relay is device else relay


def own_device(device: Device, own: Mapping[str, OwnDevice]) -> OwnDevice | None:
    """The user's entry for the device, by any of its addresses, else by its MAC address."""
    keys: Iterable[str] = device.ips
    if device.mac is not None:
        keys = [*keys, device.mac.to_bytes(6, "big").hex("-").upper()]
    return next((own[key] for key in keys if key in own), None)


def _same_service(server: Server) -> str:
    return server.provider or server.name or server.ip


def _deadline(provider: Provider, today: date | None) -> Deadline | None:
    if provider.basic not in ("retiring", "ended"):
        return None
    day = provider.basic_ends
    left = None if day is None or today is None else (day - today).days
    wording = provider.note or "it ends password logins"
    return Deadline(provider.name, day, wording, left, provider.source, provider.as_of)
