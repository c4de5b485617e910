"""``smtpauth scan`` as its users meet it: exit codes, one-line errors, standard input, configuration."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from analyzer.cli import main
from tests.commands.running import GENERATED, MECHANISMS, OFFICE, start


def _stderr_line(capsys: pytest.CaptureFixture[str]) -> str:
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_the_office_is_answered(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", str(OFFICE), "--format", "json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    status = {device["device"]: device["status"] for device in answer["devices"]}
    assert status["10.20.0.101"] == "exposed"  # LOGIN in the clear, in a connection that crosses two files
    assert status["10.20.0.40"] == "password"  # CRAM-MD5 in the clear
    assert status["10.20.0.102"] == "unknown"  # inside TLS
    assert status["10.20.0.107"] == "no-auth"
    assert answer["summary"]["still_password"] == 7


@pytest.mark.parametrize(("status", "code"), [("exposed", 1), ("unknown", 1)])
def test_fail_on_is_a_gate(status: str, code: int) -> None:
    assert main(["scan", str(OFFICE), "-q", "--fail-on", status]) == code


def test_a_gate_passes_where_nobody_is_that_bad() -> None:
    capture = MECHANISMS / "clear-relay-by-address.pcap"
    assert main(["scan", str(capture), "-q", "--fail-on", "unknown"]) == 0


def test_a_cut_capture_gives_results_and_exit_code_3(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", str(GENERATED / "pcap-cut-record.pcap"), "--format", "jsonl"]) == 3
    said = capsys.readouterr()
    assert json.loads(said.out)["sessions"] == 1
    assert "cut off" in said.err


def test_one_bad_input_among_good_ones_costs_exit_code_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = tmp_path / "photo.jpg"
    bad.write_bytes(b"\xff\xd8\xff\xe0" + bytes(100))
    assert main(["scan", str(OFFICE / "office-1.pcap"), str(bad)]) == 3
    said = capsys.readouterr()
    assert "still use a password" in said.out
    assert "photo.jpg" in said.err


@pytest.mark.parametrize("content", [b"", b"\xff\xd8\xff\xe0" + bytes(100), b"hello\n", b"\x1f\x8b\x08" + bytes(9)])
def test_what_is_no_capture_gets_one_line_and_exit_code_2(
    content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "input"
    path.write_bytes(content)
    assert main(["scan", str(path)]) == 2
    assert "input" in _stderr_line(capsys)


@pytest.mark.parametrize(
    "arguments",
    [
        ["scan"],
        ["scan", "x", "--port", "99999"],
        ["scan", "x", "--format", "xml"],
        ["frobnicate"],
        ["scan", "x", "--y"],
    ],
)
def test_wrong_usage_gets_one_line_and_exit_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    assert "--help" in _stderr_line(capsys)


def test_a_capture_of_an_unknown_link_type_alone_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = (OFFICE / "office-1.pcap").read_bytes()
    path = tmp_path / "strange.pcap"
    path.write_bytes(whole[:20] + (147).to_bytes(4, "little") + whole[24:])
    assert main(["scan", str(path)]) == 2
    assert "link type 147" in _stderr_line(capsys)


def test_users_can_be_redacted(capsys: pytest.CaptureFixture[str]) -> None:
    main(["scan", str(OFFICE), "--format", "json", "--redact-users"])
    text = capsys.readouterr().out
    assert "scan@office.example" not in text
    assert "user-" in text


def test_standard_input_is_read() -> None:
    with (OFFICE / "office-1.pcap").open("rb") as capture:
        process = start("scan", "-", "--format", "jsonl", stdin=capture)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert len(out.splitlines()) > 3
