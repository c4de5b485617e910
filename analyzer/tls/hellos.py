"""ClientHello and ServerHello (RFC 8446 section 4.1, RFC 5246 section 7.4.1) as values.

Written for an observer: a hello that breaks off, or whose lengths do not fit, yields what stands before the
break and says so, because half a hello still tells who speaks. Unknown code points stay numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct, unpack
from typing import Final, NamedTuple

from analyzer.tls.code_points import (
    ALPN,
    EARLY_DATA,
    EC_POINT_FORMATS,
    GREASE,
    PRE_SHARED_KEY,
    SERVER_NAME,
    SESSION_TICKET,
    SIGNATURE_ALGORITHMS,
    SUPPORTED_GROUPS,
    SUPPORTED_VERSIONS,
)
from analyzer.tls.text import decoded

MAX_PROTOCOLS: Final = 32
"""ALPN names that are kept; clients offer a handful, and a hostile hello could hold thousands."""

MAX_LISTS: Final = 4096
"""Bytes of all lists that fingerprints are made of, two per entry. Some 350 cipher suites are registered, which
scanners offer to the last; the other lists of real clients are shorter."""

HELLO_RETRY_REQUEST: Final = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
"""The random that makes a ServerHello a HelloRetryRequest: SHA-256 of that word (RFC 8446 section 4.1.3)."""

_RANDOM: Final = slice(2, 34)
_AFTER_RANDOM: Final = 34
_OF_INTEREST: Final = frozenset(
    (
        SERVER_NAME,
        SUPPORTED_GROUPS,
        EC_POINT_FORMATS,
        SIGNATURE_ALGORITHMS,
        ALPN,
        SESSION_TICKET,
        PRE_SHARED_KEY,
        EARLY_DATA,
        SUPPORTED_VERSIONS,
    )
)

_extension_header = Struct(">HH").unpack_from


class Traits(NamedTuple):
    """What of a ClientHello depends on the program that sends it, and is alike in most of its sessions.

    Lists are as they came: in order, GREASE (RFC 8701) included, undecoded where decoding can wait: the same traits
    come with every session of a client.

    Attributes:
        legacy_version: as in :class:`ClientHello`.
        versions: as in :class:`ClientHello`.
        suites: cipher suites, two bytes each.
        extensions: types of the extensions.
        groups: content of supported_groups, in TLS 1.2 and below elliptic_curves (RFC 8446 section 4.2.7).
        point_formats: content of ec_point_formats (RFC 8422 section 5.1.2).
        signature_algorithms: content of signature_algorithms (RFC 8446 section 4.2.3).
        protocol: the first ALPN name (RFC 7301 section 3.1) that is not GREASE; empty where there is none.
    """

    legacy_version: int
    versions: tuple[int, ...]
    suites: bytes = b""
    extensions: tuple[int, ...] = ()
    groups: bytes = b""
    point_formats: bytes = b""
    signature_algorithms: bytes = b""
    protocol: bytes = b""


@dataclass(slots=True)
class ClientHello:
    """What the client offered.

    Attributes:
        legacy_version: the version field, frozen at TLS 1.2 when ``versions`` come in an extension.
        versions: versions offered, highest first, GREASE left out.
        session_id: session to resume (TLS ≤ 1.2) or filler (TLS 1.3 compatibility mode).
        traits: what fingerprints are made of; ``None`` when the hello is malformed, has more than
            :data:`MAX_LISTS` bytes of lists, or is one of SSL 2.0.
        sni: host name asked for, printable characters only.
        alpn: protocols offered, printable characters only, GREASE left out.
        ticket: a session ticket to resume from was presented (RFC 5077).
        psk: a pre-shared key was offered (TLS 1.3 resumption).
        early_data: application data may follow before the ServerHello (0-RTT).
        malformed: the hello breaks off or its lengths do not fit.
    """

    legacy_version: int
    versions: tuple[int, ...]
    session_id: bytes = b""
    traits: Traits | None = None
    sni: str | None = None
    alpn: tuple[str, ...] = ()
    ticket: bool = False
    psk: bool = False
    early_data: bool = False
    malformed: bool = False


@dataclass(slots=True)
class ServerHello:
    """What the server chose.

    Attributes:
        version: the negotiated version.
        suite: the negotiated cipher suite.
        psk: the client's pre-shared key was accepted (TLS 1.3 resumption).
        retry: this is a HelloRetryRequest; the ServerHello proper is still to come.
        malformed: the extensions break off or their lengths do not fit.
        compressed: records are compressed (TLS ≤ 1.2, RFC 3749).
    """

    version: int
    suite: int
    psk: bool
    retry: bool
    malformed: bool
    compressed: bool = False


def parse_client_hello(body: bytes) -> ClientHello | None:
    """Read a ClientHello (without its four-byte message header); ``None`` when even the version is missing."""
    if len(body) < 2:
        return None
    legacy_version = body[0] << 8 | body[1]
    session_id, at = vector(body, _AFTER_RANDOM, 1)
    suites, at = vector(body, at, 2)
    at += 1 + (body[at] if at < len(body) else 0)  # compression methods
    kinds, found, whole = _extensions(body, at)
    versions = _versions(found[SUPPORTED_VERSIONS]) if SUPPORTED_VERSIONS in found else (legacy_version,)
    protocols = _protocols(found[ALPN]) if ALPN in found else []
    traits = Traits(
        legacy_version,
        versions,
        suites,
        tuple(kinds),
        found.get(SUPPORTED_GROUPS, b""),
        found.get(EC_POINT_FORMATS, b""),
        found.get(SIGNATURE_ALGORITHMS, b""),
        protocols[0] if protocols else b"",
    )
    size = len(suites) + 2 * len(kinds) + sum(map(len, traits[4:7]))
    return ClientHello(
        legacy_version,
        versions,
        session_id=session_id,
        traits=traits if whole and size <= MAX_LISTS else None,
        sni=_server_name(found[SERVER_NAME]) if SERVER_NAME in found else None,
        alpn=tuple(map(decoded, protocols)),
        ticket=bool(found.get(SESSION_TICKET)),
        psk=PRE_SHARED_KEY in found,
        early_data=EARLY_DATA in found,
        malformed=not whole,
    )


def parse_server_hello(body: bytes) -> ServerHello | None:
    """Read a ServerHello (without its four-byte message header); ``None`` when it ends before its cipher suite."""
    size = len(body)
    at = _AFTER_RANDOM + 1 + (body[_AFTER_RANDOM] if size > _AFTER_RANDOM else 0)  # session id
    if at + 2 > size:
        return None
    _, found, whole = _extensions(body, at + 3)
    selected = found.get(SUPPORTED_VERSIONS, b"")
    if len(selected) != 2:
        selected = body
    return ServerHello(
        version=selected[0] << 8 | selected[1],
        suite=body[at] << 8 | body[at + 1],
        psk=PRE_SHARED_KEY in found,
        retry=body[_RANDOM] == HELLO_RETRY_REQUEST,
        malformed=not whole,
        compressed=size > at + 2 and body[at + 2] != 0,
    )


def vector(body: bytes, at: int, width: int) -> tuple[bytes, int]:
    """A vector (RFC 8446 section 3.4) with a length of ``width`` bytes at ``at``, and where it ends.

    One that breaks off is cut short, and its end lies behind the end of ``body``.
    """
    start = at + width
    end = start + int.from_bytes(body[at:start], "big")
    return body[start:end], end


def _extensions(body: bytes, at: int) -> tuple[list[int], dict[int, bytes], bool]:
    """Types of the extensions in order, those of interest that are there in full, and whether all end with ``body``."""
    kinds: list[int] = []
    found: dict[int, bytes] = {}
    limit = len(body)
    if at == limit:  # hellos before TLS 1.2 may have none
        return kinds, found, True
    whole = at + 2 <= limit and at + 2 + (body[at] << 8 | body[at + 1]) == limit
    at += 2
    while at + 4 <= limit:
        kind, size = _extension_header(body, at)
        kinds.append(kind)
        at += 4
        end = at + size
        if end > limit:
            break
        if kind in _OF_INTEREST and kind not in found:
            found[kind] = body[at:end]
        at = end
    return kinds, found, whole and at == limit


def numbers(data: bytes) -> tuple[int, ...]:
    """The 16-bit numbers in ``data``; an odd byte at its end is dropped."""
    count = len(data) // 2
    return unpack(f">{count}H", data[: 2 * count])


def _versions(extension: bytes) -> tuple[int, ...]:
    """Versions of a client's supported_versions extension (RFC 8446 section 4.2.1), highest first."""
    listed, _ = vector(extension, 0, 1)
    return tuple(sorted(set(numbers(listed)) - GREASE, reverse=True))


def _server_name(extension: bytes) -> str | None:
    """The host name of a server_name extension (RFC 6066 section 3); only names of type 0 exist."""
    # The list's length, the entry's type, the name's length, the name.
    if len(extension) < 5 or extension[2]:
        return None
    end = 5 + (extension[3] << 8 | extension[4])
    return decoded(extension[5:end]) or None


def _protocols(extension: bytes) -> list[bytes]:
    """The first :data:`MAX_PROTOCOLS` names of an ALPN extension (RFC 7301 section 3.1), GREASE left out."""
    entries, _ = vector(extension, 0, 2)
    protocols: list[bytes] = []
    at = 0
    while at < len(entries) and len(protocols) < MAX_PROTOCOLS:
        name, at = vector(entries, at, 1)
        if len(name) != 2 or int.from_bytes(name, "big") not in GREASE:
            protocols.append(name)
    return protocols
