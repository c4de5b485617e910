"""The session record: one TCP conversation that carried payload, and what it shows of AUTH."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from analyzer.smtp.records import AuthAttempt, Evidence, Method, StartTls
from analyzer.tls.certificate import Certificate

TlsMode = Literal["none", "starttls", "implicit"]


@dataclass(slots=True)
class Session:
    """One session; :mod:`analyzer.report.records` gives it its JSON form.

    Attributes:
        start, end: first and last packet, nanoseconds since 1970-01-01 UTC.
        source: name of the input in which the conversation began.
        client_ip, server_ip: canonical text (RFC 5952 for IPv6).
        serial: sequence number of the client's first byte, where its SYN was seen: tells the conversation from others
            between the same endpoints, whoever saw it.
        client_mac, server_mac: 48-bit number, or ``None`` where the link has none.
        tls_mode: ``None`` when the conversation was already inside TLS as the capture began.
        tls_*: see :class:`analyzer.tls.records.TlsSession`.
        auth: attempts in order, each with its own evidence.
        method: method of the last successful attempt, else of the last attempt, else ``none`` where the
            session shows that no AUTH took place, else ``unknown``.
        evidence: ``None`` while ``method`` is ``unknown``.
        confidence: 1.0 for observed and decrypted; a calibrated probability for inferred; ``None`` with
            ``unknown``.
        reason: why ``method`` is ``unknown``, one kebab-case word (``gap``, ``mid-stream``, ``cut-off``,
            ``ambiguous``, ``padding``, …).
        reasons: what an inferred verdict rests on, kebab-case words.
        likelihoods: how well what was seen inside TLS fits each method, as natural logarithms, the best one at 0;
            evidence of several sessions is added up by them. Empty where there is none.
        mail_program: what the first message in the clear that said so named as the program that wrote it
            (``X-Mailer`` and the like); ``None`` where none did.
        complete: the conversation's start and end were seen and nothing is missing between them.
        gaps: stretches of bytes known to be missing, both directions.
        findings: ids of :mod:`analyzer.inventory.findings`, in the table's order.
        oddities: named, counted peculiarities of every layer.
    """

    start: int
    end: int
    source: str
    client_ip: str
    client_port: int
    server_ip: str
    server_port: int
    client_mac: int | None = None
    server_mac: int | None = None
    client_ttl: int | None = None
    ehlo: str | None = None
    server_name: str | None = None
    greeting: str | None = None
    provider: str | None = None
    tls_mode: TlsMode | None = "none"
    tls_version: str | None = None
    tls_cipher: str | None = None
    tls_sni: str | None = None
    tls_established: bool | None = None
    tls_alert: str | None = None
    tls_resumed: bool | None = None
    tls_alpn: tuple[str, ...] = ()
    tls_client_versions: tuple[str, ...] = ()
    tls_ja3: str | None = None
    tls_ja3_raw: str | None = None
    tls_ja4: str | None = None
    tls_ja4_raw: str | None = None
    tls_certificate: Certificate | None = None
    auth: list[AuthAttempt] = field(default_factory=list)
    method: Method = "unknown"
    evidence: Evidence | None = None
    confidence: float | None = None
    reason: str | None = None
    reasons: tuple[str, ...] = ()
    likelihoods: Mapping[str, float] = field(default_factory=dict)
    starttls: StartTls = field(default_factory=StartTls)
    mechanisms_before_tls: tuple[str, ...] | None = None
    mechanisms_after_tls: tuple[str, ...] | None = None
    messages: int = 0
    mail_program: str | None = None
    auth_required: bool = False
    is_smtp: bool = True
    complete: bool = False
    gaps: int = 0
    server_side_seen: bool = False
    client_side_seen: bool = False
    findings: list[str] = field(default_factory=list)
    oddities: dict[str, int] = field(default_factory=dict)
    serial: int | None = None
