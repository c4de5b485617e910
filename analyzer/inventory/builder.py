"""What is remembered of one client address while sessions come in.

Everything kept here is a sum, a minimum, a maximum or a table of :class:`Sightings`, so that merging builders is
commutative and associative, and memory does not grow with the number of sessions.
"""

from __future__ import annotations

from typing import Any

from analyzer.inventory.bounded import Sightings
from analyzer.inventory.evidence import LISTED_EVIDENCE, Piece, piece_of
from analyzer.inventory.exposure import exposes_secret
from analyzer.inventory.presence import NO_MAC, NO_TTL, Presence
from analyzer.inventory.session import Session
from analyzer.inventory.status import Support, Uses, note_uses
from analyzer.tls import ABSTENTIONS

LISTED_ACCOUNTS = 64
"""User names of one address: enough for a host of many programs, and a guessed-passwords attack stays small."""

LISTED_SERVERS = 128
"""Server address, port, name, provider and method: large providers rotate through dozens of addresses."""

LISTED_MECHANISMS = 32
"""About 20 mechanisms are registered; the name comes from the wire."""

LISTED_PROGRAMS = 32
"""Programs that wrote messages. A device has one, a host of many programs a few; a relay passes on everybody's."""

LISTED_FINGERPRINTS = 32
"""TLS fingerprints of one address: one for each library and its settings."""

LONGEST_TEXT = 320
"""Characters of a name that are kept: 64 + 1 + 255, the longest address of RFC 5321 section 4.5.3.1."""

Account = tuple[str, str]
"""User name, and the provider or server it belongs to; the second is empty where the name has a domain of its own."""

AccountUse = tuple[bool, str, str]
"""Whether the login was refused or given up, and the account: a guesser of passwords must not crowd out the accounts
that really log in, and those sort first."""

Service = tuple[str, int, str, str, str]
"""Server address, port, name, provider (empty where unknown) and the session's method."""

Failure = tuple[int, int, str, str]
"""Time, reply code (0 where unknown), enhanced code and meaning (empty where unknown)."""


def clipped(text: str) -> str:
    """``text``, cut visibly where it is longer than anything legitimate."""
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…"


class DeviceBuilder(Presence):
    """Sums over the sessions of one client address."""

    __slots__ = (
        "accounts",
        "evidence",
        "exposed",
        "failure",
        "findings",
        "fingerprints",
        "inside_tls",
        "last_failure",
        "last_success",
        "mechanisms",
        "messages",
        "methods",
        "programs",
        "servers",
        "sessions",
        "success",
        "tls",
        "uses",
    )

    def __init__(self, ip: str) -> None:
        super().__init__(ip)
        self.sessions = self.messages = self.success = self.failure = self.exposed = 0
        self.tls = 0  # sessions in which TLS began, or had begun before the capture
        self.inside_tls = 0  # sessions whose login nobody could see for that reason
        self.last_failure: Failure | None = None
        self.last_success = -1
        self.uses: Uses = {}
        self.methods: dict[str, int] = {}
        self.findings: dict[str, int] = {}
        self.accounts: Sightings[AccountUse] = Sightings(LISTED_ACCOUNTS)
        self.mechanisms: Sightings[str] = Sightings(LISTED_MECHANISMS)
        self.servers: Sightings[Service] = Sightings(LISTED_SERVERS)
        self.evidence: Sightings[Piece] = Sightings(LISTED_EVIDENCE)
        self.programs: Sightings[str] = Sightings(LISTED_PROGRAMS)
        self.fingerprints: Sightings[str] = Sightings(LISTED_FINGERPRINTS)

    def add(self, session: Session, times: int = 1) -> None:
        """Count ``times`` sessions like ``session``, which is of this address."""
        start, method = session.start, session.method
        self.sessions += times
        self.messages += times * session.messages
        self.seen(start, session.end)
        self.methods[method] = self.methods.get(method, 0) + times
        note_uses(self.uses, session, times)
        if session.tls_mode != "none":
            self.tls += times
        if session.reason in ABSTENTIONS:
            self.inside_tls += times
        for finding in session.findings:
            self.findings[finding] = self.findings.get(finding, 0) + times
        if session.ehlo is not None:
            self.names.add(clipped(session.ehlo), start, times)
        if session.mail_program is not None:
            self.programs.add(clipped(session.mail_program), start, times)
        if session.tls_ja4 is not None:
            self.fingerprints.add(session.tls_ja4, start, times)
        mac, ttl = session.client_mac, session.client_ttl
        self.links.add((mac or NO_MAC, ttl or NO_TTL), start, times)  # loopback has zeros for a MAC
        name = clipped(session.tls_sni or session.server_name or "")
        self.servers.add((session.server_ip, session.server_port, name, session.provider or "", method), start, times)
        if session.likelihoods and (piece := piece_of(session, name or session.server_ip)) is not None:
            self.evidence.add(piece, start, times)
        if session.auth:
            self._add_attempts(session, name, times)

    def _add_attempts(self, session: Session, server_name: str, times: int) -> None:
        if exposes_secret(session):
            self.exposed += times
        for attempt in session.auth:
            time = attempt.time or session.start
            if attempt.mechanism is not None:
                self.mechanisms.add(clipped(attempt.mechanism), time, times)
            if (user := attempt.username) is not None:
                has_domain = "@" in user or "\\" in user
                scope = "" if has_domain else session.provider or server_name or session.server_ip
                refused = attempt.outcome in ("failure", "cancelled")
                self.accounts.add((refused, clipped(user), scope), time, times)
            if attempt.outcome == "success":
                self.success += times
                if time > self.last_success:
                    self.last_success = time
            elif attempt.outcome == "failure":
                self.failure += times
                failure = (time, attempt.code or 0, attempt.enhanced or "", clipped(attempt.meaning or ""))
                if self.last_failure is None or failure > self.last_failure:
                    self.last_failure = failure

    def merge(self, other: DeviceBuilder) -> None:
        """Add the sums of ``other``, which stays as it is."""
        self.merge_presence(other)
        self.sessions += other.sessions
        self.messages += other.messages
        self.success += other.success
        self.failure += other.failure
        self.exposed += other.exposed
        self.tls += other.tls
        self.inside_tls += other.inside_tls
        self.last_success = max(self.last_success, other.last_success)
        if other.last_failure is not None:
            self.last_failure = max(self.last_failure or other.last_failure, other.last_failure)
        for use, support in other.uses.items():
            self.uses.setdefault(use, Support()).merge(support)
        for mine, theirs in ((self.methods, other.methods), (self.findings, other.findings)):
            for key, count in theirs.items():
                mine[key] = mine.get(key, 0) + count
        self.accounts.merge(other.accounts)
        self.mechanisms.merge(other.mechanisms)
        self.servers.merge(other.servers)
        self.evidence.merge(other.evidence)
        self.programs.merge(other.programs)
        self.fingerprints.merge(other.fingerprints)

    @property
    def unlisted(self) -> dict[str, int]:
        """Occurrences beyond the limit of each table that has any."""
        tables: dict[str, Sightings[Any]] = {
            "accounts": self.accounts,
            "ja4": self.fingerprints,
            "links": self.links,
            "mail_programs": self.programs,
            "mechanisms": self.mechanisms,
            "names": self.names,
            "servers": self.servers,
        }
        return {name: table.dropped for name, table in tables.items() if table.dropped}
