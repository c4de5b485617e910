"""The real command as a process of its own, as users, pipes and scheduled jobs meet it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.support.material import REPOSITORY

OFFICE = REPOSITORY / "captures" / "office"
MECHANISMS = REPOSITORY / "captures" / "mechanisms"
GENERATED = REPOSITORY / "captures" / "generated"

COMMAND = [sys.executable, "-m", "analyzer.cli"]
PATIENCE = 60
"""Seconds after which a test has failed; a loaded machine may be slow."""


def environment(**variables: str) -> dict[str, str]:
    """Ours, without what would change how the command behaves."""
    plain = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "PYTHONUNBUFFERED", "COLUMNS")}
    return {**plain, "PYTHONPATH": str(REPOSITORY), **variables}


def start(*arguments: str | Path, **options: Any) -> subprocess.Popen[bytes]:
    """The command, running, with pipes for its output."""
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": environment(), **options}
    return subprocess.Popen([*COMMAND, *map(str, arguments)], **options)


def run(*arguments: str | Path, before: Sequence[str] = (), **options: Any) -> subprocess.CompletedProcess[str]:
    """The command, run to its end.

    Args:
        before: a program that runs it, with its arguments.
    """
    options = {"env": environment(), "stdin": subprocess.DEVNULL, **options}
    command = [*before, *COMMAND, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, **options)


def shell(script: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """A line of shell in which ``smtpauth`` is the command; bash, since sh has no pipefail."""
    function = f'set -o pipefail; smtpauth() {{ "{sys.executable}" -m analyzer.cli "$@"; }}; '
    return subprocess.run(
        ["bash", "-c", function + script],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        stdin=subprocess.DEVNULL,
        env=environment(**variables),
    )
