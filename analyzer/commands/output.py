"""Where a command's result goes: standard output, or a file that appears under its name only when it is whole."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import stat
import sys
from collections.abc import Iterator
from pathlib import PurePath
from typing import BinaryIO, TextIO

from analyzer.commands.console import discard
from analyzer.errors import UsageError

NARROWEST = 60
"""Columns below which a table says nothing; a terminal narrower than that wraps its lines."""

PIPE_WIDTH = 100
"""Columns where nobody says how many there are: a pipe or a file."""

ENDINGS = {
    ".txt": "table",
    ".md": "markdown",
    ".json": "json",
    ".jsonl": "jsonl",
    ".csv": "csv",
    ".html": "html",
    ".htm": "html",
    ".xlsx": "xlsx",
}
"""Formats by the ending of a file's name, where none is given."""


def format_by_ending(name: str | None, otherwise: str | None) -> str | None:
    """The format that the ending of ``name`` tells, ``otherwise`` where it tells none; a table on standard output."""
    if name is None or name == "-":
        return "table"
    return ENDINGS.get(PurePath(name).suffix.lower(), otherwise)


def width_of(out: TextIO) -> int:
    """Columns that a table may take."""
    return max(NARROWEST, shutil.get_terminal_size().columns) if out.isatty() else PIPE_WIDTH


def wants_colour(out: TextIO) -> bool:
    """Whether ``out`` is a terminal that shows colours to somebody who wants them (https://no-color.org)."""
    return out.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def binary(out: TextIO) -> BinaryIO:
    """The bytes below ``out``.

    Raises:
        UsageError: they would go to a terminal.
    """
    if out.isatty():
        raise UsageError("the output is a terminal, which cannot show a workbook; name a file with --output")
    return out.buffer


@contextlib.contextmanager
def output(name: str | None) -> Iterator[TextIO]:
    """Standard output where ``name`` is ``None`` or ``-``, else the file of that name.

    Raises:
        UsageError: it cannot be written.
        BrokenPipeError: whoever reads it has seen enough.
    """
    if name is None or name == "-":
        with standard_output() as out:
            yield out
        return
    out, temporary = _opened(name)
    try:
        with _full_disk_is_told(name), out:
            yield out
        if temporary is not None:
            _put_in_place(name, temporary)
    finally:
        if temporary is not None:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)


@contextlib.contextmanager
def standard_output() -> Iterator[TextIO]:
    """Standard output, in a state to be written to.

    Raises:
        UsageError: it is closed, or the disk behind it is full.
        BrokenPipeError: whoever reads it has seen enough.
    """
    out = sys.stdout
    if out is None:  # closed by whoever started us
        raise UsageError("standard output is closed; name a file with --output")
    if isinstance(out, io.TextIOWrapper):
        out.reconfigure(errors="replace")  # a name that the terminal's encoding lacks must not end the run
    try:
        with _full_disk_is_told("standard output"):
            yield out
            out.flush()
    except UsageError:
        discard(out)
        raise


def _opened(name: str) -> tuple[TextIO, str | None]:
    """The file to write, and its name as long as it is not whole; ``None`` for a device or a pipe, written as it is."""
    try:
        mode = os.stat(name).st_mode if os.path.exists(name) else None
        if mode is not None and not stat.S_ISREG(mode):
            return open(name, "w", encoding="utf-8", newline=""), None
        if mode is not None:
            from analyzer.capture.precious import treasure_in  # with numpy, which few commands need

            if (treasure := treasure_in(name)) is not None:
                raise UsageError(f"{name}: it is {treasure}, which a result must not replace; give another name")
        temporary = f"{_target(name)}.{os.getpid()}.part"
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        # Made anew: in a directory that others may write to, a link may wait there that leads to somebody's file.
        out = open(temporary, "x", encoding="utf-8", newline="")  # noqa: SIM115 - output() closes it
        if mode is not None:
            os.chmod(temporary, stat.S_IMODE(mode))  # a report that was kept from others' eyes stays so
    except (OSError, ValueError) as error:
        raise _unwritable(name, error) from None
    return out, temporary


def _put_in_place(name: str, temporary: str) -> None:
    try:
        os.replace(temporary, _target(name))
    except OSError as error:
        raise _unwritable(name, error) from None


def _target(name: str) -> str:
    """Where ``name`` leads to: a link stays one, and what it points to is replaced."""
    return os.path.realpath(name)


@contextlib.contextmanager
def _full_disk_is_told(name: str) -> Iterator[None]:
    """A write that failed becomes one line. Only such errors have no file name: opening another file puts it in."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        if error.filename is not None:
            raise
        raise _unwritable(name, error) from None


def _unwritable(name: str, error: OSError | ValueError) -> UsageError:
    return UsageError(f"{name or repr(name)}: it cannot be written ({getattr(error, 'strerror', None) or error})")
