"""The report as a workbook (Office Open XML, ECMA-376), in which nothing from the wire is a formula or a link.

Rows are written as they come and kept on disk, not in memory. The same report gives the same bytes.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from textwrap import wrap
from typing import IO, BinaryIO

import xlsxwriter
from xlsxwriter.exceptions import FileCreateError
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from analyzer.errors import UsageError
from analyzer.report.model import Report
from analyzer.report.page.model import View
from analyzer.report.page.of_period import view_of_period
from analyzer.report.page.of_scan import view_of_scan
from analyzer.report.period.model import PeriodDocument
from analyzer.report.redact import Redactor
from analyzer.report.sheets import LONGEST_NAME, STACK, TREND, Kind, Sheet, Value, sheets

HEAD_HEIGHT = 32
"""Points; two lines."""

LINE_HEIGHT = 15
"""Points of one line of a cell."""

HIGHEST = 409
"""Points; Excel has no higher rows."""

LONGEST_CELL = 32_767
"""Characters of a cell; Excel calls a file with a longer one damaged."""

IN_MEMORY = 16 * 1024 * 1024
"""Bytes of a workbook up to which it is put together in memory, not on disk: some 100,000 devices."""

MOST_ROWS = 1_048_576
"""Rows of a sheet, its head included; what is beyond is said in its last row."""

_FORBIDDEN = re.compile(r"[\[\]:*?/\\']")  # an apostrophe is allowed, but not every program can refer to such a sheet
_COLOURS = {"exposed": "#B3201F", "password": "#DD8A3E", "mixed": "#C9A400"}
_INKS = {"exposed": "#B3201F", "password": "#B4500B", "mixed": "#806200", "oauth": "#1B7342"}
_FORMATS: dict[Kind, dict[str, object]] = {
    "text": {"valign": "top"},
    "wrapped": {"valign": "top", "text_wrap": True},
    "figure": {"valign": "top", "align": "left", "text_wrap": True, "num_format": "#,##0"},
    "status": {"valign": "top"},
    "number": {"valign": "top", "num_format": "#,##0"},
    "percent": {"valign": "top", "num_format": "0.0%"},
    "day": {"valign": "top", "num_format": "yyyy-mm-dd"},
    "moment": {"valign": "top", "num_format": "yyyy-mm-dd hh:mm"},
}
_WRAPPED: tuple[Kind, ...] = ("wrapped", "figure")
_LONG_AGO = date(1900, 3, 1)
"""Before it Excel's calendar has a day that never was."""


def write_workbook(document: PeriodDocument, out: BinaryIO) -> None:
    """A report over a period, to a file that is open for writing bytes."""
    write_view_as_workbook(view_of_period(document), out)


def write_scan_workbook(report: Report, out: BinaryIO, redactor: Redactor | None = None) -> None:
    """The result of one run."""
    write_view_as_workbook(view_of_scan(report, redactor), out)


def write_view_as_workbook(view: View, out: BinaryIO) -> None:
    """One sheet for each section of ``view`` that is not empty.

    Raises:
        UsageError: there is no room for temporary files.
        OSError: ``out`` cannot be written.
    """
    # Not straight to ``out``: where a reader leaves the pipe, that must be heard of, not the trouble of the archive.
    with tempfile.SpooledTemporaryFile(IN_MEMORY) as whole:
        try:
            _write_book(view, whole)
        except FileCreateError as error:
            raise UsageError(f"no workbook without temporary files: {error}; see TMPDIR") from error
        whole.seek(0)
        shutil.copyfileobj(whole, out)


def _write_book(view: View, out: IO[bytes]) -> None:
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(out, options) as book:
        last = max((device.last_seen for device in view.devices if device.last_seen), default=datetime(2000, 1, 1))
        book.set_properties({"title": f"{view.title} {view.subtitle}".rstrip(), "created": last.replace(tzinfo=UTC)})
        formats = {kind: book.add_format(look) for kind, look in _FORMATS.items()}
        statuses = {status: book.add_format({"bold": True, "font_color": ink}) for status, ink in _INKS.items()}
        head = book.add_format({"bold": True, "bottom": 1, "valign": "top", "text_wrap": True, "bg_color": "#EEF1F5"})
        taken: set[str] = set()
        for sheet in sheets(view):
            page = book.add_worksheet(_name(sheet.name, taken))
            count = _write(page, sheet, head, formats, statuses)
            if sheet.name == TREND:
                _chart(book, page, count)


