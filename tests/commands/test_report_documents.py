"""What docs/report.md and the unit say to type and to write, the program understands."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from analyzer.cli import build_parser
from analyzer.commands.baseline import read_baseline
from analyzer.commands.config import with_config
from tests.support.material import REPOSITORY

GUIDE = (REPOSITORY / "docs" / "report.md").read_text()
README = (REPOSITORY / "README.md").read_text()
SERVICE = (REPOSITORY / "scripts" / "smtpauth-report.service").read_text()
TIMER = (REPOSITORY / "scripts" / "smtpauth-report.timer").read_text()


def commands() -> list[str]:
    """Every ``smtpauth report`` with options."""
    found = re.findall(r"(?<!`)smtpauth (report -[^\n#`]+)", "\n".join((GUIDE, README, SERVICE)))
    return list(dict.fromkeys(command.strip() for command in found))


def test_the_documents_have_commands() -> None:
    assert len(commands()) > 6


@pytest.mark.parametrize("command", commands())
def test_a_command_in_the_documents_is_understood(command: str) -> None:
    options = build_parser().parse_args(shlex.split(command))
    assert options.store or options.config


def test_the_configuration_in_the_guide_is_understood(tmp_path: Path) -> None:
    (text,) = re.findall(r"^```\n(\[report\]\n.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
    file = tmp_path / "smtpauth.toml"
    file.write_text(text)
    parser, arguments = build_parser(), ["report", "--config", str(file)]
    options = with_config(parser, parser.parse_args(arguments), arguments)
    assert options.mail == ["it@example.com", "postmaster@example.com"]
    assert options.store == "/var/lib/smtpauth/mail.db"


def test_the_baseline_in_the_guide_is_understood(tmp_path: Path) -> None:
    (text,) = re.findall(r"^```\n(10\.20\.0\.15 .*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
    file = tmp_path / "accepted"
    file.write_text(text)
    known = read_baseline(str(file))
    assert (len(known.by_ip), len(known.by_mac)) == (1, 1)


def test_the_timer_starts_the_service_of_its_name_and_makes_up_for_a_monday_that_was_missed() -> None:
    assert "Persistent=yes" in TIMER
    assert "OnCalendar=Mon " in TIMER
    assert "Type=oneshot" in SERVICE


def test_the_service_is_the_user_that_the_store_belongs_to() -> None:
    watch = (REPOSITORY / "scripts" / "smtpauth-watch.service").read_text()
    assert "DynamicUser=yes" in watch
    assert "\nUser=" not in watch  # so that it is called as the unit is
    assert "\nUser=smtpauth-watch\nDynamicUser=yes\n" in SERVICE
    assert "StateDirectory=smtpauth\n" in watch
    assert "StateDirectory=smtpauth\n" in SERVICE
