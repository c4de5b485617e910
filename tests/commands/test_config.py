"""Options from a file: where they hold, what goes before them, and what is told when the file is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from analyzer.cli import build_parser, main
from analyzer.commands.config import with_config
from tests.commands.running import OFFICE

ONE = str(OFFICE / "office-1.pcap")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "smtpauth.toml"


def options(config: Path, text: str, *arguments: str, command: str = "scan") -> dict[str, object]:
    """What the command gets to see."""
    config.write_text(text)
    line = [command, "x", "--config", str(config), *arguments]
    parser = build_parser()
    return vars(with_config(parser, parser.parse_args(line), line))


def test_every_option_can_be_set(config: Path) -> None:
    text = """
        port = [1025, 2526]
        quiet = true
        [scan]
        format = "csv"
        sessions = true
        output = "weekly.csv"
        redact-users = true
        fail-on = "mixed"
        max-conversations = 500
        max-held = 8
        idle = 60
        verbose = false
    """
    expected = {
        "port": [1025, 2526],
        "quiet": True,
        "format": "csv",
        "sessions": True,
        "output": "weekly.csv",
        "redact_users": True,
        "fail_on": "mixed",
        "max_conversations": 500,
        "max_held": 8,
        "idle": 60,
        "verbose": False,
    }
    assert options(config, text).items() >= expected.items()


def test_the_command_line_goes_before_the_file_and_ports_add_up(config: Path) -> None:
    text = 'port = 1025\n[scan]\nformat = "csv"'
    got = options(config, text, "--format", "json", "--port", "2526")
    assert (got["format"], got["port"]) == ("json", [1025, 2526])


def test_what_a_file_says_for_all_commands_is_no_mistake_where_one_lacks_the_option(config: Path) -> None:
    got = options(config, 'fail-on = "mixed"\nport = 1025', command="verify")
    assert got["port"] == [1025]
    assert "fail_on" not in got


def test_a_command_ignores_the_tables_of_others(config: Path) -> None:
    assert options(config, '[scan]\nformat = "csv"', command="verify")["format"] == "table"


def test_a_table_goes_before_the_top_level(config: Path) -> None:
    assert options(config, 'format = "json"\n[scan]\nformat = "csv"')["format"] == "csv"


def test_the_file_reaches_the_run(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text('[scan]\nformat = "json"\nfail-on = "exposed"')
    assert main(["scan", ONE, "--config", str(config)]) == 1
    assert json.loads(capsys.readouterr().out)["complete"] is True


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("colour = true", "'colour' is no option; known: "),
        ("[scan]\ncolour = true", "'colour' is no option of 'scan'; known: advice, "),
        ("[verify]\nfail-on = 'mixed'", "'fail-on' is no option of 'verify'"),
        ("[scna]\nformat = 'csv'", "'scna' is no command; known: explain, "),
        ("scan = 3", "'scan' is no option"),
        ("format = ['csv']", "'format' must be text in quotation marks"),
        ("config = 'other.toml'", "'config' is no option"),
        ("paths = ['x']", "'paths' is no option"),
        ("port = 'x'", "'port' must be a number"),
        ("port = [587, true]", "'port' must be a number"),
        ("port = 65536", "'port': '65536' is not a TCP port (1 to 65535)"),
        ("idle = 1.5", "'idle' must be a number"),
        ("max-held = -1", "'max-held': '-1' is not a positive whole number"),
        ("[scan]\nformat = 'xml'", "'format' must be one of table, json, jsonl, csv, markdown"),
        ("[scan]\nfail-on = 'oauth'", "'fail-on' must be one of exposed"),
        ("[scan]\noutput = true", "'output' must be text in quotation marks"),
        ("[scan]\nsessions = 3", "'sessions' must be true or false"),
        ("[scan]\nsessions = 'no'", "'sessions' must be true or false"),
        ("not toml", "not a TOML file: "),
        ("port = " + "[" * 100_000, "not a TOML file: "),
        ("port = " + "9" * 5_000, "not a TOML file: "),
        ("port" + ".a" * 400_000 + " = 1", "a key of more than 20 parts"),
        ("port = 1\nport = 2", "not a TOML file: "),
        ("\ud800", "not a TOML file: "),
    ],
)
def test_a_wrong_file_is_one_line_and_exit_code_2(
    text: str, told: str, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config.write_bytes(text.encode("utf-8", "surrogatepass"))
    assert main(["scan", ONE, "--config", str(config)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert f"smtpauth.toml: {told}" in said.err


@pytest.mark.parametrize("name", ["absent.toml", ".", "a\0b", f"{__file__}/x"])
def test_a_file_that_cannot_be_read_is_one_line_and_exit_code_2(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", ONE, "--config", name]) == 2
    said = capsys.readouterr().err
    assert said.startswith("smtpauth: ")
    assert said.count("\n") == 1
