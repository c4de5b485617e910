"""Who is named in a SASL exchange: one function per mechanism.

Each takes one decoded client message and its position in the exchange (0 is the initial response or the first
answer to a challenge), and returns the names in it, or ``None`` when this message shows none. Passwords, tokens,
proofs and digests are looked at to tell a well-formed message from another, and never leave the function. A message
of another form than its mechanism prescribes raises :class:`Malformed`: what looks like a name in it may be a secret.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from analyzer.smtp import ntlm
from analyzer.smtp.records import Method
from analyzer.smtp.text import decoded, escaped


class Malformed(Exception):
    """The message is not of its mechanism's form. Carries nothing of the message."""


class Identity(NamedTuple):
    """Names in a SASL message; ``method`` only where the message shows another family than its mechanism."""

    username: str | None = None
    authzid: str | None = None
    realm: str | None = None
    method: Method | None = None


# No user name holds these: NUL separates the parts of PLAIN, 0x01 those of the OAuth mechanisms. A client that sends
# the message of one mechanism under the name of another must not have its password shown as a user name.
_SEPARATORS = re.compile("[\0\1]")
_SASLNAME_ESCAPE = re.compile(rb"=(2C|3D)", re.IGNORECASE)
_CRAM = re.compile(rb"(.+) [0-9a-f]{32,128}", re.IGNORECASE | re.DOTALL)
_GS2_HEADER = re.compile(rb"(?:F,)?(?:n|y|p=[A-Za-z0-9.-]+),(?:a=([^,]*))?,")
_SCRAM_FIRST = re.compile(rb"(?:m=[^,]*,)?n=([^,]*),r=[^,]+")
_XOAUTH2_USER = re.compile(rb"user=([^\x01]*)", re.IGNORECASE)
_BEARER = re.compile(rb"\x01(?:[^\x01]*\x01)*?auth=", re.IGNORECASE)
# Each pair begins where the one before ended, and no two adjoining repeats share a character: linear on any input.
_DIGEST_PAIR = re.compile(rb'[\s,]*([a-z-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]*))', re.IGNORECASE | re.DOTALL)
_DIGEST_ESCAPE = re.compile(rb"\\(.)", re.DOTALL)


def _name(raw: bytes) -> str | None:
    if raw.isalnum():
        return escaped(raw.decode())
    text = decoded(raw.rstrip(b"\0"))
    if _SEPARATORS.search(text):
        raise Malformed
    return escaped(text) or None


def _identity(username: str | None, authzid: str | None = None, realm: str | None = None) -> Identity:
    return Identity(username, authzid if authzid != username else None, realm)


def plain(message: bytes, position: int) -> Identity | None:
    """RFC 4616: ``[authzid] NUL authcid NUL passwd``."""
    parts = message.split(b"\0")
    # An empty last part is the work of a client that left out the leading NUL: the password stands second.
    if len(parts) != 3 or not parts[1] or not parts[2]:
        raise Malformed
    return _identity(_name(parts[1]), _name(parts[0]))


def login(message: bytes, position: int) -> Identity | None:
    """The first message is the user name; only its position says so, for the prompts differ from server to server."""
    return Identity(_name(message)) if position == 0 else None


def cram(message: bytes, position: int) -> Identity | None:
    """RFC 2195: ``user SP hex-digest``; the user name may hold spaces."""
    match = _CRAM.fullmatch(message)
    if match is None:
        raise Malformed
    return Identity(_name(match[1]))


def digest(message: bytes, position: int) -> Identity | None:
    """RFC 2831 section 2.1.2: ``username="…",realm="…",…``."""
    pairs: dict[bytes, bytes] = {}
    at = 0
    while match := _DIGEST_PAIR.match(message, at):
        at = match.end()
        quoted = match[2]
        pairs.setdefault(
            match[1].lower(), match[3] if quoted is None else _DIGEST_ESCAPE.sub(rb"\1", quoted)
        )  # fmt: skip
    if b"username" not in pairs or b"response" not in pairs:
        if position > 0:
            return None  # the last message of the exchange is empty or optional
        raise Malformed
    username, authzid, realm = (pairs.get(key) for key in (b"username", b"authzid", b"realm"))
    return _identity(_name(username or b""), _name(authzid or b""), _name(realm or b""))


def _saslname(raw: bytes) -> str | None:
    plain_form = _SASLNAME_ESCAPE.sub(lambda match: b"," if match[1].upper() == b"2C" else b"=", raw)
    # RFC 5802 section 5.1: any other "=" makes the name invalid. It may also be base64, so it is not shown.
    if raw.count(b"=") != len(_SASLNAME_ESCAPE.findall(raw)):
        raise Malformed
    return _name(plain_form)


def scram(message: bytes, position: int) -> Identity | None:
    """RFC 5802 section 7, client-first-message: ``n,a=authzid,n=user,r=nonce``."""
    if position > 0 and message.startswith((b"c=", b"C=")):
        return None
    header = _GS2_HEADER.match(message)
    bare = _SCRAM_FIRST.match(message, header.end()) if header else None
    if header is None or bare is None:
        raise Malformed
    return _identity(_saslname(bare[1]), _saslname(header[1] or b""))


def xoauth2(message: bytes, position: int) -> Identity | None:
    """Google's and Microsoft's form: ``user=name ^A auth=Bearer token ^A ^A``."""
    if message == b"\1":
        return None  # acknowledges a refusal
    match = _XOAUTH2_USER.match(message)
    if match is None or not _BEARER.match(message, match.end()):
        raise Malformed
    return Identity(_name(match[1]))


def oauthbearer(message: bytes, position: int) -> Identity | None:
    """RFC 7628 section 3.1: ``gs2-header ^A key=value ^A … ^A``."""
    if message == b"\1":
        return None
    header = _GS2_HEADER.match(message)
    if header is None or not _BEARER.match(message, header.end()):
        raise Malformed
    return Identity(_saslname(header[1] or b""))


def external(message: bytes, position: int) -> Identity | None:
    """RFC 4422 appendix A: the message is the authorization identity, and empty more often than not."""
    return Identity(_name(message)) if position == 0 else None


def gs2(message: bytes, position: int) -> Identity | None:
    """RFC 5801 section 4: the GSS-API token is opaque, the header before it is not."""
    header = _GS2_HEADER.match(message) if position == 0 else None
    return Identity(_saslname(header[1])) if header and header[1] else None


def ntlm_names(message: bytes, position: int) -> Identity | None:
    """[MS-SMTPNTLM]: NEGOTIATE may name domain and workstation, AUTHENTICATE names ``domain\\user``."""
    names = ntlm.read_names(message)
    if names is None:
        raise Malformed
    domain = _name(names.domain.encode(errors="replace"))
    realm = domain or _name(names.workstation.encode(errors="replace"))
    user = _name(names.user.encode(errors="replace"))
    if user and domain and "@" not in user:
        user = escaped(f"{domain}\\{user}")
    return Identity(user, None, realm) if user or realm else None


def negotiate(message: bytes, position: int) -> Identity | None:
    """GSS-API tokens are opaque, except that NTLM within SPNEGO is a password after all (RFC 4178, [MS-SPNG])."""
    at = message.find(ntlm.SIGNATURE)
    if at < 0:
        return None
    names = ntlm_names(message[at:], position)
    return (names or Identity())._replace(method="challenge")
