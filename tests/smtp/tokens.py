"""Messages of NTLM ([MS-NLMP]) and SPNEGO (RFC 4178), built field by field, with every lie a test may want."""

from __future__ import annotations

import struct

SIGNATURE = b"NTLMSSP\0"
UNICODE, OEM, DOMAIN_SUPPLIED, WORKSTATION_SUPPLIED = 0x1, 0x2, 0x1000, 0x2000
KERBEROS = bytes.fromhex("2a864886f712010202")
NTLM = bytes.fromhex("2b06010401823702020a")
SPNEGO = bytes.fromhex("2b0601050502")

NO_FIELD = struct.pack("<HHI", 0, 0, 0)


def field(length: int, offset: int) -> bytes:
    return struct.pack("<HHI", length, length, offset)


def negotiate(domain: bytes = b"", workstation: bytes = b"", *, flags: int | None = None) -> bytes:
    """Type 1. Flags say what is supplied, unless given."""
    if flags is None:
        flags = UNICODE | OEM | DOMAIN_SUPPLIED * bool(domain) | WORKSTATION_SUPPLIED * bool(workstation)
    fields = field(len(domain), 32 + len(workstation)) + field(len(workstation), 32)
    return SIGNATURE + struct.pack("<II", 1, flags) + fields + workstation + domain


def authenticate(
    user: str,
    domain: str = "",
    workstation: str = "",
    *,
    response: bytes = b"\xaa" * 24,
    unicode: bool = True,
    header: int = 64,
    names_first: bool = True,
) -> bytes:
    """Type 3 with a header of 52, 64, 72 or 88 bytes; ``response`` stands for both of LM and NT."""
    encoding = "utf-16-le" if unicode else "cp1252"
    texts = [domain.encode(encoding), user.encode(encoding), workstation.encode(encoding)]
    secrets = [response, response]
    offset = header
    places = []
    for part in texts + secrets if names_first else secrets + texts:
        places.append(field(len(part), offset))
        offset += len(part)
    names, responses = (places[:3], places[3:]) if names_first else (places[2:], places[:2])
    blob = SIGNATURE + struct.pack("<I", 3) + b"".join(responses) + b"".join(names)
    if header >= 64:
        blob += NO_FIELD + struct.pack("<I", UNICODE if unicode else OEM)
    blob += bytes(header - len(blob))
    return blob + b"".join(texts + secrets if names_first else secrets + texts)


def der(tag: int, *parts: bytes) -> bytes:
    """One element of ASN.1's distinguished encoding rules."""
    content = b"".join(parts)
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    return bytes((tag, 0x82)) + size.to_bytes(2, "big") + content


def kerberos_token(ticket: bytes = b"ticket") -> bytes:
    """InitialContextToken with an AP-REQ (RFC 4121 section 4.1)."""
    return der(0x60, der(0x06, KERBEROS), b"\x01\x00", ticket)


def negotiation(*mechanisms: bytes, token: bytes | None = None) -> bytes:
    """NegTokenInit (RFC 4178 section 4.2.1)."""
    parts = [der(0xA0, der(0x30, *(der(0x06, oid) for oid in mechanisms)))]
    if token is not None:
        parts.append(der(0xA2, der(0x04, token)))
    return der(0x60, der(0x06, SPNEGO), der(0xA0, der(0x30, *parts)))


def negotiation_goes_on(token: bytes) -> bytes:
    """NegTokenResp (RFC 4178 section 4.2.2)."""
    return der(0xA1, der(0x30, der(0xA2, der(0x04, token))))
