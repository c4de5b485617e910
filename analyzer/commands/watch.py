"""``smtpauth watch``: a directory of captures in, as they are finished; sessions in the store, and events, out."""

from __future__ import annotations

import argparse
import contextlib
import os
from threading import Event as Wake
from time import monotonic

from analyzer.alerts import Throttle, Watcher
from analyzer.commands.console import say
from analyzer.commands.device_memory import DeviceMemory
from analyzer.commands.exits import DONE, INCOMPLETE, INTERRUPTED
from analyzer.commands.limits import limits_of
from analyzer.commands.notes import Notes
from analyzer.commands.outlets import Outlets
from analyzer.commands.process import memory
from analyzer.commands.signals import Signals
from analyzer.commands.status_line import StatusLine
from analyzer.commands.storing import redacted, sensor_of, tell
from analyzer.errors import InputError, UsageError
from analyzer.inventory.devices import Inventory
from analyzer.inventory.session import Session
from analyzer.packets import SUBMISSION_PORTS
from analyzer.report.model import InputSummary, Report
from analyzer.report.redact import Redactor
from analyzer.report.wording import plural
from analyzer.store import Store, open_store
from analyzer.watch import Follower, Taker
from analyzer.watch.directory import MOST_FILES

SECOND = 1_000_000_000

LOOKING = 0.1
"""Of the time that may go into looks at the directory: with hundreds of thousands of files each takes a second."""

PULSE = 0.5
"""Seconds after which a signal is noticed while nothing happens."""


def run(options: argparse.Namespace) -> int:
    """Carry out the command and return its exit code."""
    if not options.store:
        # No default: what was read is known there alone, and a run in another folder would begin all anew.
        raise UsageError("which store? --store FILE keeps what is found, and which files were read")
    redactor = Redactor.from_environment() if options.redact_users else None
    known = DeviceMemory(options.state)
    options.metrics = None  # of the outlets, the figures belong to live runs
    follower = Follower(options.directory, options.pattern, options.settle)
    follower.look()  # what cannot be read is better known now
    with (
        open_store(options.store) as store,
        Outlets(options, redactor, table=options.format is None) as outlets,
    ):
        watch = _Watch(options, store, follower, known, outlets, redactor)
        watch.keep()
        wake = Wake()
        with Signals(wake.set) as signals:
            watch.go_on(signals, wake)
        return watch.end(interrupted=signals.ended)


