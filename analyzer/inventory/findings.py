"""The table of findings: every id this program can report, what it means and what to do about it.

Ids are stable; documentation is generated from :data:`FINDINGS`, whose order (worst first) is the order of every
report. ``ambiguity`` says what else could look the same on the wire.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from analyzer.inventory.rules import OF_ATTEMPTS, OF_NO_TLS, OF_TLS, SESSION_RULES
from analyzer.inventory.session import Session

Severity = Literal["critical", "high", "medium", "low", "info"]
Scope = Literal["session", "device"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One row: ``scope`` is ``session`` where one conversation proves it, ``device`` where it takes several."""

    id: str
    severity: Severity
    scope: Scope
    explanation: str
    remedy: str
    ambiguity: str | None = None


FINDINGS: tuple[Finding, ...] = (
    Finding(
        "cleartext-auth",
        "critical",
        "session",
        "A password (AUTH PLAIN or LOGIN) crossed the network unencrypted.",
        "Change the password, then require TLS on the device and on the server.",
        "A password that was sent and then refused counts: it may be right elsewhere, or nearly right.",
    ),
    Finding(
        "cleartext-token",
        "critical",
        "session",
        "An OAuth bearer token crossed the network unencrypted.",
        "Revoke the token, then require TLS on the device and on the server.",
        "Tokens expire, usually within hours; one that was refused may still be valid for another service.",
    ),
    Finding(
        "starttls-injection",
        "high",
        "session",
        "Plain-text bytes followed STARTTLS before TLS began.",
        "Update the client or the server; if neither is at fault, look for a device that tampers with mail.",
        "An attack on the server's buffer (CVE-2011-0411), or a client that pipelines where RFC 3207 forbids it.",
    ),
    Finding(
        "starttls-stripped",
        "high",
        "session",
        "STARTTLS was overwritten on its way, or offered and then refused.",
        "Turn off SMTP inspection on the firewall between them, or use implicit TLS on port 465.",
        "A refusal may also be a server whose certificate is missing or broken (454).",
    ),
    Finding(
        "auth-before-starttls",
        "high",
        "session",
        "The server offered STARTTLS and the client authenticated without it.",
        "Switch the device to STARTTLS (or TLS on port 465), and let the server refuse AUTH without TLS.",
    ),
    Finding(
        "basic-disabled",
        "high",
        "session",
        "The provider refused password authentication as such: this device's mail is not leaving.",
        "Enable SMTP AUTH for the mailbox for the time being, and move the device off passwords.",
        "5.7.139 also covers a mailbox blocked by policy; where its text speaks of a wrong password, it is not said.",
    ),
    Finding(
        "basic-to-retiring-provider",
        "high",
        "session",
        "A password is used with a provider that ends password authentication.",
        "Move the device to OAuth, or to a relay trusted by address or certificate, before the provider's date.",
    ),
    Finding(
        "auth-failing",
        "medium",
        "session",
        "Authentication was refused and did not succeed afterwards.",
        "Check the account, its password or token, and the reply's meaning.",
        "On a device: its last refusal is later than its last success.",
    ),
    Finding(
        "auth-required",
        "medium",
        "session",
        "The server asked for authentication and the client never tried.",
        "Configure credentials on the device, or let the server relay for its address.",
    ),
    Finding(
        "starttls-required",
        "medium",
        "session",
        "The server refused the client because it had not begun TLS, and it never did.",
        "Switch the device to STARTTLS (or TLS on port 465), and leave the server as strict as it is.",
    ),
    Finding(
        "tls-never-established",
        "medium",
        "device",
        "Every TLS handshake of this device failed, so nothing it sends that way arrives.",
        "Compare the TLS versions that both sides accept, and see that the device trusts the server's certificate.",
        "Said only where the end of each handshake was seen.",
    ),
    Finding(
        "tls-failed",
        "medium",
        "session",
        "The TLS handshake failed.",
        "Compare the TLS versions and certificates that both sides accept.",
    ),
    Finding(
        "cleartext-challenge",
        "medium",
        "session",
        "A challenge response (CRAM-MD5, DIGEST-MD5, SCRAM, NTLM) crossed unencrypted.",
        "Use TLS; a weak password can be guessed offline from what was shown.",
    ),
    Finding(
        "account-on-device-change",
        "medium",
        "device",
        "This device took up an account that another device had used before.",
        "Confirm that the device was replaced; otherwise change the password.",
        "Said only where more than a day lies between the other device's last use and this one's first, and where MAC "
        "addresses or names tell the two apart.",
    ),
    Finding(
        "starttls-not-offered",
        "medium",
        "session",
        "The server did not offer encryption.",
        "Enable STARTTLS on the server.",
        "A firewall that removes the line entirely looks the same.",
    ),
    Finding(
        "shared-account",
        "medium",
        "device",
        "Another device uses the same account, so its password cannot be changed for one alone.",
        "Give each device an account of its own.",
        "Names without a domain are compared per server. Left out are user names that a provider fixes for everyone, "
        "refused logins, addresses that may be one device's, and relays that pass logins on.",
    ),
    Finding(
        "oauth-fell-back",
        "medium",
        "session",
        "A token was refused and the client went on with a password.",
        "Renew the OAuth consent on the device, then remove the stored password.",
    ),
    Finding(
        "old-tls",
        "medium",
        "session",
        "TLS 1.1 or older was negotiated (deprecated by RFC 8996).",
        "Update the device's firmware or the server; providers refuse these versions.",
    ),
    Finding(
        "readable-after-starttls",
        "low",
        "session",
        "STARTTLS was accepted, yet the login that followed could be read here.",
        "Find out whether a decrypting firewall or proxy feeds this capture; if none does, change the password.",
        "A mirror of decrypted traffic and a login that truly crossed in the clear look the same.",
    ),
    Finding(
        "password-offered-in-clear",
        "low",
        "session",
        "The server offers PLAIN or LOGIN before TLS.",
        "Let the server offer AUTH only inside TLS.",
    ),
    Finding(
        "wrong-port",
        "low",
        "session",
        "Authentication on port 25, plain SMTP on a TLS port, or TLS on a plain port.",
        "Use port 587 with STARTTLS or port 465 with TLS.",
        "Not said of port 25 where the provider publishes it for submission.",
    ),
    Finding(
        "second-auth",
        "low",
        "session",
        "The client authenticated again after it had succeeded (RFC 4954 section 4 forbids it).",
        "Update the client; some servers drop the connection.",
    ),
    Finding(
        "oauth-available",
        "info",
        "session",
        "The server offers OAuth to a client that uses a password.",
        "Switch the device to OAuth if its firmware can.",
    ),
    Finding(
        "nonstandard-port",
        "info",
        "session",
        "Mail was sent on a port that is not published for SMTP.",
        "Check that the server is one of yours.",
    ),
    Finding(
        "no-message-accepted",
        "info",
        "device",
        "No message of this device was accepted, so no-auth says only that it did not log in.",
        "See the device's other findings for what stops its mail; without any it may be a monitor or a scanner.",
    ),
    Finding(
        "several-clients-behind",
        "info",
        "device",
        "More than one client seems to send from this address: a router, a proxy or a host with several programs.",
        "Look behind it for the devices; the verdict is that of the worst.",
        "A lower bound, from names the clients gave themselves and from initial TTLs. An address that passed from one "
        "device to another, or a device that was renamed, looks the same.",
    ),
)

