"""One sentence on what to do about a device, from its status, its findings and what its password is worth.

The plan behind it (:mod:`analyzer.advice`) rests on the same standing of its servers, and says the same at length.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal

from analyzer.inventory.device import Server
from analyzer.inventory.providers import providers
from analyzer.inventory.standing import Standing, deciding, standing_of
from analyzer.inventory.status import Status

_BY_STATUS: dict[Status, str] = {
    "exposed": "Change this account's password (or revoke its token) now, and turn on STARTTLS (587) or TLS (465)",
    "password": "Move this device to OAuth where its firmware can, else to a relay trusted by address or certificate",
    "mixed": "Find what on this device still uses the password, move it to OAuth, then remove the password",
    "unknown": (
        "How this device logs in could not be seen: where that lies inside TLS, look at its mail settings or the "
        "server's log; where packets are missing, capture whole sessions in both directions"
    ),
    "no-auth": "Confirm that this device is meant to send without authentication (relay by address or direct delivery)",
    "certificate": "Nothing to do for passwords; watch the certificate's expiry",
    "kerberos": "Nothing to do: the device authenticates by Kerberos",
    "anonymous": "Confirm that anonymous sending is meant; the server cannot tell who it is",
    "oauth": "Nothing to do: the device uses OAuth",
}
_WHY_UNKNOWN: dict[str, str] = {
    "inside-tls": (
        "The login lies inside TLS, and its turns fit more than one kind: capture more of its sessions, give the keys "
        "(--keylog), or look at this device's mail settings"
    ),
    "lost": "Packets of the login are missing: capture whole sessions at a point that sees both directions",
}
"""What to do about ``unknown`` where all of the device's unreadable sessions have the same reason."""

_PASSWORD_AT: dict[Standing, str] = {
    "unclear": (
        "Ask whoever runs the server that takes this password how long it will do so, and move the device to OAuth or "
        "to a relay before it ends"
    ),
    "own": (
        "This password goes to a relay or server of your own, so nobody ends it for you: see how that one sends on, "
        "and whether it uses a password for it"
    ),
    "kept": "Nothing to do until the provider announces an end of passwords; give this device an account of its own",
}
"""What to do about ``password`` by the standing of the server that matters, where it is not to move away."""

_REFUSED = "Its logins are refused: check the account, its password or token, and what the reply means"
"""In the place of "nothing to do"."""

_DISABLED = (
    "Mail from this device is refused because passwords are switched off: "
    "re-enable SMTP AUTH for the mailbox, or move the device to OAuth or a relay"
)
_REQUIRED = (
    "The server refuses this device's mail until it authenticates: "
    "give it credentials, or let the server relay for its address"
)
_STARTTLS = "The server refuses this device's mail until it begins TLS: turn on STARTTLS (587) or TLS (465)"
_NO_TLS = (
    "No mail of this device gets through, because every TLS handshake fails: compare TLS versions, and see that it "
    "trusts the server's certificate"
)
_NOTHING_ACCEPTED = (
    "Nothing that this device sent was accepted: find out whether it is meant to send at all; monitors and scanners "
    "look like this"
)
_STOPPED: dict[str, str] = {
    "auth-required": _REQUIRED,
    "starttls-required": _STARTTLS,
    "tls-never-established": _NO_TLS,
}
"""What stops a device's mail, by finding; the first that holds."""

_READABLE = (
    "its login was readable here after STARTTLS: if no decrypting device feeds this capture, change the password"
)


def advice(
    status: Status,
    findings: Collection[str],
    servers: Sequence[Server] = (),
    why_unknown: Literal["inside-tls", "lost"] | None = None,
) -> str:
    """The sentence for a device.

    Args:
        findings: ids of the device's findings.
        servers: those that get its password (:func:`analyzer.inventory.standing.password_servers`).
        why_unknown: the one reason for which its sessions could not be read; ``None`` where there are several.
    """
    server = deciding(servers, providers()) if servers else None
    standing = standing_of(server, providers()) if server is not None else None
    if "basic-disabled" in findings:
        sentence = _DISABLED
    elif status in ("no-auth", "unknown") and (stopped := next(filter(findings.__contains__, _STOPPED), None)):
        sentence = _STOPPED[stopped]
    elif status == "no-auth" and "no-message-accepted" in findings:
        sentence = _NOTHING_ACCEPTED
    elif status == "unknown" and why_unknown is not None:
        sentence = _WHY_UNKNOWN[why_unknown]
    elif status == "password" and standing in _PASSWORD_AT:
        sentence = _PASSWORD_AT[standing]
    else:
        sentence = _BY_STATUS[status]
    if "auth-failing" in findings and sentence.startswith("Nothing to do"):
        sentence = _REFUSED
    if server is not None and standing in ("ended", "retiring"):
        sentence += f"; {_announced(server)}"
    if "readable-after-starttls" in findings:
        sentence += f"; {_READABLE}"
    return sentence + "."


def _announced(server: Server) -> str:
    """What the provider that ends passwords says about it."""
    known = providers()[server.provider or ""]
    return f"{known.name}: {known.note or 'it ends password logins'}"
