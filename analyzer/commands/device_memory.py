"""What is known of devices, in a file: so that a run that starts anew does not tell everything once more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from analyzer.alerts import Watcher
from analyzer.commands.output import output
from analyzer.errors import InputError, UsageError

if TYPE_CHECKING:
    from typing import Any


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
        if self._name is None or not Path(self._name).exists():
            return Watcher()
        try:
            known: Any = json.loads(Path(self._name).read_text("utf-8"))
        except OSError as error:
            raise InputError(self._name, f"it cannot be read ({error.strerror or error})") from None
        except ValueError:
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
