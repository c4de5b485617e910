"""Which mail provider a server belongs to, and what that provider says about passwords.

The knowledge is data (``providers.toml``), read on first use. Evidence is taken in the order of what can be trusted
to name the service the *client* wanted: SNI (the client's own words), then the greeting (the server's), then the
certificate.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, Literal, NamedTuple

Basic = Literal["retiring", "ended", "app-passwords", "accepted", "none"]
Source = Literal["sni", "greeting", "server-name", "certificate"]

CACHED_LOOKUPS = 4096
"""Hosts and greetings remembered, of each: some services name every host differently and say the time in every
greeting, so this is capped, at about 4 MB."""

LONGEST_HOST = 255
"""Longer names are no host's (RFC 1035 section 2.3.4): the wire chooses them, so nothing is spent on them."""

LONGEST_GREETING = 512
"""A reply line's limit (RFC 5321 section 4.5.3.1.5). No provider's greeting is longer."""

MOST_CERTIFICATE_NAMES = 100
"""Names of a certificate that are looked up; more are not a mail provider's."""


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


_ENHANCED = re.compile(r"2\.\d{1,3}\.\d{1,3}")


_own: dict[str, Provider] = {}
"""Rows of the user's, which go before the ones that come with the program."""


@cache
def providers() -> dict[str, Provider]:
    """Every known provider by id."""
    return {**{id: _row(id, row) for id, row in provider_rows().items()}, **_own}


def provider_rows() -> dict[str, dict[str, Any]]:
    """The rows that come with the program, as the file has them."""
    import tomllib

    rows: dict[str, dict[str, Any]] = tomllib.loads(Path(__file__).with_name("providers.toml").read_text("utf-8"))
    return rows


def _row(id: str, row: dict[str, Any]) -> Provider:
    fields: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
    return Provider(id=id, **fields)


def use_own_providers(rows: Mapping[str, Provider]) -> None:
    """From now on ``rows`` (by id) replace or add to what comes with the program: recognition, findings and advice
    must all speak of the same providers. To be called before anything is read."""
    _own.clear()
    _own.update(rows)
    for remembered in (providers, ending_passwords, _hosts, _greetings, _find_host, _find_greeting):
        remembered.cache_clear()


@cache
def ending_passwords() -> frozenset[str]:
    """Ids of providers that have ended password logins, or announced it."""
    return frozenset(id for id, row in providers().items() if row.basic in ("retiring", "ended"))


def provider(id: str) -> Provider | None:
    """The provider called ``id``, if it is known."""
    return providers().get(id)


class _Hosts(NamedTuple):
    exact: dict[str, str]
    suffix: dict[str, str]  # without the leading dot
    labels: int  # of the longest suffix
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
    return _Hosts(exact, suffix, max(name.count(".") for name in suffix) + 1, tuple(pattern))


@cache
def _greetings() -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(text, re.IGNORECASE), id) for id, row in providers().items() for text in row.greetings)


@lru_cache(CACHED_LOOKUPS)
def _find_host(name: str) -> str | None:
    host = name.lower().removesuffix(".")
    table = _hosts()
    if host in table.exact:
        return table.exact[host]
    labels = host.rsplit(".", table.labels)
    for first in range(1, len(labels)):
        if id := table.suffix.get(".".join(labels[first:])):
            return id
    return next((id for pattern, id in table.pattern if pattern.fullmatch(host)), None)


def _by_host(name: str) -> str | None:
    """Match whole labels from the right, so that ``smtp.office365.com.evil.example`` is nobody's.

    Names that no provider can have are refused before they are remembered. All of them are ASCII; beyond it lower case
    would make some characters into letters that they are not.
    """
    return _find_host(name) if len(name) <= LONGEST_HOST and name.isascii() else None


@lru_cache(CACHED_LOOKUPS)
def _find_greeting(text: str) -> str | None:
    words = text.split(maxsplit=2)
    if len(words) > 1 and _ENHANCED.fullmatch(words[0]):
        del words[0]
    return (_by_host(words[0]) if words else None) or next((id for said, id in _greetings() if said.match(text)), None)


def _by_greeting(text: str) -> str | None:
    """The greeting's own host, which RFC 5321 section 4.2 puts first (some servers put an enhanced code before it)."""
    return _find_greeting(text) if len(text) <= LONGEST_GREETING and text.isascii() else None


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
        cert_names: names of the server's certificate; a wildcard shows a provider whose hosts all end so.
    """
    if sni is not None and (id := _by_host(sni)):
        return Match(id, "sni")
    if greeting is not None and (id := _by_greeting(greeting)):
        return Match(id, "greeting")
    if server_name is not None and (id := _by_host(server_name)):
        return Match(id, "server-name")
    for name in islice(cert_names, MOST_CERTIFICATE_NAMES):
        if id := _by_host(name):
            return Match(id, "certificate")
    return None


def provider_of(
    sni: str | None = None,
    server_name: str | None = None,
    greeting: str | None = None,
    cert_names: Iterable[str] = (),
) -> str | None:
    """The id of :func:`identify`'s match, or ``None``."""
    match = identify(sni, server_name, greeting, cert_names)
    return match and match.provider
