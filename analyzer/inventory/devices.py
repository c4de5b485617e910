"""The inventory: sessions in, devices and their verdicts out.

Memory is bounded by devices, and devices by a limit, so that months of traffic fit. Everything merges: the inventory
of many inputs is the merge of their inventories, in any grouping and order, which lets workers share the work.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from analyzer.hostnames import Learned
from analyzer.inventory.accounts import accounts_in_several_hands
from analyzer.inventory.advice import advice
from analyzer.inventory.builder import Account, DeviceBuilder
from analyzer.inventory.device import Device, HostName, Outline, ProviderUse, Refusal, Server, Summary
from analyzer.inventory.evidence import settled
from analyzer.inventory.findings import FINDINGS, in_table_order
from analyzer.inventory.known_names import KnownNames
from analyzer.inventory.naming import best_first
from analyzer.inventory.network import Neighbourhood, clients_behind, is_host_name
from analyzer.inventory.presence import Presence
from analyzer.inventory.providers import ending_passwords, provider_of
from analyzer.inventory.session import Session
from analyzer.inventory.standing import PASSWORD_METHODS, password_servers
from analyzer.inventory.status import STATUSES, STILL_PASSWORD, Status, Uses, judge, with_settled
from analyzer.inventory.vendors import vendor_of
from analyzer.smtp.records import Evidence

MOST_DEVICES = 32_768
"""About 100 MB at 3 KB each. An Internet-facing exchanger meets more senders than that: their sessions are counted, not
listed, and private addresses are kept first."""

SLACK = 1.125
"""The table may grow by an eighth before it is cut back, so that cutting is rare."""

_REFUSED = 535
"""The reply to wrong credentials (RFC 4954 section 6). FTP has it, too, but after a command of its own (RFC 2228)."""


class Overview(NamedTuple):
    """Devices, worst status first, then by address; and for each account in several hands, the addresses that the
    devices go by, in order."""

    devices: list[Device]
    shared: dict[Account, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Roster:
    """Every device in short, and what tells them from those of other periods.

    Attributes:
        outlines: in no particular order. presences: of all their addresses. names: what hosts are called.
        sessions: of all devices.
    """

    outlines: Sequence[Outline]
    presences: Collection[Presence]
    names: KnownNames
    sessions: int

    @property
    def statuses(self) -> dict[str, int]:
        """Devices by status, worst first, every status present."""
        counts = Counter(outline.status for outline in self.outlines)
        return {status: counts[status] for status in STATUSES}


class Inventory:
    """Everything known of all devices so far.

    Attributes:
        names: what hosts are called, devices or not.
    """

    def __init__(self, most_devices: int = MOST_DEVICES) -> None:
        self._most = most_devices
        self._builders: dict[str, DeviceBuilder] = {}
        self._sessions = self._messages = self._not_smtp = 0
        self._first: int | None = None
        self._last: int | None = None
        self._methods: Counter[str] = Counter()
        self.names = KnownNames()

    def learn(self, learned: Learned) -> None:
        """Remember what a datagram told of a host."""
        self.names.learn(learned)

    def add(self, session: Session, times: int = 1) -> None:
        """Count ``times`` sessions like ``session`` towards the device that opened them.

        Conversations that were readable and not SMTP make no device, unless they show a login as only SMTP has it:
        however odd the rest, a password in the clear must not be counted away. What is inside TLS cannot be read, so
        the port it was sent to speaks for it.
        """
        if not is_mail(session):
            self._not_smtp += times
            return
        self._sessions += times
        self._messages += times * session.messages
        self._methods[session.method] += times
        if session.start and (self._first is None or session.start < self._first):  # 0: packets without time stamps
            self._first = session.start
        if session.end and (self._last is None or session.end > self._last):
            self._last = session.end
        self._builder(session.client_ip).add(session, times)

    def merge(self, other: Inventory) -> None:
        """Add all that ``other`` knows, which stays as it is."""
        self._sessions += other._sessions
        self._messages += other._messages
        self._not_smtp += other._not_smtp
        self._methods.update(other._methods)
        if other._first is not None:
            self._first = other._first if self._first is None else min(self._first, other._first)
        if other._last is not None:
            self._last = other._last if self._last is None else max(self._last, other._last)
        for ip, builder in other._builders.items():
            self._builder(ip).merge(builder)
        self.names.merge(other.names)

    def devices(self) -> list[Device]:
        """Every device, worst status first, then by address."""
        return self.overview().devices

    @property
    def sessions(self) -> int:
        """SMTP conversations counted."""
        return self._sessions

    @property
    def presences(self) -> Collection[Presence]:
        """What each address was seen with; whoever asks leaves it as it is."""
        self._settle()
        return self._builders.values()

    def roster(self) -> Roster:
        """Every device in short, for a fifth of the price."""
        around = Neighbourhood(self.presences, self.names)
        outlines = [_outline(_merged(members), members, around) for members in around.machines(self._builders.values())]
        return Roster(outlines, self.presences, self.names, self._sessions)

    def overview(self, only: Collection[str] | None = None, around: Neighbourhood | None = None) -> Overview:
        """Every device, and the accounts that several of them log in with.

        Args:
            only: list those devices alone that go by these addresses.
            around: who else is there, where these are not all addresses.
        """
        self._settle()
        around = around or Neighbourhood(self._builders.values(), self.names)
        groups = around.machines(self._builders.values())
        machines = [_merged(members) for members in groups]
        shared, taken_up = accounts_in_several_hands(machines, groups, around)
        sharing = {position for hands in shared.values() for position in hands}
        found = []
        for position, (machine, members) in enumerate(zip(machines, groups, strict=True)):
            if only is not None and machine.ip not in only:
                continue
            findings = _standing_findings(machine)
            if position in sharing:
                findings.add("shared-account")
            if position in taken_up:
                findings.add("account-on-device-change")
            found.append((machine.order, _device(machine, members, findings, around)))
        found.sort(key=lambda entry: (STATUSES.index(entry[1].status), entry[0]))
        return Overview([device for _, device in found], _shared_by_address(shared, machines))

    def told_names(self) -> Iterator[Learned]:
        """What is known of names, as far as it may help to tell these devices and their servers; see
        :meth:`analyzer.inventory.known_names.KnownNames.told`."""
        self._settle()
        servers = {service[0] for builder in self._builders.values() for service in builder.servers}
        return self.names.told(self._builders.keys() | servers)

    def summary(self, devices: Sequence[Device] | None = None) -> Summary:
        """The answer over all devices; ``devices`` saves working them out again."""
        devices = self.devices() if devices is None else devices
        statuses = Counter(device.status for device in devices)
        findings = Counter(finding for device in devices for finding in device.findings)
        unlisted: Counter[str] = Counter()
        for device in devices:
            unlisted.update(device.unlisted)
        if beyond := self._sessions - sum(builder.sessions for builder in self._builders.values()):
            unlisted["devices"] = beyond
        return Summary(
            devices=len(devices),
            still_password=sum(statuses[status] for status in STILL_PASSWORD),
            statuses={status: statuses[status] for status in STATUSES},
            methods=dict(sorted(self._methods.items())),
            providers=_provider_uses(devices),
            findings={finding.id: findings[finding.id] for finding in FINDINGS if findings[finding.id]},
            sessions=self._sessions,
            messages=self._messages,
            not_smtp=self._not_smtp,
            first_seen=self._first,
            last_seen=self._last,
            unlisted=dict(sorted(unlisted.items())),
        )

    def _builder(self, ip: str) -> DeviceBuilder:
        builder = self._builders.get(ip)
        if builder is None:
            if len(self._builders) >= self._most * SLACK:
                self._settle()
            builder = self._builders[ip] = DeviceBuilder(ip)
        return builder

    def _settle(self) -> None:
        """Keep the first addresses by their order: no split or order of the input changes which those are."""
        if len(self._builders) > self._most:
            kept = sorted(self._builders.values(), key=lambda builder: builder.order)[: self._most]
            self._builders = {builder.ip: builder for builder in kept}


def _shared_by_address(
    shared: Mapping[Account, set[int]], machines: Sequence[DeviceBuilder]
) -> dict[Account, tuple[str, ...]]:
    return {
        account: tuple(machine.ip for machine in sorted((machines[n] for n in hands), key=lambda m: m.order))
        for account, hands in sorted(shared.items())
    }


def is_mail(session: Session) -> bool:
    """Whether ``session`` makes a device; see :meth:`Inventory.add`."""
    return session.is_smtp or session.tls_mode != "none" or _shows_login(session)


def _shows_login(session: Session) -> bool:
    """Whether a login succeeded, or an AUTH command was answered with a verdict on its credentials."""
    for attempt in session.auth:
        if attempt.outcome == "success" or (attempt.code == _REFUSED and attempt.mechanism is not None):
            return True
    return False


def _merged(members: Sequence[DeviceBuilder]) -> DeviceBuilder:
    """The addresses of one machine as one; the first is the one it goes by."""
    if len(members) == 1:
        return members[0]
    machine = DeviceBuilder(members[0].ip)
    for member in members:
        machine.merge(member)
    return machine


def _standing_findings(machine: DeviceBuilder) -> set[str]:
    """Findings of the sessions, without failures that a later success has settled, and what their counts show."""
    findings = set(machine.findings)
    if machine.last_failure is not None and machine.last_success >= machine.last_failure[0]:
        findings -= {"auth-failing", "basic-disabled"}
    if machine.tls and machine.findings.get("tls-failed") == machine.tls:
        findings.add("tls-never-established")
    return findings


def _verdict(machine: DeviceBuilder) -> tuple[Uses, tuple[Status, Evidence | None, float | None]]:
    """What the device used, and the status, evidence and confidence that follow."""
    uses = with_settled(machine.uses, settled(machine.evidence))
    return uses, judge(uses, machine.exposed > 0)


def _outline(machine: DeviceBuilder, members: Sequence[DeviceBuilder], around: Neighbourhood) -> Outline:
    _, (status, _, _) = _verdict(machine)
    return Outline(
        machine.ip,
        tuple(member.ip for member in members),
        around.mac_of(members[0]),
        status,
        machine.methods,
        machine.last,
    )


def _device(
    machine: DeviceBuilder, members: Sequence[DeviceBuilder], findings: set[str], around: Neighbourhood
) -> Device:
    uses, (status, evidence, confidence) = _verdict(machine)
    names = around.names
    behind = clients_behind(members, names)
    if behind > 1:
        findings.add("several-clients-behind")
    if status == "no-auth" and not machine.messages:
        findings.add("no-message-accepted")
    mac = around.mac_of(members[0])
    servers = _servers(machine, names)
    findings |= _findings_by_name(machine, servers)
    users = Counter[str]()
    for (_, user, _), count in machine.accounts.counts():
        users[user] += count
    return Device(
        device=machine.ip,
        ips=tuple(member.ip for member in members),
        mac=mac,
        mac_is_router=mac is None and around.behind_router(members[0]),
        vendor=vendor_of(mac),
        names=tuple(name for name, _ in machine.names.counts()),
        status=status,
        evidence=evidence,
        confidence=confidence,
        methods=dict(sorted(machine.methods.items())),
        mechanisms=dict(machine.mechanisms.counts()),
        accounts=tuple(sorted(users, key=lambda user: (-users[user], user))),
        servers=servers,
        sessions=machine.sessions,
        messages=machine.messages,
        auth_success=machine.success,
        auth_failure=machine.failure,
        last_failure=_refusal(machine),
        first_seen=max(machine.first, 0),
        last_seen=machine.last,
        clients_behind=behind,
        findings=in_table_order(findings),
        advice=advice(status, findings, password_servers(status, servers), _why_unknown(machine, uses)),
        unlisted=machine.unlisted,
        hostnames=_host_names(machine, members, names, mac),
        mail_programs=tuple(program for program, _ in machine.programs.counts()),
        ja4=dict(machine.fingerprints.counts()),
        vendor_class=names.vendor_class(mac),
    )


def _host_names(
    machine: DeviceBuilder, members: Sequence[DeviceBuilder], names: KnownNames, mac: int | None
) -> tuple[HostName, ...]:
    """What the device is called, by itself and by others; a text in EHLO that is no name only where nothing else is."""
    greeted = [HostName(name, "ehlo") for name, _ in machine.names.counts()]
    usable = [name for name in greeted if is_host_name(name.name)]
    found = best_first([*usable, *names.names((member.ip for member in members), mac)])
    return found or tuple(greeted[:1])


def _findings_by_name(machine: DeviceBuilder, servers: Sequence[Server]) -> set[str]:
    """Findings that sessions could not have, since only what DNS calls their server shows whose it is."""
    seen = {(ip, provider) for ip, _, _, provider, _ in machine.servers}
    by_name = [server for server in servers if server.provider and (server.ip, server.provider) not in seen]
    retiring = any("basic" in server.methods and server.provider in ending_passwords() for server in by_name)
    return {"basic-to-retiring-provider"} if retiring else set()


def _why_unknown(machine: DeviceBuilder, uses: Uses) -> Literal["inside-tls", "lost"] | None:
    """The one reason for which no login could be read, where all sessions that showed none have the same."""
    unreadable = uses.get("unknown")
    if unreadable is None:
        return "lost" if "lost" in uses else "inside-tls"  # what was inferred is in doubt
    return "inside-tls" if "lost" not in uses and unreadable.sessions <= machine.inside_tls else None


def _refusal(machine: DeviceBuilder) -> Refusal | None:
    if machine.last_failure is None:
        return None
    time, code, enhanced, meaning = machine.last_failure
    return Refusal(time, code or None, enhanced or None, meaning or None)


def _servers(machine: DeviceBuilder, known: KnownNames) -> tuple[Server, ...]:
    """Servers by address, most used first; the name and provider of each are the ones seen most.

    Where neither the client nor the server said either, what DNS calls the address must do.
    """
    by_ip: dict[str, list[tuple[int, str, str, str, int]]] = defaultdict(list)
    for (ip, port, name, provider, method), count in machine.servers.counts():
        by_ip[ip].append((port, name, provider, method, count))
    servers = [_server(ip, uses, known) for ip, uses in by_ip.items()]
    servers.sort(key=lambda server: (-server.sessions, server.ip))
    return tuple(servers)


def _server(ip: str, uses: Sequence[tuple[int, str, str, str, int]], known: KnownNames) -> Server:
    """One server, from how often it was used by port, name, provider and method."""
    called = known.server_names(ip)
    if len(uses) == 1:  # most are used in one way, and there are three to a device
        port, name, provider, method, count = uses[0]
        ports: tuple[int, ...] = (port,)
        methods = {method: count}
        most_named: str | None = name or None
        most_provided: str | None = provider or None
    else:
        names, providers, by_method = Counter[str](), Counter[str](), Counter[str]()
        for _, name, provider, method, count in uses:
            by_method[method] += count
            names[name] += count
            providers[provider] += count
        ports = tuple(sorted({use[0] for use in uses}))
        methods = dict(sorted(by_method.items()))
        most_named, most_provided = _most_frequent(names), _most_frequent(providers)
    return Server(
        ip=ip,
        name=most_named or next(iter(called), None),
        ports=ports,
        provider=most_provided or next(filter(None, map(provider_of, called)), None),
        sessions=sum(methods.values()),
        methods=methods,
    )


def _most_frequent(counts: Mapping[str, int]) -> str | None:
    """The text that was seen most, the first by alphabet of several; empty ones are none."""
    return min(filter(None, counts), key=lambda text: (-counts[text], text), default=None)


def _password_providers(servers: Sequence[Server]) -> list[str]:
    return [s.provider for s in servers if s.provider and any(method in s.methods for method in PASSWORD_METHODS)]


def _provider_uses(devices: Sequence[Device]) -> dict[str, ProviderUse]:
    all_of: Counter[str] = Counter()
    with_password: Counter[str] = Counter()
    for device in devices:
        all_of.update({server.provider for server in device.servers if server.provider})
        with_password.update(set(_password_providers(device.servers)))
    return {id: ProviderUse(all_of[id], with_password[id]) for id in sorted(all_of)}
