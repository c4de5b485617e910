"""A period's report as one JSON object (``docs/report.md``), with one line for each entry of its lists."""

from __future__ import annotations

import json
from typing import Any, TextIO

from analyzer.report.wording import Record

_encode = json.JSONEncoder(check_circular=False).encode


def write_json(document: Record, out: TextIO) -> None:
    """All of it, in ASCII."""
    separator = "{"
    for name, value in document.items():
        out.write(f"{separator}\n{_encode(name)}: ")
        _write_value(value, out)
        separator = ","
    out.write("\n}\n")


def _write_value(value: Any, out: TextIO) -> None:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        out.write("[\n" + ",\n".join(map(_encode, value)) + "\n]")
    else:
        out.write(_encode(value))
