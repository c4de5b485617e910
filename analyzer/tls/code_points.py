"""Numbers of the TLS wire format and their registered names (IANA "TLS Parameters")."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

# Content types (RFC 8446 section 5.1; heartbeat: RFC 6520).
CHANGE_CIPHER_SPEC: Final = 20
ALERT: Final = 21
HANDSHAKE: Final = 22
APPLICATION_DATA: Final = 23
HEARTBEAT: Final = 24

# Handshake types (RFC 8446 section 4, RFC 5246 section 7.4).
CLIENT_HELLO: Final = 1
SERVER_HELLO: Final = 2
CERTIFICATE: Final = 11
SERVER_HELLO_DONE: Final = 14
CERTIFICATE_VERIFY: Final = 15
HANDSHAKE_TYPES: Final = frozenset((0, 1, 2, 3, 4, 5, 6, 8, *range(11, 17), *range(20, 26), 67, 254))

# Extension types (RFC 8446 section 4.2).
SERVER_NAME: Final = 0
SUPPORTED_GROUPS: Final = 10
EC_POINT_FORMATS: Final = 11  # RFC 8422 section 5.1.2
SIGNATURE_ALGORITHMS: Final = 13
ALPN: Final = 16
SESSION_TICKET: Final = 35
PRE_SHARED_KEY: Final = 41
EARLY_DATA: Final = 42
SUPPORTED_VERSIONS: Final = 43

SSL_3_0: Final = 0x0300
TLS_1_2: Final = 0x0303
TLS_1_3: Final = 0x0304
"""From here on (drafts are 0x7f00 and above) handshakes follow the rules of TLS 1.3."""

FATAL: Final = 2
"""AlertLevel of an alert that ends the connection (RFC 8446 section 6)."""

GREASE: Final = frozenset(0x1010 * nibble + 0x0A0A for nibble in range(16))
"""Code points that are sent only to keep peers tolerant of unknown ones (RFC 8701 section 2)."""

_VERSIONS: Final = {0x0002: "SSLv2", SSL_3_0: "SSLv3", 0x0301: "1.0", 0x0302: "1.1", TLS_1_2: "1.2", TLS_1_3: "1.3"}

_ALERTS: Final = {
    0: "close_notify",
    10: "unexpected_message",
    20: "bad_record_mac",
    21: "decryption_failed",
    22: "record_overflow",
    30: "decompression_failure",
    40: "handshake_failure",
    41: "no_certificate",
    42: "bad_certificate",
    43: "unsupported_certificate",
    44: "certificate_revoked",
    45: "certificate_expired",
    46: "certificate_unknown",
    47: "illegal_parameter",
    48: "unknown_ca",
    49: "access_denied",
    50: "decode_error",
    51: "decrypt_error",
    52: "too_many_cids_requested",
    60: "export_restriction",
    70: "protocol_version",
    71: "insufficient_security",
    80: "internal_error",
    86: "inappropriate_fallback",
    90: "user_canceled",
    100: "no_renegotiation",
    109: "missing_extension",
    110: "unsupported_extension",
    111: "certificate_unobtainable",
    112: "unrecognized_name",
    113: "bad_certificate_status_response",
    114: "bad_certificate_hash_value",
    115: "unknown_psk_identity",
    116: "certificate_required",
    117: "general_error",
    120: "no_application_protocol",
    121: "ech_required",
}


def version_name(version: int) -> str:
    """``1.0`` … ``1.3``, ``SSLv3``, ``SSLv2``, else the number (``0x7f1c``)."""
    return _VERSIONS.get(version) or f"0x{version:04x}"


def alert_name(description: int) -> str:
    """Name of an AlertDescription as RFC 8446 section 6 spells it, else the number (``0x63``)."""
    return _ALERTS.get(description) or f"0x{description:02x}"


def cipher_name(suite: int) -> str:
    """IANA name of a cipher suite, else the number (``0xfe01``)."""
    return cipher_suites().get(suite) or f"0x{suite:04x}"


@cache
def cipher_suites() -> dict[int, str]:
    """The pinned registry of cipher suites, read at the first question."""
    rows = Path(__file__).with_name("cipher_suites.tsv").read_text(encoding="ascii").splitlines()
    pairs = (row.split("\t") for row in rows if not row.startswith("#"))
    return {int(code, 16): name for code, name in pairs}
