"""JSON (RFC 8259) and JSON lines. Output is ASCII, so that no terminal's or file's encoding can spoil it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TextIO

from analyzer.report.wording import Record

_encode = json.JSONEncoder(check_circular=False).encode


def write_line(record: Record, out: TextIO) -> None:
    """One record on one line."""
    out.write(_encode(record) + "\n")


class JsonArrayWriter:
    """An object whose first member is an array of records, written one by one, so that it need not fit into memory."""

    def __init__(self, name: str, out: TextIO) -> None:
        self._out = out
        self._separator = "\n"
        out.write(f'{{"{name}": [')

    def write(self, record: Record) -> None:
        """The next element."""
        self._out.write(self._separator + _encode(record))
        self._separator = ",\n"

    def close(self, others: Record) -> None:
        """End the array and write the other members."""
        self._out.write("\n]" if self._separator != "\n" else "]")
        for name, value in others.items():
            self._out.write(f",\n{_encode(name)}: {_encode(value)}")
        self._out.write("}\n")


def write_object(name: str, records: Iterable[Record], others: Record, out: TextIO) -> None:
    """All of it at once."""
    writer = JsonArrayWriter(name, out)
    for record in records:
        writer.write(record)
    writer.close(others)
