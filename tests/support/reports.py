"""Reports for tests, and text that tries to do harm."""

from __future__ import annotations

from typing import Any

from analyzer.errors import Damage
from analyzer.inventory.devices import Inventory
from analyzer.inventory.session import Session
from analyzer.report import InputSummary, Report
from analyzer.smtp.records import StartTls
from analyzer.tls.certificate import Certificate
from tests.support.sessions import SECOND, START, attempt, session, silent

HOSTILE = {
    "ansi": "\x1b[31mred\x1b]0;title\x07",
    "c1": "a\x9b31mb",
    "newline": "line1\r\nline2\n| x | y |",
    "nul": "a\x00b",
    "bidi": "a\u202ecod.exe\u2066b",
    "invisible": "a\u200bb\ufeffc\u00add",
    "separators": "a\u2028b\u2029c",
    "surrogate": "a\udc80b",
    "private": "a\ue000b\U000f0000c",
    "html": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "markdown": "`code` **bold** [a](javascript:x) ![i](http://e/x) | cell |",
    "links": "https://evil.example www.evil.example @everyone",
    "formula": "=cmd|' /C calc'!A0",
    "plus": "+1+1",
    "minus": "-1+1",
    "at": "@SUM(1)",
    "tab": "\t=1",
    "fullwidth": "\uff1d1+1",
    "second-cell": "x;=1+1",
    "quotes": 'a"b,c',
    "long": "x" * 10_000,
    "wide": "複合機" * 2000,
    "zalgo": "a" + "\u0301\u0302" * 2000,
}
"""Names that clients chose to hurt whoever reads the report, by what they try."""


def office() -> list[Session]:
    """A small office: a copier in the clear, a scanner, a modern program, a relaying box and one that was cut off."""
    tls: dict[str, Any] = {"tls_mode": "starttls", "tls_version": "1.3", "starttls": StartTls(True, True, True)}
    return [
        session(
            attempt("LOGIN", username="scan@example.com"),
            starttls=StartTls(offered=True, requested=False),
            tls_sni=None,
            server_name="smtp.example.com",
            messages=1,
        ),
        session(
            attempt("CRAM-MD5", "failure", username="fax", enhanced="5.7.8", meaning="wrong credentials"),
            client="10.10.0.104",
            client_mac=0x0000AA_000001,
            ehlo="fax",
            start=START + SECOND,
            end=START + 2 * SECOND,
        ),
        silent(
            "oauth",
            client="10.10.0.105",
            client_mac=0x00155D_000001,
            ehlo="erp.example.com",
            tls_sni="smtp.office365.com",
            provider="exchange-online",
            evidence="inferred",
            confidence=0.97,
            **tls,
        ),
        silent("none", client="10.10.0.106", client_mac=None, ehlo="monitor"),
        silent("unknown", client="2001:db8::107", client_mac=None, ehlo=None, reason="gap", messages=0, **tls),
    ]


def report(seen: list[Session], **fields: Any) -> Report:
    """The report over ``seen``."""
    inventory = Inventory()
    for one in seen:
        inventory.add(one)
    devices = inventory.devices()
    return Report(devices, inventory.summary(devices), **fields)


def office_report() -> Report:
    """The report over the office, with something lost."""
    return report(
        office(),
        inputs=[InputSummary("office.pcap", "pcap", 120, 34_567, START, START + 2 * SECOND)],
        undecoded={"unknown-link-type": 3, "cut-header": 7},
        damage=[Damage("office.pcap", "cut off in its last record (17 bytes lost)")],
        oddities={"segment-duplicate": 2},
    )


def hostile_sessions(text: str) -> list[Session]:
    """One session in which every field that a peer chooses is ``text``."""
    tried = attempt(
        "LOGIN", "failure", username=text, authzid=text, realm=text, enhanced=text, meaning=text, refusal={text: text}
    )
    tried.mechanism = text
    return [
        session(
            tried,
            ehlo=text,
            server_name=text,
            greeting=text,
            tls_sni=text,
            tls_alpn=(text,),
            tls_client_versions=("1.2",),
            tls_certificate=Certificate(text, (text,), 0, START),
            source=text,
            mechanisms_before_tls=(text,),
            mechanisms_after_tls=(text,),
            client_mac=None,
        )
    ]
