"""What ``tls`` says of one conversation."""

from __future__ import annotations

from dataclasses import dataclass, field

from analyzer.tls.certificate import Certificate
from analyzer.tls.inference.records import Inference


@dataclass(slots=True)
class TlsSession:
    """One TLS connection as its unencrypted parts show it.

    Attributes:
        version: negotiated version, ``1.0`` … ``1.3`` or ``SSLv3``; the number in hex when unknown
            (``0x7f1c``); ``None`` when no ServerHello was seen.
        cipher: IANA name of the negotiated suite, its number in hex when unknown, or ``None``.
        sni: host name the client asked for (RFC 6066 section 3), control characters removed.
        alpn: protocols the client offered (RFC 7301).
        client_versions: versions the client offered, highest first.
        ja3, ja3_raw, ja4, ja4_raw: see :class:`analyzer.tls.fingerprint.Fingerprint`; ``None`` where the ClientHello
            was not seen, is malformed or is one of SSL 2.0.
        certificate: the server's certificate where it was sent in the clear (TLS 1.2 and below, not resumed).
        established: ``True`` when both sides finished the handshake, ``False`` when it was seen to fail,
            ``None`` when the capture does not show.
        alert: name of the fatal alert that was readable (RFC 8446 section 6), or ``None``.
        resumed: the handshake resumed an earlier session; ``None`` when not seen.
        client_certificate: the client showed a certificate; ``None`` where the handshake does not show that.
        inference: what the sizes of the records say of the dialogue inside; ``None`` where nothing was asked, or the
            handshake failed.
        oddities: named, counted peculiarities (kebab-case).
    """

    version: str | None = None
    cipher: str | None = None
    sni: str | None = None
    alpn: tuple[str, ...] = ()
    client_versions: tuple[str, ...] = ()
    ja3: str | None = None
    ja3_raw: str | None = None
    ja4: str | None = None
    ja4_raw: str | None = None
    certificate: Certificate | None = None
    established: bool | None = None
    alert: str | None = None
    resumed: bool | None = None
    client_certificate: bool | None = None
    inference: Inference | None = None
    oddities: dict[str, int] = field(default_factory=dict)
