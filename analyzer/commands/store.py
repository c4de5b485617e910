"""``smtpauth store``: make a store, look at it, prune it, and take it elsewhere."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import BinaryIO

from analyzer.commands.console import say
from analyzer.commands.exits import DONE
from analyzer.commands.output import output
from analyzer.commands.storing import tell
from analyzer.errors import UsageError
from analyzer.report.text import clean
from analyzer.store import StoreStatus, initialise, open_store
from analyzer.store.transfer import LONGEST_LINE

_WITH_FILE = ("export", "import")


def run(options: argparse.Namespace) -> int:
    """Carry out the command and return its exit code."""
    if options.file is not None and options.action not in _WITH_FILE:
        raise UsageError(f"'store {options.action}' takes no file; only the store's URL")
    if options.keep_days is not None and options.action != "prune":
        raise UsageError("--keep-days goes with 'store prune'")
    {"init": _init, "status": _status, "prune": _prune, "export": _export, "import": _import}[options.action](options)
    return DONE


def _note(options: argparse.Namespace, line: str) -> None:
    if not options.quiet:
        say(line)


def _init(options: argparse.Namespace) -> None:
    changed = initialise(options.url)
    with open_store(options.url) as store:
        _note(options, f"{store.name}: " + ("ready" if changed else "was ready already; nothing to do"))


def _status(options: argparse.Namespace) -> None:
    with open_store(options.url, create=False) as store, output(None) as out:
        status = store.status()
        if options.format == "json":
            json.dump(_record(status), out, indent=2)
            out.write("\n")
        else:
            out.write(_table(status))


def _record(status: StoreStatus) -> dict[str, object]:
    def plain(value: object) -> object:
        return value if value is None or isinstance(value, int | list) else str(value)

    record = {name: plain(value) for name, value in asdict(status).items()}
    return {**record, "sensors": list(status.sensors)}


def _table(status: StoreStatus) -> str:
    reach = f"{status.first} to {status.last}" if status.first else "none yet"
    kept = f"{status.sessions:,}" + (f" ({status.views:,} views)" if status.views != status.sessions else "")
    if status.sessions_from:
        kept += f", from {status.sessions_from} on"
    lines = {
        "Store": clean(status.url),
        "Schema": f"{status.schema} ({status.kind})",
        "Size": "unknown" if status.size is None else f"{status.size / 1e6:,.1f} MB",
        "Days": reach,
        "Sensors": ", ".join(map(clean, status.sensors)) or "none yet",
        "Inputs": f"{status.inputs:,}",
        "Sessions": kept,
        "Kept for": f"{status.keep_days:,} days",
        "Addresses": f"{status.addresses:,}",
        "Daily sums": f"{status.aggregates:,}",
    }
    if status.reduced:
        lines["Reduced"] = f"{status.reduced:,} sessions, of clients that show too many different things a day"
    width = max(map(len, lines))
    return "".join(f"{name:<{width}}  {value}\n" for name, value in lines.items())


def _prune(options: argparse.Namespace) -> None:
    with open_store(options.url, create=False) as store:
        removed = store.prune(options.keep_days)
        _note(options, f"{store.name}: {removed:,} sessions removed")


def _export(options: argparse.Namespace) -> None:
    with open_store(options.url, create=False) as store, output(options.file) as out:
        for line in store.export():
            out.write(line + "\n")


def _import(options: argparse.Namespace) -> None:
    with open_store(options.url) as store, _input(options.file) as file:
        source = "standard input" if options.file in (None, "-") else options.file
        done, sums, skipped = store.import_lines(_lines(file), source)
        store.refresh()
        tell(done, store.name, verbose=not options.quiet, quiet=options.quiet)
        if sums or skipped:
            _note(options, f"{store.name}: daily sums: {sums:,} stored, {skipped:,} of days that have some already")


@contextmanager
def _input(name: str | None) -> Iterator[BinaryIO]:
    if name is None or name == "-":
        if sys.stdin is None:
            raise UsageError("standard input is closed; name a file")
        yield sys.stdin.buffer
        return
    try:
        file = open(name, "rb")  # noqa: SIM115 - closed below
    except (OSError, ValueError) as error:
        raise UsageError(f"{name}: it cannot be read ({getattr(error, 'strerror', None) or error})") from None
    with file:
        yield file


def _lines(file: BinaryIO) -> Iterator[str]:
    """Lines of bounded length; what is no text is passed on as nothing that could be JSON."""
    try:
        while line := file.readline(LONGEST_LINE + 2):
            yield line.decode("utf-8", "replace")
    except OSError as error:
        raise UsageError(f"the lines cannot be read to their end ({error.strerror}); nothing was stored") from None
