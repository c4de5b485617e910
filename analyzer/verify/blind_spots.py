"""What tshark cannot see, and why: silence on its side is explained here, a wrong answer never is.

Found by feeding tshark 4.0 with exchanges of every form (``tests/verify`` keeps them); it decodes LOGIN and PLAIN in
their common forms, NTLM with an initial response, and no user name of any other mechanism.
"""

from __future__ import annotations

from typing import Final

from analyzer.inventory.session import Session
from analyzer.verify.records import PeerAuth, PeerSession

_DECODED: Final = {
    "PLAIN": "tshark shows no user name here; it loses the thread after a cancelled or malformed exchange",
    "LOGIN": "tshark shows no user name here; it follows LOGIN in its two common forms only",
    "NTLM": "tshark decodes NTLM only where AUTH carries the first message",
}

NO_HELLO: Final = "tshark decoded no such TLS hello"
NOT_PAIRED: Final = "other commands were waiting for replies, and tshark does not pair them"
NO_REPLY: Final = "tshark shows no reply that ends the exchange"
NO_COMMANDS: Final = "tshark decoded no command of the client"
UNLISTED: Final = "not a mechanism we know, and tshark's word for it may be a secret"
ABSTAIN: Final = "bytes are missing, so we do not say; tshark reads on"
TOO_MANY: Final = "more AUTH commands than are kept"
REPLY_ONLY: Final = "only the reply to AUTH was captured, and tshark pairs no replies"
DECRYPTED: Final = "tshark decrypted it with keys found in the capture; we read what crossed the network"


def user(mechanism: str | None) -> str:
    """Why tshark has no user name for an exchange of ``mechanism``."""
    if mechanism is None:
        return UNLISTED
    return _DECODED.get(mechanism) or f"tshark does not decode the user name of {mechanism}"


def code(attempt: PeerAuth) -> str:
    """Why there is no reply code to compare."""
    return NO_REPLY if attempt.alone else NOT_PAIRED


def session(ours: Session, read_by_tshark: bool) -> str:
    """Why tshark shows nothing of a session."""
    if not read_by_tshark:
        return "tshark did not read this part of the input"
    if ours.tls_mode != "none" and ours.tls_version is None and ours.tls_sni is None:
        return "the capture holds no TLS hello, and without one tshark does not know TLS"
    if ours.gaps or not ours.complete:
        return "the conversation is not whole, and tshark decoded nothing of what is there"
    return "tshark decoded neither SMTP nor TLS in it (an encapsulation or form it does not read)"


def commands(theirs: PeerSession) -> str | None:
    """Why tshark's silence about a client's command says nothing, or ``None`` where it does say something."""
    return None if theirs.verbs else NO_COMMANDS
