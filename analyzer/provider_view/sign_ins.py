"""Microsoft Entra's sign-in log: who signed in by SMTP, from which public address, and why not.

The portal exports it as CSV (``Date (UTC)``, ``Username``, ``Client app``, ``IP address``, ``Status``,
``Failure reason``, …) and as JSON; Microsoft Graph's ``signIn`` resource has ``userPrincipalName``,
``clientAppUsed``, ``ipAddress``, ``createdDateTime`` and ``status`` with ``errorCode`` and ``failureReason``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from analyzer.addresses import canonical
from analyzer.errors import InputError
from analyzer.provider_view.columns import Column, Columns, is_complete, missing, plain, positions
from analyzer.provider_view.model import SignIns, SourceFile
from analyzer.provider_view.smtp_auth_clients import LONGEST_ACCOUNT, MOST_ACCOUNTS
from analyzer.provider_view.tables import MOST_COLUMNS, Table, encoding_of, head_of, opened

LARGEST_JSON = 32 << 20
"""Bytes of a JSON file, which is read whole; longer logs are to be exported as CSV, which is not."""

LISTED_ADDRESSES = 64
"""Public addresses kept of one account: a site has one or two, a mailbox under attack is tried from thousands."""

LONGEST_REASON = 300

LONGEST_WORD = 64
"""Characters of a client app's name or of an address that are looked at: what is remembered must not be as long as a
field may be."""

REMEMBERED = 1024
"""Shapes of objects, client apps and addresses that are remembered, of each: a log has a handful, and says them again
and again."""

SMTP = ("authenticatedsmtp", "smtp", "smtpauth")
"""What the log calls the client app, without signs (Microsoft Learn: "Authenticated SMTP")."""

COLUMNS: Columns = {
    "account": Column(
        ("Username", "User principal name", "UserPrincipalName", "User", "UPN", "Benutzername", "Nom d'utilisateur"),
        required=True,
    ),
    "client": Column(("Client app", "clientAppUsed", "Client app used", "ClientApp", "Client-App"), required=True),
    "address": Column(("IP address", "ipAddress", "IP", "IP-Adresse", "Adresse IP", "Dirección IP"), required=True),
    "time": Column(("Date (UTC)", "createdDateTime", "Date", "Time", "Datum (UTC)", "Datum")),
    "status": Column(("Status", "Result", "Sign-in status", "Statut", "Estado")),
    "code": Column(("Sign-in error code", "errorCode", "Error code", "ResultType")),
    "reason": Column(("Failure reason", "failureReason", "ResultDescription", "Fehlerursache")),
}

WHAT = "an export of the sign-in log"

_SUCCESS = ("success", "erfolg", "reussite", "exito", "operazioneriuscita", "0")
_PLURAL_KEYS = ("value", "signIns", "records", "data")
"""Where JSON has its list, if it is not the list itself."""


class _SignIn(NamedTuple):
    account: str
    client: str
    address: str
    time: str
    status: str
    code: str
    reason: str


def read_sign_ins(name: str) -> tuple[list[SignIns], SourceFile]:
    """The SMTP sign-ins of one export, by account (without regard to case), in order of appearance.

    Raises:
        InputError: it cannot be read, or is no such export: the line names what was looked for and the headers seen.
    """
    head = head_of(name)
    text = head.decode(encoding_of(head), "replace").lstrip("\ufeff \t\r\n")
    entries = _from_json(name) if text.startswith(("{", "[")) else _from_csv(name)
    accounts: dict[str, SignIns] = {}
    rows = others = unusable = 0
    for entry in entries:
        if not _is_smtp(entry.client[:LONGEST_WORD]):
            others += 1
            continue
        key = entry.account.strip().casefold()
        if not key or len(key) > LONGEST_ACCOUNT or (key not in accounts and len(accounts) >= MOST_ACCOUNTS):
            unusable += 1
            continue
        rows += 1
        _add(accounts.setdefault(key, SignIns(entry.account.strip())), entry)
    return list(accounts.values()), SourceFile(name, rows, others, unusable)


def _add(account: SignIns, entry: _SignIn) -> None:
    succeeded = _succeeded(entry)
    if succeeded:
        account.successes += 1
    else:
        account.failures += 1
        if entry.reason and entry.time >= account.last_failure:
            account.last_failure, account.last_reason = entry.time, entry.reason[:LONGEST_REASON]
    address = _address(entry.address[:LONGEST_WORD])
    if address is None:
        return
    table = account.addresses if succeeded else account.refused_from
    if address in table or len(table) < LISTED_ADDRESSES:
        table[address] = table.get(address, 0) + 1
    else:
        account.unlisted += 1


def _succeeded(entry: _SignIn) -> bool:
    """By the word where there is one, else by the error code, of which 0 is none."""
    word = plain(entry.status)
    return word in _SUCCESS if word else entry.code.strip() in ("", "0")


def _from_csv(name: str) -> Iterator[_SignIn]:
    table = Table(name, lambda row: is_complete(row, COLUMNS))
    if table.header is None:
        raise missing(name, WHAT, table.seen, COLUMNS)
    at = positions(table.header, COLUMNS)
    for row in table:
        yield _SignIn(*(row[at[key]] if key in at and at[key] < len(row) else "" for key in COLUMNS))


def _from_json(name: str) -> Iterator[_SignIn]:
    found = list(_objects(name))
    if not found:
        return
    keys = list(dict.fromkeys(key for entry in found[:100] for key in _flat(entry)))[:MOST_COLUMNS]
    if not is_complete(keys, COLUMNS):
        raise missing(name, WHAT, keys, COLUMNS)
    for entry in found:
        flat = _flat(entry)
        names = _names(tuple(flat))
        yield _SignIn(*("" if name is None else flat[name] for name in names))


@lru_cache(REMEMBERED)
def _names(keys: tuple[str, ...]) -> list[str | None]:
    """Which of an object's keys is which column, in the order of :data:`COLUMNS`."""
    at = positions(keys, COLUMNS)
    return [keys[at[column]] if column in at else None for column in COLUMNS]


