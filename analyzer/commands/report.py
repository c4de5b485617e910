"""``smtpauth report``: what the store knows of a period, and what changed since the one before."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TextIO, cast, get_args

from analyzer.advice import Knowledge, plans
from analyzer.assets import AssetList, read_assets
from analyzer.commands.baseline import Baseline, read_baseline
from analyzer.commands.console import discard, say
from analyzer.commands.exits import DONE, FOUND, INCOMPLETE
from analyzer.commands.gate import at_or_above
from analyzer.commands.knowledge import knowledge_of
from analyzer.commands.output import ENDINGS, binary, format_by_ending, output, wants_colour, width_of
from analyzer.errors import UsageError
from analyzer.garbage import no_garbage_collection
from analyzer.history import periods
from analyzer.history.compile import compile_report
from analyzer.history.model import Period, PeriodReport, Unit
from analyzer.inventory.device import Device
from analyzer.provider_view import provider_view
from analyzer.report.period.deadlines import deadlines
from analyzer.report.period.model import PeriodDocument
from analyzer.report.period.write import LISTED, PeriodFormat, write_period
from analyzer.report.redact import Redactor
from analyzer.store import Store, open_store

TEXT_MAIL_WIDTH = 78
"""Columns of the plain part of a mail (RFC 5322 section 2.1.1)."""

NAMED = 10
"""Devices that failed the gate that are named on standard error."""


def run(options: argparse.Namespace) -> int:
    """Carry out the command and return its exit code."""
    with no_garbage_collection():
        return _run(options)


def _run(options: argparse.Namespace) -> int:
    if not options.store:
        raise UsageError("which store? --store FILE, as given to 'smtpauth scan --store' or 'smtpauth watch --store'")
    today = datetime.now(UTC).date()
    format = _format_of(options)
    baseline = None if options.baseline is None else read_baseline(options.baseline)
    message = _prepare_mail(options) if options.mail else None
    assets = None if options.assets is None else read_assets(options.assets)
    knowledge = knowledge_of(options.knowledge)
    with open_store(options.store, create=False) as store:  # to the end: damage may be met where it is shown
        with store.at_one_moment():
            period = _period(options, today, store)
            report = compile_report(store, period)
            reach = store.days()
        if assets is not None:
            report = _with_assets(report, assets)
        document = _document(report, knowledge, options)
        if options.output is not None or options.format is not None or not options.mail:
            _write(format, document, options)
        if message is not None:
            message(document)
    if not options.quiet:
        shown = options.output in (None, "-") and not options.mail and format in ("table", "markdown")
        _tell(report, reach, today, titled=shown)
    return _exit_code(report, options, baseline)


def _format_of(options: argparse.Namespace) -> PeriodFormat:
    if options.format is not None:
        return cast(PeriodFormat, options.format)
    told = format_by_ending(options.output, None)
    if told not in get_args(PeriodFormat):
        endings = ", ".join(ending for ending, format in ENDINGS.items() if format in get_args(PeriodFormat))
        raise UsageError(f"{options.output}: the ending tells the format: one of {endings}; or give --format")
    return cast(PeriodFormat, told)


def _period(options: argparse.Namespace, today: date, store: Store) -> Period:
    """The days that were asked for; by default the last week that is over."""
    if options.since is not None:
        if options.period is not None:
            raise UsageError("--period has its own beginning; give either --period or --since")
        return periods.between(options.since, options.until or today - timedelta(days=1))
    unit: Unit = options.period or "week"
    return periods.last_complete(unit, today) if options.until is None else periods.ending_by(unit, options.until)


def _document(report: PeriodReport, knowledge: Knowledge, options: argparse.Namespace) -> PeriodDocument:
    asked = options.eac or options.sign_ins
    return PeriodDocument(
        report,
        deadlines(report, knowledge.providers),
        plans(report.devices, knowledge, report.period.last),
        provider_view(options.eac, options.sign_ins, report.devices) if asked else None,
        redactor=Redactor.from_environment() if options.redact_users else None,
    )


def _with_assets(report: PeriodReport, assets: AssetList) -> PeriodReport:
    """``report``, with what the user's own inventory says of its devices."""

    def joined(device: Device | None) -> Device | None:
        return device and assets.joined([device])[0]

    return replace(
        report,
        devices=assets.joined(report.devices),
        changes=[replace(change, now=joined(change.now), before=joined(change.before)) for change in report.changes],
    )


