"""What the provider's exports say, and what comes of holding them against our devices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Protocol = Literal["basic", "oauth"]
"""How the provider says that an account logged in."""

Agreement = Literal["conflict", "unexplained", "agrees", "open"]
"""An account of the provider's held against our devices, what needs attention first.

conflict: we and the provider say different things of the login; nobody is taken to be right.
unexplained: the provider calls it Basic, and no device of ours was seen with it.
agrees: both say the same. open: nothing to compare, since one of the two does not say.
"""
AGREEMENTS: tuple[Agreement, ...] = ("conflict", "unexplained", "agrees", "open")


@dataclass(frozen=True, slots=True)
class SmtpAuthClient:
    """One row of the SMTP AUTH clients report.

    Attributes:
        account: sender address, as the provider writes it.
        protocol: ``None`` where the export does not say (before October 2024 it had no such column).
        messages: sent; ``None`` where the export does not say.
        old_tls: percent of them with TLS 1.0 or 1.1; ``None`` where the export does not say.
    """

    account: str
    protocol: Protocol | None
    messages: int | None
    old_tls: float | None


@dataclass(slots=True)
class SignIns:
    """The SMTP sign-ins of one account, added up.

    Attributes:
        account: user name, as the provider writes it.
        successes, failures: how many.
        addresses: sign-ins that succeeded, by public address.
        refused_from: sign-ins that failed, by public address.
        last_reason: why the latest of those that failed did. last_failure: when, as the log has it.
        unlisted: sign-ins from addresses beyond the limit.
    """

    account: str
    successes: int = 0
    failures: int = 0
    addresses: dict[str, int] = field(default_factory=dict)
    refused_from: dict[str, int] = field(default_factory=dict)
    last_reason: str | None = None
    last_failure: str = ""
    unlisted: int = 0


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One export as it was read.

    Attributes:
        rows: taken. others: of other kinds, left out (sign-ins that are not SMTP). unusable: without an account, or
            beyond a limit.
    """

    name: str
    rows: int
    others: int = 0
    unusable: int = 0


@dataclass(frozen=True, slots=True)
class AccountView:
    """One account, as the provider and we see it.

    Attributes:
        account: as the provider writes it.
        says: how the provider says that it logs in; both, where it has rows for both; empty where it does not say.
        messages: by what the provider says of them (``basic``, ``oauth``, ``unsaid``).
        old_tls: percent of its messages with TLS 1.0 or 1.1, the worst row's.
        devices: addresses our devices with this account go by, in order.
        ours: what they use with the provider (``password``, ``oauth``), as far as it was seen.
        by_local_part: only the part before the ``@`` is the same.
        sign_ins: of the sign-in log; ``None`` where it has none.
    """

    account: str
    agreement: Agreement
    says: tuple[Protocol, ...]
    messages: Mapping[str, int]
    old_tls: float | None
    devices: tuple[str, ...]
    ours: tuple[str, ...]
    by_local_part: bool
    sign_ins: SignIns | None


@dataclass(frozen=True, slots=True)
class PublicAddress:
    """A public address that accounts sign in from.

    Attributes:
        ours: accounts of our devices succeeded from it, so it is this network's (or their provider's).
        accounts, explained: how many sign in from it, and how many of them are our devices'.
        sign_ins: that succeeded.
    """

    address: str
    ours: bool
    accounts: int
    explained: int
    sign_ins: int


@dataclass(frozen=True, slots=True)
class ProviderView:
    """The join.

    Attributes:
        accounts: of the provider's exports, what needs attention first, then by messages.
        not_listed: accounts that our devices use with the provider, and its exports do not have.
        ambiguous: accounts of ours that more than one of the provider's could be.
        hidden_devices: devices that use a password with the provider, and nobody saw with which account (inside
            TLS): accounts without a device may be theirs.
        addresses: of the sign-in log; our own first, then by sign-ins.
        sources: the exports.
        unlisted: occurrences beyond a limit, by what.
    """

    accounts: Sequence[AccountView]
    not_listed: Sequence[str]
    ambiguous: Sequence[str]
    hidden_devices: Sequence[str]
    addresses: Sequence[PublicAddress]
    sources: Sequence[SourceFile]
    unlisted: Mapping[str, int]

    def of(self, agreement: Agreement) -> list[AccountView]:
        """The accounts with this outcome."""
        return [account for account in self.accounts if account.agreement == agreement]
