"""What the documents and the units say to type, the program understands; and systemd does, where it is at hand."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path
from shutil import which

import pytest

from analyzer.cli import build_parser
from analyzer.cli.watch import _WATCH_EPILOG
from tests.support.material import REPOSITORY

UNITS = sorted((REPOSITORY / "scripts").glob("smtpauth-watch*"))
DOCUMENTS = [REPOSITORY / "docs" / "watch.md", REPOSITORY / "README.md", *UNITS]


def commands() -> list[str]:
    """Every ``smtpauth watch`` with options."""
    text = "\n".join((*(path.read_text() for path in DOCUMENTS), _WATCH_EPILOG))
    found = re.findall(r"(?<!`)smtpauth (watch /[^\n#`]+)", text)
    return [re.split(r"  +", command)[0].strip() for command in dict.fromkeys(found)]


def test_the_documents_have_commands() -> None:
    assert len(commands()) > 6


@pytest.mark.parametrize("command", commands())
def test_a_command_in_the_documents_is_understood_and_names_a_store(command: str) -> None:
    options = build_parser().parse_args(shlex.split(command))
    assert options.store


def test_every_unit_is_in_the_documents() -> None:
    assert len(UNITS) == 4
    text = (REPOSITORY / "docs" / "watch.md").read_text()
    assert "smtpauth-watch.service" in text
    assert "smtpauth-watch-once.timer" in text
    assert "smtpauth-watch-once.path" in text


@pytest.mark.parametrize("unit", [path for path in UNITS if path.suffix == ".service"], ids=lambda path: path.name)
def test_a_service_has_no_capability_and_takes_an_incomplete_run_for_a_run(unit: Path) -> None:
    settings = dict(re.findall(r"^(\w+)=(.*)$", unit.read_text(), re.MULTILINE))
    assert settings["AmbientCapabilities"] == settings["CapabilityBoundingSet"] == ""
    assert set(settings["SuccessExitStatus"].split()) == {"130", "3"}


@pytest.mark.skipif(which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_understands_the_units(tmp_path: Path) -> None:
    for unit in UNITS:  # with a program that is there
        (tmp_path / unit.name).write_text(unit.read_text().replace("/opt/smtpauth/bin/smtpauth", "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", *map(str, sorted(tmp_path.iterdir()))], capture_output=True, text=True, timeout=60
    )
    assert "smtpauth" not in done.stderr, done.stderr
    assert done.returncode == 0, done.stderr
