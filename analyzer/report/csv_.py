"""CSV (RFC 4180) for spreadsheets, in which nothing from the wire can become a formula."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Sequence
from typing import Any, TextIO

from analyzer.report import wording
from analyzer.report.wording import Record

_FORMULA = re.compile(r"(^|[;,])(\s*)([=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20])")
"""A cell that begins so is computed by Excel, LibreOffice and Google Sheets. After a semicolon or comma, too: which
of them separates cells depends on the reader's country, not on ours. The last four are the full-width forms."""


def guarded(text: str) -> str:
    """``text`` with an apostrophe wherever a spreadsheet would begin a formula."""
    return _FORMULA.sub(r"\1\2'\3", text)


def _joined(values: Sequence[str]) -> str:
    return "; ".join(values)


def _counts(counts: dict[str, int]) -> str:
    return _joined([f"{name} {count}" for name, count in counts.items()])


def _failure(device: Record) -> str | None:
    failure = device["last_failure"]
    if failure is None:
        return None
    return " ".join(str(failure[key]) for key in ("time", "code", "enhanced", "meaning") if failure[key] is not None)


def _plan(device: Record, key: str) -> Any:
    """A part of the device's plan; not every report has plans."""
    plan = device.get("plan")
    return plan and plan[key]


Cell = Callable[[Record], Any]

DEVICE_CELLS: dict[str, Cell] = {
    "device": lambda d: d["device"],
    "name": lambda d: d["name"],
    "status": lambda d: d["status"],
    "evidence": lambda d: d["evidence"],
    "confidence": lambda d: d["confidence"],
    "ips": lambda d: _joined(d["ips"]),
    "mac": lambda d: d["mac"],
    "vendor": lambda d: d["vendor"],
    "names": lambda d: _joined(d["names"]),
    "hostnames": lambda d: _joined([f"{name['name']} ({name['source']})" for name in d["hostnames"]]),
    "vendor_class": lambda d: d["vendor_class"],
    "mail_programs": lambda d: _joined(d["mail_programs"]),
    "owner": lambda d: d["asset"] and d["asset"]["owner"],
    "location": lambda d: d["asset"] and d["asset"]["location"],
    "notes": lambda d: d["asset"] and d["asset"]["notes"],
    "accounts": lambda d: _joined(d["accounts"]),
    "methods": lambda d: _counts(d["methods"]),
    "mechanisms": lambda d: _counts(d["mechanisms"]),
    "servers": lambda d: _joined(wording.server_names(d)),
    "ports": lambda d: _joined([str(p) for p in sorted({port for s in d["servers"] for port in s["ports"]})]),
    "providers": lambda d: _joined(sorted({s["provider"] for s in d["servers"] if s["provider"]})),
    "sessions": lambda d: d["sessions"],
    "messages": lambda d: d["messages"],
    "auth_success": lambda d: d["auth_success"],
    "auth_failure": lambda d: d["auth_failure"],
    "last_failure": _failure,
    "first_seen": lambda d: d["first_seen"],
    "last_seen": lambda d: d["last_seen"],
    "clients_behind": lambda d: d["clients_behind"],
    "findings": lambda d: _joined(d["findings"]),
    "advice": lambda d: d["advice"],
    "urgency": lambda d: _plan(d, "urgency"),
    "deadline": lambda d: (_plan(d, "deadline") or {}).get("day"),
}


def _login(session: Record, key: str) -> Any:
    attempt = wording.decisive(session)
    return attempt and attempt[key]


SESSION_CELLS: dict[str, Cell] = {
    "start": lambda s: s["start"],
    "end": lambda s: s["end"],
    "source": lambda s: s["source"],
    "client_ip": lambda s: s["client"]["ip"],
    "client_port": lambda s: s["client"]["port"],
    "client_mac": lambda s: s["client"]["mac"],
    "ehlo": lambda s: s["client"]["ehlo"],
    "server_ip": lambda s: s["server"]["ip"],
    "server_port": lambda s: s["server"]["port"],
    "server_name": lambda s: s["server"]["name"],
    "provider": lambda s: s["server"]["provider"],
    "tls": lambda s: s["tls"]["mode"],
    "tls_version": lambda s: s["tls"]["version"],
    "method": lambda s: s["method"],
    "evidence": lambda s: s["evidence"],
    "confidence": lambda s: s["confidence"],
    "reason": lambda s: s["reason"],
    "attempts": lambda s: len(s["auth"]),
    "mechanism": lambda s: _login(s, "mechanism"),
    "username": lambda s: _login(s, "username"),
    "outcome": lambda s: _login(s, "outcome"),
    "reply": lambda s: _login(s, "reply"),
    "cleartext": lambda s: _login(s, "cleartext"),
    "messages": lambda s: s["messages"],
    "complete": lambda s: s["complete"],
    "findings": lambda s: _joined(s["findings"]),
}


class CsvWriter:
    """Rows of one kind, with a header line; lines end with CR LF (RFC 4180 section 2)."""

    def __init__(self, cells: dict[str, Cell], out: TextIO) -> None:
        self._cells = cells
        self._writer = csv.writer(out, lineterminator="\r\n")
        self._writer.writerow(cells)

    def write(self, record: Record) -> None:
        """One row: numbers as they are, truth values in lower case, unknown as an empty cell."""
        self._writer.writerow([_plain(cell(record)) for cell in self._cells.values()])


def _plain(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    return guarded(value) if isinstance(value, str) else value
