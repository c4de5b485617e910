"""The arguments of ``smtpauth report``."""

from __future__ import annotations

import argparse
import re
from datetime import date

from analyzer.cli.parser import OUTPUT, REDACT, STATUSES, Commands, add_knowledge, positive

PERIOD_FORMATS = ("table", "markdown", "json", "csv", "html", "xlsx")

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_FIRST, _LAST = date(1970, 1, 1), date(2262, 4, 11)
"""What nanoseconds in 64 bits reach, as stores keep times."""

_REPORT = """\
Says from the store what changed since the week before: which devices are new
with a password, which have migrated, which are back to one or silent; who has
to do what; and when the number of password devices reaches zero.

Without --since, --until and --period it is about the last week (Monday to
Sunday, UTC) that is over."""

_REPORT_EPILOG = """\
what became of a device:
  new          not seen before in any period; it uses a password
  relapsed     had been without passwords, and uses one again
  worse        its status is worse: now in the clear, for instance
  unclear      used a password, and whether it still does cannot be told
  silent       used a password, and has not been seen for unusually long
  better       its status is better, and it has not migrated
  migrated     used a password, and does not any more

exit codes:
  0    done
  1    a device is at or above --fail-on (and worse than in --baseline)
  2    wrong usage, the store cannot be used, output or mail not accepted
  3    done, but nothing was seen in the period, or part of its traffic is
       missing; so no gate passes on it

examples:
  smtpauth report --store mail.db
  smtpauth report --store mail.db --period month --output november.html
  smtpauth report --store mail.db --since 2026-10-01 --until 2026-10-15
  smtpauth report --store mail.db --format json --output accepted.json
  smtpauth report --store mail.db --fail-on mixed --baseline accepted.json
  smtpauth report --store postgresql://db/mail --mail it@example.com"""


def add(commands: Commands) -> None:
    """``report``, with its options."""
    report = commands.add_parser(
        "report", help="store -> what changed since last week", description=_REPORT, epilog=_REPORT_EPILOG
    )
    report.add_argument("--store", metavar="URL", help="SQLite file, or postgresql://... (required)")
    period = report.add_argument_group("period (days of UTC)")
    period.add_argument("--period", choices=("day", "week", "month"), help="the last one that is over (default: week)")
    period.add_argument("--since", type=_day, metavar="DAY", help="from this day on, such as 2026-11-16")
    period.add_argument(
        "--until", type=_day, metavar="DAY", help="to the end of this day; without --since, the last period by then"
    )
    output = report.add_argument_group("output")
    output.add_argument(
        "--format", choices=PERIOD_FORMATS, help="default: what the ending of --output says, else table"
    )
    output.add_argument("--output", metavar="FILE", help=OUTPUT)
    output.add_argument(
        "--limit", type=positive, metavar="N", help="devices listed in a table or in markdown (default: 50)"
    )
    output.add_argument("--redact-users", action="store_true", help=REDACT)
    gate = report.add_argument_group("gate")
    gate.add_argument(
        "--fail-on",
        choices=STATUSES,
        metavar="STATUS",
        help="exit code 1 when a device has this status or a worse one: " + ", ".join(STATUSES),
    )
    gate.add_argument(
        "--baseline",
        metavar="FILE",
        help="a JSON report of before, or a list of addresses: their devices fail only when they are worse than there",
    )
    mail = report.add_argument_group("mail")
    mail.add_argument(
        "--mail", nargs="+", action="extend", default=[], metavar="ADDRESS", help="send it there by the local sendmail"
    )
    mail.add_argument("--mail-from", metavar="ADDRESS", help="who it is from, where sendmail does not know")
    mail.add_argument("--sendmail", metavar="CMD", help="what to run in place of sendmail; -t -i is added")
    known = add_knowledge(report)
    known.add_argument(
        "--assets", metavar="FILE", help="CSV: your own list of devices (ip, mac, name, owner, location, notes)"
    )
    known.add_argument(
        "--eac",
        action="append",
        default=[],
        metavar="FILE",
        help="CSV: the SMTP AUTH clients report, exported from the Exchange admin centre (repeatable)",
    )
    known.add_argument(
        "--sign-ins",
        action="append",
        default=[],
        metavar="FILE",
        help="CSV or JSON: sign-ins with SMTP, exported from Microsoft Entra (repeatable)",
    )
    general = report.add_argument_group("general")
    general.add_argument("--config", metavar="FILE", help="TOML file with defaults for these options")
    general.add_argument("-q", "--quiet", action="store_true", help="no notes on stderr")


def _day(text: str) -> date:
    """A day that packets may be of; Python would also take a week, and for its Monday."""
    try:
        day = date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        day = None
    if day is None or not _FIRST <= day <= _LAST:
        raise argparse.ArgumentTypeError(f"{text!r} is not a day (YYYY-MM-DD) from {_FIRST.year} to {_LAST.year}")
    return day
