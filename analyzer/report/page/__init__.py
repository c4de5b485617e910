"""The report as one self-contained HTML page."""

from __future__ import annotations

from typing import TextIO

from analyzer.report.model import Report
from analyzer.report.page.of_period import view_of_period
from analyzer.report.page.of_scan import view_of_scan
from analyzer.report.page.render import write_view
from analyzer.report.period.model import PeriodDocument
from analyzer.report.redact import Redactor

__all__ = ["write_page", "write_scan_page"]


def write_page(document: PeriodDocument, out: TextIO) -> None:
    """A report over a period."""
    write_view(view_of_period(document), out)


def write_scan_page(report: Report, out: TextIO, redactor: Redactor | None = None) -> None:
    """The result of one run."""
    write_view(view_of_scan(report, redactor), out)