@lru_cache(REMEMBERED)
def _is_smtp(client: str) -> bool:
    return plain(client) in SMTP


@lru_cache(REMEMBERED)
def _address(text: str) -> str | None:
    try:
        return canonical(text.strip())
    except ValueError:
        return None


def _flat(entry: Mapping[str, Any]) -> dict[str, str]:
    """Texts and numbers of an object, and of the objects in it (``status``, and the log of a workspace has
    ``properties``); the first :data:`~analyzer.provider_view.tables.MOST_COLUMNS` of them."""
    flat: dict[str, str] = {}
    inner: list[Mapping[str, Any]] = [entry]
    for _ in range(3):  # levels
        inner, level = [], inner
        for part in level:
            for key, value in part.items():
                if len(flat) >= MOST_COLUMNS:
                    return flat
                if isinstance(value, str | int | float) and not isinstance(value, bool):
                    flat.setdefault(str(key), str(value))
                elif isinstance(value, dict):
                    inner.append(value)
    return flat


def _objects(name: str) -> Iterable[Mapping[str, Any]]:
    with opened(name) as file:
        content = file.read(LARGEST_JSON + 1)
    if len(content) > LARGEST_JSON:
        raise InputError(name, f"more than {LARGEST_JSON >> 20} MB of JSON", "export the log as CSV")
    try:
        text = content.decode(encoding_of(content[: 64 << 10])).lstrip("\ufeff")
    except UnicodeDecodeError:
        raise InputError(name, "it is no text of one encoding") from None
    try:
        parsed = json.loads(text)
    except RecursionError:
        raise InputError(name, "JSON nested too deeply for a sign-in log") from None
    except ValueError as error:
        lines = _lines(text)
        if lines is None:
            raise InputError(name, f"it is no JSON ({' '.join(str(error).split())})") from None
        parsed = lines
    if isinstance(parsed, dict):
        parsed = next((parsed[key] for key in _PLURAL_KEYS if isinstance(parsed.get(key), list)), [parsed])
    if not isinstance(parsed, list) or not all(isinstance(entry, dict) for entry in parsed):
        raise InputError(name, f"not {WHAT}: it holds no list of sign-ins")
    return parsed


def _lines(text: str) -> list[Any] | None:
    """JSON, one object a line; ``None`` where it is not that."""
    try:
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    except (ValueError, RecursionError):
        return None
