"""Which session is meant: a client, its port, and what tells its sessions apart."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv6Address, ip_address

from analyzer.errors import UsageError
from analyzer.inventory.session import Session
from analyzer.streams import Conversation

_WITH_PORT = re.compile(r"(?:\[(?P<six>[^\[\]]*)\]|(?P<four>[^:\[\]]*))(?::(?P<port>[0-9]{1,5}))?")
_START = re.compile(r"(?:(\d{4}-\d\d-\d\d)(?:[T ]|\Z))?(\d\d(?::\d\d(?::\d\d(?:\.\d{0,6})?)?)?)?Z?")


@dataclass(frozen=True)
class Target:
    """A client's sessions.

    Attributes:
        address: of the client, 128 bits, IPv4 mapped (RFC 4291 section 2.5.5.2).
        port: of the client; ``None``: any.
        date, time: how the start of the session begins, UTC, as text; empty where any will do.
    """

    address: int
    port: int | None = None
    date: str = ""
    time: str = ""

    def may_be(self, conversation: Conversation) -> bool:
        """Whether ``conversation``, whose roles may not be certain yet, can turn out to be the client's."""
        ends = list(zip(conversation.addresses, conversation.ports, strict=True))
        return any(self._is(*end) for end in (ends[:1] if conversation.roles_certain else ends))

    def is_client_of(self, session: Session) -> bool:
        """Whether ``session`` is the client's, whenever it began."""
        return session.client_ip == self.client and self.port in (None, session.client_port)

    def begins(self, start: str | None) -> bool:
        """Whether a session that began at ``start``, an ISO 8601 timestamp or ``None``, is meant."""
        if not self.date and not self.time:
            return True
        date, _, time = (start or "").partition("T")
        return date.startswith(self.date) and time.startswith(self.time)

    @cached_property
    def client(self) -> str:
        """The address in its canonical form (RFC 5952)."""
        address = IPv6Address(self.address)
        return str(address.ipv4_mapped or address)

    def __str__(self) -> str:
        if self.port is None:
            return self.client
        return f"[{self.client}]:{self.port}" if ":" in self.client else f"{self.client}:{self.port}"

    def _is(self, address: int, port: int) -> bool:
        return address == self.address and self.port in (None, port)


def target_from(client: str, start: str | None = None) -> Target:
    """The target that the user names.

    Args:
        client: ``ADDRESS`` or ``ADDRESS:PORT``; an IPv6 address with a port stands in brackets (RFC 3986).
        start: a timestamp, or the beginning of one; its date may be left out.

    Raises:
        UsageError: it is none.
    """
    address, port = _endpoint(client)
    date, time = _start(start) if start is not None else ("", "")
    return Target(address, port, date, time)


def _endpoint(client: str) -> tuple[int, int | None]:
    text = client.strip()
    found = _WITH_PORT.fullmatch(text)
    host, port = (found["six"] or found["four"], found["port"]) if found else (text, None)
    try:
        address = ip_address(host.partition("%")[0])  # a scope, as in fe80::1%eth0, is not on the wire
    except ValueError:
        raise UsageError(
            f"--session {client!r}: not an address; give one like 10.20.0.102, 10.20.0.102:50704 or [2001:db8::7]:50704"
        ) from None
    number = None if port is None else int(port)
    if number is not None and not 0 < number < 65536:
        raise UsageError(f"--session {client!r}: {port} is not a TCP port (1 to 65535)")
    return int(address) | (0xFFFF << 32 if address.version == 4 else 0), number


def _start(start: str) -> tuple[str, str]:
    found = _START.fullmatch(start.strip())
    if found is None or not (found[1] or found[2]):
        raise UsageError(
            f"--start {start!r}: not a time; give one like 2026-11-24T00:51:34, or the beginning of one, or 00:51:34"
        )
    return found[1] or "", found[2] or ""
