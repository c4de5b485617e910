"""What is known of providers, makers, ways out and replies: the tables that come with the program, and the user's.

A user's file has the same tables, each under the name of its kind::

    [providers.exchange-online]
    basic_ends = 2027-03-31
    source = "our account manager"
    as_of = 2026-11-02

    [makers.kyocera]
    oauth = "from-firmware"
    firmware = "2VK_S000.002.318"
    source = "dealer's letter"
    as_of = 2026-10-01

    [devices."10.20.0.102"]
    external_recipients = true

Entries of a known id replace the keys that they name; others add to the tables. What the user says has a source and a
day of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar, cast

from analyzer.addresses import canonical
from analyzer.advice.plan import OAuthPossible
from analyzer.advice.requirements import REQUIREMENTS
from analyzer.advice.schema import Key, Schema, checked
from analyzer.errors import InputError
from analyzer.files import toml_of
from analyzer.inventory.providers import Provider, provider_rows
from analyzer.inventory.standing import STANDINGS, Standing

LARGEST_FILE = 1 << 20
"""Bytes of a user's file: the tables that come with the program have 25 KB together."""


@dataclass(frozen=True, slots=True)
class Maker:
    """One row of ``makers.toml``; its head explains the fields."""

    id: str
    name: str
    oauth: OAuthPossible
    source: str
    as_of: date
    vendors: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    firmware: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Way:
    """One row of ``ways.toml``; its head explains the fields."""

    id: str
    name: str
    order: int
    standings: tuple[Standing, ...]
    when: str
    steps: tuple[str, ...]
    source: str
    as_of: date
    order_large: int | None = None
    providers: tuple[str, ...] | None = None
    requires: tuple[str, ...] = ()
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """One row of ``replies.toml``; its head explains the fields."""

    id: str
    todo: str
    source: str
    as_of: date
    code: int | None = None
    enhanced: str | None = None
    meaning: str | None = None


@dataclass(frozen=True, slots=True)
class OwnDevice:
    """What the user says of one device: whether it writes to the outside, and whether it can use OAuth."""

    id: str
    external_recipients: bool | None = None
    oauth: OAuthPossible | None = None


@dataclass(frozen=True, slots=True)
class Knowledge:
    """All tables, by id.

    Attributes:
        replies: in the order in which they are tried.
        devices: by address, or MAC address in the IEEE form (upper case, hyphens).
        own_providers: rows of ``providers`` that the user's file replaced or added.
    """

    providers: Mapping[str, Provider]
    makers: Mapping[str, Maker]
    ways: Mapping[str, Way]
    replies: Mapping[str, Reply]
    devices: Mapping[str, OwnDevice]
    own_providers: Mapping[str, Provider]


_OAUTH = ("yes", "from-firmware", "partial", "no", "unknown")
_PROVENANCE: dict[str, Key] = {"source": Key("text", required=True), "as_of": Key("day", required=True)}

SCHEMAS: dict[str, Schema] = {
    "providers": {
        "name": Key("text", required=True),
        "hosts": Key("texts", required=True),
        "basic": Key("text", required=True, choices=("retiring", "ended", "app-passwords", "accepted", "none")),
        "greetings": Key("patterns"),
        "basic_ends": Key("day"),
        "note": Key("text"),
        "oauth": Key("texts"),
        "ports": Key("numbers"),
        "fixed_users": Key("texts"),
        **_PROVENANCE,
    },
    "makers": {
        "name": Key("text", required=True),
        "oauth": Key("text", required=True, choices=_OAUTH),
        "vendors": Key("texts"),
        "hints": Key("patterns"),
        "firmware": Key("text"),
        "note": Key("text"),
        **_PROVENANCE,
    },
    "ways": {
        "name": Key("text", required=True),
        "order": Key("number", required=True),
        "order_large": Key("number"),
        "standings": Key("texts", required=True, choices=STANDINGS),
        "providers": Key("texts"),
        "requires": Key("texts", choices=tuple(REQUIREMENTS)),
        "when": Key("text", required=True),
        "until": Key("day"),
        "steps": Key("texts", required=True),
        **_PROVENANCE,
    },
    "replies": {
        "code": Key("number"),
        "enhanced": Key("text"),
        "meaning": Key("text"),
        "todo": Key("text", required=True),
        **_PROVENANCE,
    },
    "devices": {"external_recipients": Key("flag"), "oauth": Key("text", choices=_OAUTH)},
}
"""The tables of a knowledge file and the keys of their rows."""

Rows = Mapping[str, Mapping[str, Any]]
Row = TypeVar("Row", Provider, Maker, Way, Reply, OwnDevice)


