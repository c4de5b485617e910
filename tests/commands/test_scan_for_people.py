"""``smtpauth scan`` as a page and as a workbook."""

from __future__ import annotations

import io
from pathlib import Path

import openpyxl
import pytest

from analyzer.cli import main
from tests.commands.running import OFFICE, PATIENCE, run, start


def test_a_page_of_the_office(tmp_path: Path) -> None:
    page = tmp_path / "office.html"
    assert main(["scan", str(OFFICE), "--format", "html", "--output", str(page)]) == 0
    text = page.read_text(encoding="utf-8")
    assert "<title>10 of 14 devices use a password: Mail logins</title>" in text
    assert text.count("<tbody class=") == 14
    assert "Turn on STARTTLS (587) or TLS (465)" in text  # the plan, not just the sentence


def test_a_workbook_of_the_office(tmp_path: Path) -> None:
    book = tmp_path / "office.xlsx"
    assert main(["scan", str(OFFICE), "--format", "xlsx", "--output", str(book)]) == 0
    devices = openpyxl.load_workbook(book)["Devices"]
    assert devices.max_row == 15
    assert devices["A2"].value == "10.20.0.41"


def test_a_workbook_goes_through_a_pipe() -> None:
    process = start("scan", OFFICE, "--format", "xlsx")
    out, _ = process.communicate(timeout=PATIENCE)
    assert openpyxl.load_workbook(io.BytesIO(out))["Devices"].max_row == 15


def test_a_workbook_whose_reader_leaves_is_no_error_of_ours() -> None:
    with start("scan", OFFICE, "--format", "xlsx") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(2)
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read()


@pytest.mark.parametrize("format", ["html", "xlsx"])
def test_sessions_have_neither_page_nor_workbook(format: str) -> None:
    result = run("scan", OFFICE, "--sessions", "--format", format)
    assert result.returncode == 2
    assert f"--format {format} is made of devices" in result.stderr
    assert result.stderr.count("\n") == 1
