"""PTR lookups (RFC 1035 section 3.5, RFC 3596 section 2.5): bounded in number, time and parallelism; failing softly."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from ipaddress import ip_address
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from analyzer.errors import UsageError
from analyzer.hostnames.learned import host_name
from analyzer.inventory.device import Device, HostName
from analyzer.inventory.naming import best_first

if TYPE_CHECKING:
    from dns.resolver import Resolver

MOST_LOOKUPS = 2_000
"""Addresses asked for, devices with the worst status first. A network has a few hundred senders of mail; an exchanger
that the Internet sends to, any number."""

AT_ONCE = 16
"""Lookups at a time: no resolver takes that for an attack."""

PATIENCE = 2.0
"""Seconds for one answer, with repetitions."""

IN_ALL = 15.0
"""Seconds after which no further lookup begins: a resolver that answers nothing must not hold up the report."""

NAMES_EACH = 4
"""Names taken for one address."""

_PORT = 53


class NameServer(NamedTuple):
    """Whom to ask in place of the system's resolvers."""

    address: str
    port: int = _PORT

    @classmethod
    def parsed(cls, text: str) -> NameServer:
        """``10.20.0.53``, ``10.20.0.53:5353``, ``2001:db8::53`` or ``[2001:db8::53]:5353``.

        Raises:
            UsageError: it is none of these.
        """
        host, colon, port = text.rpartition(":") if text.count(":") == 1 or "]:" in text else (text, "", "")
        try:
            address = str(ip_address(host.removeprefix("[").removesuffix("]")))
        except ValueError:
            raise UsageError(f"{text!r} is no address of a name server; give one such as 10.20.0.53") from None
        if not colon:
            return cls(address)
        if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
            raise UsageError(f"{text!r}: {port!r} is no port")
        return cls(address, int(port))


@dataclass(frozen=True, slots=True)
class ReverseNames:
    """What came of it.

    Attributes:
        devices: in the order they were given, with what was found.
        asked: addresses asked for. answered: of them, with an answer, be it that there is no name.
        left_out: addresses beyond the limits of number and time.
        problem: why nothing could be asked at all, or ``None``.
    """

    devices: list[Device]
    asked: int = 0
    answered: int = 0
    left_out: int = 0
    problem: str | None = None


def reverse_names(devices: Sequence[Device], server: NameServer | None = None) -> ReverseNames:
    """Ask for the names of the devices' addresses.

    Args:
        devices: worst first; none is looked up that is not among them.
        server: whom to ask; by default, whom this system asks.
    """
    import dns.resolver

    try:
        resolver = dns.resolver.Resolver(configure=server is None)
    except dns.resolver.NoResolverConfiguration:
        return ReverseNames(list(devices), problem="this system has no resolver configured")
    if server is not None:
        resolver.nameservers, resolver.port = [server.address], server.port
    addresses = list(dict.fromkeys(ip for device in devices for ip in device.ips))
    chosen = addresses[:MOST_LOOKUPS]
    ends = monotonic() + IN_ALL
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="reverse-dns") as pool:
        answers = dict(zip(chosen, pool.map(lambda ip: _asked(resolver, ip, ends), chosen), strict=True))
    found = {ip: answer.names for ip, answer in answers.items()}
    return ReverseNames(
        [_with_names(device, found) for device in devices],
        asked=sum(answer.asked for answer in answers.values()),
        answered=sum(answer.answered for answer in answers.values()),
        left_out=len(addresses) - sum(answer.asked for answer in answers.values()),
    )


class _Answer(NamedTuple):
    asked: bool = True
    answered: bool = False
    names: tuple[str, ...] = ()


def _asked(resolver: Resolver, ip: str, ends: float) -> _Answer:
    import dns.exception
    import dns.name
    import dns.resolver
    import dns.reversename

    if monotonic() > ends:
        return _Answer(asked=False)
    try:
        question = dns.reversename.from_address(ip)
        answer = resolver.resolve(question, "PTR", lifetime=PATIENCE, search=False)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return _Answer(answered=True)
    except (dns.exception.DNSException, OSError):  # no server, no answer in time, or one that is none
        return _Answer()
    targets = [record.target for record in answer if isinstance(getattr(record, "target", None), dns.name.Name)]
    names = (host_name(b".".join(label for label in target.labels if label)) for target in targets)
    return _Answer(answered=True, names=tuple(sorted({name for name in names if name is not None})[:NAMES_EACH]))


def _with_names(device: Device, found: dict[str, tuple[str, ...]]) -> Device:
    names = [HostName(name, "rdns") for ip in device.ips for name in found.get(ip, ())]
    return replace(device, hostnames=best_first([*device.hostnames, *names])) if names else device
