from __future__ import annotations

import io
import subprocess
import sys

import pytest

from analyzer.inventory.session import Session
from analyzer.report import FORMATS, Format, Redactor, SessionWriter, write
from tests.support.material import REPOSITORY
from tests.support.reports import HOSTILE, hostile_sessions, office, office_report, report
from tests.support.sessions import attempt, session


def everything(format: Format, seen: list[Session], redactor: Redactor | None = None) -> str:
    out = io.StringIO(newline="")
    write(format, report(seen), out, redactor=redactor)
    writer = SessionWriter(format, out, redactor=redactor)
    for one in seen:
        writer.write(one)
    writer.close(report(seen))
    return out.getvalue()


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_names_are_inert_in_every_format(format: Format, kind: str) -> None:
    text = everything(format, hostile_sessions(HOSTILE[kind]))
    assert text.replace("\r\n", "\n").replace("\n", "").isprintable()
    assert len(text) < 100_000
    text.encode()


@pytest.mark.parametrize("format", FORMATS)
def test_redacted_reports_name_nobody(format: Format) -> None:
    seen = [session(attempt("PLAIN", username="canary@example.com", authzid="canary-admin"))]
    redactor = Redactor(b"key")
    text = everything(format, seen, redactor)
    assert "canary" not in text
    assert redactor.alias("canary@example.com")[:9] in text


@pytest.mark.parametrize("format", FORMATS)
def test_output_is_the_same_every_time(format: Format) -> None:
    assert everything(format, office()) == everything(format, office())


@pytest.mark.parametrize("format", FORMATS)
def test_devices_do_not_depend_on_the_order_of_sessions(format: Format) -> None:
    one, other = io.StringIO(), io.StringIO()
    write(format, report(office()), one)
    write(format, report(office()[::-1]), other)
    assert one.getvalue() == other.getvalue()


@pytest.mark.parametrize("format", FORMATS)
def test_the_streams_stay_open_and_nothing_is_written_after_the_last_line(format: Format) -> None:
    out = io.StringIO()
    write(format, office_report(), out)
    assert not out.closed
    assert out.getvalue().endswith("\n")


def test_importing_the_report_room_imports_no_writer_library() -> None:
    code = (
        "import sys, analyzer.report, analyzer.inventory.findings, analyzer.inventory.devices;"
        "print(sorted({'tabulate', 'csv', 'tomllib', 'json', 'numpy', 'scapy'} & set(sys.modules)))"
    )
    # -S: without site-packages, whose .pth files may import anything at start-up (coverage's imports json and tomllib).
    # Nothing of there is to be imported, so its absence can hide nothing.
    result = subprocess.run(
        [sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True, cwd=REPOSITORY
    )
    assert result.stdout.strip() == "[]"
