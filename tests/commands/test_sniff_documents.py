"""What the documents and the service say to type, the program understands."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import pytest

from analyzer.cli import build_parser
from analyzer.cli.sniff import _SNIFF_EPILOG
from analyzer.commands.config import with_config
from tests.support.material import REPOSITORY

LIVE = (REPOSITORY / "docs" / "live.md").read_text()
SERVICE = (REPOSITORY / "scripts" / "smtpauth-sniff.service").read_text()


def commands() -> list[str]:
    """Every ``smtpauth sniff`` with options, joined where it goes over two lines."""
    text = "\n".join((LIVE, (REPOSITORY / "README.md").read_text(), _SNIFF_EPILOG, SERVICE)).replace("\\\n", " ")
    found = re.findall(r"(?<!`)smtpauth (sniff -[^\n#`]+)", text)
    return list(dict.fromkeys(command.strip() for command in found))


def test_the_documents_have_commands() -> None:
    assert len(commands()) > 8


@pytest.mark.parametrize("command", commands())
def test_a_command_in_the_documents_is_understood(command: str) -> None:
    options = build_parser().parse_args(shlex.split(command))
    assert options.interface or options.config


def test_the_configuration_in_the_documents_is_understood(tmp_path: Path) -> None:
    (line,) = re.findall(r"printf '(.+?)' \| sudo tee /etc/smtpauth.toml", LIVE)
    file = tmp_path / "smtpauth.toml"
    file.write_text(line.encode().decode("unicode_escape"))
    assert tomllib.loads(file.read_text())["sniff"]["interface"] == ["eth1"]
    parser = build_parser()
    arguments = ["sniff", "--config", str(file)]
    assert with_config(parser, parser.parse_args(arguments), arguments).interface == ["eth1"]


def test_the_service_has_the_one_capability_that_capturing_takes() -> None:
    settings = dict(re.findall(r"^(\w+)=(.*)$", SERVICE, re.MULTILINE))
    assert settings["AmbientCapabilities"] == settings["CapabilityBoundingSet"] == "CAP_NET_RAW"
    assert set(settings["SuccessExitStatus"].split()) == {"130", "3"}
