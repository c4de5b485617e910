"""Runs every check and says at the end, in one line, which of them passed: ``scripts/test``."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

from scripts.set_up import ROOT, create, install, installer

PYTHON = sys.executable


def main() -> int:
    """Run all checks, also after one has failed; exit code 1 when any has."""
    # Started in the background of a script, this ignores Ctrl-C and so would all that the tests start to interrupt it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    began = time.monotonic()
    failed = []
    with tempfile.TemporaryDirectory() as scratch:
        results = Path(scratch, "results.xml")
        for name, check in checks(results).items():
            print(f"--- {name}", flush=True)
            if not check():
                failed.append(name)
        tests = summary(results)
    verdict = f"FAILED: {', '.join(failed)}" if failed else "all checks passed"
    print(f"--- {tests}; {verdict} in {time.monotonic() - began:.0f} s")
    return 1 if failed else 0


def checks(results: Path) -> dict[str, Callable[[], bool]]:
    """The checks in the order they run; pytest leaves its JUnit report at ``results``.

    ``SMTPAUTH_COVERAGE_ELSEWHERE=1`` (set by ``.ci/run``) leaves coverage to another Python, which measures it faster.
    """
    checked = {
        "ruff check": command("ruff", "check", "--quiet", "."),
        "ruff format": command("ruff", "format", "--check", "--quiet", "."),
        "mypy --strict": command("mypy"),
        "wheel": wheel,
    }
    pytest = ("pytest", f"--junitxml={results}")
    if os.environ.get("SMTPAUTH_COVERAGE_ELSEWHERE") == "1":
        return checked | {"pytest": command(*pytest)}
    return checked | {"pytest": command("coverage", "run", "-m", *pytest), "coverage": command("coverage", "report")}


def summary(results: Path) -> str:
    """How many tests passed, failed and were skipped."""
    if not results.is_file():
        return "0 passed, 0 failed: pytest did not finish"
    (suite,) = ElementTree.parse(results).getroot().iter("testsuite")  # noqa: S314 - pytest wrote it
    total, skipped = int(suite.attrib["tests"]), int(suite.attrib["skipped"])
    failed = int(suite.attrib["failures"]) + int(suite.attrib["errors"])
    return f"{total - failed - skipped} passed, {failed} failed, {skipped} skipped"


def command(*arguments: str) -> Callable[[], bool]:
    """A check that is a module of this Python, run in the repository."""
    return lambda: subprocess.run([PYTHON, "-m", *arguments], cwd=ROOT).returncode == 0


def wheel() -> bool:
    """The wheel is pure Python, and what is in it works without the repository and the development packages."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        build = [PYTHON, "-m", "hatchling", "build", "--target", "wheel", "--directory", scratch]
        if subprocess.run(build, cwd=ROOT, stdout=subprocess.DEVNULL).returncode:
            return False
        (built,) = folder.glob("*.whl")
        if not built.name.endswith("-py3-none-any.whl"):
            print(f"{built.name} is not a pure wheel")
            return False
        return _holds_every_file(built) and _works_alone(built, folder / "venv")


def _holds_every_file(built: Path) -> bool:
    packed = set(zipfile.ZipFile(built).namelist())
    files = (path for path in (ROOT / "analyzer").rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    absent = [str(path.relative_to(ROOT)) for path in files if str(path.relative_to(ROOT)) not in packed]
    if absent:
        print(f"{built.name} lacks {', '.join(absent)}")
    return not absent


def _works_alone(built: Path, venv: Path) -> bool:
    create(venv)
    install(venv, ROOT / "requirements.lock")
    command = installer(venv)
    if command is None or subprocess.run([*command, "--no-deps", "--no-index", str(built)], cwd=venv).returncode:
        return False
    for arguments, expected in SMOKE.items():
        result = subprocess.run([venv / "bin/smtpauth", *arguments], cwd=venv, capture_output=True, text=True)
        if result.returncode or not re.search(expected, result.stdout):
            print(f"smtpauth {' '.join(arguments)}: exit code {result.returncode}\n{result.stdout}{result.stderr}")
            return False
    print(f"{built.name} works with nothing but its own dependencies")
    return True


SMOKE: dict[tuple[str, ...], str] = {
    ("--version",): r"^smtpauth \d",
    ("scan", str(ROOT / "captures/office")): "password",
}
"""Arguments, and a pattern that must be in the output."""

if __name__ == "__main__":
    sys.exit(main())
