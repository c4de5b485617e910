"""Tables for people at a terminal: as wide as asked, worst first, and a line that answers the question."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TextIO

from analyzer.report import wording
from analyzer.report.width import Placeholders, column_widths, display_width, fit, fit_counted, fit_middle
from analyzer.report.wording import Record

DEFAULT_WIDTH = 100

PROSE = 120
"""Columns of a line of prose at most, however wide the terminal: beyond, the eye loses the line. Tables may be as wide
as their cells need."""

NARROWEST = 40
"""Columns below which a table is no longer made smaller: an address and a status need these."""

SESSIONS_A_TABLE = 200
"""Sessions that are held to align their columns; then the next table begins. Memory stays small for any number."""

_WORTH_OF_ADDRESS = 4  # with its middle missing it can neither be looked for nor copied

_GAP = 2  # columns between two cells in tabulate's "plain" format

_COLOURS = {
    "exposed": "31;1",
    "password": "31",
    "mixed": "33",
    "unknown": "35",
    "no-auth": "36",
    "certificate": "32",
    "kerberos": "32",
    "anonymous": "36",
    "oauth": "32",
}


@dataclass(frozen=True, slots=True)
class Column:
    """How a column behaves where room is short.

    Attributes:
        least: columns it needs to be of use; 0 where it is never cut.
        leave: order in which columns are left out; 0 where it never is. One that may be left out is, too, where all
            its cells say nothing (``-``).
        spare: left out rather than have another column cut for it.
        middle: cut in the middle, not at the end.
        right: aligned to the right.
    """

    title: str
    least: int = 0
    leave: int = 0
    spare: bool = False
    middle: bool = False
    right: bool = False


DEVICE_COLUMNS = (
    Column("Status"),
    Column("Device", least=22, middle=True),
    Column("Name", least=9, leave=4),
    Column("Vendor", least=8, leave=2),
    Column("Login", least=8, leave=6),
    Column("Account", least=16, leave=5),
    Column("Server", least=16, leave=3),
    Column("Sessions", leave=1, spare=True, right=True),
)
SESSION_COLUMNS = (
    Column("Start (UTC)", leave=4),
    Column("Client", least=21, middle=True),
    Column("Server", least=18, leave=6, middle=True),
    Column("TLS", least=12, leave=2),
    Column("Login", least=11, leave=7),
    Column("Account", least=12, leave=5),
    Column("Result", least=11, leave=3),
    Column("Worst finding", least=10, leave=1),
)


def device_row(device: Record) -> list[str]:
    """Cells of :data:`DEVICE_COLUMNS`."""
    return [
        device["status"],
        device["device"],
        wording.shown_name(device),
        device["vendor"] or ("(router)" if device["mac_is_router"] else "-"),
        wording.login(device),
        wording.and_more(device["accounts"]),
        wording.and_more(wording.server_names(device)),
        f"{device['sessions']:,}",
    ]


def session_row(session: Record) -> list[str]:
    """Cells of :data:`SESSION_COLUMNS`."""
    return [
        (session["start"] or "-")[:19].replace("T", " "),
        wording.endpoint(session["client"]),
        wording.endpoint(session["server"]),
        wording.session_tls(session),
        wording.session_login(session),
        wording.session_account(session),
        wording.session_result(session),
        session["findings"][0] if session["findings"] else "-",
    ]


def render(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int, colour: bool = False) -> str:
    """The table of ``rows``, at most ``width`` columns wide as far as cells that are never cut allow."""
    from tabulate import tabulate

    chosen, widths = _layout(columns, rows, max(width, NARROWEST))
    lent = Placeholders()
    # Title and rule are rows like others: given as headers, tabulate would widen their columns by two.
    lines = [[fit(columns[i].title, size) for i, size in zip(chosen, widths, strict=True)], ["-" * w for w in widths]]
    for row in rows:
        cells = [
            lent.lend(fit_middle(row[i], size) if columns[i].middle else fit_counted(row[i], size))
            for i, size in zip(chosen, widths, strict=True)
        ]
        if colour and (code := _COLOURS.get(row[0])):
            cells[0] = f"\x1b[{code}m{cells[0]}\x1b[0m"
        lines.append(cells)
    align = ["right" if columns[i].right else "left" for i in chosen]
    table = tabulate(lines, tablefmt="plain", disable_numparse=True, colalign=align)
    return lent.restore("\n".join(line.rstrip() for line in table.splitlines()))


def _layout(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int) -> tuple[list[int], list[int]]:
    """Indices of the columns that have room, and their widths."""
    cells = [
        [display_width(column.title), *(display_width(row[i]) for row in rows)] for i, column in enumerate(columns)
    ]
    natural = [max(sizes) for sizes in cells]
    least = [
        min(room, max(column.least, display_width(column.title))) if column.least else room
        for room, column in zip(natural, columns, strict=True)
    ]
    chosen = [i for i, column in enumerate(columns) if not column.leave or any(row[i] != "-" for row in rows)]
    leaving = sorted((i for i in chosen if columns[i].leave), key=lambda i: columns[i].leave)
    for i in leaving:
        needs = natural if columns[i].spare else least
        if sum(needs[j] for j in chosen) + _GAP * (len(chosen) - 1) > width:
            chosen.remove(i)
    room = width - _GAP * (len(chosen) - 1)
    worth = [_WORTH_OF_ADDRESS if columns[i].middle else 1 for i in chosen]
    return chosen, column_widths([cells[i] for i in chosen], [least[i] for i in chosen], room, worth)


def write_devices(
    devices: Sequence[Record], context: Record, out: TextIO, width: int, colour: bool, *, advice: bool = False
) -> None:
    """The table of devices and what belongs below it; with ``advice`` each device's plan, not one sentence."""
    if devices:
        out.write(render(DEVICE_COLUMNS, [device_row(device) for device in devices], width, colour) + "\n\n")
    write_context(context, out, width, () if advice else devices)
    if advice:
        from analyzer.report.plans import write_plans

        write_plans(devices, out, min(max(width, NARROWEST), PROSE))


def write_context(context: Record, out: TextIO, width: int, devices: Sequence[Record] = ()) -> None:
    """The answer, the findings explained, what to do about ``devices``, and the limits of the result."""
    width = min(max(width, NARROWEST), PROSE)
    out.write(_wrapped(wording.answer(context["summary"]), width, ""))
    out.write(_wrapped(wording.scope(context), width, ""))
    findings = list(wording.findings(context["summary"]))
    if findings:
        out.write("\nFindings (devices)\n")
        for severity, id, count, explanation in findings:
            out.write(_wrapped(f"  {severity:8}  {id} ({count:,}): {explanation}", width, " " * 12))
    todo = wording.todo(devices)
    if todo:
        out.write("\nWhat to do (steps: scan --advice)\n")
        for addresses, advice in todo:
            out.write(_wrapped(f"  {addresses}: {advice}", width, "    "))
    notes = [*wording.legend(devices), *wording.notes(context)]
    if notes:
        out.write("\n")
        for note in notes:
            out.write(_wrapped(note, width, "  "))


def _wrapped(text: str, width: int, indent: str) -> str:
    return textwrap.fill(text, width, subsequent_indent=indent, break_on_hyphens=False) + "\n"
