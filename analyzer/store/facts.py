"""A session cut in two: its facts, which do not depend on when it was made, and the occurrence.

A device does the same day after day: its sessions differ in time and port only. So facts are kept once, as canonical
JSON under their hash, and sessions and daily sums refer to them. Facts are what devices are judged by; what else is in
a session (greetings with the time of day in them, lists of extensions) would make each one different, and is left out.

An attempt's time is not kept: in a session it is when that began (:class:`analyzer.smtp.records.AuthAttempt`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from hashlib import blake2b
from operator import attrgetter
from typing import Any, Final

from analyzer.inventory.devices import is_mail
from analyzer.inventory.exposure import AMBIGUOUS, REFUSED_UNHEARD, exposes_secret
from analyzer.inventory.session import Session
from analyzer.smtp.records import AuthAttempt, Method

OCCURRENCE: Final = frozenset(
    {"start", "end", "client_ip", "client_port", "serial", "messages", "complete", "gaps"},
)
"""Fields of a session that are kept with it."""

LEFT_OUT: Final = frozenset(
    {
        "auth_required",
        "client_side_seen",
        "greeting",
        "mechanisms_after_tls",
        "mechanisms_before_tls",
        "oddities",
        "reasons",
        "server_mac",
        "server_side_seen",
        "source",
        "starttls",
        "tls_alert",
        "tls_alpn",
        "tls_certificate",
        "tls_client_versions",
        "tls_established",
        "tls_ja3",
        "tls_ja3_raw",
        "tls_ja4_raw",
        "tls_resumed",
    }
)
"""Fields that no device is made of: what they show is in ``findings`` and ``provider``."""

ATTEMPT_LEFT_OUT: Final = frozenset({"authzid", "realm", "refusal", "time"})

FACTS: Final = tuple(f.name for f in fields(Session) if f.name not in OCCURRENCE | LEFT_OUT)
ATTEMPT_FACTS: Final = tuple(f.name for f in fields(AuthAttempt) if f.name not in ATTEMPT_LEFT_OUT)

SENT: Final = "sent"
"""Whether a message was accepted; how many is part of the occurrence."""

REDUCED: Final = "reduced"
"""Marks facts of which only the verdict is left; see :func:`reduced`."""

NO_SERVER: Final = "0.0.0.0"  # noqa: S104 - the unspecified address (RFC 1122 section 3.2.1.3), nothing is bound to it
WITHHELD: Final = "…"
"""Stands for user names that were left out: whether there was one decides if a secret was sent."""

_NOT_MAIL: Final = '{"is_smtp":false}'
"""Of a conversation that is none, only the number counts."""

_facts = attrgetter(*FACTS)
_hashable_facts = attrgetter(*(name for name in FACTS if name not in ("auth", "findings", "likelihoods")))
_encoder = json.JSONEncoder(sort_keys=True, separators=(",", ":"), check_circular=False)
_attempt_facts = attrgetter(*ATTEMPT_FACTS)
_KEPT_DEFAULTS: Final = {
    name: default
    for name, default in zip(FACTS, _facts(Session(0, 0, "", "", 0, "", 0)), strict=True)
    if name not in ("server_ip", "server_port")
}
_ATTEMPT_DEFAULTS: Final = dict(zip(ATTEMPT_FACTS, _attempt_facts(AuthAttempt(None, "unknown")), strict=True))


def key_of(session: Session) -> tuple[Any, ...]:
    """What :func:`content_of` depends on, as something to look up: much cheaper than the content."""
    return (
        session.messages > 0,
        tuple([_attempt_facts(attempt) for attempt in session.auth]),
        tuple(session.findings),
        tuple(sorted(session.likelihoods.items())) if session.likelihoods else (),
        _hashable_facts(session),
    )


def content_of(session: Session) -> str:
    """Facts of ``session`` as JSON: fields in order of name, those with their usual value left out, ASCII."""
    if not is_mail(session):
        return _NOT_MAIL
    values = dict(zip(FACTS, _facts(session), strict=True))
    facts = {
        name: value for name, value in values.items() if name not in _KEPT_DEFAULTS or value != _KEPT_DEFAULTS[name]
    }
    if session.auth:
        facts["auth"] = [_attempt_content(attempt) for attempt in session.auth]
    if session.messages:
        facts[SENT] = True
    return _json(facts)


def _attempt_content(attempt: AuthAttempt) -> dict[str, Any]:
    values = zip(ATTEMPT_FACTS, _attempt_facts(attempt), strict=True)
    return {name: value for name, value in values if value != _ATTEMPT_DEFAULTS[name]}


def _json(facts: Mapping[str, Any]) -> str:
    return _encoder.encode(facts)


def hash_of(content: str) -> str:
    """By which facts are found again: 128 bits, hexadecimal."""
    return blake2b(content.encode("ascii"), digest_size=16).hexdigest()


def marks_of(content: str) -> dict[str, bool]:
    """What is asked of facts without restoring them: columns of :data:`analyzer.store.schema.facts`."""
    facts = json.loads(content)
    return {"mail": content != _NOT_MAIL, "unknown": "method" not in facts, "reduced": REDUCED in facts}


def restored(content: str, client_ip: str) -> Session:
    """A session with these facts and a message where there was one; its occurrence is to be filled in."""
    return _session(json.loads(content), client_ip)


def restored_each(contents: Iterable[str], client_ips: Iterable[str]) -> Iterator[Session]:
    """As :func:`restored`; many at a time are decoded in half the time."""
    return map(_session, json.loads(f"[{','.join(contents)}]"), client_ips)


def _session(facts: dict[str, Any], client_ip: str) -> Session:
    sent = facts.pop(SENT, False)
    facts.pop(REDUCED, None)
    attempts = [_attempt(**attempt) for attempt in facts.pop("auth", ())]
    server_ip, server_port = facts.pop("server_ip", NO_SERVER), facts.pop("server_port", 0)
    return Session(0, 0, "", client_ip, 0, server_ip, server_port, auth=attempts, messages=int(sent), **facts)


def _attempt(mechanism: str | None = None, method: Method = "unknown", **others: Any) -> AuthAttempt:
    return AuthAttempt(mechanism, method, **others)


def reduced(content: str) -> str:
    """What remains of facts where a client shows too many different ones: its verdict, and no names.

    Of the attempts one is left: the first that shows a secret, else the last. A client can choose nothing in it freely,
    so few different ones remain.
    """
    if content == _NOT_MAIL:
        return content
    session = restored(content, NO_SERVER)
    told = [attempt for attempt in session.auth if exposes_secret(_with(session, attempt))] or session.auth[-1:]
    facts: dict[str, Any] = {
        name: value
        for name in ("tls_mode", "method", "evidence", "reason", "findings")
        if (value := getattr(session, name)) != _KEPT_DEFAULTS[name]
    }
    if session.confidence is not None:
        facts["confidence"] = session.confidence
    if session.messages:
        facts[SENT] = True
    if told:
        facts["auth"] = [_reduced_attempt(told[0])]
    facts["server_port"] = session.server_port
    facts[REDUCED] = True
    return _json(facts)


def _with(session: Session, attempt: AuthAttempt) -> Session:
    return Session(0, 0, "", session.client_ip, 0, "", 0, auth=[attempt])


def _reduced_attempt(attempt: AuthAttempt) -> dict[str, Any]:
    kept = {
        name: value
        for name in ("method", "outcome", "evidence", "confidence", "initial_response", "after_starttls")
        if (value := getattr(attempt, name)) != _ATTEMPT_DEFAULTS[name]
    }
    if attempt.code in REFUSED_UNHEARD | AMBIGUOUS:  # they decide whether a secret was sent
        kept["code"] = attempt.code
    if attempt.mechanism == "LOGIN":  # so does this, see analyzer.inventory.exposure
        kept["mechanism"] = attempt.mechanism
    if attempt.username is not None:
        kept["username"] = WITHHELD
    return kept
