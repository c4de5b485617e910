"""``smtpauth scan``: captures in, the inventory of devices (or the list of sessions) out."""

from __future__ import annotations

import argparse
import contextlib
import gc
import os
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from typing import TextIO

from analyzer.capture import CaptureSet, Source, open_captures
from analyzer.commands.exits import DONE, FOUND, INCOMPLETE, INTERRUPTED
from analyzer.commands.notes import Notes
from analyzer.commands.progress import ProgressBar
from analyzer.errors import Damage, InputError, UsageError
from analyzer.inventory.devices import Inventory
from analyzer.inventory.session import Session
from analyzer.inventory.status import STATUSES
from analyzer.packets import SUBMISSION_PORTS
from analyzer.pipeline import Analysis, InOrder
from analyzer.report.model import InputSummary, Report
from analyzer.report.redact import Redactor
from analyzer.report.write import SessionWriter, write
from analyzer.streams import Limits

NARROWEST, WIDEST = 60, 160
"""Columns of a table: below, nothing can be read; beyond, the eye loses the line. A file or pipe gets 100."""

_LIMITS = ("conversation-evicted", "reassembly-limit", "interface-ignored", "input-not-merged", "overlap-limit")
"""Oddities that say a bound was reached and something is missing."""


def run(options: argparse.Namespace) -> int:
    """Carry out the command and return its exit code."""
    notes = Notes(quiet=options.quiet, verbose=options.verbose)
    redactor = Redactor.from_environment() if options.redact_users else None
    with open_captures(options.paths) as captures, _output(options.output) as out:
        scan = _Scan(captures, options, out, redactor)
        interrupted = scan.read()
        report = scan.report()
        scan.write(report)
        notes.inputs(captures.sources)
        notes.failures(captures.failures)
        notes.report(report)
    if interrupted:
        return INTERRUPTED
    if options.fail_on is not None:
        worst = STATUSES[: STATUSES.index(options.fail_on) + 1]
        if any(report.summary.statuses.get(status) for status in worst):
            return FOUND
    lost = (
        captures.failures
        or captures.damage
        or report.undecoded
        or scan.limits_hit
        or "devices" in report.summary.unlisted
        or any(source.dropped for source in captures.sources)
    )
    return INCOMPLETE if lost else DONE


class _Scan:
    """One run over a set of captures."""

    def __init__(
        self, captures: CaptureSet, options: argparse.Namespace, out: TextIO, redactor: Redactor | None
    ) -> None:
        self._captures = captures
        self._options = options
        self._out = out
        self._redactor = redactor
        self._inventory = Inventory()
        self._oddities: Counter[str] = Counter()
        self._in_order: InOrder | None = None
        self._sessions: SessionWriter | None = None
        if options.sessions:
            self._sessions = SessionWriter(options.format, out, width=_width(out), redactor=redactor)
            self._in_order = InOrder(self._sessions.write)
        ports = SUBMISSION_PORTS | frozenset(options.port)
        names = [source.name for source in captures.sources]
        self._analysis = Analysis(names, self._take, ports, _limits(options))

    @property
    def limits_hit(self) -> bool:
        """Whether a bound on memory cost part of the result."""
        return any(name in self._analysis.oddities or name in self._captures.oddities for name in _LIMITS)

    def _take(self, session: Session) -> None:
        self._inventory.add(session)
        if session.oddities:
            self._oddities.update(session.oddities)
        if self._in_order is not None:
            self._in_order.add(session)

    def read(self) -> bool:
        """Read everything; ``True`` when the user interrupted it, after which the rest holds what is known."""
        captures, analysis = self._captures, self._analysis
        interrupted = False
        with ProgressBar(captures.bytes_total, wanted=not self._options.quiet) as bar, _no_garbage_collection():
            try:
                for batch in captures.batches():
                    analysis.feed(batch)
                    bar.update(captures.bytes_read, analysis.frames)
                    if self._in_order is not None and len(batch):
                        self._in_order.release(int(batch.time[-1]), analysis.earliest_open)
            except KeyboardInterrupt:
                interrupted = True
            analysis.finish()
        unreadable = analysis.unknown_link_frames
        if unreadable and unreadable == analysis.frames:
            links = sorted({link for source in captures.sources for link in source.link_types})
            raise InputError(
                ", ".join(source.name for source in captures.sources),
                f"packets of link type {', '.join(map(str, links))}, which cannot be decoded",
                "capture on an Ethernet, Linux cooked or raw IP interface",
            )
        return interrupted

    def report(self) -> Report:
        """The result over all that was read."""
        devices = self._inventory.devices()
        damage = list(self._captures.damage)
        damage += [Damage(failure.name, failure.problem) for failure in self._captures.failures]
        return Report(
            devices,
            self._inventory.summary(devices),
            [_input(source, damage) for source in self._captures.sources],
            self._analysis.undecoded,
            damage,
            self._oddities + self._analysis.oddities + self._captures.oddities,
        )

    def write(self, report: Report) -> None:
        """Write what the options ask for."""
        options, out = self._options, self._out
        if self._sessions is not None and self._in_order is not None:
            self._in_order.finish()
            self._sessions.close(report)
        else:
            colour = out.isatty() and "NO_COLOR" not in os.environ
            write(options.format, report, out, width=_width(out), colour=colour, redactor=self._redactor)
        out.flush()


def _input(source: Source, damage: list[Damage]) -> InputSummary:
    """``source`` as the report shows it."""
    stored = f"{source.format} ({source.compression})" if source.compression else source.format
    lost = "; ".join(item.what for item in damage if item.name == source.name)
    return InputSummary(
        source.name, stored, source.frames, source.bytes_read, source.first_time, source.last_time, lost or None
    )


def _limits(options: argparse.Namespace) -> Limits:
    given = Limits()
    return Limits(
        conversations=options.max_conversations or given.conversations,
        idle=options.idle * 1_000_000_000 if options.idle else given.idle,
        held_bytes=options.max_held << 20 if options.max_held else given.held_bytes,
    )


def _width(out: TextIO) -> int:
    if not out.isatty():
        return 100
    return max(NARROWEST, min(WIDEST, shutil.get_terminal_size().columns))


@contextlib.contextmanager
def _output(name: str | None) -> Iterator[TextIO]:
    """Standard output, or a file that appears under its name only when it is whole."""
    if name is None or name == "-":
        yield sys.stdout
        return
    temporary = f"{name}.part"
    try:
        out = open(temporary, "w", encoding="utf-8", newline="")  # noqa: SIM115 - closed before it is renamed
    except OSError as error:
        raise UsageError(f"{name}: cannot be written: {error.strerror}") from None
    try:
        with out:
            yield out
        os.replace(temporary, name)
    except OSError as error:
        raise UsageError(f"{name}: cannot be written: {error.strerror}") from None
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)


@contextlib.contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """No search for reference cycles: the run makes millions of objects and next to no cycles."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
