"""TLS as it looks from outside: hellos as OpenSSL sends them, and records of the right sizes with random content."""

from __future__ import annotations

from functools import cache
from random import Random
from typing import Literal

Version = Literal["1.2", "1.3"]

CIPHERS: dict[Version, int] = {"1.2": 0xC030, "1.3": 0x1302}  # ECDHE-RSA-AES256-GCM-SHA384, AES_256_GCM_SHA384
OVERHEAD: dict[Version, int] = {"1.2": 24, "1.3": 17}
"""Bytes a record is longer than its text: explicit nonce and tag (RFC 5288), or type and tag (RFC 8446 section 5.2)."""
RECORD = 16384
"""Largest plaintext fragment, RFC 8446 section 5.1."""

_HANDSHAKE, _CHANGE_CIPHER_SPEC, _APPLICATION_DATA = 22, 20, 23
_OFFERED_12 = (
    "c02cc030009fcca9cca8ccaac02bc02f009ec024c028006bc023c0270067c00ac0140039c009c0130033009d009c003d003c0035002f00ff"
)
_OFFERED_13 = "130213031301" + _OFFERED_12
_GROUPS = "001d0017001e00190018"
_SIGNATURES = "040305030603080708080809080a080b080408050806040105010601030303010302040205020602"


def _vector(data: bytes, width: int) -> bytes:
    return len(data).to_bytes(width, "big") + data


def _extension(number: int, body: bytes) -> bytes:
    return number.to_bytes(2, "big") + _vector(body, 2)


