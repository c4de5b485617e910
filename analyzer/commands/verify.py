"""``smtpauth verify``: the same captures through tshark, and where the two differ."""

from __future__ import annotations

import argparse
import sys

from analyzer.capture import open_captures
from analyzer.capture.inputs import Input, expand
from analyzer.commands.console import discard, say
from analyzer.commands.exits import DONE, FOUND, INCOMPLETE, INTERRUPTED
from analyzer.commands.interruption import Interruption
from analyzer.commands.keys import KEYS, Keys, unused
from analyzer.commands.output import output, width_of
from analyzer.errors import InputError, UsageError
from analyzer.inventory.session import Session
from analyzer.packets import SUBMISSION_PORTS
from analyzer.pipeline import Analysis
from analyzer.tshark.program import Tshark, find_tshark
from analyzer.verify.accuracy import judge
from analyzer.verify.compare import compare
from analyzer.verify.inputs import Readable, readable
from analyzer.verify.records import Accuracy, Judgement, Verdict
from analyzer.verify.tshark import TsharkReading
from analyzer.verify.write import write_json, write_table


def run(options: argparse.Namespace) -> int:
    """Carry out the command and return its exit code.

    Every input is compared by itself: tshark reads one file at a time, and a connection that goes on in the next file
    is cut at the same packet for both.
    """
    keys = Keys(options.keylog, options.tshark, quiet=options.quiet)
    tshark = find_tshark(options.tshark)
    verdict = Verdict(tshark.version)
    with output(options.output) as out:
        interrupted = _verify_each(options, tshark, keys, verdict)
        try:
            if options.format == "json":
                write_json(verdict, out)
            else:
                write_table(verdict, out, width_of(out), everything=options.verbose)
            out.flush()
        except BrokenPipeError:  # the exit code answers, too
            discard(sys.stdout)
    if interrupted:
        return INTERRUPTED
    if verdict.counts["differ"] or verdict.counts["theirs only"] or (verdict.accuracy and verdict.accuracy.wrong):
        return FOUND
    return INCOMPLETE if verdict.problems else DONE


def _verify_each(options: argparse.Namespace, tshark: Tshark, keys: Keys, verdict: Verdict) -> bool:
    """Read all inputs; ``True`` when the user had enough before that.

    Raises:
        UsageError: none can be used.
    """
    inputs, failures = expand(options.paths)
    ports = SUBMISSION_PORTS | frozenset(options.port)
    compared, interrupted = 0, False
    with Interruption():
        for given in inputs:
            if not options.quiet and sys.stderr is not None and sys.stderr.isatty():
                say(f"reading {given.name} twice; tshark takes its time")
            try:
                verify_input(given, tshark, ports, keys, verdict)
                compared += 1
            except InputError as failure:
                failures.append(InputError(given.name, failure.problem, failure.remedy))
            except KeyboardInterrupt:
                verdict.problems.append(f"interrupted: {given.name} and what follows it were not compared")
                interrupted = True
                break
    if not (compared or interrupted):
        raise UsageError("; ".join(map(str, failures[:3])))
    verdict.problems += map(str, failures)
    return interrupted


def verify_input(given: Input, tshark: Tshark, ports: frozenset[int], keys: Keys, verdict: Verdict) -> None:
    """Read one input with both, at the same time, and add what came of it to ``verdict``.

    Raises:
        InputError: it is no capture.
    """
    with readable(given) as paths, TsharkReading(tshark, paths.theirs, ports) as reading:
        ours = _Ours(paths, ports, keys, given.name)
        theirs, fault = reading.finish()
    lost = ours.lost
    if fault is not None and not lost:  # else it says the same once more
        lost.append(fault)
    if ours.keys_unused is not None:
        lost.append(f"{KEYS}: {ours.keys_unused}")
    verdict.problems += (f"{given.name}: {what}" for what in lost)
    for comparison in compare(ours.sessions, theirs, reading.fingerprints, given.name, read_by_tshark=fault is None):
        verdict.add(comparison)
    if keys.ring:
        verdict.accuracy = verdict.accuracy or Accuracy()
        verdict.accuracy.add(ours.judgements)


class _Ours:
    """An input as we read it, without keys; and, where there are some, what became of what was inferred.

    Attributes:
        sessions: as they are without keys.
        lost: what was lost on our side, as sentence fragments.
        judgements: of the sessions inside TLS.
        keys_unused: why keys that fit could not be used, as a sentence fragment, or ``None``.
    """

    def __init__(self, paths: Readable, ports: frozenset[int], keys: Keys, name: str) -> None:
        self.sessions: list[Session] = []
        self.judgements: list[Judgement] = []
        self._name = name
        self._judged: set[int] = set()
        with keys.decryption(self._answered) as decryption, open_captures([paths.ours], on_keys=keys.add) as captures:
            names = [source.name for source in captures.sources]
            analysis = Analysis(names, self.sessions.append, ports, decryption=decryption)
            for batch in captures.batches():
                analysis.feed(batch)
            analysis.finish()
            self.lost = [damage.what for damage in captures.damage]
        self.lost += [
            f"packets that could not be decoded here: {count:,} {why}" for why, count in analysis.undecoded.items()
        ]
        self.keys_unused = unused(decryption)
        for session in self.sessions:
            if id(session) not in self._judged:
                self._judge(session, None)

    def _answered(self, before: Session, after: Session | None) -> Session:
        self._judged.add(id(before))
        self._judge(before, after)
        return before

    def _judge(self, before: Session, after: Session | None) -> None:
        judgement = judge(before, after, self._name)
        if judgement is not None:
            self.judgements.append(judgement)
