"""When a session earns a finding: one predicate for each id, each true only on what was seen.

A fact that was not seen (``None``) never satisfies a rule. What each id means, and where it is ambiguous, stands in
:mod:`analyzer.inventory.findings`.
"""

from __future__ import annotations

from collections.abc import Callable

from analyzer.inventory.exposure import (
    PASSWORD_METHODS,
    REUSABLE_METHODS,
    crossed_in_clear,
    proof_was_sent,
    was_in_clear,
)
from analyzer.inventory.session import Session

STANDARD_PORTS = frozenset({25, 465, 587, 2465, 2525, 2587})
"""SMTP (RFC 5321), submission (RFC 6409), submissions (RFC 8314), and the alternatives providers publish."""

TLS_PORTS = frozenset({465, 2465})
"""Implicit TLS only (RFC 8314 section 3.3)."""

RELAY_PORT = 25

OLD_TLS = frozenset({"SSLv2", "SSLv3", "1.0", "1.1"})
"""Deprecated by RFC 6176, RFC 7568 and RFC 8996."""

BASIC_DISABLED = frozenset({"5.7.139", "5.7.30"})
"""Enhanced codes with which Microsoft refuses basic authentication itself, whatever the password."""

ABOUT_THE_ACCOUNT = frozenset({"wrong user name or password", "the password has expired", "the account is locked"})
"""Meanings (:mod:`analyzer.smtp.meanings`) of 5.7.139 that a password of the right kind would get as well."""

SHOWS_SECRET = PASSWORD_METHODS | REUSABLE_METHODS
"""Methods of which somebody who reads along learns a secret, or what it can be guessed from."""

OAUTH_MECHANISMS = frozenset({"XOAUTH2", "OAUTHBEARER"})


def _ends_passwords(provider_id: str) -> bool:
    from analyzer.inventory.providers import ending_passwords  # loads the provider table: only when it is needed

    return provider_id in ending_passwords()


def _submits_to_port_25(provider_id: str) -> bool:
    from analyzer.inventory.providers import provider

    known = provider(provider_id)
    return known is not None and RELAY_PORT in known.ports


def uses_password(session: Session) -> bool:
    """A password mechanism was used at all; a refused password is still a password."""
    return session.method in PASSWORD_METHODS or any(attempt.method in PASSWORD_METHODS for attempt in session.auth)


def uses_basic(session: Session) -> bool:
    """PLAIN or LOGIN was used, with or without success."""
    return session.method == "basic" or any(attempt.method == "basic" for attempt in session.auth)


def _cleartext_auth(session: Session) -> bool:
    return crossed_in_clear(session, "basic")


def _cleartext_token(session: Session) -> bool:
    return crossed_in_clear(session, "oauth")


def _cleartext_challenge(session: Session) -> bool:
    return crossed_in_clear(session, "challenge")


def _starttls_stripped(session: Session) -> bool:
    tls = session.starttls
    return tls.mangled or (tls.offered is True and tls.requested is True and tls.accepted is False)


def _starttls_injection(session: Session) -> bool:
    return session.starttls.injected


def _auth_before_starttls(session: Session) -> bool:
    tls = session.starttls
    # Where TLS came about after STARTTLS, what could be read came before it.
    if tls.offered is not True or (tls.requested is True and session.tls_mode != "starttls"):
        return False
    return any(was_in_clear(session, attempt) and proof_was_sent(attempt) for attempt in session.auth)


def _starttls_required(session: Session) -> bool:
    if session.starttls.still_plain:
        return False
    if session.starttls.required:
        return True
    for attempt in session.auth:
        if attempt.code == 538 or (attempt.code == 530 and "STARTTLS" in (attempt.meaning or "")):
            return True
    return False


def _readable_after_starttls(session: Session) -> bool:
    if not session.starttls.still_plain:
        return False
    return any(
        a.after_starttls and a.evidence == "observed" and a.method in SHOWS_SECRET and proof_was_sent(a)
        for a in session.auth
    )


def _basic_disabled(session: Session) -> bool:
    for attempt in session.auth:
        if (
            attempt.method == "basic"
            and attempt.outcome == "failure"
            and attempt.enhanced in BASIC_DISABLED
            and attempt.meaning not in ABOUT_THE_ACCOUNT
        ):
            return True
    return False


