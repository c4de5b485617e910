"""``smtpauth verify`` beside its comparison: where its result goes, and what an interruption leaves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from analyzer.cli import main
from analyzer.commands import verify
from tests.commands.running import MECHANISMS, shell
from tests.support.programs import program
from tests.support.tools import needs_tshark

CAPTURE = MECHANISMS / "clear-login-two-steps.pcap"


@needs_tshark
def test_the_result_can_go_to_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = tmp_path / "verified.json"
    assert main(["verify", str(CAPTURE), "--format", "json", "--output", str(report)]) == 0
    assert capsys.readouterr().out == ""
    assert json.loads(report.read_text())["summary"]["agree"] == 1


def test_the_exit_code_answers_even_where_nobody_reads_on(tmp_path: Path) -> None:
    blind = program(tmp_path, "sys.exit(2)")
    done = shell(f"smtpauth verify {CAPTURE} --tshark {blind} | true")
    assert (done.returncode, done.stderr) == (3, "")


def test_output_that_cannot_be_written_is_told_before_anything_is_read(tmp_path: Path) -> None:
    endless = program(tmp_path, "import time; time.sleep(3600)")
    done = shell(f"smtpauth verify {CAPTURE} --tshark {endless} >&-")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "standard output is closed" in done.stderr


def test_an_interruption_is_part_of_the_result(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(verify, "verify_input", interrupt)
    tshark = program(tmp_path, "pass")
    assert main(["verify", str(CAPTURE), "absent.pcap", "--tshark", tshark, "--format", "json"]) == 130
    problems = json.loads(capsys.readouterr().out)["problems"]
    assert any("interrupted: " in problem for problem in problems)
    assert any("absent.pcap" in problem for problem in problems)
