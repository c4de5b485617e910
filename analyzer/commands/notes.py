"""What a run says on standard error, beside its result."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from analyzer.capture import Source
from analyzer.errors import InputError
from analyzer.report.model import Report


class Notes:
    """Warnings, and with ``verbose`` the story of each input.

    Args:
        quiet: say nothing.
        verbose: say more.
    """

    def __init__(self, *, quiet: bool, verbose: bool) -> None:
        self._quiet = quiet
        self._verbose = verbose and not quiet

    def _say(self, text: str) -> None:
        if not self._quiet:
            sys.stderr.write(f"smtpauth: {text}\n")

    def failures(self, failures: Iterable[InputError]) -> None:
        """Inputs that could not be used while others could."""
        for failure in failures:
            self._say(f"{failure} (the other inputs were analysed)")

    def inputs(self, sources: Iterable[Source]) -> None:
        """What was read, and what the capturing host itself had lost."""
        for source in sources:
            if source.dropped:
                self._say(f"{source.name}: {source.dropped:,} packets were lost while it was captured")
            if self._verbose:
                kind = f"{source.format}, {source.compression}" if source.compression else source.format
                self._say(f"{source.name}: {kind}, {source.frames:,} packets, {source.bytes_read:,} bytes")

    def report(self, report: Report) -> None:
        """What was lost, and what was odd."""
        failed = {source.name for source in report.inputs}
        for damage in report.damage:
            if damage.name in failed:
                self._say(f"{damage.name}: {damage.what}; the result covers the rest")
        if report.undecoded:
            reasons = ", ".join(f"{count:,} {reason}" for reason, count in sorted(report.undecoded.items()))
            self._say(f"packets that could not be decoded: {reasons}")
        if self._verbose and report.oddities:
            named = ", ".join(f"{name} {count:,}" for name, count in sorted(report.oddities.items()))
            self._say(f"oddities of the traffic: {named}")
