"""The provider's accounts held against the devices that use them.

Accounts are the same without regard to case. Where a name of ours has no equal, the part before the ``@`` (or behind
the ``\\``) decides, if exactly one of the provider's accounts has it: the name to log in with and the sender's address
often differ in the domain.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address

from analyzer.inventory.device import Device
from analyzer.inventory.standing import PASSWORD_METHODS, password_servers
from analyzer.inventory.status import STILL_PASSWORD
from analyzer.provider_view.model import (
    AGREEMENTS,
    AccountView,
    Agreement,
    Protocol,
    ProviderView,
    PublicAddress,
    SignIns,
    SmtpAuthClient,
    SourceFile,
)
from analyzer.provider_view.sign_ins import LISTED_ADDRESSES, read_sign_ins
from analyzer.provider_view.smtp_auth_clients import read_smtp_auth_clients

PROVIDERS = frozenset({"exchange-online", "exchange-hve", "outlook-personal"})
"""Whose exports these are."""

MOST_ADDRESSES = 10_000
"""Public addresses that are told; one mailbox under attack is tried from thousands."""


def provider_view(eac: Sequence[str], sign_ins: Sequence[str], devices: Sequence[Device]) -> ProviderView:
    """Read the exports and join them with ``devices``.

    Args:
        eac: names of exports of the SMTP AUTH clients report.
        sign_ins: names of exports of the sign-in log, CSV or JSON.

    Raises:
        InputError: one of them cannot be used; one line names the file and what is wrong.
    """
    clients: list[SmtpAuthClient] = []
    logged: list[SignIns] = []
    sources: list[SourceFile] = []
    for name in eac:
        rows, source = read_smtp_auth_clients(name)
        clients += rows
        sources.append(source)
    for name in sign_ins:
        accounts, source = read_sign_ins(name)
        logged += accounts
        sources.append(source)
    return joined(clients, logged, devices, sources)


@dataclass(slots=True)
class _Account:
    """One account while rows come in."""

    account: str
    says: set[Protocol] = field(default_factory=set)
    messages: Counter[str] = field(default_factory=Counter)
    old_tls: float | None = None
    sign_ins: SignIns | None = None
    devices: dict[str, Device] = field(default_factory=dict)
    by_local_part: bool = False


def joined(
    clients: Iterable[SmtpAuthClient],
    sign_ins: Iterable[SignIns],
    devices: Sequence[Device],
    sources: Sequence[SourceFile] = (),
) -> ProviderView:
    """The join of rows that have been read."""
    accounts = _accounts(clients, sign_ins)
    concerned = [device for device in devices if _servers(device)]
    not_listed, ambiguous = _assign(accounts, concerned, devices)
    views = [_view(account) for account in accounts.values()]
    views.sort(
        key=lambda view: (AGREEMENTS.index(view.agreement), -sum(view.messages.values()), view.account.casefold())
    )
    addresses = _addresses(accounts.values())
    unlisted = Counter({"addresses": max(len(addresses) - MOST_ADDRESSES, 0)})
    for account in accounts.values():
        unlisted["sign-ins"] += account.sign_ins.unlisted if account.sign_ins is not None else 0
    return ProviderView(
        accounts=views,
        not_listed=not_listed,
        ambiguous=ambiguous,
        hidden_devices=[
            device.device for device in concerned if device.status in STILL_PASSWORD and not device.accounts
        ],
        addresses=addresses[:MOST_ADDRESSES],
        sources=tuple(sources),
        unlisted={what: count for what, count in unlisted.items() if count},
    )


def _accounts(clients: Iterable[SmtpAuthClient], sign_ins: Iterable[SignIns]) -> dict[str, _Account]:
    """All accounts of the exports, by name in lower case; rows of one account added up."""
    accounts: dict[str, _Account] = {}
    for client in clients:
        account = accounts.setdefault(client.account.casefold(), _Account(client.account))
        if client.protocol is not None:
            account.says.add(client.protocol)
        account.messages[client.protocol or "unsaid"] += client.messages or 0
        if client.old_tls is not None:
            account.old_tls = max(client.old_tls, account.old_tls or 0.0)
    for logged in sign_ins:
        account = accounts.setdefault(logged.account.casefold(), _Account(logged.account))
        account.sign_ins = logged if account.sign_ins is None else _merged(account.sign_ins, logged)
    return accounts


def _merged(one: SignIns, other: SignIns) -> SignIns:
    """Sign-ins of one account in two exports."""
    later = max(one, other, key=lambda each: each.last_failure)
    merged = SignIns(
        one.account,
        one.successes + other.successes,
        one.failures + other.failures,
        last_reason=later.last_reason,
        last_failure=later.last_failure,
        unlisted=one.unlisted + other.unlisted,
    )
    for table, parts in (
        (merged.addresses, (one.addresses, other.addresses)),
        (merged.refused_from, (one.refused_from, other.refused_from)),
    ):
        total: Counter[str] = Counter()
        for part in parts:
            total.update(part)
        listed = sorted(total.items(), key=lambda entry: (-entry[1], entry[0]))
        table.update(listed[:LISTED_ADDRESSES])
        merged.unlisted += sum(count for _, count in listed[LISTED_ADDRESSES:])
    return merged


def _assign(
    accounts: Mapping[str, _Account], concerned: Sequence[Device], devices: Sequence[Device]
) -> tuple[list[str], list[str]]:
    """Give each account its devices; return the names of ours that have no account, and those that have several.

    A device that sends elsewhere only may use the same mailbox's name there, which says nothing of the provider, but
    explains who it is: equal names count for every device, the part before the ``@`` only for those that send to it.
    """
    by_local_part: defaultdict[str, list[_Account]] = defaultdict(list)
    for account in accounts.values():
        by_local_part[_local_part(account.account)].append(account)
    holders: defaultdict[str, list[Device]] = defaultdict(list)
    spelled: dict[str, str] = {}
    for device in devices:
        for name in device.accounts:
            holders[name.casefold()].append(device)
            spelled.setdefault(name.casefold(), name)
    at_provider = {device.device for device in concerned}
    rivals = Counter(_local_part(name) for name in spelled if name not in accounts)
    not_listed: list[str] = []
    ambiguous: list[str] = []
    for key, users in holders.items():
        if key in accounts:
            accounts[key].devices.update((user.device, user) for user in users)
            continue
        users = [user for user in users if user.device in at_provider]
        if not users:
            continue
        local = _local_part(key)
        candidates = by_local_part.get(local, [])
        if len(candidates) == 1 and rivals[local] == 1 and candidates[0].account.casefold() not in holders:
            candidates[0].devices.update((user.device, user) for user in users)
            candidates[0].by_local_part = True
        else:
            (ambiguous if candidates else not_listed).append(spelled[key])
    return sorted(not_listed, key=str.casefold), sorted(ambiguous, key=str.casefold)


def _local_part(name: str) -> str:
    """Of ``user@domain`` or ``DOMAIN\\user`` the user, in lower case."""
    return name.rpartition("\\")[2].partition("@")[0].casefold()


def _servers(device: Device) -> bool:
    """Whether the device sends to the provider."""
    return any(server.provider in PROVIDERS for server in device.servers)


def _uses(device: Device) -> set[str]:
    """What the device was seen to use with the provider: ``password``, ``oauth``."""
    uses: set[str] = set()
    for server in device.servers:
        if server.provider in PROVIDERS:
            if any(method in server.methods for method in PASSWORD_METHODS):
                uses.add("password")
            if "oauth" in server.methods:
                uses.add("oauth")
    if any(server.provider in PROVIDERS for server in password_servers(device.status, device.servers)):
        uses.add("password")
    return uses


def _view(account: _Account) -> AccountView:
    ours = {use for device in account.devices.values() for use in _uses(device)}
    return AccountView(
        account=account.account,
        agreement=_agreement(account, ours),
        says=tuple(sorted(account.says)),
        messages=dict(sorted(account.messages.items())),
        old_tls=account.old_tls,
        devices=tuple(sorted(account.devices)),
        ours=tuple(sorted(ours)),
        by_local_part=account.by_local_part,
        sign_ins=account.sign_ins,
    )


def _agreement(account: _Account, ours: set[str]) -> Agreement:
    says = {"password" if protocol == "basic" else protocol for protocol in account.says}
    if not account.devices:
        return "unexplained" if "password" in says else "open"
    if not says or not ours:
        return "open"
    return "agrees" if says & ours else "conflict"


def _addresses(accounts: Iterable[_Account]) -> list[PublicAddress]:
    """Where the accounts sign in from. Private addresses are no site's."""
    signing: defaultdict[str, list[_Account]] = defaultdict(list)
    total: Counter[str] = Counter()
    for account in accounts:
        if account.sign_ins is not None:
            for address, count in account.sign_ins.addresses.items():
                if ip_address(address).is_global:
                    signing[address].append(account)
                    total[address] += count
    found = [
        PublicAddress(
            address,
            any(account.devices for account in users),
            len(users),
            sum(1 for account in users if account.devices),
            total[address],
        )
        for address, users in signing.items()
    ]
    return sorted(found, key=lambda each: (not each.ours, -each.sign_ins, each.address))
