"""Standard output and standard error, whatever they are: closed, full, or a pipe that nobody reads any more."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from typing import TextIO

_PASSWORD = re.compile(r"(://[^\s:/@]*:)\S*@")
"""In a URL, up to the last ``@`` of the word: a password may have one of its own."""


def say(line: str) -> None:
    """One line on standard error; where nobody can hear it, nothing, since the exit code speaks, too.

    What a line quotes may be anything, a file's name or a word of a damaged file: it stays one line, and inert. An
    argument out of its place may be the URL of a store: without its password.
    """
    line = _PASSWORD.sub(r"\1***@", line)
    if sys.stderr is None:  # closed by whoever started us
        return
    if not line.isprintable():
        from analyzer.capture.names import inert  # not before it is needed: that room takes a while to load

        line = inert(line)
    try:
        sys.stderr.write(f"smtpauth: {line}\n")
        sys.stderr.flush()
    except OSError:
        discard(sys.stderr)


def discard(stream: TextIO | None) -> None:
    """Write what ``stream`` still holds, and all that follows, nowhere.

    Otherwise Python tries again when it ends, complains, and changes the exit code to 120.
    """
    if stream is None:
        return
    with contextlib.suppress(OSError, ValueError):  # a stand-in without a descriptor needs nothing
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
