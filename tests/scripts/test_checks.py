"""What ``scripts/test`` checks."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.checks import checks


def test_coverage_is_left_out_only_where_another_python_is_said_to_measure_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SMTPAUTH_COVERAGE_ELSEWHERE", "1")
    elsewhere = set(checks(tmp_path / "results.xml"))
    monkeypatch.delenv("SMTPAUTH_COVERAGE_ELSEWHERE")
    assert set(checks(tmp_path / "results.xml")) - elsewhere == {"coverage"}
    assert "pytest" in elsewhere
