"""The command line of ``scripts/accuracy``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from analyzer.errors import InputError, UsageError

from . import render
from .bench import bench
from .document import rewritten, sections
from .labels import NoLabelsError, default_sets, load
from .report import Report
from .sections import SECTIONS
from .tables import Table

LEFT_OUT = {"wrong", "targets", "servers"}
DAMAGED = {"wrong", "targets", "damage"}
"""Sections for which rows or packets are taken away: then what is wrong there fails the gate, too."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; exit code 1 when any answer is wrong, 2 when there is nothing to grade."""
    options = _parser().parse_args(arguments)
    wanted = options.only or (sections(options.write) if options.write else list(SECTIONS))
    try:
        named = dict(options.set) if options.set else default_sets()
        benches = [bench(load(name, path)) for name, path in named.items()]
    except (NoLabelsError, InputError, UsageError) as problem:
        print(f"scripts/accuracy: {problem}", file=sys.stderr)
        return 2
    if not benches:
        print("scripts/accuracy: no labelled captures are here; name some with --set NAME=PATH", file=sys.stderr)
        return 2
    report = Report(benches, options.runs)
    tables = {name: SECTIONS[name][1](report) for name in dict.fromkeys(wanted)}
    asked = set(tables)
    wrong = len(report.mistakes(left_out=bool(asked & LEFT_OUT), damaged=bool(asked & DAMAGED)))
    if options.write:
        _write(options.write, tables)
    else:
        printed = [table for name in tables for table in tables[name]]
        sys.stdout.write(_rendered(options.format, printed, wrong))
    return 1 if wrong else 0


def _rendered(form: str, tables: Sequence[Table], wrong: int) -> str:
    if form == "json":
        return render.as_json(tables, wrong)
    return render.markdown(tables) if form == "markdown" else render.text(tables)


def _write(path: Path, tables: dict[str, list[Table]]) -> None:
    text = path.read_text(encoding="utf-8")
    path.write_text(rewritten(text, lambda name: render.markdown(tables[name])), encoding="utf-8")


def _parser() -> argparse.ArgumentParser:
    listed = "\n".join(f"  {name:12}{shows}" for name, (shows, _) in SECTIONS.items())
    parser = argparse.ArgumentParser(
        prog="scripts/accuracy",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=(
            "How right the answers about logins inside TLS are: holds what the analyzer infers from record sizes,\n"
            "without keys, against labels that say what really happened."
        ),
        epilog=(
            f"sections:\n{listed}\n\n"
            "A set is a folder of captures with labels.jsonl (its form: captures/README.md), a folder or capture in\n"
            "one, or a file of labels. Without --set: captures/, captures/tls/, and the folder lab of the material\n"
            "that SMTPAUTH_MATERIAL names (else ../shared), as far as they are there.\n\n"
            "exit code: 0 all answers right or unknown; 1 any family, mechanism or initial response wrong; 2 no sets"
        ),
    )
    parser.add_argument("--set", action="append", type=_named_path, metavar="NAME=PATH", help="a set; may be repeated")
    parser.add_argument(
        "--only", action="append", choices=list(SECTIONS), metavar="SECTION", help="only this section; may be repeated"
    )
    parser.add_argument("--format", choices=("text", "markdown", "json"), default="text", help="default: text")
    parser.add_argument(
        "--runs",
        type=_count,
        default=3,
        help="runs in which packets are missing at random, each time others (default: 3)",
    )
    parser.add_argument(
        "--write", type=Path, metavar="DOCUMENT", help="write the tables between the markers of a Markdown document"
    )
    return parser


def _count(argument: str) -> int:
    if not argument.isdecimal() or not int(argument):
        raise argparse.ArgumentTypeError(f"{argument!r} is no number of runs")
    return int(argument)


def _named_path(argument: str) -> tuple[str, Path]:
    name, equals, path = argument.partition("=")
    if not equals or not name or not path:
        raise argparse.ArgumentTypeError(f"{argument!r} is not NAME=PATH")
    return name, Path(path)


if __name__ == "__main__":
    sys.exit(main())
