"""Sessions inside TLS, many of them: the captures of ``captures/tls``, one per server.

First every client sends to every server, with as many mechanisms as :data:`_MECHANISMS_PER_PAIR`, taken in turn from
those both have, as are users, recipients, sizes and the way TLS begins; then what :mod:`labkit.tls_variants` lists.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any
from zlib import crc32

from scripts.labkit.sends import Send, Tls
from scripts.labkit.tls_variants import variants


@dataclass(frozen=True, slots=True)
class TlsCase:
    """One run of one client."""

    name: str
    send: Send


OFFERS = {
    "relay": "PLAIN LOGIN CRAM-MD5 DIGEST-MD5 SCRAM-SHA-1 SCRAM-SHA-256 XOAUTH2 OAUTHBEARER",
    "campus": "PLAIN LOGIN CRAM-MD5 DIGEST-MD5 SCRAM-SHA-1 SCRAM-SHA-256 NTLM GSSAPI ANONYMOUS",
    "exim": "PLAIN LOGIN CRAM-MD5 NTLM XOAUTH2 OAUTHBEARER",
    "dovecot": "PLAIN LOGIN CRAM-MD5 DIGEST-MD5 SCRAM-SHA-1 SCRAM-SHA-256 XOAUTH2 OAUTHBEARER",
    "institute": "PLAIN LOGIN CRAM-MD5 DIGEST-MD5 SCRAM-SHA-1 SCRAM-SHA-256 XOAUTH2 OAUTHBEARER GSSAPI ANONYMOUS",
    "aiosmtpd": "PLAIN LOGIN XOAUTH2 OAUTHBEARER",
    "padded": "PLAIN LOGIN XOAUTH2 OAUTHBEARER",
    "nodemailer": "PLAIN LOGIN CRAM-MD5 XOAUTH2",
    "exchange": "LOGIN XOAUTH2",
    "gmail": "LOGIN PLAIN XOAUTH2 OAUTHBEARER",
    "chasquid": "PLAIN",
}
"""Mechanisms by server."""

SPEAKS = {
    "curl": "PLAIN LOGIN CRAM-MD5 NTLM GSSAPI XOAUTH2 OAUTHBEARER",
    "swaks": "PLAIN LOGIN CRAM-MD5 DIGEST-MD5 NTLM",
    "msmtp": "PLAIN LOGIN CRAM-MD5 DIGEST-MD5 SCRAM-SHA-1 SCRAM-SHA-256 NTLM GSSAPI XOAUTH2 OAUTHBEARER",
    "smtplib": "PLAIN LOGIN CRAM-MD5 XOAUTH2",
    "nodemailer": "PLAIN LOGIN CRAM-MD5 XOAUTH2",
    "netsmtp": "PLAIN LOGIN CRAM-MD5 DIGEST-MD5",
    "postfix": "PLAIN LOGIN CRAM-MD5 DIGEST-MD5 SCRAM-SHA-1 SCRAM-SHA-256 NTLM GSSAPI",
    "exim": "PLAIN LOGIN CRAM-MD5 NTLM XOAUTH2",
    "opensmtpd": "PLAIN",
    "go": "PLAIN LOGIN CRAM-MD5 XOAUTH2 OAUTHBEARER",
    "javamail": "PLAIN LOGIN DIGEST-MD5 NTLM XOAUTH2",
    "phpmailer": "PLAIN LOGIN CRAM-MD5 XOAUTH2",
    "netsmtp-ruby": "PLAIN LOGIN CRAM-MD5",
    "gsasl": "PLAIN LOGIN CRAM-MD5 DIGEST-MD5 SCRAM-SHA-1 SCRAM-SHA-256 NTLM GSSAPI ANONYMOUS",
    "s-nail": "PLAIN LOGIN CRAM-MD5 GSSAPI OAUTHBEARER",
    "mutt": "PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256 NTLM XOAUTH2 OAUTHBEARER",
    "neomutt": "PLAIN LOGIN CRAM-MD5 XOAUTH2 OAUTHBEARER",
    "esmtp": "PLAIN LOGIN",
    "ssmtp": "LOGIN CRAM-MD5",
    "dma": "CRAM-MD5 LOGIN",
    "nullmailer": "PLAIN LOGIN",
}
"""Mechanisms by client."""

SHORT_LINES = ("relay", "dovecot", "institute", "aiosmtpd", "padded")
"""Servers that take no long lines, and so no long tokens."""

LOGIN_FIRST = ("aiosmtpd", "padded", "exchange", "gmail")
"""Servers that offer LOGIN before PLAIN."""

OWN_CHOICE = ("dma", "esmtp")
"""Take the first of their mechanisms that is offered."""

ONE_WAY: dict[str, Tls] = {"exchange": "starttls", "gsasl": "starttls", "esmtp": "starttls"}
"""Servers and clients for which TLS begins in one way only."""

NO_PAIRS = (
    ("javamail", "chasquid"),
    ("exim", "chasquid"),
    ("dma", "chasquid"),
    ("esmtp", "chasquid"),
    ("gsasl", "exim"),
    ("neomutt", "institute"),
)
"""Nobody writes down the keys, or they have no mechanism in common, or do not come to terms."""

_MECHANISMS_PER_PAIR = 2

_USERS = (
    "bench@office.example",
    "scan@office.example",
    "erp",
    "newsletter@office.example",
    "archive",
    "legal-scan@office.example",
    "ups@office.example",
)
_RECIPIENTS = (
    "someone@partner.example",
    "x@partner.example",
    "the.accounts.department@partner.example",
    "invoices-2026@partner.example",
)
_EHLO_NAMES = ("bench.office.example", "bench", "copier-3rd-floor.intern.office.example")
_SIZES = (300, 120, 1000, 700, 300, 2500)


def _cases() -> Iterator[TlsCase]:
    names = _Names()
    turn = count()
    for client in SPEAKS:
        for server in OFFERS:
            for mechanism in _common(client, server, next(turn)):
                yield names.case(client, server, mechanism, _variety(next(turn), client, server, mechanism))
    for variant in variants():
        yield names.case(*variant)


def _common(client: str, server: str, turn: int) -> list[str]:
    offered = OFFERS[server].split()
    common = [mechanism for mechanism in SPEAKS[client].split() if mechanism in offered]
    if (client, server) in NO_PAIRS:
        return []
    if client == "esmtp" and server in LOGIN_FIRST:
        return ["LOGIN"]
    if client in OWN_CHOICE:
        return common[:1]
    first = turn % len(common) if common else 0
    return (common[first:] + common[:first])[:_MECHANISMS_PER_PAIR]


def _variety(turn: int, client: str, server: str, mechanism: str) -> dict[str, Any]:
    """What does not matter, in turn."""
    users = [user for user in _USERS if "@" in user or server != "chasquid"]
    user = users[turn % len(users)]
    if mechanism == "GSSAPI" and client == "curl":
        return {}  # insists on a domain in the name of its user
    if mechanism in ("DIGEST-MD5", "GSSAPI", "ANONYMOUS"):
        # The part behind @ is the realm of DIGEST-MD5; there is one ticket of Kerberos.
        user = "bench"
    tls: Tls = ONE_WAY.get(server) or ONE_WAY.get(client) or ("starttls" if turn % 5 < 3 else "implicit")
    return {
        "tls": tls,
        "user": user,
        "sender": user if "@" in user else "bench@office.example",
        "recipient": _RECIPIENTS[turn % len(_RECIPIENTS)],
        "recipients": 1 + (turn % 7 == 3) + (turn % 11 == 5),
        "ehlo": _EHLO_NAMES[turn % len(_EHLO_NAMES)],
        "size": _SIZES[turn % len(_SIZES)],
        "short": turn % 3 == 0 or server in SHORT_LINES,
        "initial_response": (None, True, False)[turn % 3],
    }


class _Names:
    """Numbers cases that would bear the same name."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def case(self, client: str, server: str, mechanism: str | None, further: dict[str, Any]) -> TlsCase:
        more: dict[str, Any] = {"tls": "starttls"} | further
        if client == "gsasl" and mechanism is not None and mechanism.startswith("SCRAM-"):
            more["expect"] = ((mechanism, "unknown"),)  # leaves before the server's last word
        more.setdefault("port", 465 if more["tls"] == "implicit" else 587)
        send = Send(client=client, server=server, mechanism=mechanism, **more)
        name = f"{client}-{server}-{mechanism.lower() if mechanism else 'none'}-{send.tls}"
        self._seen[name] += 1
        return TlsCase(f"{name}-{self._seen[name]}", send)


TLS_CASES = tuple(sorted(_cases(), key=lambda case: crc32(case.name.encode())))
"""All of them, mixed, so that any part of them is varied."""
