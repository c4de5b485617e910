"""The Exchange admin centre's export "SMTP AUTH clients": mailboxes, how they log in, and how much they send.

Microsoft Learn, "SMTP AUTH Clients report in the new Exchange admin center": sender address, domain, TLS 1.0, 1.1 and
1.2 in percent, messages sent; since October 2024 also the authentication protocol, Basic or OAuth.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from analyzer.provider_view.columns import Column, Columns, is_complete, missing, plain, positions
from analyzer.provider_view.model import Protocol, SmtpAuthClient, SourceFile
from analyzer.provider_view.tables import Row, Table

LONGEST_ACCOUNT = 320
"""Characters: 64 + 1 + 255, the longest address of RFC 5321 section 4.5.3.1."""

MOST_ACCOUNTS = 200_000
"""Rows that are kept, at some 300 bytes each: more mailboxes than that send by SMTP AUTH in no tenant."""

COLUMNS: Columns = {
    "account": Column(
        (
            "Sender address",
            "Sender",
            "Sender email address",
            "Sender email",
            "From",
            "Mailbox",
            "User principal name",
            "Indirizzo del mittente",
            "Absenderadresse",
            "Absender",
            "Adresse de l'expéditeur",
            "Expéditeur",
            "Dirección del remitente",
            "Remitente",
            "Endereço do remetente",
            "Remetente",
            "Afzenderadres",
            "送信者のアドレス",
        ),
        required=True,
    ),
    "protocol": Column(
        (
            "Authentication protocol",
            "Auth protocol",
            "Authentication type",
            "Authentication method",
            "Authentication",
            "Auth type",
            "Protocollo di autenticazione",
            "Authentifizierungsprotokoll",
            "Protocole d'authentification",
            "Protocolo de autenticación",
            "Protocolo de autenticação",
            "Verificatieprotocol",
        )
    ),
    "messages": Column(
        required=True,
        names=(
            "Messages sent",
            "Message count",
            "Messages",
            "Sent messages",
            "Number of messages",
            "Messaggi inviati",
            "Gesendete Nachrichten",
            "Nachrichten",
            "Messages envoyés",
            "Mensajes enviados",
            "Mensagens enviadas",
            "Verzonden berichten",
        ),
    ),
    "tls10": Column(("TLS 1.0", "TLS1.0 percentage", "TLS 1_0")),
    "tls11": Column(("TLS 1.1", "TLS1.1 percentage", "TLS 1_1")),
}

WHAT = "an export of the SMTP AUTH clients report"

_BASIC = ("basic", "legacy", "standard", "base", "password", "login", "plain")
_OAUTH = ("oauth", "modern", "xoauth")
_BOTH = ("both", "mixed", "basicandoauth")


def read_smtp_auth_clients(name: str) -> tuple[list[SmtpAuthClient], SourceFile]:
    """The rows of one export.

    Raises:
        InputError: it cannot be read, or is no such export: the line names what was looked for and the headers seen.
    """
    table = Table(name, lambda row: is_complete(row, COLUMNS))
    if table.header is None:
        raise missing(name, WHAT, table.seen, COLUMNS)
    at = positions(table.header, COLUMNS)
    clients: list[SmtpAuthClient] = []
    rows = unusable = 0
    for row in table:
        account = _cell(row, at, "account").strip()
        if not account or len(account) > LONGEST_ACCOUNT or len(clients) >= MOST_ACCOUNTS:
            unusable += 1
            continue
        rows += 1
        messages = count(_cell(row, at, "messages"))
        old_tls = _old_tls(row, at)
        for protocol in _protocols(_cell(row, at, "protocol")):
            clients.append(SmtpAuthClient(account, protocol, messages, old_tls))
            messages = None  # of both, nobody says how many each
    return clients, SourceFile(name, rows, unusable=unusable)


def _cell(row: Row, at: dict[str, int], key: str) -> str:
    position = at.get(key)
    return row[position] if position is not None and position < len(row) else ""


def _protocols(text: str) -> Iterable[Protocol | None]:
    word = plain(text)
    basic, oauth = any(each in word for each in _BASIC), any(each in word for each in _OAUTH)
    if word in _BOTH or (basic and oauth):
        return ("basic", "oauth")
    return ("oauth",) if oauth else ("basic",) if basic else (None,)


def count(text: str) -> int | None:
    """A whole number with any separator of thousands; ``None`` where it is none."""
    digits = re.sub(r"[\s.,'\u00a0\u202f\u2019]", "", text)
    if not digits.isascii() or not digits.isdigit() or len(digits) > 15:
        return None
    return int(digits)


def percent(text: str) -> float | None:
    """A number between 0 and 100 with a point or a comma, with or without a sign."""
    match = re.fullmatch(r"\s*(\d{1,3}(?:[.,]\d{1,6})?)\s*%?\s*", text, re.ASCII)
    if match is None:
        return None
    number = float(match[1].replace(",", "."))
    return number if number <= 100 else None


def _old_tls(row: Row, at: dict[str, int]) -> float | None:
    parts = [percent(_cell(row, at, key)) for key in ("tls10", "tls11")]
    known = [part for part in parts if part is not None]
    return min(sum(known), 100.0) if known else None
