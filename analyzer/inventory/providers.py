"""Which mail provider a server belongs to, and what that provider says about passwords.

The knowledge is data (``providers.toml``), read on first use. Evidence is taken in the order of what can be trusted
to name the service the *client* wanted: SNI (the client's own words), then the greeting (the server's), then the
certificate.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

Basic = Literal["retiring", "ended", "app-passwords", "accepted", "none"]
Source = Literal["sni", "greeting", "server-name", "certificate"]

CACHED_LOOKUPS = 4096
"""Distinct combinations remembered: some services name every host differently, so this is capped, at about 2 MB."""

LONGEST_GREETING = 512
"""Greetings are matched up to a reply line's limit (RFC 5321 section 4.5.3.1.5), so that expressions stay cheap."""


@dataclass(frozen=True, slots=True)
class Provider:
    """One row of ``providers.toml``; its head explains the fields."""

    id: str
    name: str
    hosts: tuple[str, ...]
    basic: Basic
    source: str
    as_of: date
    greetings: tuple[str, ...] = ()
    basic_ends: date | None = None
    note: str | None = None
    oauth: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    fixed_users: tuple[str, ...] = ()


class Match(NamedTuple):
    """A provider's id and the evidence it rests on. A greeting or certificate is only what the server says of
    itself."""

    provider: str
    source: Source


@cache
def providers() -> dict[str, Provider]:
    """Every known provider by id."""
    import tomllib

    text = Path(__file__).with_name("providers.toml").read_text("utf-8")
    return {id: _row(id, row) for id, row in tomllib.loads(text).items()}


def _row(id: str, row: dict[str, Any]) -> Provider:
    fields: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
    return Provider(id=id, **fields)


def provider(id: str) -> Provider | None:
    """The provider called ``id``, if it is known."""
    return providers().get(id)


class _Hosts(NamedTuple):
    exact: dict[str, str]
    suffix: dict[str, str]  # without the leading dot
    pattern: tuple[tuple[re.Pattern[str], str], ...]


@cache
def _hosts() -> _Hosts:
    exact, suffix, pattern = {}, {}, []
    for id, row in providers().items():
        for host in row.hosts:
            if host.startswith("."):
                suffix[host[1:]] = id
            elif "*" in host:
                pattern.append((re.compile(re.escape(host).replace(r"\*", "[a-z0-9_-]+")), id))
            else:
                exact[host] = id
    return _Hosts(exact, suffix, tuple(pattern))


@cache
def _greetings() -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(text, re.IGNORECASE), id) for id, row in providers().items() for text in row.greetings)


def _by_host(name: str) -> str | None:
    """Match whole labels from the right, so that ``smtp.office365.com.evil.example`` is nobody's."""
    host = name.lower().rstrip(".")
    table = _hosts()
    if host in table.exact:
        return table.exact[host]
    _, dot, parent = host.partition(".")
    while dot:
        if parent in table.suffix:
            return table.suffix[parent]
        _, dot, parent = parent.partition(".")
    return next((id for pattern, id in table.pattern if pattern.fullmatch(host)), None)


def _by_greeting(text: str) -> str | None:
    """The greeting's own host, which RFC 5321 section 4.2 puts first (some servers put an enhanced code before it)."""
    text = text[:LONGEST_GREETING]
    words = text.split(maxsplit=2)
    if len(words) > 1 and re.fullmatch(r"2\.\d+\.\d+", words[0]):
        words = words[1:]
    return (_by_host(words[0]) if words else None) or next(
        (id for pattern, id in _greetings() if pattern.search(text)), None
    )


@lru_cache(CACHED_LOOKUPS)
def _identify(sni: str | None, server_name: str | None, greeting: str | None, names: tuple[str, ...]) -> Match | None:
    if sni is not None and (id := _by_host(sni)):
        return Match(id, "sni")
    if greeting is not None and (id := _by_greeting(greeting)):
        return Match(id, "greeting")
    if server_name is not None and (id := _by_host(server_name)):
        return Match(id, "server-name")
    for name in names:
        if id := _by_host(name):
            return Match(id, "certificate")
    return None


def identify(
    sni: str | None = None,
    server_name: str | None = None,
    greeting: str | None = None,
    cert_names: Iterable[str] = (),
) -> Match | None:
    """The provider that these names show, with the evidence; ``None`` when they show none.

    Args:
        sni: host name the client asked for.
        server_name: host name of the greeting or of the EHLO reply.
        greeting: text of the 220 greeting after the code.
        cert_names: subject alternative names of the server's certificate (wildcards never match).
    """
    return _identify(
        sni and sni[:LONGEST_GREETING],
        server_name and server_name[:LONGEST_GREETING],
        greeting and greeting[:LONGEST_GREETING],
        tuple(cert_names),
    )


def provider_of(
    sni: str | None = None,
    server_name: str | None = None,
    greeting: str | None = None,
    cert_names: Iterable[str] = (),
) -> str | None:
    """The id of :func:`identify`'s match, or ``None``."""
    match = identify(sni, server_name, greeting, cert_names)
    return match and match.provider