def _basic_to_retiring_provider(session: Session) -> bool:
    return session.provider is not None and uses_basic(session) and _ends_passwords(session.provider)


def _auth_failing(session: Session) -> bool:
    failed = False
    for attempt in session.auth:
        if attempt.outcome == "success":
            return False
        failed = failed or attempt.outcome == "failure"
    return failed


def _auth_required(session: Session) -> bool:
    # An AUTH may lie where nothing was seen: only a session that shows there was none proves that it was never tried.
    return session.auth_required and session.method == "none"


def _tls_failed(session: Session) -> bool:
    return session.tls_established is False


def _old_tls(session: Session) -> bool:
    return session.tls_version in OLD_TLS and session.tls_established is not False


def _starttls_not_offered(session: Session) -> bool:
    tls = session.starttls
    return (
        tls.offered is False
        and session.mechanisms_before_tls is not None  # a reply to EHLO was seen, so the absence is a fact
        and tls.requested is not True
        and not tls.mangled
    )


def _password_offered_in_clear(session: Session) -> bool:
    offered = session.mechanisms_before_tls
    return offered is not None and session.tls_mode != "implicit" and ("PLAIN" in offered or "LOGIN" in offered)


def _oauth_fell_back(session: Session) -> bool:
    token_refused = False
    for attempt in session.auth:
        if attempt.method == "oauth":
            token_refused = attempt.outcome in ("failure", "cancelled")
        elif token_refused and attempt.method in PASSWORD_METHODS:
            return True
    return False


def _oauth_available(session: Session) -> bool:
    for offered in (session.mechanisms_before_tls, session.mechanisms_after_tls):
        if offered and not OAUTH_MECHANISMS.isdisjoint(offered):
            return uses_password(session)
    return False


def _second_auth(session: Session) -> bool:
    succeeded = False
    for attempt in session.auth:
        if succeeded:
            return True
        succeeded = attempt.outcome == "success"
    return False


def _wrong_port(session: Session) -> bool:
    port = session.server_port
    if port in TLS_PORTS:
        return session.tls_mode != "implicit" and session.is_smtp and (session.greeting or session.ehlo) is not None
    if port not in STANDARD_PORTS:
        return False
    if session.tls_mode == "implicit" and (session.tls_established is False or session.greeting is not None):
        return True
    if port != RELAY_PORT or not (session.auth or uses_password(session) or session.method == "oauth"):
        return False
    return session.provider is None or not _submits_to_port_25(session.provider)


def _nonstandard_port(session: Session) -> bool:
    return session.server_port not in STANDARD_PORTS


SESSION_RULES: dict[str, Callable[[Session], bool]] = {
    "cleartext-auth": _cleartext_auth,
    "cleartext-token": _cleartext_token,
    "starttls-injection": _starttls_injection,
    "starttls-stripped": _starttls_stripped,
    "auth-before-starttls": _auth_before_starttls,
    "basic-disabled": _basic_disabled,
    "basic-to-retiring-provider": _basic_to_retiring_provider,
    "auth-failing": _auth_failing,
    "auth-required": _auth_required,
    "starttls-required": _starttls_required,
    "tls-failed": _tls_failed,
    "cleartext-challenge": _cleartext_challenge,
    "starttls-not-offered": _starttls_not_offered,
    "oauth-fell-back": _oauth_fell_back,
    "old-tls": _old_tls,
    "readable-after-starttls": _readable_after_starttls,
    "password-offered-in-clear": _password_offered_in_clear,
    "wrong-port": _wrong_port,
    "second-auth": _second_auth,
    "oauth-available": _oauth_available,
    "nonstandard-port": _nonstandard_port,
}
"""Predicate by finding id; the order of the report is that of the table, not of this one."""

OF_ATTEMPTS = frozenset(
    (
        "auth-before-starttls",
        "auth-failing",
        "basic-disabled",
        "cleartext-auth",
        "cleartext-challenge",
        "cleartext-token",
        "oauth-fell-back",
        "readable-after-starttls",
        "second-auth",
    )
)
"""Those that no session without an AUTH attempt can earn."""

OF_TLS = frozenset(("old-tls", "tls-failed"))
"""Those that no session without TLS can earn."""

OF_NO_TLS = frozenset(("starttls-not-offered", "starttls-required"))
"""Those that no session with TLS can earn."""
