from __future__ import annotations

import io
import re
import zipfile
from dataclasses import replace
from datetime import datetime

import openpyxl
import pytest
from openpyxl.workbook import Workbook

from analyzer.inventory.device import Device
from analyzer.report import workbook
from analyzer.report.period.model import PeriodDocument
from analyzer.report.redact import Redactor
from analyzer.report.text import clean
from analyzer.report.workbook import HIGHEST, LINE_HEIGHT, write_scan_workbook, write_workbook
from tests.support.fleet import document, fleet
from tests.support.hostile_fleet import hostile_document
from tests.support.reports import HOSTILE, office_report, report


def bytes_of(whole: PeriodDocument) -> bytes:
    out = io.BytesIO()
    write_workbook(whole, out)
    return out.getvalue()


def book_of(whole: PeriodDocument) -> Workbook:
    return openpyxl.load_workbook(io.BytesIO(bytes_of(whole)))


def rows(book: Workbook, sheet: str) -> list[dict[str, object]]:
    head, *body = book[sheet].iter_rows(values_only=True)
    return [dict(zip(map(str, head), row, strict=True)) for row in body]


def test_each_section_has_a_sheet() -> None:
    assert book_of(document(60)).sheetnames == [
        "Summary",
        "Devices",
        "What to do",
        "Changes",
        "Week by week",
        "Providers",
        "Makers",
        "Shared accounts",
        "Findings",
        "Quality",
        "How to read",
    ]


def test_every_device_is_a_row_with_numbers_and_dates_that_can_be_computed_with() -> None:
    seen = rows(book_of(document(60)), "Devices")
    devices = fleet(60)
    assert [row["Address"] for row in seen] == [device.device for device in devices]
    assert [row["Sessions"] for row in seen] == [device.sessions for device in devices]
    first = seen[0]
    assert isinstance(first["Last seen"], datetime)
    assert isinstance(first["First seen"], datetime)
    assert first["Confidence"] == 1
    assert first["MAC"] == "00-17-C8-00-00-08"


def test_the_burn_down_is_a_table_and_a_chart() -> None:
    book = book_of(document(60, weeks=26))
    trend = rows(book, "Week by week")
    assert len(trend) == 26
    assert trend[-1]["With password"] == document(60).report.summary.still_password
    assert trend[-1]["Last day"] == datetime(2026, 11, 22)
    with zipfile.ZipFile(io.BytesIO(bytes_of(document(60)))) as archive:
        assert "xl/charts/chart1.xml" in archive.namelist()


def test_head_lines_stay_and_can_be_filtered_by() -> None:
    for sheet in book_of(document(20)):
        assert sheet.freeze_panes in ("A2", "B2")
        assert sheet.auto_filter.ref == sheet.dimensions


@pytest.mark.parametrize("trick", HOSTILE)
def test_text_from_the_wire_is_text(trick: str) -> None:
    content = bytes_of(hostile_document(HOSTILE[trick], 3))
    book = openpyxl.load_workbook(io.BytesIO(content))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert not [cell for cell in cells if cell.data_type == "f" or cell.hyperlink]
    texts = [cell.value for cell in cells if isinstance(cell.value, str)]
    assert clean(HOSTILE[trick]) in texts  # as an account, and nothing is lost of it
    assert all(character.isprintable() or character == "\n" for text in texts for character in text)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert not [name for name in archive.namelist() if "externalLink" in name or "vba" in name.lower()]
        sheets = [archive.read(name) for name in archive.namelist() if name.startswith("xl/worksheets/")]
    assert not any(re.search(rb"<f[ >]", sheet) for sheet in sheets)


def test_escapes_of_the_format_itself_are_taken_literally() -> None:
    with zipfile.ZipFile(io.BytesIO(bytes_of(hostile_document("_x0041_", 2)))) as archive:
        raw = b"".join(archive.read(name) for name in archive.namelist() if name.startswith("xl/worksheets/"))
    assert b"_x005F_x0041_" in raw
    assert not re.search(rb"(?<!_x005F)_x0041_", raw)  # that would be an A


def test_the_same_report_gives_the_same_bytes() -> None:
    assert bytes_of(document(20)) == bytes_of(document(20))


def test_redacted_users_are_nowhere_in_the_workbook() -> None:
    with zipfile.ZipFile(io.BytesIO(bytes_of(replace(document(60), redactor=Redactor(b"key"))))) as archive:
        content = b"".join(archive.read(name) for name in archive.namelist())
    assert b"@example.com" not in content


def test_more_rows_than_a_sheet_can_hold_are_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "MOST_ROWS", 12)
    book = book_of(document(60))
    assert book["Devices"].max_row == 12
    assert book["Devices"]["A12"].value == "There are more rows than a sheet can hold."


def test_a_cell_is_no_longer_than_excel_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    names = tuple(f"{number:0400}" for number in range(200))
    device: Device = replace(fleet(1)[0], names=names)
    longest = max(len(str(row["All names"])) for row in rows(book_of(document(devices=[device])), "Devices"))
    assert longest == workbook.LONGEST_CELL


def test_sheets_of_one_name_are_told_apart() -> None:
    taken: set[str] = set()
    names = [workbook._name(name, taken) for name in ("A/B: [x]", "a/b: [X]", "'", "x" * 40, "x" * 40)]
    assert len({name.casefold() for name in names}) == 5
    assert all(len(name) <= 31 and not re.search(r"[\[\]:*?/\\]", name) for name in names)


def test_a_single_run_is_a_workbook_too() -> None:
    out = io.BytesIO()
    write_scan_workbook(office_report(), out)
    book = openpyxl.load_workbook(out)
    assert book.sheetnames[:3] == ["Summary", "Devices", "What to do"]
    assert book["Devices"].max_row == 6


@pytest.mark.parametrize("whole", [document(devices=[]), document(1, weeks=1)], ids=["nothing", "one device"])
def test_small_reports_are_workbooks_too(whole: PeriodDocument) -> None:
    assert book_of(whole).sheetnames[0] == "Summary"


def test_a_run_that_saw_nothing_is_a_workbook_too() -> None:
    out = io.BytesIO()
    write_scan_workbook(report([]), out)
    assert openpyxl.load_workbook(out)["Summary"]["B3"].value == "No device was seen sending mail."


def test_rows_are_as_high_as_what_is_wrapped_in_them() -> None:
    book = book_of(document(60))
    heights = {row: size.height for row, size in book["What to do"].row_dimensions.items()}
    for number, cells in enumerate(book["What to do"].iter_rows(min_row=2, values_only=True), 2):
        steps = str(cells[5]).splitlines()
        assert heights.get(number, LINE_HEIGHT) >= LINE_HEIGHT * min(len(steps), HIGHEST // LINE_HEIGHT)
    assert max(height for height in heights.values() if height) <= HIGHEST


def test_of_the_devices_those_columns_are_printed_that_can_be_read() -> None:
    sheet = book_of(document(60))["Devices"]
    assert sheet.print_area == "'Devices'!$A$1:$I$61"
    assert [cell.value for cell in sheet[1]][8] == "Login"
