"""Who may log in with what. Every secret holds :data:`CANARY`, so that a test can look for it in any output.

The secrets open nothing: they were made up for the lab, and its servers end with it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

CANARY = "c4n4ry"
"""Part of every password and token of the lab, and of no user name."""

_TOKEN_LENGTHS = {"short": 180, "long": 1400}


@dataclass(frozen=True, slots=True)
class Account:
    """One mailbox. ``blocked`` at the provider: SMTP AUTH by password is disabled for it (535 5.7.139)."""

    user: str
    blocked: bool = False

    @property
    def password(self) -> str:
        """What PLAIN, LOGIN and the challenge mechanisms use."""
        return f"Pa55-{CANARY}-{self.user.split('@')[0]}!"

    @property
    def token(self) -> str:
        """A bearer token as long as those of large providers."""
        return _token(self.user, "long")

    @property
    def short_token(self) -> str:
        """One that fits into a line of 512 bytes."""
        return _token(self.user, "short")


ACCOUNTS = {
    account.user: account
    for account in (
        Account("scan@office.example"),
        Account("copier@office.example"),
        Account("legal-scan@office.example"),
        Account("archive"),
        Account("warehouse@office.example", blocked=True),
        Account("erp"),
        Account("tickets@office.example"),
        Account("monitoring@office.example"),
        Account("ups@office.example"),
        Account("nas@office.example"),
        Account("branch@office.example"),
        Account("newsletter@office.example"),
        Account("wiki@office.example"),
        Account("bench@office.example"),
        Account("bench"),  # Dovecot takes the part behind @ for the realm of DIGEST-MD5
        Account("jürgen@office.example"),
    )
}

WRONG_PASSWORD = f"Wr0ng-{CANARY}-guess"
WRONG_TOKEN = f"ya29.expired-{CANARY}-" + "E" * 160


def write(folder: Path) -> None:
    """Write the accounts in the forms the servers read: JSON, Dovecot passwd-file, Exim lsearch files."""
    table = [
        {"user": a.user, "password": a.password, "tokens": [a.token, a.short_token], "blocked": a.blocked}
        for a in ACCOUNTS.values()
    ]
    (folder / "accounts.json").write_text(json.dumps(table, indent=1))
    (folder / "passwd").write_text("".join(f"{a.user}:{{PLAIN}}{a.password}\n" for a in ACCOUNTS.values()))
    (folder / "exim.passwords").write_text("".join(f'"{a.user}": {a.password}\n' for a in ACCOUNTS.values()))
    (folder / "exim.tokens").write_text(
        "".join(f"{token}: {a.user}\n" for a in ACCOUNTS.values() for token in (a.token, a.short_token))
    )


def _token(user: str, size: str) -> str:
    """An opaque token in the manner of OAuth providers; deterministic, as long as such tokens are."""
    head = f"ya29.{CANARY}-{user.split('@')[0].encode().hex()}-{size}-"
    filler = "".join(chr(ord("A") + (i * 7 + len(user)) % 26) for i in range(_TOKEN_LENGTHS[size]))
    return (head + filler)[: _TOKEN_LENGTHS[size]]
