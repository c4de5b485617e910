"""The words in which the inference explains itself: one table, of which help and documentation are made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

ABSTENTIONS: Final[Mapping[str, str]] = {
    "ambiguous": "several kinds of login, or none, fit the turns too well to choose one",
    "not-smtp": "no SMTP dialogue fits the turns",
    "padding": "the sender pads its records, so that their lengths say nothing",
    "early-data": "the client sent data before the handshake was over (0-RTT)",
    "renegotiation": "a second handshake took place inside",
    "cipher-suite-unknown": "nobody knows how long the records of this cipher suite are",
    "compression": "TLS compressed what was said",
    "server-spoke-first": "the server spoke first where only the client can (after STARTTLS)",
    "nothing-said": "the capture shows no record of the client inside TLS",
}
"""Why nothing is said of a connection whose bytes are all there."""

REASONS: Final[Mapping[str, str]] = {
    "auth-offered": "the server offers AUTH: named in the clear, or its EHLO reply grew by a line inside TLS",
    "auth-not-offered": "the EHLO reply inside TLS is as long as the one in the clear without AUTH",
    "server-known": "the greeting names a server program whose replies have known lengths",
    "server-recognised": "the replies have the lengths of a known server program, although no greeting names it",
    "auth-keyword": "a line exactly as long as AUTH and the mechanism's name",
    "initial-response": "a line as long as AUTH, the mechanism's name and base64 after it",
    "response": "a line as long as base64, between a challenge and a reply",
    "mail-after-login": "a message followed the login",
    "mail-after-refusal": "a message followed although the login failed",
    "mail-without-login": "a message was sent, and no turn before it is left for a login",
    "no-turn-for-login": "no turn of the dialogue is left for a login",
}
"""What a verdict rests on."""
