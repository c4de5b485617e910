"""SASL mechanisms: which family each belongs to, and who can read the names in it.

Families are those of the session record. A mechanism not listed is ``unknown`` and keeps its name. Names from the
IANA registry "SASL Mechanisms" and from servers in use.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
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


def mechanism(name: bytes, offered: Collection[str] = ()) -> Mechanism:
    """The mechanism a client names, in any case.

    A client that forgot the mechanism sends its secret in this place. So a name counts only if it is in the table, or
    among those that the server ``offered``; any other word is :data:`UNNAMED`.
    """
    upper = name.upper()
    if row := _BY_NAME.get(upper):
        return row
    if not _NAME.fullmatch(upper):
        return UNNAMED
    text = upper.decode()
    for prefix, method, decode in _PREFIXES:
        if text.startswith(prefix):
            return Mechanism(text, method, decode)
    return Mechanism(text, "unknown") if text in offered else UNNAMED


def is_mechanism_name(name: bytes) -> bool:
    """``name``, upper case, is of the form RFC 4422 section 3.1 allows."""
    return _NAME.fullmatch(name) is not None
