"""Puts together what a session was meant to be and what was read from it, and refuses where the two differ."""

from __future__ import annotations

from typing import Any

from scripts.labkit.clients import CLIENTS
from scripts.labkit.sends import Send
from scripts.labkit.servers import BY_HOST
from scripts.labkit.transcript import Attempt, Connection
from scripts.labkit.world import server_name


class LabelError(Exception):
    """A recording does not show what its case says."""


def label(name: str, file: str, send: Send, connection: Connection) -> dict[str, Any]:
    """The label of one recorded connection; see ``captures/README.md`` for its fields."""
    if connection.tls != send.tls:
        raise LabelError(f"{name}: TLS was {connection.tls}, meant {send.tls}")
    truth = "cleartext" if connection.tls == "none" else "decrypted" if connection.readable else "intent"
    attempts = connection.attempts
    if truth == "intent":
        attempts = [Attempt(mechanism, False, send.user, outcome) for mechanism, outcome in send.expected]
    seen = [(attempt.mechanism, attempt.outcome) for attempt in attempts]
    # Some clients try a refused password again.
    again = not send.right and set(seen) == set(send.expected)
    if seen != send.expected and not again:
        raise LabelError(f"{name}: showed {seen}, meant {send.expected}")
    # Some clients take the part behind @ for the domain of NTLM.
    right = (None, send.user, send.user.partition("@")[0]) if send.mechanism == "NTLM" else (None, send.user)
    if any(attempt.outcome == "success" and attempt.username not in right for attempt in attempts):
        raise LabelError(f"{name}: user was {[attempt.username for attempt in attempts]}, meant {send.user}")
    decisive = next(
        (attempt for attempt in reversed(attempts) if attempt.outcome == "success"), attempts[-1] if attempts else None
    )
    return {
        "file": file,
        "id": name,
        "client_ip": connection.client_ip,
        "client_port": connection.client_port,
        "client_mac": connection.client_mac,
        "server_ip": connection.server_ip,
        "port": connection.server_port,
        "start": connection.start,
        "device": send.device,
        "client": send.client,
        "server": BY_HOST[send.server].label,
        "server_name": server_name(send.server, ipv6=send.ipv6),
        "tls": connection.tls,
        "tls_version": connection.tls_version,
        "cipher": connection.cipher,
        "mechanism": decisive.mechanism if decisive else None,
        "initial_response": decisive.initial_response if decisive else None,
        "username": decisive.username if decisive else None,
        "outcome": decisive.outcome if decisive else "none",
        "auth_code": decisive.code if decisive else None,
        "auth_attempts": [
            {
                "mechanism": attempt.mechanism,
                "initial_response": attempt.initial_response,
                "username": attempt.username,
                "outcome": attempt.outcome,
                "code": attempt.code,
            }
            for attempt in attempts
        ],
        "messages": connection.messages,
        "ehlo_name": connection.ehlo,
        "truth": truth,
    }


def inside_tls(send: Send, connection: Connection) -> dict[str, Any]:
    """What the labels of ``captures/tls`` say in addition."""
    if not connection.readable:
        raise LabelError(f"{send.client} to {send.server}: no keys, or nothing said")
    padding = {"client": send.padding, "server": BY_HOST[send.server].padding}
    return {
        "stack": CLIENTS[send.client].stack,
        "server_stack": BY_HOST[send.server].stack,
        "padding": padding if connection.tls_version == "1.3" and any(padding.values()) else None,
        "encrypt_then_mac": send.encrypt_then_mac,
        "resumed": connection.resumed,
        "retried": connection.retried,
        "client_certificate": connection.client_certificate,
        "pipelined": connection.pipelined,
        "recipients": send.recipients,
    }