class _Watch:
    """One run."""

    def __init__(
        self,
        options: argparse.Namespace,
        store: Store,
        follower: Follower,
        known: DeviceMemory,
        outlets: Outlets,
        redactor: Redactor | None,
    ) -> None:
        self._options = options
        self._store = store
        self._follower = follower
        self._known = known
        self._outlets = outlets
        self._redactor = redactor
        self._watcher: Watcher = known.watcher()
        self._throttle = Throttle(options.throttle * SECOND) if options.throttle else Throttle()
        self._status = StatusLine(wanted=not options.quiet)
        self._absent = self._too_many = self._late = False
        self._latest = 0
        self._spent = 0.0  # seconds for the last look
        self._taker = Taker(
            store,
            sensor_of(options.sensor),
            SUBMISSION_PORTS | frozenset(options.port),
            limits=limits_of(options),
            on_session=self._take,
            say=self._say,
            done=follower.done,
            lives=follower.lives,
            settle=options.settle,
        )

    # --- while it runs ----------------------------------------------------------------------------------

    def go_on(self, signals: Signals, wake: Wake) -> None:
        """Take what is finished, until somebody or the options end it."""
        options = self._options
        final = options.once or options.drain
        while not signals.ended:
            self._look(signals)
            if final:
                break
            self._try_to_keep()
            until = monotonic() + max(options.interval, self._spent / LOOKING)
            while not signals.ended and (left := until - monotonic()) > 0:
                self._answer(signals)
                self._status.update(self._line())
                wake.wait(min(left, PULSE))

    def _look(self, signals: Signals) -> None:
        def stop() -> bool:
            self._answer(signals)
            self._status.update(self._line())
            return signals.ended

        began = monotonic()
        try:
            finished = self._follower.look(drain=self._options.drain)
        except InputError as error:  # unmounted, perhaps, or made anew
            if not self._absent:
                self._say(f"{error}; waiting for it")
            self._absent = True
            return
        self._spent = monotonic() - began
        if self._absent:
            self._absent = False
            self._say(f"{self._options.directory} can be read again")
        if self._follower.unlisted and not self._too_many:
            self._too_many = True
            self._say(
                f"incomplete: {self._options.directory} holds more than {MOST_FILES:,} files; the others are not read"
            )
        if self._follower.missed and not self._late:
            self._late = True
            self._say(
                f"incomplete: files in {self._options.directory} were removed before they were read, as their numbers "
                "show; give the ring more files, or larger ones"
            )
        self._taker.take(finished, drain=self._options.drain, stop=stop)
        for event in self._throttle.due(self._latest):
            self._outlets.event(event)

    def _answer(self, signals: Signals) -> None:
        if signals.reload:
            signals.reload = False
            self._reload()
        if signals.asked:
            signals.asked = False
            self._status.clear()
            say(self._line())

    def _reload(self) -> None:
        """Files are opened anew, for whoever rotates them, and what the configuration says now holds."""
        self._outlets.reopen()
        try:
            new = self._options.again()
        except UsageError as error:
            self._say(f"not reloaded: {error}")
            return
        self._options.interval = new.interval
        self._throttle.interval = (new.throttle or self._options.throttle or 3600) * SECOND
        self._say("reloaded: files opened anew; --interval and --throttle as they are configured now")

    def _take(self, session: Session) -> Session:
        self._latest = max(self._latest, session.end)
        for event in self._watcher.ended(session):
            for told in self._throttle.add(event):
                self._outlets.event(told)
        return redacted(session, self._redactor)

    def _line(self) -> str:
        counts = self._taker.counts
        stored = counts.stored
        return (
            f"{plural(counts.files, 'file')}, {plural(counts.sessions, 'session')} ({stored.added:,} new, "
            f"{stored.replaced:,} completed); {plural(self._taker.waiting, 'file')}, "
            f"{plural(self._taker.open, 'conversation')} open; {plural(counts.frames, 'packet')}; {memory() >> 20} MB"
        )

    def _say(self, line: str) -> None:
        self._status.clear()
        self._outlets.say(line)

    # --- what remains -----------------------------------------------------------------------------------

    def keep(self) -> None:
        """Write down which devices are known.

        Raises:
            UsageError: it cannot be written.
        """
        self._known.keep(self._watcher)

    def _try_to_keep(self) -> None:
        with contextlib.suppress(UsageError):  # a disk that is full now need not be in an hour; the end tells
            self.keep()

    def end(self, *, interrupted: bool) -> int:
        """Store what is open, say what is missing, and return the exit code."""
        taker = self._taker
        taker.finish(for_good=self._options.drain and not interrupted)
        self._store.refresh()
        for event in self._throttle.finish():
            self._outlets.event(event)
        self.keep()
        self._status.clear()
        report = self._report(interrupted=interrupted)
        Notes(quiet=self._options.quiet, verbose=self._options.verbose).report(report, shown=False)
        tell(taker.counts.stored, self._store.name, verbose=self._options.verbose, quiet=self._options.quiet)
        if not self._options.quiet:
            self._sum_up()
        if interrupted:
            return INTERRUPTED
        whole = report.complete and not (taker.counts.lost or taker.ended or self._too_many or self._late)
        return DONE if whole and not self._absent else INCOMPLETE

    def _report(self, *, interrupted: bool) -> Report:
        """What notes are made of; losses of files were told when they were found."""
        taker = self._taker
        inputs = [InputSummary(os.fspath(self._options.directory), "directory", 0, 0, dropped=taker.dropped)]
        nothing = Inventory()
        return Report((), nothing.summary(), inputs, taker.undecoded, (), taker.oddities, interrupted)

    def _sum_up(self) -> None:
        taker = self._taker
        counts = taker.counts
        say(
            f"{plural(counts.files, 'file')} taken, {plural(counts.sessions, 'session')}, "
            f"{counts.stored.added:,} of them new"
        )
        if taker.waiting:
            say(f"{plural(taker.waiting, 'file')} may have connections that go on; what is needed is read again")
        if self._late:
            say(f"incomplete: {plural(self._follower.missed, 'file')} removed before they were read")
        if taker.ended:
            say("incomplete: connections in files that came out of order were stored as they stood")
        if self._options.verbose:
            say(
                f"{plural(counts.known, 'file')} known, {counts.skipped:,} no captures, {counts.gone:,} gone, "
                f"{counts.changed:,} changed while they were read, {counts.hurried:,} not waited for"
            )
