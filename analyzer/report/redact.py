"""User names replaced by a stable keyed hash, for reports that leave the house."""

from __future__ import annotations

import os
from collections.abc import Mapping
from hashlib import blake2b

KEY_VARIABLE = "SMTPAUTH_REDACT_KEY"
"""Names the environment variable that holds the key. With it, a user has the same alias in every report."""

ALIAS_DIGITS = 12
"""48 bits: among 10,000 users two share an alias with a probability of 1 in 5 million."""


class Redactor:
    """Gives every user name an alias. Without the key nobody can test a guessed name against it."""

    def __init__(self, key: bytes) -> None:
        # A key of any length becomes one of BLAKE2b's (RFC 7693 section 2.9 allows at most 64 bytes).
        self._key = blake2b(key).digest()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Redactor:
        """Keyed by ``SMTPAUTH_REDACT_KEY``; without it by a random key that lasts for this run."""
        key = environment.get(KEY_VARIABLE)
        return cls(key.encode("utf-8", "surrogateescape") if key else os.urandom(32))

    def alias(self, user: str) -> str:
        """``user-`` and hexadecimal digits."""
        digest = blake2b(user.encode("utf-8", "surrogatepass"), key=self._key).hexdigest()
        return f"user-{digest[:ALIAS_DIGITS]}"

    def __repr__(self) -> str:
        return "Redactor(…)"
