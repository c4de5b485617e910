"""Writes the report on a made-up fleet as a page and as a workbook: how large they are, and how long it took."""

from __future__ import annotations

import argparse
import resource
import time
from dataclasses import replace
from pathlib import Path

from analyzer.report.page import write_page
from analyzer.report.period.model import PeriodDocument
from analyzer.report.workbook import write_workbook
from tests.support.fleet import document, provider_view


def main() -> None:
    """Write both, print a line about each."""
    parser = argparse.ArgumentParser(prog="scripts/page-sample", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=Path(), help="where sample.html and sample.xlsx go")
    parser.add_argument("--devices", type=int, default=5000, help="default: 5000")
    parser.add_argument("--weeks", type=int, default=52, help="of the burn-down (default: 52)")
    options = parser.parse_args()
    sample = made_up(options.devices, options.weeks)
    for name, write in (("sample.html", page), ("sample.xlsx", workbook)):
        path = options.folder / name
        start = time.perf_counter()
        write(sample, path)
        seconds = time.perf_counter() - start
        print(f"{path}: {options.devices:,} devices, {path.stat().st_size:,} bytes, {seconds:.2f} s")
    print(f"most memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024:,} MB")


def made_up(devices: int, weeks: int) -> PeriodDocument:
    """A report with every section."""
    whole = document(devices, weeks)
    return replace(whole, provider_view=provider_view(whole.report.devices))


def page(sample: PeriodDocument, path: Path) -> None:
    """As ``report --format html``."""
    with path.open("w", encoding="utf-8") as out:
        write_page(sample, out)


def workbook(sample: PeriodDocument, path: Path) -> None:
    """As ``report --format xlsx``."""
    with path.open("wb") as out:
        write_workbook(sample, out)


if __name__ == "__main__":
    main()
