"""``smtpauth verify``: the same captures through tshark, and where the two differ."""

from __future__ import annotations

import argparse
import sys

from analyzer.capture import open_captures
from analyzer.capture.inputs import Input, expand
from analyzer.commands.console import discard, say
from analyzer.commands.exits import DONE, FOUND, INCOMPLETE, INTERRUPTED
from analyzer.commands.interruption import Interruption
from analyzer.commands.output import output, width_of
from analyzer.errors import InputError, UsageError
from analyzer.inventory.session import Session
from analyzer.packets import SUBMISSION_PORTS
from analyzer.pipeline import Analysis
from analyzer.tshark.program import Tshark, find_tshark
from analyzer.verify.compare import compare
from analyzer.verify.inputs import Readable, readable
from analyzer.verify.records import Verdict
from analyzer.verify.tshark import TsharkReading
from analyzer.verify.write import write_json, write_table


def run(options: argparse.Namespace) -> int:
    """Carry out the command and return its exit code.

    Every input is compared by itself: tshark reads one file at a time, and a connection that goes on in the next file
    is cut at the same packet for both.
    """
    tshark = find_tshark(options.tshark)
    verdict = Verdict(tshark.version)
    with output(options.output) as out:
        interrupted = _verify_each(options, tshark, verdict)
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
    if verdict.counts["differ"] or verdict.counts["theirs only"]:
        return FOUND
    return INCOMPLETE if verdict.problems else DONE


def _verify_each(options: argparse.Namespace, tshark: Tshark, verdict: Verdict) -> bool:
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
                verify_input(given, tshark, ports, verdict)
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


def verify_input(given: Input, tshark: Tshark, ports: frozenset[int], verdict: Verdict) -> None:
    """Read one input with both, at the same time, and add what came of it to ``verdict``.

    Raises:
        InputError: it is no capture.
    """
    with readable(given) as paths, TsharkReading(tshark, paths.theirs, ports) as reading:
        sessions, lost = _ours(paths, ports)
        theirs, fault = reading.finish()
    if fault is not None and not lost:  # else it says the same once more
        lost.append(fault)
    verdict.problems += (f"{given.name}: {what}" for what in lost)
    for comparison in compare(sessions, theirs, reading.fingerprints, given.name, read_by_tshark=fault is None):
        verdict.add(comparison)


def _ours(paths: Readable, ports: frozenset[int]) -> tuple[list[Session], list[str]]:
    """Our sessions, and what was lost on our side."""
    sessions: list[Session] = []
    with open_captures([paths.ours]) as captures:
        analysis = Analysis([source.name for source in captures.sources], sessions.append, ports)
        for batch in captures.batches():
            analysis.feed(batch)
        analysis.finish()
        lost = [damage.what for damage in captures.damage]
    lost += [f"packets that could not be decoded here: {count:,} {why}" for why, count in analysis.undecoded.items()]
    return sessions, lost
