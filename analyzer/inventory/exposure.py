"""Did a secret cross the network in the clear?

Choosing a password mechanism is not yet sending a password: a server may refuse the AUTH command itself (RFC 4954
section 4: 503, 504, 530, 534, 538), and a client may cancel before its secret's turn. Crying wolf over those would
cost an administrator a password change for nothing, so the rules below ask for the turn that carries the secret.
"""

from __future__ import annotations

from analyzer.inventory.session import Session
from analyzer.smtp.records import AuthAttempt

PASSWORD_METHODS = frozenset({"basic", "challenge"})
"""The device knows a password. A challenge response (CRAM-MD5, NTLM, …) proves one without showing it."""

REUSABLE_METHODS = frozenset({"basic", "oauth"})
"""What crosses is the secret itself (or a bearer token, RFC 6750 section 5.3): whoever reads it can log in with it."""

REFUSED_UNHEARD = frozenset({500, 502, 503, 504, 530, 538})
"""Replies to the AUTH command itself: unknown command, bad sequence, unknown mechanism, encryption required."""

AMBIGUOUS = frozenset({501, 534})
"""May answer the AUTH command (malformed, mechanism too weak) or the secret (bad base64, application password
needed)."""


def proof_was_sent(attempt: AuthAttempt) -> bool:
    """Whether the client got as far as the turn that carries its proof: password, token, or response to a challenge.

    PLAIN, XOAUTH2 and OAUTHBEARER show the user name in the very message that carries the secret, so a known name
    proves it; LOGIN and SCRAM show the name one turn earlier (initial response included), so there the reply decides.
    """
    if attempt.outcome == "success":
        return True
    proof_comes_first = attempt.method in REUSABLE_METHODS and attempt.mechanism != "LOGIN"
    if proof_comes_first and (attempt.initial_response or attempt.username is not None):
        return True
    if attempt.outcome == "cancelled" or attempt.code in REFUSED_UNHEARD:
        return False
    if attempt.outcome == "unknown" or attempt.code in AMBIGUOUS:
        # One-sided captures show the name and what follows it, but no reply.
        return attempt.username is not None
    return True  # 535, 454, … judge credentials, even where the name could not be read


def was_in_clear(session: Session, attempt: AuthAttempt) -> bool:
    """Whether anyone on the path could read ``attempt``.

    Attempts that were readable only through keys (``decrypted``), or because a decrypting middlebox mirrors what was
    inside TLS, were protected on the wire.
    """
    return attempt.evidence == "observed" and not attempt.after_starttls


# Loops and no generators in what follows: it is asked of every session that logs in, several times.


def crossed_in_clear(session: Session, method: str) -> bool:
    """Whether a proof of ``method`` was sent where anyone on the path could read it."""
    for attempt in session.auth:
        if attempt.method == method and was_in_clear(session, attempt) and proof_was_sent(attempt):
            return True
    return False


def exposes_secret(session: Session) -> bool:
    """Whether ``session`` showed a reusable secret to the network; this is what ``exposed`` means."""
    for attempt in session.auth:
        if attempt.method in REUSABLE_METHODS and was_in_clear(session, attempt) and proof_was_sent(attempt):
            return True
    return False
