"""``smtpauth scan``: captures in, the inventory of devices (or the list of sessions) out."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TextIO

from analyzer.advice import Knowledge, plans
from analyzer.capture import CaptureSet, FrameBatch, open_captures
from analyzer.commands.console import discard
from analyzer.commands.gate import exit_code
from analyzer.commands.interruption import Interruption
from analyzer.commands.keys import KEYS, Keys, unused
from analyzer.commands.knowledge import knowledge_of
from analyzer.commands.limits import limits_of
from analyzer.commands.naming import Naming, naming_of
from analyzer.commands.notes import Notes
from analyzer.commands.output import binary, format_by_ending, output, wants_colour, width_of
from analyzer.commands.reading import damage_of, read, summaries
from analyzer.commands.sharing import Sharing
from analyzer.decryption.stage import Decryption
from analyzer.errors import Damage, UsageError
from analyzer.hostnames import Learned
from analyzer.inventory.session import Session
from analyzer.inventory.tally import Tally
from analyzer.packets import SUBMISSION_PORTS
from analyzer.pipeline import Analysis, InOrder
from analyzer.report.model import FORMATS, Report
from analyzer.report.redact import Redactor
from analyzer.report.write import SessionWriter, write

if TYPE_CHECKING:
    from analyzer.commands.storing import ScanStoring
    from analyzer.workers import Crew

_WITH_NOTES = ("table", "markdown")
"""Formats that end with what was lost."""

_OF_DEVICES = ("html", "xlsx")
"""Formats that sessions have none of."""


def run(options: argparse.Namespace) -> int:
    """Carry out the command and return its exit code."""
    options.format = options.format or format_by_ending(options.output, "table")
    notes = Notes(quiet=options.quiet, verbose=options.verbose)
    redactor = Redactor.from_environment() if options.redact_users else None
    knowledge = knowledge_of(options.knowledge)
    if options.advice and (options.sessions or options.format != "table"):
        raise UsageError("--advice goes with --format table, device by device; JSON has every device's plan without it")
    if options.sessions and options.format in _OF_DEVICES:
        raise UsageError(f"--format {options.format} is made of devices; --sessions goes with {', '.join(FORMATS)}")
    named = naming_of(options)
    keys = Keys(options.keylog, options.tshark, quiet=options.quiet)
    with (
        Interruption() as interruption,
        keys.decryption() as decryption,
        open_captures(options.paths, on_keys=keys.add) as captures,
        _storing(options, redactor) as storing,
        output(options.output) as out,
        contextlib.closing(_Scan(captures, options, out, redactor, decryption, knowledge, named)) as scan,
    ):
        if options.format == "xlsx":
            binary(out)  # before the work is done rather than after
        scan.store(storing)
        scan.read(interruption)
        report = scan.report(interrupted=interruption.came)
        try:
            if storing is not None:
                storing.finish(report.inputs, scan.names(), whole=not report.interrupted)
                storing.tell(verbose=options.verbose, quiet=options.quiet)
        finally:  # what was found out is shown, even if there was no room for it in the store
            scan.write(report)
    notes.inputs(captures.sources)
    notes.keys(decryption, asked_for=bool(options.keylog))
    notes.report(report, shown=options.format in _WITH_NOTES and out is sys.stdout and _both_on_a_terminal())
    if not (report.summary.sessions or report.interrupted):
        notes.nothing_found(scan.ports)
    return exit_code(report, options.fail_on)


@contextlib.contextmanager
def _storing(options: argparse.Namespace, redactor: Redactor | None) -> Iterator[ScanStoring | None]:
    """What takes the sessions for the store, where the user names one."""
    if options.store is None:
        yield None
        return
    from analyzer.commands.storing import ScanStoring  # a fifth of a second, for the libraries of databases

    with contextlib.closing(ScanStoring(options.store, options.sensor, redactor)) as storing:
        yield storing


def _both_on_a_terminal() -> bool:
    return sys.stdout.isatty() and sys.stderr is not None and sys.stderr.isatty()


class _Scan:
    """One run over a set of captures."""

    def __init__(
        self,
        captures: CaptureSet,
        options: argparse.Namespace,
        out: TextIO,
        redactor: Redactor | None,
        decryption: Decryption,
        knowledge: Knowledge,
        named: Naming,
    ) -> None:
        self._captures = captures
        self._options = options
        self._out = out
        self._redactor = redactor
        self._knowledge = knowledge
        self._named = named
        self._tally = Tally()
        self._in_order: InOrder | None = None
        self._sessions: SessionWriter | None = None
        if options.sessions:
            self._sessions = SessionWriter(options.format, out, width=width_of(out), redactor=redactor)
            self._in_order = InOrder(self._sessions.write)
        self.ports = SUBMISSION_PORTS | frozenset(options.port)
        self._decryption = decryption
        self._store: Callable[[Session], None] | None = None
        self._sharing = Sharing(options, captures)
        self._crew: Crew | None = None
        self._names = [source.name for source in captures.sources]
        self._limits = limits_of(options)
        self._analysis = Analysis(
            self._names,
            self._take,
            self.ports,
            self._limits,
            decryption if self._sharing.keys_are_used else None,
            on_name=self._tally.inventory.learn,
            crew=self._share,
        )
        self._unread = False

    def _take(self, session: Session) -> None:
        self._tally.add(session)
        if self._in_order is not None:
            self._in_order.add(session)
        if self._store is not None:
            self._store(session)

    def store(self, storing: ScanStoring | None) -> None:
        """Hand on each session to ``storing``, too."""
        self._store = None if storing is None else storing.take

    def names(self) -> Iterator[Learned]:
        """What was learned of hosts' names."""
        return self._tally.inventory.told_names()

    def _share(self) -> Crew | None:
        """Begin the processes that share the work, where that is worth while."""
        size = self._sharing.size(self._analysis.segments)
        if size > 1:
            from analyzer.workers import Crew, Orders

            one_by_one = self._in_order is not None or self._store is not None
            orders = Orders(self._names, self.ports, self._limits, one_by_one)
            self._crew = Crew(size, orders, self._tally, self._take)
        return self._crew

    def close(self) -> None:
        """End the processes that share the work."""
        if self._crew is not None:
            self._crew.close()

    def read(self, interruption: Interruption) -> None:
        """Read everything, or until the user has had enough; after that the rest holds what is known."""
        # Sessions that appear on the screen show progress enough, and a bar would be drawn between them.
        bar = not self._options.quiet and not (self._sessions is not None and self._out.isatty())
        read(self._captures, self._analysis, interruption, bar=bar, after=self._after)

    def _after(self, batch: FrameBatch) -> None:
        if self._in_order is not None and len(batch):
            self._pass_on()

    def report(self, *, interrupted: bool) -> Report:
        """The result over all that was read."""
        inventory = self._tally.inventory
        devices = self._named(inventory.devices())
        damage = damage_of(self._captures)
        if self._options.keylog and (lost := unused(self._decryption)) is not None:
            damage.append(Damage(KEYS, lost))
        if self._decryption.keys and not self._sharing.keys_are_used:
            damage.append(Damage(KEYS, "the capture has some, which --workers cannot use; leave it out"))
        return Report(
            devices,
            inventory.summary(devices),
            summaries(self._captures, damage),
            self._analysis.undecoded,
            damage,
            self._tally.oddities + self._analysis.oddities + self._captures.oddities + inventory.names.oddities,
            interrupted,
            plans(devices, self._knowledge),
        )

    def write(self, report: Report) -> None:
        """Write what the options ask for and has not been written yet."""
        self._emit(lambda: self._write(report))

    def _write(self, report: Report) -> None:
        options, out = self._options, self._out
        if self._sessions is not None and self._in_order is not None:
            self._in_order.finish()
            self._sessions.close(report)
        elif options.format == "xlsx":
            from analyzer.report.workbook import write_scan_workbook

            write_scan_workbook(report, binary(out), self._redactor)
        else:
            colour = wants_colour(out)
            write(
                options.format,
                report,
                out,
                width=width_of(out),
                colour=colour,
                redactor=self._redactor,
                advice=options.advice,
            )
        out.flush()

    def _pass_on(self) -> None:
        """Write the sessions that nothing can precede any more; a reader at the other end need not wait for more."""
        assert self._in_order is not None  # noqa: S101 - asked for sessions
        in_order, analysis = self._in_order, self._analysis
        self._emit(lambda: in_order.release(analysis.now, analysis.earliest_open))
        self._emit(self._out.flush)

    def _emit(self, action: Callable[[], None]) -> None:
        """Write, unless whoever reads has seen enough. That ends the run, but where a gate waits for the exit code."""
        if self._unread:
            return
        try:
            action()
        except BrokenPipeError:
            if self._options.fail_on is None:
                raise
            self._unread = True
            discard(sys.stdout)
