"""``scripts/run`` from the second call on: nothing but a comparison stands before the program."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A repository whose Python tells what it was called with, and whose set-up tells that it was called."""
    root = tmp_path / "a clone"
    (root / "scripts").mkdir(parents=True)
    (root / ".venv/bin").mkdir(parents=True)
    shutil.copy(SCRIPTS / "run", root / "scripts/run")
    script(root / ".venv/bin/python", 'for each in "$@"; do echo "<$each>"; done; exit 7')
    script(root / "scripts/set-up", 'echo "set up $*" >&2')
    for lock in (root / "requirements.lock", root / ".venv/requirements.lock"):
        lock.write_text("numpy==1\n")
    return root


def script(path: Path, body: str) -> None:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def run(program: Path | str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([program, *arguments], cwd=cwd, capture_output=True, text=True)


def test_arguments_and_exit_code_pass_through(clone: Path) -> None:
    result = run(clone / "scripts/run", "scan", "two words", "", "*", cwd=clone)
    assert result.stdout.split("\n")[-5:] == ["<scan>", "<two words>", "<>", "<*>", ""]
    assert result.returncode == 7
    assert result.stderr == ""


@pytest.mark.parametrize("program", ["scripts/run", "./run", "../link", "../link to link"])
def test_it_finds_its_repository_from_any_folder_and_through_links(clone: Path, program: str) -> None:
    (clone.parent / "link").symlink_to("a clone/scripts/run")
    (clone.parent / "link to link").symlink_to(clone.parent / "link")
    (clone / "run").symlink_to("scripts/run")
    assert run(program, cwd=clone).returncode == 7


def test_it_runs_as_an_argument_of_sh_in_its_own_folder(clone: Path) -> None:
    assert run("sh", "run", cwd=clone / "scripts").returncode == 7


def test_a_lock_file_that_changed_is_set_up_again(clone: Path) -> None:
    (clone / "requirements.lock").write_text("numpy==2\n")
    result = run(clone / "scripts/run", cwd=clone)
    assert result.stderr == "set up requirements.lock\n"
    assert result.returncode == 7


def test_a_python_that_is_gone_is_set_up_again(clone: Path) -> None:
    (clone / ".venv/bin/python").unlink()
    (clone / ".venv/bin/python").symlink_to("/nonexistent/python3")
    assert "set up" in run(clone / "scripts/run", cwd=clone).stderr


def test_a_failed_set_up_ends_with_its_exit_code(clone: Path) -> None:
    (clone / "requirements.lock").write_text("numpy==2\n")
    script(clone / "scripts/set-up", "exit 2")
    result = run(clone / "scripts/run", cwd=clone)
    assert (result.returncode, result.stdout) == (2, "")


def test_without_a_python_that_will_do_it_says_what_is_needed(clone: Path, tmp_path: Path) -> None:
    shutil.copy(SCRIPTS / "set-up", clone / "scripts/set-up")
    (clone / ".venv/requirements.lock").unlink()
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("sh", "cmp"):
        (tools / name).symlink_to(shutil.which(name) or pytest.skip(f"needs {name}"))
    script(tools / "python3", '[ "$1" = --version ] && echo "Python 3.9.2"')
    result = subprocess.run(
        [clone / "scripts/run"], cwd=clone, capture_output=True, text=True, env={"PATH": str(tools)}
    )
    assert result.stderr == "smtpauth: needs Python 3.11 or later; found Python 3.9.2\n"
    assert result.returncode == 2
