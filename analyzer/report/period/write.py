"""Write the report on a period in one of the formats."""

from __future__ import annotations

from typing import Literal, TextIO

from analyzer.report.period.model import PeriodDocument
from analyzer.report.period.records import document_record
from analyzer.report.table import DEFAULT_WIDTH

PeriodFormat = Literal["table", "markdown", "json", "csv", "html", "xlsx"]

LISTED = 50
"""Devices in a table or in Markdown, unless more are asked for; the worst come first."""


def write_period(
    format: PeriodFormat,
    document: PeriodDocument,
    out: TextIO,
    *,
    width: int = DEFAULT_WIDTH,
    colour: bool = False,
    limit: int = LISTED,
) -> None:
    """Write ``document`` to ``out``, in a format that is text.

    Args:
        width, colour: of the terminal (``table`` only).
        limit: devices listed (``table`` and ``markdown``).

    Raises:
        ValueError: ``xlsx``, which is not text.
    """
    if format == "html":
        from analyzer.report.page import write_page

        write_page(document, out)
        return
    record = document_record(document)
    if format == "json":
        from analyzer.report.period.json_ import write_json

        write_json(record, out)
    elif format == "csv":
        from analyzer.report.period.csv_ import write_csv

        write_csv(record, out)
    elif format == "markdown":
        from analyzer.report.period.markdown import write_markdown

        write_markdown(record, out, limit)
    elif format == "table":
        from analyzer.report.period.text import write_text

        write_text(record, out, width, colour, limit)
    else:
        raise ValueError(f"{format} is not text")
