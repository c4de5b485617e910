"""Names and dates of the certificate a server shows: in the clear up to TLS 1.2 (RFC 5246 section 7.4.2), in X.509
(RFC 5280).

Only the server's own certificate is read, the first of the chain, and nothing is verified: an observer cannot know whom
the client trusts. A server shows the same certificate in every session, so the last ones are remembered.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Final

from analyzer.tls.text import printable

if TYPE_CHECKING:
    from cryptography import x509

MAX_CERTIFICATE: Final = 16 << 10
"""Longest certificate that is read, in bytes. Usual ones have 1 to 3 kB, one with a hundred names 5."""

MAX_NAMES: Final = 100
"""DNS names that are kept; public authorities issue certificates with at most so many."""

CACHED: Final = 256
"""Certificates remembered, with their bytes: 4 MB of the longest ones."""

LIST_HEADER: Final = 3 + 3
"""Bytes before the first certificate in a Certificate message: the length of the list, its own length."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Certificate:
    """A server's certificate, as it describes itself.

    Attributes:
        subject: the subject's common name, printable characters only; ``None`` where it has none.
        names: DNS names of subjectAltName (RFC 5280 section 4.2.1.6), wildcards included, printable characters only.
        not_before, not_after: begin and end of its validity, nanoseconds since 1970-01-01 UTC. Certificates that are
            meant to last for ever end in the year 9999, which is more than 64 bits hold.
        self_issued: the subject is its own issuer (RFC 5280 section 3.2): nobody vouches for it.
        malformed: its extensions could not be read, so that names may be missing.
    """

    subject: str | None
    names: tuple[str, ...]
    not_before: int
    not_after: int
    self_issued: bool = False
    malformed: bool = False

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts it is for: the common name counts only where there are no DNS names (RFC 6125 section 6.4.4)."""
        return self.names or ((self.subject,) if self.subject else ())


def parse_certificate(body: bytes) -> Certificate | None:
    """Read the first certificate of a Certificate message (without its four-byte message header).

    The message may end behind it. ``None`` when it has no certificate or it cannot be read.
    """
    end = LIST_HEADER + int.from_bytes(body[3:LIST_HEADER], "big")
    return None if end > len(body) or end > LIST_HEADER + MAX_CERTIFICATE else _parse(body[LIST_HEADER:end])


@lru_cache(CACHED)
def _parse(der: bytes) -> Certificate | None:
    from cryptography import x509  # takes 50 ms, and many captures have no certificate

    # The library raises what it likes for odd certificates: ValueError, TypeError, KeyError and errors of its own.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what peers' certificates look like, which is nothing to tell the user
        try:
            certificate = x509.load_der_x509_certificate(der)
            subject = _common_name(certificate.subject)
            self_issued = certificate.subject == certificate.issuer
            not_before, not_after = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        except Exception:  # noqa: BLE001
            return None
        try:
            names, malformed = _dns_names(certificate), False
        except Exception:  # noqa: BLE001
            names, malformed = (), True
    return Certificate(subject, names, _nanoseconds(not_before), _nanoseconds(not_after), self_issued, malformed)


def _common_name(name: x509.Name) -> str | None:
    """The most specific common name of a distinguished name: the last one (RFC 5280 section 4.1.2.4)."""
    from cryptography.x509.oid import NameOID

    values = [attribute.value for attribute in name.get_attributes_for_oid(NameOID.COMMON_NAME)]
    return (printable(str(values[-1])) or None) if values else None


def _dns_names(certificate: x509.Certificate) -> tuple[str, ...]:
    from cryptography import x509

    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return ()
    names = (printable(name) for name in extension.value.get_values_for_type(x509.DNSName))
    return tuple(islice(dict.fromkeys(filter(None, names)), MAX_NAMES))


def _nanoseconds(time: datetime) -> int:
    since = time - _EPOCH
    return (since.days * 86_400 + since.seconds) * 10**9
