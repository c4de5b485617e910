"""Certificates made to order. Ed25519 signs without randomness, so that equal orders give equal bytes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tests.tls.wire import vector

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
FROM, UNTIL = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), datetime(2027, 1, 2, 3, 4, 5, tzinfo=UTC)


def distinguished(*common_names: str) -> x509.Name:
    organisation = x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Example")
    return x509.Name([organisation, *(x509.NameAttribute(NameOID.COMMON_NAME, name) for name in common_names)])


@cache
def certificate(
    *common_names: str,
    names: Sequence[str] = (),
    issuer: str | None = "Test CA",
    since: datetime = FROM,
    until: datetime = UNTIL,
    others: Sequence[x509.GeneralName] = (),
    extensions: Sequence[x509.ExtensionType] = (),
) -> bytes:
    """DER of a certificate with these common names and DNS names; ``issuer`` ``None``: it issued itself."""
    subject = distinguished(*common_names)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else distinguished(issuer))
        .public_key(KEY.public_key())
        .serial_number(1000)
        .not_valid_before(since)
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    )
    if names or others:
        general = [*others, *(x509.DNSName(name) for name in names)]
        builder = builder.add_extension(x509.SubjectAlternativeName(general), critical=False)
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(KEY, None).public_bytes(Encoding.DER)


def chain(*certificates: bytes) -> bytes:
    """The body of a Certificate message (RFC 5246 section 7.4.2)."""
    return vector(b"".join(vector(der, 3) for der in certificates), 3)
