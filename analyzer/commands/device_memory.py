"""What is known of devices, in a file: so that a run that starts anew does not tell everything once more."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Final

from analyzer.alerts import Watcher
from analyzer.commands.output import output
from analyzer.errors import InputError, UsageError
from analyzer.files import content_of

if TYPE_CHECKING:
    from typing import Any


LARGEST: Final = 512 << 20
"""Bytes: twice what 32,768 devices take, each with 16 accounts of the longest names."""


class DeviceMemory:
    """One file; where there is none yet, nothing is known.

    Args:
        name: of the file, or ``None`` for none.
    """

    def __init__(self, name: str | None) -> None:
        self._name = name

    def watcher(self) -> Watcher:
        """A watcher that knows what the file says.

        Raises:
            UsageError: the file cannot be read, or something else is in it.
        """
        if self._name is None or not os.path.exists(self._name):
            return Watcher()
        try:
            known: Any = json.loads(content_of(self._name, LARGEST, "remove it to begin anew"))
        except (ValueError, RecursionError):
            raise InputError(self._name, "it is no JSON", "remove it to begin anew") from None
        try:
            return Watcher.from_snapshot(known)
        except UsageError as error:
            raise InputError(self._name, str(error)) from None

    def keep(self, watcher: Watcher) -> None:
        """Write down what ``watcher`` knows.

        Raises:
            UsageError: it cannot be written.
        """
        if self._name is not None:
            with output(self._name) as out:
                json.dump(watcher.snapshot(), out, indent=1)
                out.write("\n")
