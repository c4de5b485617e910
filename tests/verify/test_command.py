"""``smtpauth verify`` as its users meet it."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from analyzer.cli import main
from analyzer.commands import verify
from tests.support.programs import program
from tests.support.tools import needs_tshark
from tests.verify.dialogues import Pcap, b64, bye, hello

LOGIN = [
    ("C", b"AUTH LOGIN\r\n"),
    ("S", b"334 VXNlcm5hbWU6\r\n"),
    ("C", b64(b"scan@example.com") + b"\r\n"),
    ("S", b"334 UGFzc3dvcmQ6\r\n"),
    ("C", b64(b"CANARY") + b"\r\n"),
    ("S", b"235 2.7.0 Authentication successful\r\n"),
]


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    return Pcap().add(hello() + LOGIN + bye()).write(tmp_path / "office.pcap")


@needs_tshark
def test_agreement_is_exit_code_0_and_no_secret_is_said(capture: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(capture)]) == 0
    out, err = capfd.readouterr()
    assert "TLS, mechanism, user, code" in out
    assert "1 session held against tshark" in out
    assert err == ""
    assert "CANARY" not in out
    assert b64(b"CANARY").decode() not in out


@needs_tshark
def test_json_is_for_programs(capture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "--format", "json", str(capture)]) == 0
    assert json.loads(capsys.readouterr().out)["summary"]["agree"] == 1


@needs_tshark
def test_a_difference_is_exit_code_1(
    capture: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = SimpleNamespace(sessions=[], lost=[], judgements=[], keys_unused=None)
    monkeypatch.setattr(verify, "_Ours", lambda *_: nothing)
    assert main(["verify", str(capture)]) == 1
    assert "theirs only" in capsys.readouterr().out


@needs_tshark
def test_a_damaged_input_is_exit_code_3_with_what_there_was(capture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capture.write_bytes(capture.read_bytes()[:-20])
    assert main(["verify", str(capture)]) == 3
    out = capsys.readouterr().out
    assert "office.pcap: cut off in its last record" in " ".join(out.split())
    assert "1 agree" in out


@needs_tshark
def test_one_bad_input_among_others_is_exit_code_3_and_none_but_bad_ones_2(
    capture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "notes.txt"
    other.write_text("not a capture\n")
    assert main(["verify", str(capture), str(other), str(tmp_path / "absent")]) == 3
    out, _ = capsys.readouterr()
    assert "notes.txt: not a capture" in out
    assert "absent: no such file" in out
    assert main(["verify", str(other)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@needs_tshark
def test_standard_input_is_compared_too(
    capture: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(capture.read_bytes())))
    assert main(["verify", "-"]) == 0
    assert "1 agree" in capsys.readouterr().out


@needs_tshark
def test_standard_input_that_is_no_capture_is_named_as_such(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"hello there, no capture")))
    assert main(["verify", "-"]) == 2
    assert capsys.readouterr().err.startswith("smtpauth: standard input: ")


@needs_tshark
def test_another_port_is_read_by_both(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = Pcap().add(hello() + LOGIN + bye(), server_port=1025).write(tmp_path / "a.pcap")
    assert main(["verify", str(path)]) == 0
    assert "Neither side" in capsys.readouterr().out
    assert main(["verify", "--port", "1025", str(path)]) == 0
    assert "1 agree" in capsys.readouterr().out


def test_without_tshark_one_line_says_what_to_install(
    capture: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["verify", str(capture)]) == 2
    assert "apt install tshark" in capsys.readouterr().err


def test_a_tshark_that_reads_nothing_makes_no_difference_but_an_incomplete_run(
    capture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = program(tmp_path, "sys.stderr.write('tshark: \\x1b[31mno memory\\n'); sys.exit(2)")
    assert main(["verify", "--tshark", broken, str(capture)]) == 3
    out = " ".join(capsys.readouterr().out.split())  # a long path wraps the sentence
    assert "1 ours only" in out
    assert "tshark did not read this part of the input" in out
    assert "\\x1b[31mno memory" in out


def test_an_interrupted_run_ends_the_process_and_shows_what_it_has(
    capture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(verify, "_Ours", interrupt)
    endless = program(tmp_path, "import time; time.sleep(3600)")
    assert main(["verify", "--tshark", endless, str(capture)]) == 130
    assert "Neither side" in capsys.readouterr().out
