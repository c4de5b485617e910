"""The inventory in a file, written anew from time to time while a run goes on."""

from __future__ import annotations

from pathlib import PurePath

from analyzer.commands.output import output, width_of
from analyzer.errors import UsageError
from analyzer.report.model import Format, Report
from analyzer.report.redact import Redactor
from analyzer.report.write import write

FORMATS: dict[str, Format] = {
    ".json": "json",
    ".jsonl": "jsonl",
    ".csv": "csv",
    ".md": "markdown",
    ".txt": "table",
}


class Snapshots:
    """Writes reports to one file, each in place of the one before, whole or not at all.

    Args:
        name: of the file; its ending tells the format.
        redactor: replaces user names, where given.

    Attributes:
        problem: why the last one could not be written, one line, or ``None``.

    Raises:
        UsageError: nobody knows the format.
    """

    def __init__(self, name: str, redactor: Redactor | None) -> None:
        self._name = name
        self._redactor = redactor
        self.problem: str | None = None
        ending = PurePath(name).suffix.lower()
        if ending not in FORMATS:
            raise UsageError(f"{name}: the ending tells the format: one of {', '.join(FORMATS)}")
        self._format = FORMATS[ending]

    def write(self, report: Report) -> None:
        """Write ``report``.

        Raises:
            UsageError: it cannot be written.
        """
        with output(self._name) as out:
            write(self._format, report, out, width=width_of(out), redactor=self._redactor)

    def try_to_write(self, report: Report) -> bool:
        """The same in the midst of a run, which a full disk must not end; returns whether it worked."""
        try:
            self.write(report)
        except UsageError as error:
            self.problem = str(error)
            return False
        self.problem = None
        return True
