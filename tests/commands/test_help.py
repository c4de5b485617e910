"""Help and README say what the program does: options exist, examples parse, the sample output is the real one."""

from __future__ import annotations

import argparse
import re
import shlex
import subprocess
import tomllib
from pathlib import Path

import pytest

from analyzer.cli import FORMATS, STATUSES, build_parser
from analyzer.commands.config import with_config
from analyzer.inventory.status import STATUSES as ALL_STATUSES
from analyzer.report import FORMATS as WRITTEN
from tests.commands.running import COMMAND, PATIENCE, environment, run
from tests.support.material import REPOSITORY

README = (REPOSITORY / "README.md").read_text()
COMMANDS = ("scan", "sniff", "watch", "report", "store", "explain", "scrub", "verify")
HELP = {name: f"{name} --help".split() for name in COMMANDS} | {"": ["--help"]}
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def help_of(command: str, columns: int = 80) -> str:
    return run(*HELP[command], env=environment(COLUMNS=str(columns))).stdout


def options_of(parser: argparse.ArgumentParser) -> set[str]:
    """Every option of every command."""
    found = {option for action in parser._actions for option in action.option_strings}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            found |= {option for command in action.choices.values() for option in options_of(command)}
    return found


def calls_in(text: str) -> list[list[str]]:
    """The arguments of every call of the command in a shell example."""
    text = re.sub(r"\\\n\s*", "", text.replace("scripts/run ", "smtpauth "))
    calls = []
    for line in text.splitlines():
        found = re.search(rf"(?:^\s*|[|$] |=\.\.\. |sudo )smtpauth ((?:{'|'.join(COMMANDS)})\b.*)", line)
        if found:
            words = re.split(r"\s+#|\s{2,}|\s\|", found[1])[0]
            calls.append(shlex.split(words))
    return calls


@pytest.mark.parametrize("command", HELP)
@pytest.mark.parametrize("columns", [80, 120])
def test_help_fits_the_terminal(command: str, columns: int) -> None:
    assert max(map(len, help_of(command, columns).splitlines())) <= columns


@pytest.mark.parametrize("command", HELP)
def test_every_example_in_the_help_is_a_call_that_parses(command: str) -> None:
    calls = calls_in(help_of(command))
    assert len(calls) >= 2
    for call in calls:
        build_parser().parse_args(call)


def test_every_example_in_the_readme_is_a_call_that_parses() -> None:
    calls = [call for _, block in BLOCKS for call in calls_in(block)]
    assert len(calls) >= 8
    for call in calls:
        build_parser().parse_args(call)


def test_every_option_that_the_readme_names_exists() -> None:
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", README))
    assert {"--fail-on", "--output", "--redact-users"} <= named
    assert named - {"--help"} <= options_of(build_parser())


def test_every_command_has_its_help_looked_at() -> None:
    assert set(choices_of(build_parser())) == set(COMMANDS)


def choices_of(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The commands of ``parser``, by name."""
    found = [action.choices for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return dict(found[0]) if found else {}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_explained(command: str) -> None:
    parser = choices_of(build_parser())[command]
    for part in (parser, *choices_of(parser).values()):
        for action in part._actions:
            assert action.help or isinstance(action, argparse._SubParsersAction)


def test_the_configuration_in_the_readme_and_in_the_help_is_a_valid_one(tmp_path: Path) -> None:
    (readme,) = (block for language, block in BLOCKS if language == "toml")
    shown = help_of("scan")
    for text in (readme, shown[shown.index("a file for --config:") :].partition("\n")[2]):
        config = tmp_path / "smtpauth.toml"
        config.write_text(text)
        assert tomllib.loads(text)["scan"]
        line = ["scan", "x", "--config", str(config)]
        parser = build_parser()
        assert with_config(parser, parser.parse_args(line), line).port == [1025]


def test_the_readmes_first_table_is_what_the_command_prints() -> None:
    sample = BLOCKS[0][1]
    call, _, shown = sample.partition("\n")
    assert call == "$ scripts/run scan captures/office"
    done = subprocess.run(
        [*COMMAND, "scan", "captures/office"],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        env=environment(),
        timeout=PATIENCE,
    )
    assert done.stdout.startswith(shown.removesuffix("…\n"))


def test_the_readmes_explanation_is_what_the_command_prints() -> None:
    (sample,) = (block for _, block in BLOCKS if block.startswith("$ scripts/run explain "))
    call, _, shown = sample.partition("\n…\n")
    done = subprocess.run(
        [*COMMAND, *call.split()[2:]],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        env=environment(),
        timeout=PATIENCE,
    )
    assert done.stdout.endswith(f"\n{shown}")


def test_help_and_readme_know_every_status_format_and_exit_code() -> None:
    for text in (help_of("scan"), README):
        for status in ALL_STATUSES:
            assert status in text
        for code in ("0", "1", "2", "3", "130"):
            assert re.search(rf"^(  |\| ){code} ", text, re.MULTILINE)
    assert FORMATS == WRITTEN
    assert ALL_STATUSES[: len(STATUSES)] == STATUSES
