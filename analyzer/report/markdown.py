"""Markdown (GitHub's dialect) for tickets and wikis, in which nothing from the wire can become markup."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TextIO

from analyzer.report import wording
from analyzer.report.table import DEVICE_COLUMNS, SESSION_COLUMNS, Column, device_row, session_row
from analyzer.report.wording import Record

_SPECIAL = re.compile(r"[\\`*_{}\[\]<>|#~!&$]")
_LINKS = re.compile(r"://|(?i:\bwww)\.|(?<!\w)@")


def escaped(text: str) -> str:
    """``text`` as it stands: no emphasis, code, link, image, HTML, cell border, mention or automatic link.

    Character references (CommonMark section 2.5) are used throughout: a backslash does not protect a pipe inside every
    renderer's tables.
    """
    text = _SPECIAL.sub(lambda match: f"&#{ord(match[0])};", text)
    return _LINKS.sub(lambda match: "".join(c if c.isalnum() else f"&#{ord(c)};" for c in match[0]), text)


def write_devices(devices: Sequence[Record], context: Record, out: TextIO) -> None:
    """Answer, table, findings, notes."""
    out.write(f"**{escaped(wording.answer(context['summary']))}**\n\n{escaped(wording.scope(context))}\n")
    if devices:
        out.write("\n")
        write_head(DEVICE_COLUMNS, out, "Advice")
        for device in devices:
            write_row([*device_row(device), device["advice"]], out)
    write_findings(context, out, devices)


def write_findings(context: Record, out: TextIO, devices: Sequence[Record] = ()) -> None:
    """Findings explained, what marks among ``devices`` mean, and the limits of the result."""
    findings = list(wording.findings(context["summary"]))
    if findings:
        out.write("\n| Finding | Severity | Devices | Meaning |\n| --- | --- | ---: | --- |\n")
        for severity, id, count, explanation in findings:
            write_row([id, severity, str(count), explanation], out)
    notes = [*wording.legend(devices), *wording.notes(context)]
    if notes:
        out.write("\n" + "".join(f"- {escaped(note)}\n" for note in notes))


def write_session_head(out: TextIO) -> None:
    """Head of the table of sessions."""
    write_head(SESSION_COLUMNS, out)


def write_session(session: Record, out: TextIO) -> None:
    """One row of the table of sessions."""
    write_row(session_row(session), out)


def write_head(columns: Sequence[Column], out: TextIO, *more: str) -> None:
    """Titles and the line below them."""
    out.write("| " + " | ".join([*(column.title for column in columns), *more]) + " |\n")
    out.write("| " + " | ".join([*("---:" if column.right else "---" for column in columns), *("---" for _ in more)]))
    out.write(" |\n")


def write_row(cells: Sequence[str], out: TextIO) -> None:
    """One row, escaped."""
    out.write("| " + " | ".join(escaped(cell) for cell in cells) + " |\n")
