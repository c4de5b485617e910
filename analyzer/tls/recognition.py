"""Do these bytes start a TLS stream?

STARTTLS promises are not kept by decrypting mirrors, and implicit TLS occurs on any port, so the bytes decide.
No SMTP line can pass: record types are control characters, and an SSLv2 header has its top bit set.
"""

from __future__ import annotations

from typing import Final

from analyzer.tls.code_points import ALERT, CHANGE_CIPHER_SPEC, CLIENT_HELLO, HANDSHAKE, HANDSHAKE_TYPES, HEARTBEAT

HEADER_SIZE: Final = 5
MAX_RECORD: Final = (1 << 14) + 2048
"""Longest record payload (TLSCiphertext.length, RFC 5246 section 6.2.3; TLS 1.3 allows 256 in place of 2048)."""

_SSL2_HEADER_SIZE: Final = 11
_SSL2_CHALLENGE: Final = range(16, 33)


def looks_like_tls(data: bytes) -> bool | None:
    """Whether one direction's first bytes are TLS records.

    ``data`` starts where a record is expected; all of it is used: a second record, when there, must look like
    one too. An SSLv2-compatible ClientHello (RFC 5246 appendix E.2) counts as TLS.

    Returns ``None`` when the bytes are too few to say.
    """
    if not data:
        return None
    if data[0] & 0x80:
        return _looks_like_ssl2_hello(data)
    if not _could_be_header(data[:HEADER_SIZE]):
        return False
    if len(data) < HEADER_SIZE:
        return None
    kind, length = data[0], int.from_bytes(data[3:5], "big")
    if length == 0:
        return False
    if kind == CHANGE_CIPHER_SPEC:
        plausible = length == 1 and data[5:6] in (b"", b"\x01")
    elif kind == ALERT:
        plausible = length != 2 or data[5:6] in (b"", b"\x01", b"\x02")
    elif kind == HANDSHAKE:
        if len(data) == HEADER_SIZE:
            return None
        plausible = data[5] in HANDSHAKE_TYPES
    else:
        plausible = True
    return plausible and _could_be_header(data[HEADER_SIZE + length :][:HEADER_SIZE])


def _could_be_header(data: bytes) -> bool:
    """Whether up to five bytes agree with a record header (RFC 8446 section 5.1)."""
    return (
        (not data or CHANGE_CIPHER_SPEC <= data[0] <= HEARTBEAT)
        and (len(data) < 2 or data[1] == 3)
        and (len(data) < 3 or data[2] <= 4)
        and (len(data) < HEADER_SIZE or int.from_bytes(data[3:5], "big") <= MAX_RECORD)
    )


def _looks_like_ssl2_hello(data: bytes) -> bool | None:
    if len(data) > 2 and data[2] != CLIENT_HELLO:
        return False
    if len(data) > 4 and not is_ssl2_client_hello(data[:HEADER_SIZE]):
        return False
    if len(data) < _SSL2_HEADER_SIZE:
        return None
    length = int.from_bytes(data[:2], "big") & 0x7FFF
    suites, session_id, challenge = (int.from_bytes(data[at : at + 2], "big") for at in (5, 7, 9))
    return (
        suites > 0
        and suites % 3 == 0
        and session_id in (0, 16)
        and challenge in _SSL2_CHALLENGE
        and length == _SSL2_HEADER_SIZE - 2 + suites + session_id + challenge
    )


def is_ssl2_client_hello(header: bytes) -> bool:
    """Whether five bytes start an SSLv2-compatible ClientHello: a two-byte length, the type, the version."""
    length = int.from_bytes(header[:2], "big") & 0x7FFF
    return bool(
        header[0] & 0x80
        and length >= _SSL2_HEADER_SIZE - 2 + _SSL2_CHALLENGE.start
        and header[2] == CLIENT_HELLO
        and (header[3:5] == b"\x00\x02" or (header[3] == 3 and header[4] <= 4))
    )
