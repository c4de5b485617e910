"""The event record, and the table of kinds: every one this program can tell, what it means and what to do about it.

Kinds are stable names. Documentation is held against :data:`KINDS`, whose order (worst first) is the order in which
events of one moment are told. No field of an event can hold a secret.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import Literal

from analyzer.inventory.findings import Severity
from analyzer.smtp.records import Evidence, Method, Outcome

Kind = Literal[
    "password-in-clear",
    "token-in-clear",
    "fallback",
    "first-password-login",
    "auth-failing",
    "new-device",
]


@dataclass(frozen=True, slots=True)
class AlertKind:
    """One row: ``title`` says in one line what happened, ``remedy`` what to do."""

    id: Kind
    severity: Severity
    title: str
    remedy: str


KINDS: tuple[AlertKind, ...] = (
    AlertKind(
        "password-in-clear",
        "critical",
        "A password crossed the network unencrypted.",
        "Change the password, then require TLS on the device and on the server.",
    ),
    AlertKind(
        "token-in-clear",
        "critical",
        "An OAuth bearer token crossed the network unencrypted.",
        "Revoke the token, then require TLS on the device and on the server.",
    ),
    AlertKind(
        "fallback",
        "high",
        "A device that uses OAuth logged in with a password.",
        "Renew the OAuth consent on the device, then remove the stored password.",
    ),
    AlertKind(
        "first-password-login",
        "medium",
        "A device was seen to log in with a password for the first time.",
        "Move the device to OAuth, or to a relay trusted by address or certificate.",
    ),
    AlertKind(
        "auth-failing",
        "medium",
        "Logins of a device were refused several times in a row.",
        "Check the account, its password or token, and the reply's meaning; if nobody changed them, look for guessing.",
    ),
    AlertKind(
        "new-device",
        "low",
        "A device that was never seen before talks to a mail server.",
        "Confirm that it is meant to send mail.",
    ),
)

BY_ID: dict[Kind, AlertKind] = {kind.id: kind for kind in KINDS}

ID_BYTES = 8
"""64 bits: of the million events of a busy year two share an id with a probability of 1 in 40 million."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened on the network.

    Attributes:
        kind: see :data:`KINDS`.
        time: when it was seen, packet time, nanoseconds since 1970-01-01 UTC.
        session_start: first packet of its conversation, likewise; with the client's address and port this finds the
            session among those that ``scan --sessions`` prints.
        client_ip: the device's address, canonical text. client_mac: 48-bit number, or ``None`` where the link has none.
        ehlo: the name the device gave itself; ``None`` where none was seen.
        server_name: name the client asked for (SNI), else the one the server gave; ``None`` if neither was seen.
        provider: id of :mod:`analyzer.inventory.providers`.
        mechanism, method, evidence, confidence, username, outcome: of the login, see
            :class:`analyzer.smtp.records.AuthAttempt`; ``method`` is ``none`` where there was no login.
        meaning: what the server's reply means to an administrator; ``None`` where there is nothing to say.
        count: occurrences this event stands for, itself included: those held back since it was last told count here.
        since: time of the first of them; ``None`` where it stands for itself alone.
    """

    kind: Kind
    time: int
    session_start: int
    client_ip: str
    client_port: int
    server_ip: str
    server_port: int
    client_mac: int | None = None
    ehlo: str | None = None
    server_name: str | None = None
    provider: str | None = None
    mechanism: str | None = None
    method: Method = "none"
    evidence: Evidence | None = None
    confidence: float | None = None
    username: str | None = None
    outcome: Outcome = "unknown"
    meaning: str | None = None
    count: int = 1
    since: int | None = None

    @property
    def row(self) -> AlertKind:
        """What is said of every event of this kind."""
        return BY_ID[self.kind]

    @property
    def id(self) -> str:
        """The same event has the same id in every format and after a restart: hexadecimal digits.

        Made of what the network shows anybody. The user name has no part in it, or it could be guessed from the id
        where reports hide it.
        """
        client, server = (self.client_ip, self.client_port), (self.server_ip, self.server_port)
        said = repr((self.kind, self.time, self.session_start, client, server, self.count))
        return blake2b(said.encode(), digest_size=ID_BYTES).hexdigest()
