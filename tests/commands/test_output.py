"""Where the result goes, and what becomes of a run whose output nobody can or will take."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from analyzer.cli import main
from analyzer.commands.output import output
from analyzer.store import open_store
from tests.commands.running import GENERATED, MECHANISMS, OFFICE, PATIENCE, run, shell, start
from tests.support.material import REPOSITORY

ONE = OFFICE / "office-1.pcap"

needs_dev_full = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


# --- a file ---------------------------------------------------------------------------------------


def test_a_file_holds_what_standard_output_would(tmp_path: Path) -> None:
    report = tmp_path / "devices.csv"
    assert main(["scan", str(ONE), "--format", "csv", "--output", str(report)]) == 0
    assert report.read_bytes().decode() == run("scan", ONE, "--format", "csv").stdout.replace("\n", "\r\n")
    assert names(tmp_path) == {"devices.csv"}


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("x.json", b"{"),
        ("x.jsonl", b"{"),
        ("x.csv", b"device,"),
        ("x.MD", b"**10 of 14"),
        ("x.html", b"<!doctype html>"),
        ("x.xlsx", b"PK"),
        ("x.txt", b"Status "),
        ("x", b"Status "),
        ("x.pcap.out", b"Status "),
    ],
)
def test_the_ending_of_the_file_tells_the_format_of_a_scan(name: str, head: bytes, tmp_path: Path) -> None:
    file = tmp_path / name
    assert main(["scan", str(OFFICE), "--output", str(file)]) == 0
    assert file.read_bytes().startswith(head)
    assert main(["scan", str(OFFICE), "--output", str(file), "--format", "csv"]) == 0
    assert file.read_bytes().startswith(b"device,")


def test_a_report_that_fails_leaves_the_one_of_last_week(tmp_path: Path) -> None:
    report = tmp_path / "devices.csv"
    report.write_text("last week's")
    assert main(["scan", str(tmp_path / "absent.pcap"), "--output", str(report)]) == 2
    assert report.read_text() == "last week's"
    assert names(tmp_path) == {"devices.csv"}


def test_a_report_that_was_private_stays_private(tmp_path: Path) -> None:
    report = tmp_path / "devices.csv"
    report.touch(0o600)
    assert main(["scan", str(ONE), "--output", str(report)]) == 0
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    assert report.stat().st_size


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "latest").symlink_to("week47.txt")
    assert main(["scan", str(ONE), "--output", str(tmp_path / "latest")]) == 0
    assert (tmp_path / "latest").is_symlink()
    assert "still use a password" in (tmp_path / "week47.txt").read_text()


def test_a_link_that_waits_where_the_file_is_made_is_not_followed(tmp_path: Path) -> None:
    name, other = tmp_path / "report.txt", tmp_path / "other"
    other.write_text("somebody's")
    (tmp_path / f"report.txt.{os.getpid()}.part").symlink_to(other)
    with output(str(name)) as out:
        out.write("ours")
    assert (name.read_text(), other.read_text()) == ("ours", "somebody's")


def test_a_device_is_written_to_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = start("scan", ONE, "--output", pipe)
    assert b"still use a password" in pipe.read_bytes()
    assert writer.wait(PATIENCE) == 0
    writer.communicate()
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_dash_and_dev_stdout_are_standard_output() -> None:
    plain = run("scan", ONE).stdout
    assert run("scan", ONE, "--output", "-").stdout == plain
    assert run("scan", ONE, "--output", "/dev/stdout").stdout == plain


@pytest.mark.parametrize("name", ["", ".", "no/such/folder/x.csv", f"{__file__}/x.csv", "a\0b"])
def test_a_file_that_cannot_be_written_is_told_before_anything_is_read(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["scan", str(ONE), "--output", name]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert "it cannot be written" in said.err


@pytest.mark.parametrize("capture", [ONE, GENERATED / "compressed.pcap.zst"])
def test_a_capture_is_never_replaced_by_a_report(
    capture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / capture.name
    mine.write_bytes(capture.read_bytes())
    assert main(["scan", str(mine), "--output", str(mine)]) == 2
    assert "it is a capture" in capsys.readouterr().err
    assert mine.read_bytes() == capture.read_bytes()


@pytest.mark.parametrize("command", ["store export {0} {0}", "report --store {0} --format json --output {0}"])
def test_a_store_is_never_replaced_by_what_comes_out_of_it(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mail.db"
    open_store(str(path)).close()
    before = path.read_bytes()
    assert main(command.format(path).split()) == 2
    assert capsys.readouterr().err == f"smtpauth: {path}: it is a database, which a result must not replace; " + (
        "give another name\n"
    )
    assert path.read_bytes() == before


@needs_dev_full
@pytest.mark.parametrize("arguments", ["", "--sessions --format jsonl", "--output /dev/full"])
def test_a_full_disk_is_one_line_and_exit_code_2(arguments: str) -> None:
    done = shell(f"smtpauth scan {ONE} {arguments} > /dev/full")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "it cannot be written (No space left on device)" in done.stderr


# --- streams that are closed ----------------------------------------------------------------------


def test_a_closed_standard_output_is_one_line_and_exit_code_2() -> None:
    done = shell(f"smtpauth scan {ONE} >&-")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "standard output is closed" in done.stderr


def test_a_closed_standard_output_is_not_needed_where_the_result_goes_to_a_file(tmp_path: Path) -> None:
    report = tmp_path / "devices.json"
    assert shell(f"smtpauth scan {ONE} --format json --output {report} >&-").returncode == 0
    assert report.read_text().startswith('{"devices"')


@pytest.mark.parametrize("where", ["2>&-", pytest.param("2>/dev/full", marks=needs_dev_full)])
@pytest.mark.parametrize(
    ("arguments", "code"), [("absent.pcap", 2), ("--no-such-option", 2), (str(GENERATED / "pcap-cut-record.pcap"), 3)]
)
def test_exit_codes_do_not_depend_on_somebody_reading_the_warnings(where: str, arguments: str, code: int) -> None:
    done = shell(f"smtpauth scan {arguments} {where}")
    assert (done.returncode, done.stderr) == (code, "")


@pytest.mark.parametrize("arguments", ["--help", "--version", "scan --help"])
def test_help_that_nobody_can_read_makes_no_noise(arguments: str) -> None:
    assert shell(f"smtpauth {arguments} | true").stderr == ""


# --- pipes whose reader has seen enough -----------------------------------------------------------


@pytest.mark.parametrize("arguments", ["", "--format csv", "--sessions --format jsonl"])
def test_a_reader_that_has_seen_enough_is_no_failure(arguments: str) -> None:
    done = shell(f"smtpauth scan {MECHANISMS} {arguments} | head -n 1")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("\n") == 1


def test_a_reader_that_is_gone_before_the_first_line_is_no_failure() -> None:
    done = shell(f"smtpauth scan {ONE} | true")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("arguments", ["", "--sessions --format jsonl"])
def test_a_gate_answers_even_where_nobody_reads_the_result(arguments: str, tmp_path: Path) -> None:
    cut = tmp_path / "cut.pcap"
    cut.write_bytes((MECHANISMS / "clear-relay-by-address.pcap").read_bytes()[:-20])
    for capture, code in ((ONE, 1), (cut, 3)):
        done = shell(f"smtpauth scan -q {capture} --fail-on unknown {arguments} | true")
        assert (done.returncode, done.stderr) == (code, "")


# --- encodings ------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", ["table", "csv", "markdown", "json"])
def test_names_that_the_terminal_cannot_show_do_not_end_the_run(format: str) -> None:
    capture = MECHANISMS / "clear-plain-utf8-user.pcap"
    command = [sys.executable, "-m", "analyzer.cli", "scan", str(capture), "--format", format]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(command, capture_output=True, env=environment, timeout=PATIENCE)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.isascii()


def test_a_file_is_utf_8_whatever_the_terminal(tmp_path: Path) -> None:
    report = tmp_path / "devices.csv"
    capture = MECHANISMS / "clear-plain-utf8-user.pcap"
    shell(f"smtpauth scan {capture} --format csv --output {report}", LC_ALL="C", PYTHONIOENCODING="ascii")
    assert not report.read_bytes().isascii()
    report.read_text("utf-8")
