"""What a reply means to the administrator of the device that got it.

One table, first match wins; adding a meaning is adding a row. Sources: RFC 4954 sections 4 and 6, RFC 3207 section 4,
and the published error messages of Exchange Online and Gmail.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class _Row(NamedTuple):
    code: int | None  # None: any
    enhanced: str | None  # None: any or none
    words: str | None  # in the text, lower case; None: any
    meaning: str


_WRONG = "wrong user name or password, disabled account or expired token"
_BY_POLICY = "blocked by a policy of the tenant (security defaults or conditional access)"
_BROWSER = "the provider blocked the login until the owner signs in with a browser"
_TABLE = (
    _Row(535, "5.7.139", "disabled for the tenant", "SMTP AUTH is disabled for the whole tenant"),
    _Row(535, "5.7.139", "disabled for the mailbox", "SMTP AUTH is disabled for this mailbox"),
    _Row(535, "5.7.139", "basic authentication is disabled", "basic authentication is disabled"),
    _Row(535, "5.7.139", "credentials were incorrect", "wrong user name or password"),
    _Row(535, "5.7.139", "expired", "the password has expired"),
    _Row(535, "5.7.139", "security defaults", _BY_POLICY),  # says "locked" too: before that row
    _Row(535, "5.7.139", "locked", "the account is locked"),
    _Row(535, "5.7.139", "criteria", _BY_POLICY),
    _Row(535, "5.7.139", None, "basic authentication is disabled for the tenant or mailbox, or blocked by policy"),
    _Row(550, "5.7.30", None, "basic authentication is not supported for client submission"),
    _Row(None, "5.7.57", None, "the client did not authenticate before sending"),
    _Row(None, "5.7.60", None, "the account may not send as this sender"),
    _Row(None, "5.7.708", None, "mail from this address is not accepted (reputation, or a new tenant)"),
    _Row(535, "5.7.3", None, "authentication failed, or a security layer (TLS) is required first"),
    _Row(535, "5.7.8", None, _WRONG),
    _Row(534, "5.7.9", "application-specific", "an app password is required"),
    _Row(534, "5.7.9", "web browser", _BROWSER),
    _Row(534, "5.7.9", None, "the mechanism is too weak, or an app password is required"),
    _Row(534, "5.7.14", None, _BROWSER),
    _Row(534, None, None, "the mechanism is too weak for this account"),
    _Row(538, None, None, "this mechanism requires encryption (TLS) first"),
    _Row(530, None, "starttls", "the server requires STARTTLS first"),
    _Row(530, None, None, "authentication is required"),
    _Row(535, None, None, _WRONG),
    _Row(432, None, None, "the password must be renewed before this mechanism works"),
    _Row(454, None, "tls", "TLS is temporarily not available"),
    _Row(454, None, None, "temporary failure of the server's authentication"),
    _Row(451, None, None, "temporary failure of the server"),
    _Row(421, None, None, "the service is not available and the server closes the connection"),
    _Row(500, "5.5.6", None, "the authentication line was too long for the server"),
    _Row(500, None, None, "the server does not know AUTH"),
    _Row(501, "5.5.2", None, "the server could not decode the base64 of the exchange"),
    _Row(501, None, None, "the exchange was cancelled or malformed"),
    _Row(502, None, None, "the server does not offer AUTH"),
    _Row(503, None, None, "AUTH is not allowed here: already authenticated, within a transaction, or not offered"),
    _Row(504, None, None, "the server does not support this mechanism"),
)

_ASKS_FOR_AUTH = re.compile(
    r"authentication (?:is )?(?:required|needed)|auth (?:is )?(?:required|needed|first)|must (?:first )?authenticate"
    r"|must be authenticated|authenticate first|not authenticated to send"
)


def meaning(code: int, enhanced: str | None, text: str) -> str | None:
    """Meaning of a final reply to AUTH, or ``None`` when there is nothing to say (successes)."""
    lowered = text.lower()
    for row in _TABLE:
        if (
            (row.code is None or row.code == code)
            and (row.enhanced is None or row.enhanced == enhanced)
            and (row.words is None or row.words in lowered)
        ):
            return row.meaning
    return None


def asks_for_auth(code: int, enhanced: str | None, text: str) -> bool:
    """A command other than AUTH was refused because the client had not authenticated (RFC 4954 section 6).

    530 also means "STARTTLS first" (RFC 3207 section 4), and only the text tells the two apart.
    """
    lowered = text.lower()
    if code == 530:
        return "starttls" not in lowered
    return code == 535 or enhanced == "5.7.57" or _ASKS_FOR_AUTH.search(lowered) is not None
