"""How much plaintext a record holds, told by its length alone.

Every suite adds a known number of bytes. With an AEAD or a stream cipher the length follows exactly; with CBC only
the block count shows, which leaves a range as wide as a block. Where the MAC stands relative to the encryption
(RFC 7366) makes no difference to the range: either way the padding is one byte to one block long.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

from analyzer.tls.code_points import TLS_1_3, cipher_name

TLS_1_0: Final = 0x0301

FINISHED_1_2: Final = 4 + 12
"""A Finished message before TLS 1.3: message header and verify_data (RFC 5246 section 7.4.9)."""

_MESSAGE_HEADER: Final = 4
_CONTENT_TYPE: Final = 1  # of TLSInnerPlaintext, RFC 8446 section 5.2
_AEAD_TAG: Final = 16
_SHORT_TAG: Final = 8  # CCM_8: RFC 6655 section 4, RFC 8446 appendix B.4
_EXPLICIT_NONCE: Final = 8  # GCM and CCM before TLS 1.3: RFC 5288 section 3, RFC 6655 section 3
_MAC_SIZES: Final = {"MD5": 16, "SHA": 20, "SHA256": 32, "SHA384": 48, "SM3": 32}
_BLOCK_SIZES: Final = {"DES": 8, "3DES": 8, "IDEA": 8, "RC2": 8}

_Bounds = tuple[int, int]


class Seal(NamedTuple):
    """What a cipher suite adds to the plaintext of a record.

    Attributes:
        extra: bytes added, the least of them where padding makes it vary.
        slack: bytes by which the plaintext may be shorter than ``length - extra``: 0, or a block less one.
        finished: plaintext bytes of a Finished message.
    """

    extra: int
    slack: int
    finished: int

    def bounds(self, length: int) -> _Bounds:
        """Least and greatest number of plaintext bytes in a record with a payload of ``length`` bytes."""
        most = length - self.extra
        return max(0, most - self.slack), max(0, most)

    def could_be(self, length: int, plaintext: int) -> bool:
        """Whether ``plaintext`` bytes make a record with a payload of ``length`` bytes."""
        least, most = self.bounds(length)
        return least <= plaintext <= most


@lru_cache(maxsize=256)
def seal_of(version: int, suite: int) -> Seal | None:
    """What ``suite`` adds under ``version``; ``None`` for suites whose records nobody described."""
    name = cipher_name(suite)
    if version >= TLS_1_3:
        match = re.fullmatch(r"TLS_(?:AES|CHACHA20|SM4|AEGIS)\w*?(_CCM_8)?_(SHA256|SHA384|SHA512|SM3)", name)
        if match is None:
            return None
        tag = _SHORT_TAG if match[1] else _AEAD_TAG
        hashed = {"SHA384": 48, "SHA512": 64}.get(match[2], 32)
        return Seal(tag + _CONTENT_TYPE, 0, _MESSAGE_HEADER + hashed)
    match = re.search(r"_WITH_(.+)$", name)
    if match is None:
        return None
    words = match[1].split("_")
    if "POLY1305" in words:
        return Seal(_AEAD_TAG, 0, FINISHED_1_2)  # no explicit nonce: RFC 7905 section 2
    if "GCM" in words or "CCM" in words:
        tag = _SHORT_TAG if "8" in words else _AEAD_TAG
        return Seal(_EXPLICIT_NONCE + tag, 0, FINISHED_1_2)
    mac = _MAC_SIZES.get(words[-1])
    if mac is None:
        return None
    if words[0] in ("NULL", "RC4"):
        return Seal(mac, 0, FINISHED_1_2)
    if "CBC" not in words:
        return None
    block = _BLOCK_SIZES.get(words[0], 16)
    vector = block if version > TLS_1_0 else 0  # before TLS 1.1 the last block of the record before serves
    return Seal(vector + mac + 1, block - 1, FINISHED_1_2)
