"""Write a report, or sessions as they come, in one of the formats."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol, TextIO

from analyzer.inventory.session import Session
from analyzer.report.model import DeviceFormat, Format, Report
from analyzer.report.plans import plan_record
from analyzer.report.records import Record, context_record, device_record, session_record
from analyzer.report.redact import Redactor
from analyzer.report.table import DEFAULT_WIDTH, SESSION_COLUMNS, SESSIONS_A_TABLE


def write(
    format: DeviceFormat,
    report: Report,
    out: TextIO,
    *,
    width: int = DEFAULT_WIDTH,
    colour: bool = False,
    redactor: Redactor | None = None,
    advice: bool = False,
) -> None:
    """Write ``report``, one record per device, to ``out``, in a format that is text.

    Args:
        width: columns of the terminal (``table`` only).
        colour: statuses in colour (``table`` only); whether that is wanted (a terminal, no ``NO_COLOR``) is the
        caller's. redactor: replaces user names, where given.
        advice: whole plans in place of one sentence for each device (``table`` only); the report must have them.

    Raises:
        ValueError: ``xlsx``, which is not text; see :func:`analyzer.report.workbook.write_scan_workbook`.
    """
    devices = device_records(report, redactor)
    if format == "json":
        from analyzer.report.json_ import write_object

        write_object("devices", devices, context_record(report), out)
    elif format == "jsonl":
        from analyzer.report.json_ import write_line

        for device in devices:
            write_line(device, out)
    elif format == "csv":
        from analyzer.report.csv_ import DEVICE_CELLS, CsvWriter

        rows = CsvWriter(DEVICE_CELLS, out)
        for device in devices:
            rows.write(device)
    elif format == "markdown":
        from analyzer.report import markdown

        markdown.write_devices(list(devices), context_record(report), out)
    elif format == "html":
        from analyzer.report.page import write_scan_page

        write_scan_page(report, out, redactor)
    elif format == "xlsx":
        raise ValueError(f"{format} is not text")
    else:
        from analyzer.report import table

        table.write_devices(list(devices), context_record(report), out, width, colour, advice=advice)


def device_records(report: Report, redactor: Redactor | None = None) -> Iterator[Record]:
    """Devices, worst first, each with its plan where the report has one."""
    for device in report.devices:
        record = device_record(device, redactor)
        if device.device in report.plans:
            record["plan"] = plan_record(report.plans[device.device])
        yield record


class SessionWriter:
    """Sessions one by one, in bounded memory; :meth:`close` adds what belongs at the end of the format.

    ``jsonl`` and ``csv`` hold sessions alone; ``json``, ``table`` and ``markdown`` end with the report's summary.
    """

    def __init__(
        self,
        format: Format,
        out: TextIO,
        *,
        width: int = DEFAULT_WIDTH,
        redactor: Redactor | None = None,
    ) -> None:
        self._redactor = redactor
        self._kind: _Kind = _KINDS[format](out, width)

    def write(self, session: Session) -> None:
        """The next session."""
        self._kind.write(session_record(session, self._redactor))

    def close(self, report: Report) -> None:
        """Nothing can be written afterwards. ``out`` stays open."""
        self._kind.close(context_record(report))


class _Kind(Protocol):
    def write(self, record: Record, /) -> None: ...
    def close(self, context: Record, /) -> None: ...


class _Lines:
    def __init__(self, out: TextIO, width: int) -> None:
        from analyzer.report.json_ import write_line

        self._out, self._write_line = out, write_line

    def write(self, session: Record) -> None:
        self._write_line(session, self._out)

    def close(self, context: Record) -> None:
        pass


class _Json:
    def __init__(self, out: TextIO, width: int) -> None:
        from analyzer.report.json_ import JsonArrayWriter

        self._writer = JsonArrayWriter("sessions", out)

    def write(self, session: Record) -> None:
        self._writer.write(session)

    def close(self, context: Record) -> None:
        self._writer.close(context)


class _Csv:
    def __init__(self, out: TextIO, width: int) -> None:
        from analyzer.report.csv_ import SESSION_CELLS, CsvWriter

        self._rows = CsvWriter(SESSION_CELLS, out)

    def write(self, session: Record) -> None:
        self._rows.write(session)

    def close(self, context: Record) -> None:
        pass


class _Markdown:
    def __init__(self, out: TextIO, width: int) -> None:
        from analyzer.report import markdown

        self._out, self._markdown = out, markdown
        markdown.write_session_head(out)

    def write(self, session: Record) -> None:
        self._markdown.write_session(session, self._out)

    def close(self, context: Record) -> None:
        self._markdown.write_findings(context, self._out)


class _Table:
    def __init__(self, out: TextIO, width: int) -> None:
        self._out, self._width = out, width
        self._rows: list[list[str]] = []

    def write(self, session: Record) -> None:
        from analyzer.report.table import session_row

        self._rows.append(session_row(session))
        if len(self._rows) == SESSIONS_A_TABLE:
            self._flush()

    def _flush(self) -> None:
        from analyzer.report.table import render

        if self._rows:
            self._out.write(render(SESSION_COLUMNS, self._rows, self._width) + "\n\n")
            self._rows = []

    def close(self, context: Record) -> None:
        from analyzer.report.table import write_context

        self._flush()
        write_context(context, self._out, self._width)


_KINDS: dict[Format, Callable[[TextIO, int], _Kind]] = {
    "table": _Table,
    "json": _Json,
    "jsonl": _Lines,
    "csv": _Csv,
    "markdown": _Markdown,
}