def _message(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + _vector(body, 3)


def record(kind: int, body: bytes, version: int = 0x0303) -> bytes:
    """One TLS record."""
    return bytes([kind]) + version.to_bytes(2, "big") + _vector(body, 2)


def protected(size: int, version: Version, random: Random) -> bytes:
    """Records that carry ``size`` bytes of text."""
    out = b""
    while size > 0:
        part = min(size, RECORD)
        out += record(_APPLICATION_DATA, random.randbytes(part + OVERHEAD[version]))
        size -= part
    return out


def client_hello(version: Version, name: str | None, random: Random) -> bytes:
    """RFC 8446 section 4.1.2, with the extensions OpenSSL 1.0.2 (TLS 1.2) and 3.0 (TLS 1.3) send."""
    modern = version == "1.3"
    extensions = b""
    if name is not None:
        extensions += _extension(0, _vector(b"\0" + _vector(name.encode(), 2), 2))
    extensions += _extension(11, _vector(bytes([0, 1, 2]), 1))
    extensions += _extension(10, _vector(bytes.fromhex(_GROUPS), 2))
    extensions += _extension(35, b"") + _extension(22, b"") + _extension(23, b"")
    extensions += _extension(13, _vector(bytes.fromhex(_SIGNATURES), 2))
    if modern:
        extensions += _extension(43, bytes.fromhex("0403040303")) + _extension(45, b"\1\1")
        share = bytes.fromhex("001d") + _vector(random.randbytes(32), 2)
        extensions += _extension(51, _vector(share, 2))
    session = random.randbytes(32) if modern else b""
    ciphers = bytes.fromhex(_OFFERED_13 if modern else _OFFERED_12)
    body = b"\3\3" + random.randbytes(32) + _vector(session, 1) + _vector(ciphers, 2) + b"\1\0" + _vector(extensions, 2)
    return record(_HANDSHAKE, _message(1, body), 0x0301)


def server_flight(version: Version, name: str, session: bytes, random: Random) -> bytes:
    """What the server sends in answer to the ClientHello; ``session`` is echoed by TLS 1.3."""
    extensions = _extension(0xFF01, b"\0") + _extension(11, bytes([3, 0, 1, 2])) + _extension(23, b"")
    if version == "1.3":
        extensions = _extension(43, b"\3\4")
        extensions += _extension(51, bytes.fromhex("001d") + _vector(random.randbytes(32), 2))
    else:
        session = random.randbytes(32)
    hello = b"\3\3" + random.randbytes(32) + _vector(session, 1) + CIPHERS[version].to_bytes(2, "big") + b"\0"
    hello = record(_HANDSHAKE, _message(2, hello + _vector(extensions, 2)))
    chain = _vector(certificate(name), 3)
    if version == "1.3":
        encrypted = (6 + 4, len(chain) + 12, 264, 52)  # EncryptedExtensions, Certificate, CertificateVerify, Finished
        change = record(_CHANGE_CIPHER_SPEC, b"\1")
        sealed = (record(_APPLICATION_DATA, random.randbytes(size + OVERHEAD["1.3"])) for size in encrypted)
        return hello + change + b"".join(sealed)
    exchange = b"\3\0\x1d" + _vector(random.randbytes(32), 1) + b"\4\1" + _vector(random.randbytes(256), 2)
    return (
        hello
        + record(_HANDSHAKE, _message(11, _vector(chain, 3)))
        + record(_HANDSHAKE, _message(12, exchange))
        + record(_HANDSHAKE, _message(14, b""))
    )


def client_finish(version: Version, random: Random) -> bytes:
    """The client's second flight."""
    change = record(_CHANGE_CIPHER_SPEC, b"\1")
    if version == "1.3":
        return change + record(_APPLICATION_DATA, random.randbytes(52 + OVERHEAD["1.3"]))
    key = record(_HANDSHAKE, _message(16, _vector(random.randbytes(32), 1)))
    return key + change + record(_HANDSHAKE, random.randbytes(16 + OVERHEAD["1.2"]))


def server_finish(version: Version, tickets: int, random: Random) -> bytes:
    """What the server sends after the client's second flight: session tickets and, in TLS 1.2, its Finished."""
    if version == "1.3":
        return b"".join(record(_APPLICATION_DATA, random.randbytes(250)) for _ in range(tickets))
    ticket = record(_HANDSHAKE, _message(4, b"\0\0\x1c\x20" + _vector(random.randbytes(192), 2))) if tickets else b""
    return ticket + record(_CHANGE_CIPHER_SPEC, b"\1") + record(_HANDSHAKE, random.randbytes(16 + OVERHEAD["1.2"]))


# --- a certificate that parses: X.690 DER, RFC 5280 -------------------------------------------------


def _der(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    if len(body) < 128:
        return bytes([tag, len(body)]) + body
    size = (len(body).bit_length() + 7) // 8
    return bytes([tag, 0x80 | size]) + len(body).to_bytes(size, "big") + body


def _name(common_name: str) -> bytes:
    attribute = _der(0x30, bytes.fromhex("0603550403"), _der(0x0C, common_name.encode()))
    return _der(0x30, _der(0x31, attribute))


@cache
def certificate(name: str) -> bytes:
    """A self-issued RSA certificate for ``name`` whose key and signature are random numbers."""
    random = Random(name)  # noqa: S311 - not for security
    algorithm = _der(0x30, bytes.fromhex("06092a864886f70d01010b0500"))
    validity = _der(0x30, _der(0x17, b"260101000000Z"), _der(0x17, b"271231235959Z"))
    modulus = _der(0x02, b"\0" + bytes([0x80 | random.randrange(128)]) + random.randbytes(255))
    key = _der(0x03, b"\0", _der(0x30, modulus, bytes.fromhex("0203010001")))
    key_info = _der(0x30, _der(0x30, bytes.fromhex("06092a864886f70d0101010500")), key)
    alternative = _der(0x30, _der(0x82, name.encode()))
    extensions = _der(0xA3, _der(0x30, _der(0x30, bytes.fromhex("0603551d11"), _der(0x04, alternative))))
    serial = _der(0x02, b"\1" + random.randbytes(15))
    signed = _der(
        0x30, bytes.fromhex("a003020102"), serial, algorithm, _name(name), validity, _name(name), key_info, extensions
    )
    return _der(0x30, signed, algorithm, _der(0x03, b"\0", random.randbytes(256)))
