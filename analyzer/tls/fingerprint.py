"""JA3 and JA4: which program sent a ClientHello, told from what it offers.

Copiers of one firmware, and programs with one TLS library and configuration, have the same fingerprint, whatever their
address. Both kinds are published definitions, so that ours can be looked up in others' lists:

* JA3 (github.com/salesforce/ja3): five lists of decimal numbers in the order of the hello, hashed with MD5.
* JA4 (github.com/FoxIO-LLC/ja4, technical_details/JA4.md; this part of JA4+ is under the BSD licence): a readable part,
  then hashes of the *sorted* suites and extensions, since some clients shuffle their extensions.

GREASE (RFC 8701) is random and left out of both.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from hashlib import md5, sha256
from typing import Final, NamedTuple

from analyzer.tls.code_points import ALPN, GREASE, SERVER_NAME, SSL_3_0, TLS_1_2, TLS_1_3
from analyzer.tls.hellos import Traits, numbers, vector

CACHED: Final = 512
"""Fingerprints remembered: a network has a few dozen TLS clients. At most some 25 kB each, usually one."""

_VERSIONS: Final = {0x0002: "s2", SSL_3_0: "s3", 0x0301: "10", 0x0302: "11", TLS_1_2: "12", TLS_1_3: "13"}
_UNKNOWN: Final = "00"
_NO_PROTOCOL: Final = "00"
_NOTHING: Final = "000000000000"
_HIGHEST_COUNT: Final = 99
_NAMED_ELSEWHERE: Final = (SERVER_NAME, ALPN)
"""Extensions that JA4 tells in its readable part: they depend on the server, not on the client."""


class Fingerprint(NamedTuple):
    """The fingerprints of one ClientHello.

    Attributes:
        ja3: MD5 of ``ja3_raw``, hexadecimal.
        ja3_raw: version, cipher suites, extensions, groups, point formats.
        ja4: readable part, hash of the suites, hash of extensions and signature algorithms, joined by ``_``.
        ja4_raw: the same with the lists themselves, known as JA4_r.
    """

    ja3: str
    ja3_raw: str
    ja4: str
    ja4_raw: str


@lru_cache(CACHED)
def fingerprint(traits: Traits) -> Fingerprint:
    """The fingerprints of a hello that came over TCP."""
    suites = _without_grease(numbers(traits.suites))
    extensions = _without_grease(traits.extensions)
    groups = _without_grease(numbers(vector(traits.groups, 0, 2)[0]))
    formats, _ = vector(traits.point_formats, 0, 1)
    lists: tuple[Iterable[int], ...] = (suites, extensions, groups, formats)
    ja3 = ",".join([str(traits.legacy_version), *("-".join(map(str, entries)) for entries in lists)])

    head = (
        "t"
        + (_VERSIONS.get(traits.versions[0], _UNKNOWN) if traits.versions else _UNKNOWN)
        + ("d" if SERVER_NAME in extensions else "i")
        + f"{min(len(suites), _HIGHEST_COUNT):02}{min(len(extensions), _HIGHEST_COUNT):02}"
        + _ends(traits.protocol)
    )
    sorted_suites = _hexadecimal(sorted(suites))
    rest = _hexadecimal(sorted(kind for kind in extensions if kind not in _NAMED_ELSEWHERE))
    if signatures := _without_grease(numbers(vector(traits.signature_algorithms, 0, 2)[0])):
        rest += "_" + _hexadecimal(signatures)  # in their order, which is the client's preference
    return Fingerprint(
        ja3=md5(ja3.encode(), usedforsecurity=False).hexdigest(),
        ja3_raw=ja3,
        ja4=f"{head}_{_hash(sorted_suites)}_{_hash(rest)}",
        ja4_raw=f"{head}_{sorted_suites}_{rest}",
    )


def _without_grease(entries: Iterable[int]) -> list[int]:
    return [entry for entry in entries if entry not in GREASE]


def _hexadecimal(entries: Iterable[int]) -> str:
    return ",".join([f"{entry:04x}" for entry in entries])


def _hash(text: str) -> str:
    """The first twelve digits of SHA-256; zeros for nothing."""
    return sha256(text.encode()).hexdigest()[:12] if text else _NOTHING


def _ends(protocol: bytes) -> str:
    """First and last character of an ALPN name; those of its hexadecimal form where one is no ASCII letter or digit."""
    if not protocol:
        return _NO_PROTOCOL
    ends = protocol[:1] + protocol[-1:]
    if ends.isalnum():  # of bytes: ASCII only
        return ends.decode("ascii")
    digits = protocol.hex()
    return digits[0] + digits[-1]