@cache
def _packaged_rows() -> dict[str, dict[str, dict[str, Any]]]:
    """Checked rows of the tables that come with the program, by table and id."""
    import tomllib  # only where plans are made

    here = Path(__file__).parent
    read = {
        "providers": provider_rows(),
        **{
            table: tomllib.loads((here / f"{table}.toml").read_text("utf-8")) for table in ("makers", "ways", "replies")
        },
        "devices": {},
    }
    return {
        table: {id: checked(f"{table}.toml", id, row, SCHEMAS[table]) for id, row in rows.items()}
        for table, rows in read.items()
    }


@cache
def packaged_knowledge() -> Knowledge:
    """What comes with the program."""
    return _knowledge(_packaged_rows(), frozenset())


def knowledge_with(name: str) -> Knowledge:
    """The same, with what the file ``name`` replaces and adds.

    Raises:
        InputError: it cannot be read, or is not such a file; the line names file and key.
    """
    given = toml_of(name, LARGEST_FILE, "knowledge takes a few KB")
    tables = {table: dict(rows) for table, rows in _packaged_rows().items()}
    for table, rows in given.items():
        if table not in SCHEMAS:
            raise InputError(name, f"{table!r} is no table of knowledge", f"known: {', '.join(SCHEMAS)}")
        if not isinstance(rows, dict):
            raise InputError(name, f"'{table}' must be a table of tables: [{table}.ID]")
        for id, row in rows.items():
            where = f"{table}.{id}"
            whole = checked(name, where, row, SCHEMAS[table], tables[table].get(id))
            _CHECKS.get(table, _nothing)(name, where, whole)
            if table == "replies":  # the user's rows are tried first
                tables[table] = {id: whole, **{key: value for key, value in tables[table].items() if key != id}}
            else:
                tables[table][_device_key(name, id) if table == "devices" else id] = whole
    return _knowledge(tables, given.get("providers", {}).keys())


def _nothing(name: str, where: str, row: Mapping[str, Any]) -> None:
    """Tables whose rows need no look at several keys together."""


def _check_provider(name: str, where: str, row: Mapping[str, Any]) -> None:
    if row["basic"] in ("retiring", "ended") and "note" not in row:
        raise InputError(name, f"'{where}' ends passwords and lacks the key 'note', which says when and how")
    for host in row["hosts"]:
        if host != host.lower() or not re.fullmatch(r"\.?[a-z0-9*_-]+(\.[a-z0-9*_-]+)+", host):
            raise InputError(name, f"'{where}.hosts' has {host!r}, which is no host name in lower case")


def _check_maker(name: str, where: str, row: Mapping[str, Any]) -> None:
    if row["oauth"] == "from-firmware" and "firmware" not in row:
        raise InputError(name, f"'{where}' says from-firmware and lacks the key 'firmware'")


def _check_way(name: str, where: str, row: Mapping[str, Any]) -> None:
    if not row["steps"]:
        raise InputError(name, f"'{where}.steps' is empty")


def _check_reply(name: str, where: str, row: Mapping[str, Any]) -> None:
    if not row.keys() & {"code", "enhanced", "meaning"}:
        raise InputError(name, f"'{where}' would answer every reply; give it code, enhanced or meaning")


_CHECKS: dict[str, Callable[[str, str, Mapping[str, Any]], None]] = {
    "providers": _check_provider,
    "makers": _check_maker,
    "ways": _check_way,
    "replies": _check_reply,
}


def _device_key(name: str, id: str) -> str:
    """A MAC address in its IEEE form, or an IP address in its one form, however it was written."""
    digits = re.sub(r"[-:.]", "", id)
    if re.fullmatch(r"[0-9A-Fa-f]{12}", digits):
        return "-".join(re.findall("..", digits.upper()))
    try:
        return canonical(id)
    except ValueError:
        raise InputError(name, f"'devices.{id[:60]}' names no device", "give its address or MAC") from None


def _knowledge(tables: Mapping[str, Rows], own_providers: Any) -> Knowledge:
    providers = _rows(Provider, tables["providers"])
    return Knowledge(
        providers,
        _rows(Maker, tables["makers"]),
        _rows(Way, tables["ways"]),
        _rows(Reply, tables["replies"]),
        _rows(OwnDevice, tables["devices"]),
        MappingProxyType({id: providers[id] for id in own_providers}),
    )


def _rows(kind: type[Row], rows: Rows) -> Mapping[str, Row]:
    made = {id: kind(**cast("dict[str, Any]", {"id": id, **row})) for id, row in rows.items()}
    return MappingProxyType(made)
