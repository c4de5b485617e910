"""Puts together what a session was meant to be and what was read from it, and refuses where the two differ."""

from __future__ import annotations

from typing import Any

from scripts.labkit.clients import CLIENTS
from scripts.labkit.sends import BEARER, Send
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
    # Some clients try a refused password again, some leave once the server says why.
    again = not send.right and {(_kind(mechanism), _refused(outcome)) for mechanism, outcome in seen} == {
        (_kind(mechanism), outcome) for mechanism, outcome in send.expected
    }
    if not _alike(seen, send.expected) and not again:
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


def _alike(seen: list[tuple[str, str]], meant: list[tuple[str, str]]) -> bool:
    """Whether both are the same, but for another mechanism of the same kind: some clients take the better one."""
    return [(_kind(mechanism), outcome) for mechanism, outcome in seen] == [
        (_kind(mechanism), outcome) for mechanism, outcome in meant
    ]


def _refused(outcome: str) -> str:
    return outcome if outcome == "success" else "failure"


def _is_cbc(connection: Connection) -> bool:
    return (
        connection.cipher is not None
        and connection.cipher.endswith(("-SHA", "-SHA256", "-SHA384"))
        and ("GCM" not in connection.cipher)
    )


def _kind(mechanism: str) -> str:
    return "bearer" if mechanism in BEARER else "scram" if mechanism.startswith("SCRAM-") else mechanism


def inside_tls(name: str, send: Send, connection: Connection) -> dict[str, Any]:
    """What the labels of ``captures/tls`` say in addition."""
    if not connection.readable:
        raise LabelError(f"{name}: no keys, or nothing said")
    padding = {"client": send.padding, "server": BY_HOST[send.server].padding}
    return {
        "stack": CLIENTS[send.client].stack,
        "server_stack": BY_HOST[send.server].stack,
        "padding": padding if connection.tls_version == "1.3" and any(padding.values()) else None,
        "encrypt_then_mac": connection.encrypt_then_mac if _is_cbc(connection) else None,
        "resumed": connection.resumed,
        "retried": connection.retried,
        "client_certificate": connection.client_certificate,
        "pipelined": connection.pipelined,
        "recipients": send.recipients,
    }
