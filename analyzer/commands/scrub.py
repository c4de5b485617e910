"""``smtpauth scrub``: captures in, one capture out that can be shared: credentials blanked, checksums repaired."""

from __future__ import annotations

import argparse
import contextlib
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from types import TracebackType
from typing import BinaryIO, Final, TextIO

from analyzer.capture import CaptureSet, FrameBatch
from analyzer.capture.captures import open_inputs
from analyzer.capture.inputs import Input, expand
from analyzer.commands.console import say
from analyzer.commands.exits import DONE, INCOMPLETE, INTERRUPTED
from analyzer.commands.interruption import Interruption
from analyzer.commands.notes import Notes
from analyzer.commands.output import output
from analyzer.commands.progress import ProgressBar
from analyzer.commands.reading import damage_of, summaries
from analyzer.errors import InputError, UsageError
from analyzer.inventory.devices import Inventory
from analyzer.packets import SUBMISSION_PORTS
from analyzer.report.model import Report
from analyzer.report.redact import Redactor
from analyzer.report.wording import plural
from analyzer.scrub import Plans, Policy, Scrubber, Spool, Survey
from analyzer.scrub.frames import LINK_LAYERS
from analyzer.scrub.writer import CaptureWriter

_CHUNK: Final = 1 << 16
"""Bytes of a pipe that are copied at a time."""

_LIMITS: Final = {
    "too-many-responses": "logins of one connection had too many steps; user names are missing from the last ones",
    "reply-too-long": "replies were too long; their text is blanked",
}
"""Limits of the survey that cost nothing but text, by the name they are counted under."""


def run(options: argparse.Namespace) -> int:
    """Carry out the command and return its exit code."""
    notes = Notes(quiet=options.quiet, verbose=options.verbose)
    # The inputs are expanded while there is no output, which may lie among them. A signal ends the run, and nothing is
    # written; but it ends a pipe in an orderly way, since nothing else may.
    with (
        Interruption() as interruption,
        _Inputs(options.paths, interruption) as inputs,
        _spool() as spool,
        open_inputs(inputs.again(), inputs.failures) as captures,
        output(options.out) as out,
    ):
        scrub = _Scrub(options, spool, _binary(out))
        scrub.survey(captures)
        with open_inputs(inputs.again()) as once_more:
            scrub.write(once_more)
        captures.damage += [lost for lost in once_more.damage if lost not in captures.damage]
        report = scrub.report(captures, interrupted=interruption.came)
    notes.inputs(captures.sources)
    notes.report(report, shown=False)
    if not scrub.conversations:
        notes.nothing_found(scrub.ports)
    if not options.quiet:
        for line in scrub.story(verbose=options.verbose):
            say(line)
    if interruption.came:
        return INTERRUPTED
    return DONE if report.complete and not scrub.refused else INCOMPLETE


