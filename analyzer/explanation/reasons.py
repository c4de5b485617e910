"""Why a session is unknown, in words, and what would help."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from analyzer.decryption.amend import INCOMPLETE
from analyzer.tls import ABSTENTIONS
from analyzer.tls.inference import REASONS

_LOSSES: Final = (
    "Capture without losses: nearer to the device, with a filter that leaves less to write, with a larger buffer "
    "(tcpdump -B)."
)
_BEGINNING: Final = "Let the capture begin before the device connects; most connect anew for every message."
_WHOLE: Final = "Capture both directions, without losses, and from before the device connects."
_END: Final = "Capture until the connection has ended."
_KEYS: Final = "Look inside with the keys of one end (--keylog), or read the server's log of this time."
_OTHERS: Final = "Look at further sessions of the device: what one leaves open, several together may decide."
_SERVER: Final = "Read the server's log of this time."

_UNKNOWN: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "gap": ("bytes are missing in which a login may have been", (_LOSSES,)),
    "mid-stream": ("the connection began before the capture did, and a login may have come before", (_BEGINNING,)),
    "cut-off": ("the capture ends before the dialogue does, and a login may have followed", (_END,)),
    "mechanism-not-seen": ("a login took place, but the command that names its mechanism was not seen", (_WHOLE,)),
    "mechanism-unknown": ("the login's mechanism is none that is known here", (_SERVER,)),
    INCOMPLETE: ("a part of what the client said inside TLS could not be decrypted", (_LOSSES, _SERVER)),
}
"""For reasons of a session: what they mean, and what would help."""

_HELP: Final[Mapping[str, tuple[str, ...]]] = {
    "ambiguous": (_OTHERS, _KEYS),
    "nothing-said": (_END, _KEYS),
}
"""What would help where the turns inside TLS do not say; :data:`_KEYS` in all other cases."""

_NO_SMTP: Final = "what was said is not SMTP"


def explain_unknown(reason: str, *, in_tls: bool) -> tuple[str, tuple[str, ...]]:
    """What ``reason``, for which a session's method is unknown, means; and what would help, in sentences.

    Args:
        in_tls: there was a TLS connection.
    """
    if reason == "not-smtp" and not in_tls:
        return _NO_SMTP, ()
    if reason in _UNKNOWN:
        return _UNKNOWN[reason]
    return ABSTENTIONS.get(reason, reason), _HELP.get(reason, (_KEYS,))


def explain(reason: str) -> str:
    """What an inferred verdict rests on, in words."""
    return REASONS.get(reason, reason)
