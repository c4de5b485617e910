"""``smtpauth explain``: one session, turn by turn, with what each turn was taken for and why."""

from __future__ import annotations

import argparse
import json
import sys
from functools import partial
from typing import TextIO

from analyzer.capture import CaptureSet, FrameBatch, open_captures
from analyzer.commands.console import say
from analyzer.commands.exits import DONE, INCOMPLETE, INTERRUPTED, UNUSABLE
from analyzer.commands.interruption import Interruption
from analyzer.commands.keys import KEYS, Keys, unused
from analyzer.commands.notes import Notes
from analyzer.commands.output import output, wants_colour, width_of
from analyzer.commands.reading import damage_of, read, summaries
from analyzer.decryption.stage import Decryption
from analyzer.errors import Damage, UsageError
from analyzer.explanation.search import LISTED, Result, Search
from analyzer.explanation.target import Target, target_from
from analyzer.inventory.devices import Inventory
from analyzer.inventory.session import Session
from analyzer.packets import SUBMISSION_PORTS
from analyzer.pipeline import Analysis, InOrder
from analyzer.report import wording
from analyzer.report.explanation import explanation_record
from analyzer.report.model import Report
from analyzer.report.records import Record, context_record, session_record, timestamp
from analyzer.report.redact import Redactor
from analyzer.report.story import write_explanation
from analyzer.report.table import Column, render

NAMED = 5
"""Clients that are named where the one that was looked for is not there."""

_COLUMNS = (
    Column("Nth", leave=3, right=True),
    Column("Start (UTC)"),
    Column("Client", least=21, middle=True),
    Column("Server", least=18, leave=2, middle=True),
    Column("TLS", least=12, leave=1),
    Column("Login", least=11),
)


def run(options: argparse.Namespace) -> int:
    """Carry out the command and return its exit code."""
    notes = Notes(quiet=options.quiet, verbose=options.verbose)
    target = target_from(options.session, options.start)
    redactor = Redactor.from_environment() if options.redact_users else None
    keys = Keys(options.keylog, options.tshark, quiet=options.quiet)
    search = Search(target, options.nth)
    with (
        Interruption() as interruption,
        keys.decryption(listen=search.listen_inside, on_read=search.read_inside) as decryption,
        open_captures(options.paths, on_keys=keys.add) as captures,
    ):
        explain = _Explain(captures, options, search, decryption)
        explain.read(interruption)
        report = explain.report(interrupted=interruption.came)
        result = search.result
        if result.found is not None:
            record = explanation_record(*result.found, redactor)
            with output(options.output) as out:
                _write(record, report, options.format, out)
    notes.inputs(captures.sources)
    notes.keys_of_session(decryption, closed=_is_closed(result), asked_for=bool(options.keylog))
    notes.report(report, shown=False)
    if result.found is None and not report.interrupted:
        _tell_why(result, target, options)
        return UNUSABLE
    if report.interrupted:
        return INTERRUPTED
    return DONE if report.complete else INCOMPLETE


class _Explain:
    """One run over a set of captures."""

    def __init__(
        self, captures: CaptureSet, options: argparse.Namespace, search: Search, decryption: Decryption
    ) -> None:
        self._captures = captures
        self._options = options
        self._decryption = decryption
        self._search = search
        self._in_order = InOrder(lambda session: search.take(session, timestamp(session.start)))
        names = [source.name for source in captures.sources]
        ports = SUBMISSION_PORTS | frozenset(options.port)
        listen = partial(search.listen, decryption)
        self._analysis = Analysis(names, self._take, ports, decryption=decryption, listen=listen)

    def read(self, interruption: Interruption) -> None:
        """Read everything, or until the user has had enough."""
        read(self._captures, self._analysis, interruption, bar=not self._options.quiet, after=self._after)
        self._in_order.finish()

    def _take(self, session: Session) -> None:
        if self._search.wants(session):
            self._in_order.add(session)

    def _after(self, batch: FrameBatch) -> None:
        if len(batch):
            self._in_order.release(int(batch.time[-1]), self._analysis.earliest_open)

    def report(self, *, interrupted: bool) -> Report:
        """What was read, and what of it was lost."""
        damage = damage_of(self._captures)
        if self._options.keylog and (lost := unused(self._decryption)) is not None:
            damage.append(Damage(KEYS, lost))
        return Report(
            [],
            Inventory().summary([]),
            summaries(self._captures, damage),
            self._analysis.undecoded,
            damage,
            self._analysis.oddities + self._captures.oddities,
            interrupted,
        )


def _is_closed(result: Result) -> bool:
    """Whether there is something inside TLS that was not decrypted."""
    if result.found is None:
        return False
    session, account = result.found
    return session.tls_mode != "none" and session.tls_established is not False and account.inside is None


def _write(record: Record, report: Report, format: str, out: TextIO) -> None:
    if format == "json":
        context = context_record(report)
        for source in context["inputs"]:
            del source["bytes"]  # of a capture that holds little else they would tell how long a password is
        of_run = {name: context[name] for name in ("inputs", "undecoded", "damage", "complete", "interrupted")}
        out.write(json.dumps({**record, **of_run}, indent=2) + "\n")
    else:
        write_explanation(record, out, width_of(out), colour=wants_colour(out))
    out.flush()


# --- no session, or several -------------------------------------------------------------------------


def _tell_why(result: Result, target: Target, options: argparse.Namespace) -> None:
    """Say on standard error which sessions there are, and how to choose one."""
    if result.matches:
        if options.nth is not None:
            match = "1 session matches" if result.matches == 1 else f"{result.matches:,} sessions match"
            say(f"--nth {options.nth}: only {match} {target}:")
        else:
            say(f"{result.matches:,} sessions match {target}; choose one by port, with --start TIME or with --nth N:")
        _list(result.listed, result.matches)
        return
    if result.others:
        what = f"no session of {target}" + (f" began at {options.start}" if options.start else "")
        say(f"{what}; the client {target.client} has others:")
        _list(result.others, 0, numbered=False)
        return
    if not result.clients:
        ports = ", ".join(map(str, sorted(SUBMISSION_PORTS | frozenset(options.port))))
        raise UsageError(f"no session at all on TCP ports {ports}; --port N looks at others, too")
    named = result.clients.most_common(NAMED)
    further = len(result.clients) - len(named)
    clients = ", ".join(client for client, _ in named) + (f" and {further:,} more" if further else "")
    say(f"no session of {target}; clients are {clients}")


def _list(sessions: list[Session], count: int, *, numbered: bool = True) -> None:
    """A table of sessions on standard error."""
    if sys.stderr is None:
        return
    rows = []
    for number, session in enumerate(sessions, 1):
        record = session_record(session)
        start = (record["start"] or "-").replace("T", " ").removesuffix("Z")
        rows.append(
            [
                str(number) if numbered else "-",
                start,
                wording.endpoint(record["client"]),
                wording.endpoint(record["server"]),
                wording.session_tls(record),
                wording.session_login(record),
            ]
        )
    text = render(_COLUMNS, rows, width_of(sys.stderr))
    if count > LISTED:
        text += f"\n... and {count - LISTED:,} more"
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
