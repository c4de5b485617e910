"""SASL mechanisms: which family each belongs to, and who can read the names in it.

Families are those of the session record. A mechanism not listed is ``unknown`` and keeps its name. Names from the
IANA registry "SASL Mechanisms" and from servers in use.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from analyzer.smtp import sasl
from analyzer.smtp.records import Method

Decoder = Callable[[bytes, int], sasl.Identity | None]


class Mechanism(NamedTuple):
    """``name`` upper case, or ``None`` when the client named something that cannot be a mechanism."""

    name: str | None
    method: Method
    decode: Decoder | None = None


UNNAMED = Mechanism(None, "unknown")

_TABLE: tuple[Mechanism, ...] = (
    Mechanism("PLAIN", "basic", sasl.plain),
    Mechanism("LOGIN", "basic", sasl.login),
    Mechanism("CRAM-MD5", "challenge", sasl.cram),
    Mechanism("CRAM-SHA1", "challenge", sasl.cram),
    Mechanism("CRAM-SHA256", "challenge", sasl.cram),
    Mechanism("DIGEST-MD5", "challenge", sasl.digest),
    Mechanism("DIGEST-MD5-SESS", "challenge", sasl.digest),
    Mechanism("NTLM", "challenge", sasl.ntlm_names),
    Mechanism("MSN", "challenge", sasl.ntlm_names),
    Mechanism("SRP", "challenge"),
    Mechanism("XOAUTH", "oauth"),
    Mechanism("XOAUTH2", "oauth", sasl.xoauth2),
    Mechanism("OAUTHBEARER", "oauth", sasl.oauthbearer),
    Mechanism("OAUTH10A", "oauth", sasl.oauthbearer),
    Mechanism("EXTERNAL", "certificate", sasl.external),
    Mechanism("GSSAPI", "kerberos", sasl.negotiate),
    Mechanism("GSS-SPNEGO", "unknown", sasl.negotiate),  # Kerberos or NTLM: its first token says
    Mechanism("NEGOTIATE", "unknown", sasl.negotiate),
    Mechanism("KERBEROS_V4", "kerberos"),
    Mechanism("KERBEROS_V5", "kerberos"),
    Mechanism("ANONYMOUS", "anonymous"),  # its trace (RFC 4505) is an e-mail address at will, not a user name
)
_PREFIXES: tuple[tuple[str, Method, Decoder], ...] = (
    ("SCRAM-", "challenge", sasl.scram),
    ("GS2-", "kerberos", sasl.gs2),
)
_BY_NAME: dict[bytes, Mechanism] = {row.name.encode(): row for row in _TABLE if row.name}
_NAME = re.compile(rb"[A-Z0-9_-]{1,20}")  # RFC 4422 section 3.1


def mechanism(name: bytes) -> Mechanism:
    """The mechanism a client names, in any case; :data:`UNNAMED` when ``name`` cannot be one."""
    upper = name.upper()
    if row := _BY_NAME.get(upper):
        return row
    if not _NAME.fullmatch(upper):
        return UNNAMED
    text = upper.decode()
    for prefix, method, decode in _PREFIXES:
        if text.startswith(prefix):
            return Mechanism(text, method, decode)
    # A client that forgot the mechanism sends its secret in this place. Base64 is of mixed case, and a word in lower
    # case is no name by RFC 4422 section 3.1; one that is not known is not shown.
    return Mechanism(text, "unknown") if name == upper else UNNAMED


def is_listed(name: str) -> bool:
    """``name``, upper case, is a mechanism of the table, and so can be no secret."""
    return name.encode() in _BY_NAME or name.startswith(tuple(prefix for prefix, _, _ in _PREFIXES))


def is_mechanism_name(name: bytes) -> bool:
    """``name``, upper case, is of the form RFC 4422 section 3.1 allows."""
    return _NAME.fullmatch(name) is not None
