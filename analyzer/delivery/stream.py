"""Event lines to a file that others follow, or to standard output.

A file is appended to, one system call a line, so that whoever reads it (or writes to it, too) sees whole lines. A line
that could be written in part only, on a full disk, is ended before the next one begins. Event lines hold user names, so
the file is made readable for its owner alone.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Callable
from typing import TextIO

from analyzer.capture.precious import treasure_in
from analyzer.errors import UsageError

MODE = 0o600
"""Of a file that is made; one that exists keeps its own."""

_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC
"""A named pipe must neither wait for a reader nor hold up the run when that one is slow."""


class EventFile:
    """A file of lines.

    Args:
        name: its path; a named pipe or a device will do.
        say: told in one line when lines begin to be lost, and when they are written again.

    Raises:
        UsageError: it cannot be opened, or it is a capture.

    Attributes:
        written, lost: lines so far.
    """

    def __init__(self, name: str, say: Callable[[str], None]) -> None:
        self._name = name
        self._say = say
        self._torn = False
        self._failing = False
        self.written = self.lost = 0
        try:
            self._descriptor: int | None = _opened(name)
        except (OSError, ValueError) as error:
            shown = name if name and name.isprintable() else repr(name)
            raise UsageError(f"{shown}: events cannot be written there ({_reason(error)})") from None

    def write(self, line: str) -> None:
        """Append ``line`` (without its end); where that fails, it is lost and counted."""
        data = (b"\n" if self._torn else b"") + line.encode("utf-8", "replace") + b"\n"
        try:
            if self._descriptor is None:
                self._descriptor = _opened(self._name)
            count = os.write(self._descriptor, data)
            if count < len(data):
                self._torn = True
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except (OSError, UsageError) as error:
            self.lost += 1
            if not self._failing:
                self._failing = True
                self._say(f"{self._name}: events cannot be written ({_reason(error)}); they are lost until they can")
            return
        self._torn = False
        self.written += 1
        if self._failing:
            self._failing = False
            self._say(f"{self._name}: events are written again; {self.lost} were lost so far")

    def reopen(self) -> None:
        """The file was renamed, as log rotation does: go on with a new one of the same name.

        Where that cannot be opened, the next :meth:`write` tries again.
        """
        self.close()
        self._torn = False
        with contextlib.suppress(OSError, UsageError):
            self._descriptor = _opened(self._name)

    def close(self) -> None:
        """Nothing waits to be written."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


class EventOutput:
    """Lines to standard output, each at once.

    Args:
        out: where to; it stays open.
    """

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self.written = 0

    def write(self, line: str) -> None:
        """Print ``line``.

        Raises:
            BrokenPipeError: whoever reads it has seen enough, which ends the run as with every other result.
        """
        self._out.write(line + "\n")
        self._out.flush()
        self.written += 1

    def reopen(self) -> None:
        """Standard output has no name under which it could be opened again."""

    def close(self) -> None:
        """It belongs to whoever gave it."""


def _opened(name: str) -> int:
    descriptor = os.open(name, _FLAGS, MODE)
    try:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            _refuse_treasure(name)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _refuse_treasure(name: str) -> None:
    """A slip of the pen must not spoil a recording or a store."""
    if (treasure := treasure_in(name)) is not None:
        raise UsageError(f"{name}: it is {treasure}, which events must not be appended to; give another name")


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno == errno.ENXIO:
        return "nobody reads this pipe"
    return getattr(error, "strerror", None) or str(error)