def _write(
    page: Worksheet, sheet: Sheet, head: Format, formats: dict[Kind, Format], statuses: dict[str, Format]
) -> int:
    """Head and rows; returns how many rows there are."""
    page.set_row(0, HEAD_HEIGHT)
    page.freeze_panes(1, sheet.frozen)
    page.set_landscape()
    page.set_paper(9)  # A4
    page.fit_to_pages(1, 0)
    page.repeat_rows(0)
    for index, column in enumerate(sheet.columns):
        page.set_column(index, index, column.width)
        page.write_string(0, index, column.title, head)
    number = 0
    wrapped = [(index, column.width) for index, column in enumerate(sheet.columns) if column.kind in _WRAPPED]
    for number, row in enumerate(sheet.rows, 1):
        if number == MOST_ROWS - 1:
            page.write_string(number, 0, "There are more rows than a sheet can hold.", formats["text"])
            break
        if (lines := _lines(row, wrapped)) > 1:
            page.set_row(number, min(LINE_HEIGHT * lines, HIGHEST))
        for index, (column, value) in enumerate(zip(sheet.columns, row, strict=True)):
            _cell(page, number, index, value, formats[column.kind])
    for index, column in enumerate(sheet.columns):
        if column.kind == "status" and number:
            for status, look in statuses.items():
                rule = {"type": "cell", "criteria": "==", "value": f'"{status}"', "format": look}
                page.conditional_format(1, index, number, index, rule)
    if number and sheet.printed is not None:
        page.print_area(0, 0, number, sheet.printed - 1)
    if number:
        page.autofilter(0, 0, number, len(sheet.columns) - 1)
    return number


def _lines(row: Sequence[Value], wrapped: Sequence[tuple[int, int]]) -> int:
    """Lines of the highest of a row's wrapped cells: not every program works that out when it opens the file."""
    texts = ((str(row[index] or ""), width) for index, width in wrapped)
    return max((sum(max(1, len(wrap(line, width))) for line in text.splitlines()) for text, width in texts), default=1)


def _cell(page: Worksheet, row: int, column: int, value: Value, look: Format) -> None:
    """A value as what it is: what came as text stays text, whatever it looks like."""
    if value is None or value == "":
        return
    if isinstance(value, str):
        page.write_string(row, column, value if len(value) <= LONGEST_CELL else value[: LONGEST_CELL - 1] + "…", look)
    elif isinstance(value, datetime):
        if value.date() >= _LONG_AGO:
            page.write_datetime(row, column, value.replace(microsecond=0), look)
    elif isinstance(value, date):
        page.write_datetime(row, column, datetime.combine(value, time()), look)
    else:
        page.write_number(row, column, value, look)


def _name(name: str, taken: set[str]) -> str:
    """A name that Excel accepts and no other sheet has, whatever its case."""
    base = (_FORBIDDEN.sub(" ", name).strip("' ") or "Sheet")[:LONGEST_NAME]
    name, number = base, 1
    while name.casefold() in taken:
        number += 1
        name = f"{base[: LONGEST_NAME - 4]} {number}"
    taken.add(name.casefold())
    return name


def _chart(book: xlsxwriter.Workbook, page: Worksheet, count: int) -> None:
    """The burn-down, beside its figures."""
    if not count:
        return
    chart = book.add_chart({"type": "column", "subtype": "stacked"})
    for index, status in enumerate(STACK, 3):
        chart.add_series(
            {
                "name": [page.get_name(), 0, index],
                "categories": [page.get_name(), 1, 0, count, 0],
                "values": [page.get_name(), 1, index, count, index],
                "fill": {"color": _COLOURS[status]},
                "gap": 30,
            }
        )
    chart.set_title({"name": "Devices with a password", "overlay": False})
    chart.set_legend({"position": "bottom"})
    chart.set_size({"width": 760, "height": 380})
    page.insert_chart(1, 10, chart)
