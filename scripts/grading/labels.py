"""Labelled sets of captures: what really happened in every connection.

The fields that are read are those of ``captures/labels.jsonl`` (see ``captures/README.md``); all others are ignored, so
labels made elsewhere serve as well.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NamedTuple

from analyzer.smtp.mechanisms import mechanism
from scripts.set_up import ROOT

NAME = "labels.jsonl"

Endpoint = tuple[int, int]
"""Address as a 128-bit number (IPv4 mapped), and port."""


class Login(NamedTuple):
    """One login that took place."""

    family: str
    mechanism: str
    initial_response: bool | None
    outcome: str | None


@dataclass(frozen=True, slots=True)
class Label:
    """One connection.

    Attributes:
        name: for people.
        client_end, server_end: its endpoints.
        start: its first packet, nanoseconds.
        client, server: names of the programs.
        mode: ``starttls`` or ``implicit``.
        cipher: the suite's name, by OpenSSL or by IANA; ``None`` where the label does not tell.
        padded: records were padded to hide their lengths.
        decisive: the login that the session is judged by; ``None`` where there was none.
        logins: all of them, in order.
        verified: read from what was said, not only meant so.
    """

    name: str
    client_end: Endpoint
    server_end: Endpoint
    start: int
    client: str
    server: str
    mode: str
    cipher: str | None
    padded: bool
    decisive: Login | None
    logins: tuple[Login, ...]
    verified: bool

    @property
    def family(self) -> str:
        """Of the decisive login, ``none`` where there was none."""
        return "none" if self.decisive is None else self.decisive.family

    @property
    def ends(self) -> frozenset[Endpoint]:
        """Both endpoints, whoever is the client."""
        return frozenset((self.client_end, self.server_end))


@dataclass(frozen=True, slots=True)
class Stream:
    """Files that are read as one capture, and the labels of the connections inside TLS that are in them."""

    files: tuple[Path, ...]
    labels: tuple[Label, ...]


@dataclass(frozen=True, slots=True)
class LabelledSet:
    """Captures that are counted together."""

    name: str
    streams: tuple[Stream, ...] = field(repr=False)


class NoLabelsError(Exception):
    """A set that cannot be used; the argument says why."""


def default_sets() -> dict[str, Path]:
    """The sets that are at hand: the project's own captures, and what ``SMTPAUTH_MATERIAL`` (else ``shared`` beside the
    repository) holds."""
    material = Path(os.environ.get("SMTPAUTH_MATERIAL", ROOT.parent / "shared"))
    sets = {"captures": ROOT / "captures", "captures/tls": ROOT / "captures/tls", "lab": material / "lab"}
    return {name: path for name, path in sets.items() if (path / NAME).is_file()}


def load(name: str, path: Path) -> LabelledSet:
    """The labelled connections inside TLS below ``path``: a folder, a capture, or a file of labels.

    Raises:
        NoLabelsError: there are none.
    """
    file = path if path.suffix == ".jsonl" else _labels_of(path)
    if file is None or not file.is_file() or not path.exists():
        raise NoLabelsError(f"{path}: no {NAME} here or in a folder above")
    below = file.parent if path == file else path
    try:
        rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
        streams = _streams(file.parent, rows, below.resolve())
    except (ValueError, KeyError, TypeError) as problem:
        raise NoLabelsError(f"{file}: not as captures/README.md describes it: {problem!r}") from None
    if not streams:
        raise NoLabelsError(f"{path}: no labelled connection inside TLS, or not its capture")
    return LabelledSet(name, tuple(streams))


def _labels_of(path: Path) -> Path | None:
    """The nearest file of labels, here or above."""
    folders = (path, *path.parents)[:3]
    return next((folder / NAME for folder in folders if (folder / NAME).is_file()), None)


def _streams(folder: Path, rows: list[dict[str, Any]], below: Path) -> list[Stream]:
    """Files that one connection goes on in belong together."""
    groups: dict[str, set[str]] = {}
    for row in rows:
        joined = {row["file"], *row.get("continues_in", ())}
        for other in list(joined):
            joined |= groups.get(other, set())
        groups.update(dict.fromkeys(joined, joined))
    labels: dict[frozenset[str], list[Label]] = {}
    for row in rows:
        group = frozenset(groups[row["file"]])
        if row["tls"] != "none" and all((folder / file).resolve().is_relative_to(below) for file in group):
            labels.setdefault(group, []).append(_label(row))
    streams = [Stream(tuple(sorted(folder / file for file in group)), tuple(found)) for group, found in labels.items()]
    return [stream for stream in streams if all(file.is_file() for file in stream.files)]


def _label(row: dict[str, Any]) -> Label:
    padding = row.get("padding")
    return Label(
        name=row.get("id") or f"{row['file']} {row['client_ip']}:{row['client_port']}",
        client_end=_endpoint(row["client_ip"], row["client_port"]),
        server_end=_endpoint(row["server_ip"], row["port"]),
        start=round(row["start"] * 1e9),
        client=row.get("client") or "unnamed",
        server=row.get("server") or "unnamed",
        mode=row["tls"],
        cipher=row.get("cipher"),
        padded=any(padding.values()) if isinstance(padding, dict) else bool(padding),
        decisive=_login(row),
        logins=tuple(login for attempt in row.get("auth_attempts", ()) if (login := _login(attempt))),
        verified=row.get("truth") != "intent",
    )


def _login(row: Mapping[str, Any]) -> Login | None:
    name = row.get("mechanism")
    if not name:
        return None
    # "none": it was never answered.
    outcome = None if row.get("outcome") in ("none", "unknown") else row.get("outcome")
    return Login(mechanism(name.encode()).method, name, row.get("initial_response"), outcome)


def _endpoint(address: str, port: int) -> Endpoint:
    return number_of(address), port


def number_of(address: str) -> int:
    """An address as a 128-bit number; IPv4 is mapped (RFC 4291 section 2.5.5.2)."""
    parsed = ip_address(address)
    return int(parsed) | (0xFFFF << 32 if parsed.version == 4 else 0)
