"""The records that leave this room: devices, the servers they use, and the summary over them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from analyzer.inventory.status import Status
from analyzer.smtp.records import Evidence


@dataclass(frozen=True, slots=True)
class Server:
    """A server that a device sends to.

    Attributes:
        name: host name the client asked for (SNI), else the one the server gave; ``None`` if neither was seen.
        ports: ascending.
        methods: sessions by method.
    """

    ip: str
    name: str | None
    ports: tuple[int, ...]
    provider: str | None
    sessions: int
    methods: dict[str, int]


@dataclass(frozen=True, slots=True)
class Refusal:
    """The last reply that refused a login."""

    time: int
    code: int | None
    enhanced: str | None
    meaning: str | None


NameSource = Literal["assets", "dhcp", "mdns", "ehlo", "netbios", "dns", "rdns"]


@dataclass(frozen=True, slots=True)
class HostName:
    """A name of a device, and who says so: the user's list, a protocol in the traffic, or reverse DNS."""

    name: str
    source: NameSource


@dataclass(frozen=True, slots=True)
class Asset:
    """What the user's own inventory says of a device; ``None`` where it does not say."""

    name: str | None = None
    owner: str | None = None
    location: str | None = None
    notes: str | None = None


@dataclass(frozen=True, slots=True)
class Device:
    """Everything seen of one sender of mail.

    Attributes:
        device: its address; where one interface was proven to use several, the IPv4 address used last.
        ips: all of them.
        mac: 48-bit number; ``None`` where the link has none or the frames came from a router (``mac_is_router``).
        vendor: maker of the network interface.
        names: names it gave in EHLO, most frequent first.
        methods: sessions by method. mechanisms: attempts by SASL mechanism.
        accounts: user names it logged in with, successfully or not, most frequent first.
        last_failure: the last refused login; read it beside ``findings``, which say whether a success followed.
        first_seen, last_seen: nanoseconds since 1970-01-01 UTC; 0 where no packet had a time stamp.
        clients_behind: lower bound of the clients that share the address; 1 unless there is a sign of more.
        findings: ids, in the order of :data:`analyzer.inventory.findings.FINDINGS`.
        unlisted: occurrences of what did not fit into a bounded field, by field.
        hostnames: what it is called, the best name first (see :mod:`analyzer.inventory.naming`).
        mail_programs: programs that wrote its messages (``X-Mailer`` and the like), most frequent first.
        ja4: sessions by TLS fingerprint of the client.
        vendor_class: what it says of its maker and model when it asks for an address (DHCP option 60).
        asset: its entry in the user's inventory.
    """

    device: str
    ips: tuple[str, ...]
    mac: int | None
    mac_is_router: bool
    vendor: str | None
    names: tuple[str, ...]
    status: Status
    evidence: Evidence | None
    confidence: float | None
    methods: dict[str, int]
    mechanisms: dict[str, int]
    accounts: tuple[str, ...]
    servers: tuple[Server, ...]
    sessions: int
    messages: int
    auth_success: int
    auth_failure: int
    last_failure: Refusal | None
    first_seen: int
    last_seen: int
    clients_behind: int
    findings: tuple[str, ...]
    advice: str
    unlisted: dict[str, int] = field(default_factory=dict)
    hostnames: tuple[HostName, ...] = ()
    mail_programs: tuple[str, ...] = ()
    ja4: dict[str, int] = field(default_factory=dict)
    vendor_class: str | None = None
    asset: Asset | None = None

    @property
    def name(self) -> str | None:
        """The best name, as :attr:`hostnames` orders them; ``None`` where nothing is known."""
        return self.hostnames[0].name if self.hostnames else None


@dataclass(frozen=True, slots=True)
class Outline:
    """Of a device, what tells it and its verdict; its fields are those of :class:`Device`."""

    device: str
    ips: tuple[str, ...]
    mac: int | None
    status: Status
    methods: dict[str, int]
    last_seen: int


@dataclass(frozen=True, slots=True)
class ProviderUse:
    """How many devices send to a provider, and how many of them with a password."""

    devices: int
    with_password: int


@dataclass(frozen=True, slots=True)
class Summary:
    """The answer over all devices.

    Attributes:
        devices: how many. still_password: how many of them are exposed, password or mixed.
        statuses: devices by status, worst first, every status present.
        methods: sessions by method. findings: devices by finding, in the table's order.
        sessions: SMTP conversations. not_smtp: conversations on the watched ports that were something else.
        first_seen, last_seen: nanoseconds; ``None`` where nothing was seen.
        unlisted: sessions of devices beyond the limit (``devices``), and what single devices could not list.
    """

    devices: int
    still_password: int
    statuses: dict[str, int]
    methods: dict[str, int]
    providers: dict[str, ProviderUse]
    findings: dict[str, int]
    sessions: int
    messages: int
    not_smtp: int
    first_seen: int | None
    last_seen: int | None
    unlisted: dict[str, int]