def _write(format: PeriodFormat, document: PeriodDocument, options: argparse.Namespace) -> None:
    try:
        with output(options.output) as out:
            if format == "xlsx":
                from analyzer.report.workbook import write_workbook

                write_workbook(document, binary(out))
            else:
                _write_text(format, document, out, options.limit or LISTED)
            out.flush()
    except BrokenPipeError:
        if options.fail_on is None and options.baseline is None and not options.mail:
            raise
        discard(sys.stdout)  # the exit code and the mail are for somebody else


def _write_text(format: PeriodFormat, document: PeriodDocument, out: TextIO, limit: int) -> None:
    write_period(format, document, out, width=width_of(out), colour=wants_colour(out), limit=limit)


def _prepare_mail(options: argparse.Namespace) -> Callable[[PeriodDocument], None]:
    """What sends the report; whatever is wrong with the addresses or the program is told before work begins."""
    from analyzer.delivery.mail import compose, hand_over, recipient, sendmail_command

    command = sendmail_command(options.sendmail)
    for address in (*options.mail, *([options.mail_from] if options.mail_from else [])):
        recipient(address)

    def send(document: PeriodDocument) -> None:
        from analyzer.report.period.records import document_record
        from analyzer.report.period.wording import headline

        text, page = io.StringIO(), io.StringIO()
        write_period("table", document, text, width=TEXT_MAIL_WIDTH, limit=options.limit or LISTED)
        write_period("html", document, page)
        record = document_record(document)
        message = compose(
            options.mail,
            headline(record),
            text.getvalue(),
            page.getvalue(),
            name=f"mail-logins-{record['period']['name'].replace(' ', '-')}.html",
            sender=options.mail_from,
            date=datetime.now(UTC),
        )
        hand_over(message, command)

    return send


def _tell(report: PeriodReport, reach: tuple[date, date] | None, today: date, *, titled: bool) -> None:
    """Which period it was, unless the report's title has said it to the same eyes; and why there is nothing of it."""
    period = report.period
    if not titled:
        days = f"{period.first} to {period.last}"
        say(f"report on {days if period.unit == 'custom' else f'{periods.name(period)}, {days}'} (UTC)")
    if period.last >= today:
        say("that period is not over yet")
    if reach is None:
        say("the store is empty; 'smtpauth scan --store' and 'smtpauth watch --store' fill it")
    elif not report.quality.sessions:
        say(f"nothing was seen in it; the store reaches from {reach[0]} to {reach[1]}: --since and --until choose days")


def _exit_code(report: PeriodReport, options: argparse.Namespace, baseline: Baseline | None) -> int:
    fail_on = options.fail_on or ("mixed" if baseline is not None else None)
    if fail_on is not None:
        failing = [device for device in report.devices if device.status in at_or_above(fail_on)]
        failing = [device for device in failing if baseline is None or not baseline.accepts(device)]
        if failing:
            if not options.quiet:
                say(_failed(failing, baseline))
            return FOUND
    return DONE if report.complete else INCOMPLETE


def _failed(devices: list[Device], baseline: Baseline | None) -> str:
    named = ", ".join(f"{device.device} ({device.status})" for device in devices[:NAMED])
    more = f" and {len(devices) - NAMED:,} more" if len(devices) > NAMED else ""
    why = "at or above --fail-on" if baseline is None else "not in the baseline, or worse than there"
    return f"{len(devices):,} device{'' if len(devices) == 1 else 's'} {why}: {named}{more}"
