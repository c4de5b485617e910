"""What an exchange was taken for, in words: one table for what clients say, one for what servers answer.

Keys are the names in ``grammar.toml``. No phrase tells a length.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from analyzer.tls.inference.records import InferredTurn

_LOGIN: Final = "auth"

SAID: Final[Mapping[str, str]] = {
    "ehlo": "EHLO",
    "mail": "MAIL",
    "rcpt": "RCPT",
    "mail-rcpt": "MAIL and RCPT in one",
    "mail-rcpt-data": "MAIL, RCPT and DATA in one",
    "rcpt-data": "RCPT and DATA in one",
    "data": "DATA",
    "text": "message, to its end",
    "bdat": "BDAT with the message",
    "mail-rcpt-bdat": "MAIL, RCPT and BDAT with the message",
    "rset": "RSET",
    "rset-quit": "RSET and QUIT",
    "close": "closes TLS",
    "noop": "NOOP",
    "quit": "QUIT",
    "cancel": "gives the login up (*)",
    "other": "another command",
    # RFC 4954 section 4: responses, by what they encode.
    "user": "user name",
    "password": "password",
    "plain": "user name and password",
    "token": "access token",
    "authorization": "name to act as",
    "trace": "trace information",
    "cram-response": "user name and digest",
    "digest-response": "user name and digest",
    "scram-first": "user name and nonce",
    "scram-final": "proof of the password",
    "ntlm-negotiate": "NTLM negotiation",
    "ntlm-response": "NTLM response",
    "gss-token": "Kerberos ticket",
    "gss-wrapped": "choice of security layer",
    "empty": "empty response",
    "ack": "takes note of the refusal",
    "dummy": "takes note of the refusal",
}

HEARD: Final[Mapping[str, str]] = {
    "": "no answer",
    "greeting": "greeting",
    "ehlo": "what it offers",
    "helo": "accepted",
    "ok": "accepted",
    "ok-group": "all accepted",
    "ok-group-data": "all accepted, go ahead",
    "ok-group-queued": "all accepted, and the message",
    "ok-bye": "accepted, and closes",
    "ok-data": "both accepted, go ahead",
    "go-ahead": "go ahead",
    "queued": "message accepted",
    "bye": "closes",
    "refused": "refused",
    "refused-group": "refused",
    "success": "login accepted",
    "failure": "login refused",
    "other": "an answer",
    # RFC 4954 section 4: challenges, by what they encode.
    "empty": "empty challenge",
    "login-prompt": "prompt",
    "cram-challenge": "challenge",
    "digest-challenge": "challenge",
    "digest-proof": "the server's own proof",
    "scram-challenge": "challenge",
    "scram-proof": "the server's own proof",
    "ntlm": "go on",
    "ntlm-challenge": "NTLM challenge",
    "gss-reply": "Kerberos reply",
    "gss-wrapped": "security layers",
    "oauth-error": "refusal of the token, as a challenge",
}


def said(turn: InferredTurn) -> str:
    """What the client said; empty where the server spoke first."""
    command, _, payload = turn.said.partition(" ")
    if command == _LOGIN:
        with_first = f" with {SAID.get(payload, payload)}" if payload else ""
        return f"AUTH {turn.mechanism}{with_first}"
    return "HELO" if turn.name == "helo" else SAID.get(turn.said, turn.said)


def heard(turn: InferredTurn) -> str:
    """What the server answered."""
    return HEARD.get(turn.heard, turn.heard)
