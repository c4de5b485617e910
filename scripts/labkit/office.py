"""The story: an office in which everything sends mail. Each row: seconds after the start, and what is sent."""

from __future__ import annotations

from typing import Any

from scripts.labkit.credentials import ACCOUNTS
from scripts.labkit.sends import Send, Tls, b64

ROTATE_SECONDS = 35
"""tcpdump begins a new file this often; the slow scan below lasts longer, so it crosses from one into the next."""

_SCAN = "scan@office.example"
_BRANCH = ACCOUNTS["branch@office.example"]


def _from(
    device: str, client: str, server: str, port: int, tls: Tls, mechanism: str | None, user: str, **more: Any
) -> Send:
    sender = user if "@" in user else f"{user}@office.example"
    defaults = {"ehlo": f"{device}.office.example", "sender": sender, "recipient": "accounting@office.example"}
    return Send(
        device=device,
        client=client,
        server=server,
        port=port,
        tls=tls,
        mechanism=mechanism,
        user=user,
        **defaults | more,
    )


def _behind_branch(device: str, subject: str) -> Send:
    """A device of the branch office: all of them show the branch router's address."""
    account = (b64(_BRANCH.user), b64(_BRANCH.password))
    text = f"Subject: {subject}\r\n\r\nfrom the branch\r\n."
    mail = (f"MAIL FROM:<{_BRANCH.user}>", "RCPT TO:<accounting@office.example>", "DATA", text)
    steps = (f"EHLO {device}", "AUTH LOGIN", *account, *mail, "QUIT")
    return _from(
        "branch-router",
        "script",
        "relay",
        25,
        "none",
        None,
        _BRANCH.user,
        steps=steps,
        ehlo=device,
        expect=(("LOGIN", "success"),),
    )


def _slow_scan() -> Send:
    account = ACCOUNTS[_SCAN]
    steps = (
        "EHLO KMBT6D21",
        "AUTH LOGIN",
        b64(account.user),
        b64(account.password),
        f"MAIL FROM:<{_SCAN}>",
        "RCPT TO:<archive@office.example>",
        "DATA",
    )
    last = ("<slow 24000 40>", "QUIT")
    return _from(
        "copier-reception",
        "script",
        "relay",
        25,
        "none",
        None,
        _SCAN,
        steps=(*steps, *last),
        ehlo="KMBT6D21",
        expect=(("LOGIN", "success"),),
    )


def _reception() -> Send:
    return _from("copier-reception", "swaks", "relay", 25, "none", "LOGIN", _SCAN, ehlo="KMBT6D21", size=4000)


def _second_floor() -> Send:
    return _from(
        "copier-2nd-floor",
        "curl",
        "exchange",
        587,
        "starttls",
        "LOGIN",
        "copier@office.example",
        ehlo="RNP5838794B9C02",
        size=5000,
    )


def _accounting() -> Send:
    return _from("copier-accounting", "netsmtp", "relay", 587, "none", "PLAIN", _SCAN, ehlo="iR-ADV-C5840", size=3000)


def _archive() -> Send:
    return _from(
        "scanner-archive",
        "smtplib",
        "relay",
        25,
        "starttls",
        "LOGIN",
        "archive",
        tls_version="1.0",
        ehlo="BRN001BA90E72C4",
    )


def _warehouse() -> Send:
    return _from(
        "printer-warehouse",
        "swaks",
        "exchange",
        587,
        "starttls",
        "LOGIN",
        "warehouse@office.example",
        ehlo="NPI580AE1",
        expect=(("LOGIN", "failure"),),
    )


def _legal(mechanism: str) -> Send:
    if mechanism == "LOGIN":
        return _from(
            "copier-legal", "swaks", "relay", 587, "none", "LOGIN", "legal-scan@office.example", ehlo="bizhub-c360i"
        )
    return _from(
        "copier-legal", "curl", "exchange", 587, "starttls", mechanism, "legal-scan@office.example", ehlo="bizhub-c360i"
    )


def _ups() -> Send:
    return _from("ups-basement", "netsmtp", "relay", 25, "none", None, "ups@office.example", ehlo="apc-ups")


def _camera() -> Send:
    return _from(
        "camera-gate", "msmtp", "relay", 25, "none", None, "camera@office.example", ipv6=True, ehlo="axis-accc8e93d108"
    )


def _nas() -> Send:
    return _from(
        "nas-backup",
        "msmtp",
        "exim",
        587,
        "starttls",
        "EXTERNAL",
        "nas@office.example",
        client_certificate="nas",
        ehlo="backup",
    )


def _monitoring() -> Send:
    return _from(
        "monitoring",
        "smtplib",
        "nodemailer",
        2525,
        "none",
        "CRAM-MD5",
        "monitoring@office.example",
        ehlo="monitoring.local",
    )


def _erp(messages: int) -> Send:
    return _from("erp", "smtplib", "relay", 25, "none", "PLAIN", "erp", messages=messages, ehlo="erp.office.example")


def _tickets(client: str) -> Send:
    if client == "nodemailer":
        return _from(
            "app-modern",
            "nodemailer",
            "exchange",
            587,
            "starttls",
            "XOAUTH2",
            "tickets@office.example",
            ehlo="tickets.office.example",
        )
    return _from(
        "app-modern",
        "curl",
        "gmail",
        465,
        "implicit",
        "OAUTHBEARER",
        "tickets@office.example",
        ehlo="tickets.office.example",
        initial_response=True,
    )


def _wiki() -> Send:
    return _from(
        "intranet",
        "nodemailer",
        "nodemailer",
        2525,
        "none",
        "XOAUTH2",
        "wiki@office.example",
        ehlo="wiki.office.example",
    )


def _newsletter() -> Send:
    return _from(
        "intranet",
        "msmtp",
        "relay",
        465,
        "implicit",
        "SCRAM-SHA-256",
        "newsletter@office.example",
        ehlo="intranet.office.example",
        size=2500,
    )


STORY: tuple[tuple[float, Send], ...] = (
    (0, _erp(3)),
    (1, _monitoring()),
    (3, _reception()),
    (6, _second_floor()),
    (9, _accounting()),
    (11, _ups()),
    (13, _tickets("nodemailer")),
    (16, _warehouse()),
    (18, _slow_scan()),
    (20, _monitoring()),
    (23, _archive()),
    (26, _legal("LOGIN")),
    (29, _camera()),
    (31, _wiki()),
    (33, _behind_branch("copier-branch", "scan 17")),
    (34, _behind_branch("till-branch", "daily totals")),
    (37, _erp(1)),
    (40, _monitoring()),
    (42, _newsletter()),
    (45, _nas()),
    (48, _second_floor()),
    (51, _warehouse()),
    (54, _legal("XOAUTH2")),
    (57, _tickets("curl")),
    (60, _monitoring()),
    (63, _reception()),
    (66, _ups()),
    (69, _erp(2)),
    (72, _accounting()),
    (75, _legal("LOGIN")),
    (78, _behind_branch("copier-branch", "scan 18")),
    (80, _monitoring()),
    (83, _warehouse()),
    (86, _tickets("nodemailer")),
    (89, _second_floor()),
    (92, _archive()),
    (94, _newsletter()),
)
