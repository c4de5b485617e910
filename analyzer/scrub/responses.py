"""What stands in place of a client's SASL messages: well-formed ones that hold no secret.

The user's name is in them exactly where reports show it, so that a scrubbed capture gives the same verdicts.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from analyzer.smtp import ntlm
from analyzer.smtp.records import AuthAttempt

_SECRET: Final = 8
"""Characters that stand for a secret. Digests are filled to the 32 hexadecimal digits that the shortest one has."""

_DIGEST: Final = 32

_PADDING: Final = 2
"""Bytes that a message may lack of those that its base64 text has room for (RFC 4648 section 4)."""

_NAMELESS: Final = b"\1withheld\1"
"""A message in which no mechanism finds a name: control characters are in no name."""

# OID 1.3.6.1.4.1.311.2.2.10, [MS-SPNG] section 1.9: a first token that offers NTLM, and no ticket of Kerberos
_OFFERS_NTLM: Final = bytes.fromhex("2b06010401823702020a")


@dataclass(frozen=True, slots=True)
class Names:
    """Who is named in an exchange, as records show it; empty where nobody is."""

    user: str
    authzid: str
    realm: str


Message = tuple[bytes, bytes, bytes, int]
"""What precedes the secret, what it is filled with, what follows it, and how many characters it has."""


def response(
    attempt: AuthAttempt, position: int, size: int | None, *, named: bool, rename: Callable[[str], str] | None
) -> bytes:
    """Base64 that stands in place of one message of the client.

    Args:
        attempt: the exchange, as it is known when the conversation is over.
        position: of the message in the exchange; 0 is the initial response or the first answer.
        size: length of the base64 text where lengths are kept.
        named: the message is the one that shows the user's name.
        rename: gives names an alias; ``None`` where they are shown.
    """
    alias = rename or str
    user, authzid = (alias(name) if name else "" for name in (attempt.username, attempt.authzid))
    names = Names(user, authzid, attempt.realm or "")
    message = _message(attempt, names, position, named=named)
    before, fill, after, count = message
    if size is None:
        return base64.b64encode(before + fill * count + after)
    room = size // 4 * 3 - len(before) - len(after)
    if not fill and 0 <= room <= _PADDING:
        room = 0
    if size % 4 or room < 0 or (room and not fill):
        return b"A" * size
    return base64.b64encode(before + fill * room + after)


def _message(attempt: AuthAttempt, names: Names, position: int, *, named: bool) -> Message:
    mechanism = attempt.mechanism or ""
    family = _family(mechanism)
    if mechanism == "LOGIN":
        named = position == 0
    if family == "NTLM" and not named:
        return _ntlm(Names("", "", "" if names.user else names.realm), position)
    if named and names.user and (build := _NAMED.get(family)) is not None:
        return build(names, position)
    if attempt.method == "challenge" and family == "GSS":
        return ntlm.SIGNATURE, b"x", b"", _SECRET
    if attempt.method == "unknown" and family == "GSS":
        return _OFFERS_NTLM, b"x", b"", _SECRET
    if position and family in _LATER:
        return _LATER[family]
    return _NAMELESS[:-1], b"d", _NAMELESS[-1:], 1


def _family(mechanism: str) -> str:
    if mechanism in ("GSSAPI", "GSS-SPNEGO", "NEGOTIATE"):
        return "GSS"
    return _FAMILIES.get(mechanism) or mechanism.partition("-")[0]


def _plain(names: Names, position: int) -> Message:
    return b"%s\0%s\0" % (names.authzid.encode(), names.user.encode()), b"x", b"", _SECRET


def _name_alone(names: Names, position: int) -> Message:
    return names.user.encode(), b"", b"", 0


def _cram(names: Names, position: int) -> Message:
    return names.user.encode() + b" ", b"0", b"", _DIGEST


def _digest(names: Names, position: int) -> Message:
    pairs = [("username", names.user), ("realm", names.realm), ("authzid", names.authzid)]
    told = ",".join(f"{key}={_quoted(value)}" for key, value in pairs if value)
    return told.encode() + b',nonce="0",nc=00000001,cnonce="0",qop=auth,response=', b"0", b"", _DIGEST


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _saslname(text: str) -> bytes:
    return text.replace("=", "=3D").replace(",", "=2C").encode()  # RFC 5802 section 5.1


def _gs2_header(authzid: str) -> bytes:
    return b"n," + (b"a=" + _saslname(authzid) if authzid else b"") + b","


def _scram(names: Names, position: int) -> Message:
    return _gs2_header(names.authzid) + b"n=" + _saslname(names.user) + b",r=", b"x", b"", _SECRET


def _xoauth2(names: Names, position: int) -> Message:
    return b"user=" + names.user.encode() + b"\1auth=Bearer ", b"x", b"\1\1", _SECRET


def _oauthbearer(names: Names, position: int) -> Message:
    return _gs2_header(names.user) + b"\1auth=Bearer ", b"x", b"\1\1", _SECRET


def _gs2(names: Names, position: int) -> Message:
    return _gs2_header(names.user), b"x", b"", _SECRET


def _ntlm(names: Names, position: int) -> Message:
    """[MS-NLMP] section 2.2.1: AUTHENTICATE with the names in Unicode, or NEGOTIATE where only a domain was told."""
    if not names.user:
        told = names.realm.encode()
        head = struct.pack("<8sII", ntlm.SIGNATURE, ntlm.NEGOTIATE, 0x1000 if told else 0)
        fields = struct.pack("<HHI", len(told), len(told), 32) + struct.pack("<HHI", 0, 0, 32)
        return head + fields + told, b"\0", b"", 0
    domain, _, user = names.user.rpartition("\\")
    workstation = "" if domain else names.realm
    if "@" in user and not domain:
        domain, workstation = names.realm, ""
    texts = [text.encode("utf-16-le") for text in (domain, user, workstation)]
    at, fields = 64 + 2 * _SECRET, b""
    for text in texts:
        fields += struct.pack("<HHI", len(text), len(text), at)
        at += len(text)
    answer = struct.pack("<HHI", _SECRET, _SECRET, 64) + struct.pack("<HHI", _SECRET, _SECRET, 64 + _SECRET)
    key = struct.pack("<HHI", 0, 0, at)
    head = struct.pack("<8sI", ntlm.SIGNATURE, ntlm.AUTHENTICATE) + answer + fields + key + struct.pack("<I", 1)
    return head + b"\0" * 2 * _SECRET + b"".join(texts), b"\0", b"", 0


_FAMILIES: Final = {"MSN": "NTLM"}
_NAMED: Final[dict[str, Callable[[Names, int], Message]]] = {
    "PLAIN": _plain,
    "LOGIN": _name_alone,
    "EXTERNAL": _name_alone,
    "CRAM": _cram,
    "DIGEST": _digest,
    "SCRAM": _scram,
    "XOAUTH2": _xoauth2,
    "OAUTHBEARER": _oauthbearer,
    "OAUTH10A": _oauthbearer,
    "GS2": _gs2,
    "NTLM": _ntlm,
    "GSS": _ntlm,
}
"""Messages that name the user, by family: the mechanism's name up to its first hyphen, mostly."""

_LATER: Final[dict[str, Message]] = {
    "DIGEST": (b"", b"x", b"", _SECRET),
    "SCRAM": (b"c=biws,r=x,p=", b"x", b"", _SECRET),
    "XOAUTH2": (b"\1", b"", b"", 0),
    "OAUTHBEARER": (b"\1", b"", b"", 0),
    "OAUTH10A": (b"\1", b"", b"", 0),
}
"""Messages behind the first that name nobody."""
