"""What a run says on standard error, beside its result."""

from __future__ import annotations

from collections.abc import Iterable

from analyzer.capture import Source
from analyzer.commands.console import say
from analyzer.commands.keys import KEYS, unused, used
from analyzer.decryption.stage import Decryption
from analyzer.report import wording
from analyzer.report.model import Report
from analyzer.report.records import context_record


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
            say(text)

    def inputs(self, sources: Iterable[Source]) -> None:
        """What was read."""
        if self._verbose:
            for source in sources:
                kind = f"{source.format}, {source.compression}" if source.compression else source.format
                self._say(f"{source.name}: {kind}, {source.frames:,} packets, {source.bytes_read:,} bytes")

    def keys(self, decryption: Decryption, *, asked_for: bool) -> None:
        """How far the TLS keys went.

        Args:
            asked_for: the user named a key log, so that the report says what was lost.
        """
        lost = unused(decryption)
        if lost is None:
            if (line := used(decryption, asked_for=asked_for)) is not None:
                self._say(line)
        elif not asked_for:
            self._say(f"{KEYS} in the captures: {lost}")

    def keys_of_session(self, decryption: Decryption, *, closed: bool, asked_for: bool) -> None:
        """Whether the TLS keys fit the one session that was asked for.

        Args:
            closed: it has something inside that could not be read.
            asked_for: see :meth:`keys`.
        """
        lost = unused(decryption)
        if lost is not None and not asked_for:
            self._say(f"{KEYS} in the captures: {lost}")
        elif closed and asked_for and lost is None:
            self._say("the keys do not fit this session; they open only what the programs sent that wrote them down")

    def report(self, report: Report, *, shown: bool) -> None:
        """What was lost, and what was odd.

        Args:
            shown: the losses stand on the same screen already, below the result.
        """
        context = context_record(report)
        if not shown:
            for note in wording.notes(context):
                self._say(note)
        if self._verbose and report.oddities:
            self._say(f"oddities of the traffic: {wording.counted(context['oddities'])}")

    def nothing_found(self, ports: Iterable[int]) -> None:
        """Packets, but no mail: most often the port is another one."""
        listed = ", ".join(map(str, sorted(ports)))
        self._say(f"no mail was found on TCP ports {listed}; --port N looks at others, too")