class _Scrub:
    """One run over a set of captures, which are read twice."""

    def __init__(self, options: argparse.Namespace, spool: Spool, out: BinaryIO) -> None:
        rename = Redactor.from_environment().alias if options.redact_users else None
        policy = Policy(options.keep_messages, options.same_lengths, rename)
        self.ports = SUBMISSION_PORTS | frozenset(options.port)
        self._options = options
        self._plans = Plans()
        self._survey = Survey(policy, spool, self._plans, self.ports)
        self._scrubber = Scrubber(self._plans, spool, self.ports)
        self._out = out
        self._links: set[int] = set()

    @property
    def conversations(self) -> int:
        """Conversations that are shown."""
        return self._survey.conversations

    @property
    def refused(self) -> int:
        """Conversations that are not shown for want of memory."""
        return self._plans.refused

    def survey(self, captures: CaptureSet) -> None:
        """The first pass: find out what must not be shown."""
        survey = self._survey

        def take(batch: FrameBatch) -> None:
            with _full_spool_is_told():
                survey.feed(batch)

        self._pass(captures, take, lambda: survey.frames)
        with _full_spool_is_told():
            survey.finish()
        links = {link for source in captures.sources for link in source.link_types}
        self._links = links & set(LINK_LAYERS)
        if links and not self._links:
            raise InputError(
                ", ".join(source.name for source in captures.sources),
                f"packets of link type {', '.join(map(str, sorted(links)))}, which cannot be decoded",
                "capture on an Ethernet, Linux cooked or raw IP interface",
            )

    def write(self, captures: CaptureSet) -> None:
        """The second pass: write what may be shown."""
        writer, scrubber = CaptureWriter(self._out, self._links), self._scrubber

        def take(batch: FrameBatch) -> None:
            for frame in scrubber.scrub(batch):
                writer.write(frame)

        self._pass(captures, take, lambda: scrubber.seen)
        self._out.flush()

    def _pass(self, captures: CaptureSet, take: Callable[[FrameBatch], None], count: Callable[[], int]) -> None:
        with ProgressBar(captures.bytes_total, wanted=not self._options.quiet) as progress:
            for batch in captures.batches():
                take(batch)
                progress.update(captures.bytes_read, count())

    def report(self, captures: CaptureSet, *, interrupted: bool) -> Report:
        """What was read, and what of it was lost."""
        damage = damage_of(captures)
        oddities = self._survey.oddities + captures.oddities
        inputs = summaries(captures, damage)
        return Report([], Inventory().summary([]), inputs, self._survey.undecoded, damage, oddities, interrupted)

    def story(self, *, verbose: bool) -> Iterator[str]:
        """What was done, in lines."""
        counts, seen, kept = self._survey.counts, self._scrubber.seen, self._scrubber.kept
        if self.refused:
            yield f"{self.refused:,} conversations were left out to spare memory; give fewer captures at a time"
        for name, what in _LIMITS.items():
            if counts[name]:
                yield f"{counts[name]:,} {what}"
        yield (
            f"{kept:,} of {seen:,} packets kept, of {plural(self.conversations, 'conversation')}, "
            f"{seen - kept:,} left out; "
            f"{plural(counts['credentials'], 'credential')} blanked"
        )
        if verbose:
            yield _also_blanked(counts, self._survey.others)


def _also_blanked(counts: Counter[str], others: int) -> str:
    return (
        f"also blanked: {counts['lines']:,} lines that were no known command, text of {counts['replies']:,} lines of "
        f"replies, text of {counts['messages']:,} messages; {others:,} conversations were neither SMTP nor TLS"
    )


class _Inputs:
    """The inputs of a run, as often as they are asked for: of pipes there are private copies.

    Args:
        paths: what the user named.
        interruption: the first signal ends the reading of pipes.
    """

    def __init__(self, paths: Sequence[str], interruption: Interruption) -> None:
        self._inputs, self.failures = expand(paths)
        self._interruption = interruption
        self._copies: dict[int, BinaryIO] = {}

    def __enter__(self) -> _Inputs:
        for index, given in enumerate(self._inputs):
            if not given.reopenable:
                with _full_spool_is_told():
                    self._copies[index] = tempfile.TemporaryFile(prefix="smtpauth-")
                try:
                    self._copy(given, self._copies[index])
                except InputError as failure:
                    self.failures.append(failure)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for copy in self._copies.values():
            copy.close()

    def _copy(self, given: Input, copy: BinaryIO) -> None:
        raw = given.open()
        try:
            while chunk := raw.read(_CHUNK):
                with _full_spool_is_told():
                    copy.write(chunk)
        except KeyboardInterrupt:
            if self._interruption.insisted:
                raise
        if raw.fault is not None:
            raise InputError(given.name, raw.fault)
        with _full_spool_is_told():
            copy.flush()

    def again(self) -> list[Input]:
        """The inputs, to be read from their beginnings."""
        return [
            replace(given, stream=_reader(self._copies[index])) if index in self._copies else given
            for index, given in enumerate(self._inputs)
        ]


def _reader(copy: BinaryIO) -> BinaryIO:
    """What reads ``copy`` from its beginning, and may be closed."""
    copy.seek(0)
    return os.fdopen(os.dup(copy.fileno()), "rb", buffering=0)


@contextlib.contextmanager
def _spool() -> Iterator[Spool]:
    with _full_spool_is_told():
        spool = Spool.on_disk()
    with spool:
        yield spool


@contextlib.contextmanager
def _full_spool_is_told() -> Iterator[None]:
    """A temporary file that cannot be written becomes one line."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise UsageError(
            f"{tempfile.gettempdir()}: no temporary file can be written there ({error.strerror}); "
            "name a directory with more room in TMPDIR"
        ) from None


def _binary(out: TextIO) -> BinaryIO:
    """The bytes below ``out``."""
    if out.isatty():
        raise UsageError("the output is a terminal, which cannot show a capture; name a file, or pipe it")
    return out.buffer