BY_ID: dict[str, Finding] = {finding.id: finding for finding in FINDINGS}

_Rules = tuple[tuple[str, Callable[[Session], bool]], ...]


def _rules_without(*pointless: frozenset[str]) -> _Rules:
    """Id and predicate of every finding of a session, in the table's order, but for the ``pointless`` ones."""
    skipped = frozenset().union(*pointless)
    ids = (finding.id for finding in FINDINGS if finding.scope == "session" and finding.id not in skipped)
    return tuple((id, SESSION_RULES[id]) for id in ids)


_AUTH_AND_TLS = _rules_without(OF_NO_TLS)
_AUTH = _rules_without(OF_TLS)
_TLS = _rules_without(OF_ATTEMPTS, OF_NO_TLS)
_NEITHER = _rules_without(OF_ATTEMPTS, OF_TLS)
_RANK = {finding.id: rank for rank, finding in enumerate(FINDINGS)}


def session_findings(session: Session) -> list[str]:
    """Ids that ``session`` earns by itself, in the table's order."""
    plain = session.tls_mode == "none"
    rules = (_AUTH if plain else _AUTH_AND_TLS) if session.auth else (_NEITHER if plain else _TLS)
    return [id for id, holds in rules if holds(session)]


def in_table_order(ids: set[str]) -> tuple[str, ...]:
    """``ids`` worst first; ids of a later version of this program come last, by name."""
    return tuple(sorted(ids, key=lambda id: (_RANK.get(id, len(_RANK)), id)))
