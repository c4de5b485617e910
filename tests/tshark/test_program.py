from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.errors import UsageError
from analyzer.tshark.program import Tshark, find_tshark
from tests.support.programs import program


def test_a_missing_tshark_is_one_line_with_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match=r"^this needs tshark, which is not installed; .*apt install tshark.*--tshark"):
        find_tshark()
    with pytest.raises(UsageError, match=r"'/no/where' is not a program"):
        find_tshark("/no/where")


@pytest.mark.parametrize(
    ("version", "problem"),
    [
        ("TShark (Wireshark) 3.6.2 (Git v3.6.2)", "is tshark 3.6.2, and 4.0 or newer is needed"),
        ("ls (GNU coreutils) 9.1", "is not tshark"),
        ("", "is not tshark"),
    ],
)
def test_a_program_that_is_too_old_or_another_one_is_refused(tmp_path: Path, version: str, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        find_tshark(program(tmp_path, "", version))


@pytest.mark.parametrize("version", ["4.0.17", "4.2.0", "10.1"])
def test_newer_versions_are_taken_under_any_file_name(tmp_path: Path, version: str) -> None:
    path = program(tmp_path, "", f'Running as user "root".\nTShark (Wireshark) {version}.')
    assert find_tshark(path) == Tshark(path, version)


def test_a_program_that_cannot_be_run_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "tshark"
    path.write_bytes(b"\x7fELF no program")
    path.chmod(0o755)
    with pytest.raises(UsageError, match="cannot be run"):
        find_tshark(str(path))
