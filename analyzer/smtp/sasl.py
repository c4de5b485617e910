"""Who is named in a SASL exchange: one function per mechanism.

Each takes one decoded client message and its position in the exchange (0 is the initial response or the first
answer to a challenge), and returns the names in it, or ``None`` when this message shows none. Passwords, tokens,
proofs and digests are looked at to tell a well-formed message from another, and never leave the function. A message
of another form than its mechanism prescribes raises :class:`Malformed`: what looks like a name in it may be a secret.
"""

from __future__ import annotations

import binascii
import re
from typing import Final, NamedTuple

from analyzer.smtp import ntlm
from analyzer.smtp.limits import LINE_HEAD, MAX_NAME
from analyzer.smtp.records import Method
from analyzer.smtp.text import decoded, escaped


class Malformed(Exception):
    """The message is not of its mechanism's form. Carries nothing of the message."""


class Withheld(Malformed):
    """What stands in the place of a name has the form of a secret, or is the password as well."""


class Identity(NamedTuple):
    """Names in a SASL message; ``method`` only where the message shows another family than its mechanism."""

    username: str | None = None
    authzid: str | None = None
    realm: str | None = None
    method: Method | None = None


# A client that sends the message of one mechanism under the name of another, or a token in the place of the name, must
# not have its secret shown as a user name. No name is of these forms.
_SECRET_FORM = re.compile(
    r"""(?ix)
    [\0\1]                                # between the parts of PLAIN (RFC 4616) and of the OAuth mechanisms (RFC 7628)
    | ^(?:auth=)?bearer[ ]                # RFC 6750 section 2.1
    | eyJ[\w-]+\.[\w-]+\.                 # JSON Web Token, RFC 7519: base64 of '{"', header and claims
    | ^ya29\.                             # access token of Google
    | [ ][0-9a-f]{32,128}$                # CRAM, RFC 2195
    | (?:^|,)(?:response|p)=              # DIGEST-MD5, RFC 2831 section 2.1.2; SCRAM, RFC 5802 section 5.1
    """
)
# Nearly every name: an address, or a word too short to be base64 of a message. None of the forms above has this one.
_ORDINARY = re.compile(rb"[A-Za-z0-9._+-]+@[A-Za-z0-9.-]+|[A-Za-z0-9]{1,7}")
# Where nothing but its place says that a message is a name, bytes that are no UTF-8 must at least look like Latin-1
# text: a password sent as it is, without base64, may pass for base64 and decodes to anything.
_LATIN_NAME = re.compile(r"[\w.@+\\/' À-ÖØ-öø-ÿ-]*")
_CONTROL = re.compile("[\0-\x1f\x7f-\x9f]")
# Sizes of a message of which no more than the head was kept, which is a token: a line of it with or without a command.
_CUT: Final = range((LINE_HEAD - 32) // 4 * 3, LINE_HEAD // 4 * 3 + 1)
_LINE_END = "\r\n\0"  # of names that a script encoded together with their line end or terminator
_ADDRESS = re.compile(r"[^@\s]+@(?:[a-z0-9-]+\.)+[a-z]{2,}", re.IGNORECASE)
_SASLNAME_ESCAPE = re.compile(rb"=(2C|3D)", re.IGNORECASE)
_CRAM = re.compile(rb"(.+) [0-9a-f]{32,128}", re.IGNORECASE | re.DOTALL)
_GS2_HEADER = re.compile(rb"(?:F,)?(?:n|y|p=[A-Za-z0-9.-]+),(?:a=([^,]*))?,")
_SCRAM_FIRST = re.compile(rb"(?:m=[^,]*,)?n=([^,]*),r=[^,]+")
_XOAUTH2_USER = re.compile(rb"user=([^\x01]*)", re.IGNORECASE)
_BEARER = re.compile(rb"\x01(?:[^\x01]*\x01)*?auth=(?:bearer +)?([^\x01]*)", re.IGNORECASE)
# Each pair begins where the one before ended, and no two adjoining repeats share a character: linear on any input.
_DIGEST_PAIR = re.compile(rb'[\s,]*([a-z-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]*))', re.IGNORECASE | re.DOTALL)
_DIGEST_ESCAPE = re.compile(rb"\\(.)", re.DOTALL)

_NTLM_IN_SPNEGO: Final = bytes.fromhex("2b06010401823702020a")  # OID 1.3.6.1.4.1.311.2.2.10, [MS-SPNG] section 1.9
# OID 1.2.840.113554.1.2.2 and the identifier of an AP-REQ, RFC 4121 section 4.1
_KERBEROS_TOKEN: Final = bytes.fromhex("2a864886f712010202 0100")


def _name(raw: bytes) -> str | None:
    if not raw:
        return None
    if len(raw) <= MAX_NAME and _ORDINARY.fullmatch(raw):
        return raw.decode()
    text = decoded(raw.rstrip(b"\0"))
    # A name longer than an address can be is no name: tokens are that long.
    if len(text) > MAX_NAME or _SECRET_FORM.search(text) or _is_encoded_message(text):
        raise Withheld
    return escaped(text) or None


def _is_encoded_message(text: str) -> bool:
    """Encoded twice: ``text`` is itself base64 of a message with a secret."""
    try:
        inner = binascii.a2b_base64(text + "=" * (-len(text) % 4), strict_mode=True)
    except ValueError:  # letters outside of ASCII included
        return False
    if inner.startswith(ntlm.SIGNATURE) or b"\1auth=" in inner:
        return True
    parts = inner.split(b"\0")
    return len(parts) == 3 and b"" not in parts[1:] and decoded(inner).replace("\0", "").isprintable()


def _bare_name(message: bytes) -> str | None:
    """A message that is a name as a whole, which nothing but its place says."""
    if len(message) in _CUT:
        raise Withheld
    if not _ORDINARY.fullmatch(message):
        text = decoded(message)
        if _CONTROL.search(text.rstrip(_LINE_END)) or not (_is_utf8(message) or _LATIN_NAME.fullmatch(text)):
            raise Withheld
    return _name(message)


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def is_same(name: str, message: bytes) -> bool:
    """``message`` is ``name`` again, in any case."""
    return escaped(decoded(message.rstrip(b"\0"))).casefold() == name.casefold()


def is_swapped(name: str, secret: bytes) -> bool:
    """What stands in the place of the password is an address and ``name`` is none: the client swapped the two."""
    return _ADDRESS.fullmatch(decoded(secret)) is not None and _ADDRESS.fullmatch(name) is None


def _identity(username: str | None, authzid: str | None = None, realm: str | None = None) -> Identity:
    return Identity(username, authzid if authzid != username else None, realm)


def _unless_secret(name: str | None, secret: bytes) -> str | None:
    """``name``, if it is not also what stands in the place of the password or token, and not swapped with it."""
    if name is not None and (is_same(name, secret) or (b"@" in secret and is_swapped(name, secret))):
        raise Withheld
    return name


def plain(message: bytes, position: int) -> Identity | None:
    """RFC 4616: ``[authzid] NUL authcid NUL passwd``."""
    parts = message.split(b"\0")
    # An empty last part is the work of a client that left out the leading NUL: the password stands second.
    if len(parts) != 3 or not parts[1] or not parts[2]:
        raise Malformed
    authzid, username, secret = _name(parts[0]), _name(parts[1]), parts[2]
    if authzid is not None and is_same(authzid, secret):
        raise Withheld
    return _identity(_unless_secret(username, secret), authzid)


def login(message: bytes, position: int) -> Identity | None:
    """The first message is the user name; only its position says so, for the prompts differ from server to server."""
    return Identity(_bare_name(message)) if position == 0 else None


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
    bearer = _BEARER.match(message, match.end()) if match else None
    if match is None or bearer is None:
        raise Malformed
    return Identity(_unless_secret(_name(match[1]), bearer[1]))


def oauthbearer(message: bytes, position: int) -> Identity | None:
    """RFC 7628 section 3.1: ``gs2-header ^A key=value ^A … ^A``."""
    if message == b"\1":
        return None
    header = _GS2_HEADER.match(message)
    bearer = _BEARER.match(message, header.end()) if header else None
    if header is None or bearer is None:
        raise Malformed
    return Identity(_unless_secret(_saslname(header[1] or b""), bearer[1]))


def external(message: bytes, position: int) -> Identity | None:
    """RFC 4422 appendix A: the message is the authorization identity, and empty more often than not."""
    return Identity(_bare_name(message)) if position == 0 else None


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
    if at >= 0:
        try:
            names = ntlm_names(message[at:], position)
        except Malformed:
            names = None  # whose it is cannot be read, but what it is stands fast
        return (names or Identity())._replace(method="challenge")
    if position or not message:
        return None
    # A first token that offers NTLM and is no ticket yet leaves open which of the two it will be.
    offers_both = _NTLM_IN_SPNEGO in message and _KERBEROS_TOKEN not in message
    return Identity(method="unknown" if offers_both else "kerberos")
