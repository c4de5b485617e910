"""The command line of ``scripts/live-benchmark``."""

from __future__ import annotations

import argparse
import os
import platform
import signal
import sys
import tempfile
from pathlib import Path

from analyzer.capture.live.capture import BUFFER_BYTES
from scripts.benchmarking.generate import ensure, plan

from .network import Network
from .runs import READERS, Run, is_here, run

DENSE_RATE, MIXED_RATE = 150_000, 500_000
"""Packets per second that the project wants to keep up with: SMTP alone, and a network of which 5% is SMTP."""

MIXED_LOAD = 0.35
"""Of one processor, for the latter."""


def main() -> int:
    """Run the command; exit code 1 when packets were lost without being reported, 2 when it could not be measured."""
    options = _parser().parse_args()
    if os.geteuid() != 0:
        print("scripts/live-benchmark: building a network takes root", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # and take the network away
    options.dir.mkdir(parents=True, exist_ok=True)
    print(f"{platform.platform()}, {os.cpu_count()} processors, Python {platform.python_version()}")
    runs: dict[tuple[str, int], list[Run]] = {}
    with Network() as network:
        for shape, rate in _cases(options):
            capture = ensure(options.dir, plan(shape), shape)
            speed = f"{rate:,} packets/s" if rate else "top speed"
            print(f"\n{shape}, {speed}, {options.seconds:g} s, buffer {options.buffer} MB")
            print(
                f"  {'':9} {'sent/s':>9} {'sent':>11} {'received':>11} {'dropped':>9} {'unreported':>10} "
                f"{'CPU':>5} {'per CPU s':>9} {'sessions':>8} {'slowest':>8} {'peak MB':>8}"
            )
            for reader in options.reader or READERS:
                if not is_here(reader):
                    print(f"  {reader:9} not on this machine")
                    continue
                found = run(network, reader, capture, rate, options.seconds, options.buffer * 1024 * 1024)
                runs.setdefault((shape, rate), []).append(found)
                print(_row(found, shape), flush=True)
    print("\nTargets")
    print("\n".join(f"  {verdict}" for verdict in _verdicts(runs)))
    return (
        1 if any(_unreported(found) for (shape, _), many in runs.items() if shape == "dense" for found in many) else 0
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/live-benchmark",
        description="What live capture keeps up with, beside tcpdump: generated captures are sent through virtual "
        "interfaces in a namespace of their own. Root only.",
    )
    folder = Path(tempfile.gettempdir()) / "smtpauth-benchmark"
    parser.add_argument("--dir", type=Path, default=folder, help=f"where the captures are kept (default: {folder})")
    parser.add_argument("--seconds", type=float, default=60, help="length of each run (default: 60)")
    parser.add_argument("--only", choices=("dense", "mixed"), help="SMTP alone, or among other traffic (default: both)")
    parser.add_argument(
        "--rate",
        type=int,
        action="append",
        help=f"packets/s, repeatable, 0: top speed (default: dense {DENSE_RATE} and top speed, mixed {MIXED_RATE})",
    )
    usual = BUFFER_BYTES // 1024 // 1024
    parser.add_argument("--buffer", type=int, default=usual, help=f"MB that the kernel may keep (default: {usual})")
    parser.add_argument("--reader", choices=READERS, action="append", help="only these, repeatable (default: all)")
    return parser


def _cases(options: argparse.Namespace) -> list[tuple[str, int]]:
    usual = {"dense": [DENSE_RATE, 0], "mixed": [MIXED_RATE]}
    shapes = [options.only] if options.only else list(usual)
    return [(shape, rate) for shape in shapes for rate in options.rate or usual[shape]]


def _unreported(found: Run) -> int:
    """Packets that neither came nor were reported as dropped; of the dense capture every one passes the filter."""
    return found.sent - found.received - found.dropped


def _row(found: Run, shape: str) -> str:
    unreported = f"{_unreported(found):,}" if shape == "dense" else "-"
    sessions = "-" if found.sessions is None else f"{found.sessions:,}"
    slowest = "-" if found.slowest is None else f"{found.slowest:.2f} s"
    peak = "-" if found.peak is None else f"{found.peak:.0f}"
    return (
        f"  {found.reader:9} {found.rate:9,.0f} {found.sent:11,} {found.received:11,} {found.dropped:9,} "
        f"{unreported:>10} {found.load:5.0%} {found.received / found.processor:9,.0f} {sessions:>8} {slowest:>8} "
        f"{peak:>8}"
    )


def _verdicts(runs: dict[tuple[str, int], list[Run]]) -> list[str]:
    verdicts = []
    for found in runs.get(("dense", DENSE_RATE), []):
        if found.reader != "tcpdump":
            kept = not found.dropped and not _unreported(found)
            verdicts.append(
                f"dense, {found.reader}: no loss at {DENSE_RATE:,} packets/s: {found.dropped:,} of {found.sent:,} "
                f"dropped, {_unreported(found):,} unreported: {_word(kept)}"
            )
    theirs = [found for found in runs.get(("dense", DENSE_RATE), []) if found.reader == "tcpdump"]
    ours = [found for found in runs.get(("dense", DENSE_RATE), []) if found.reader == "analysis"]
    if theirs and ours:
        verdicts.append(
            f"dense: no more drops than tcpdump at {DENSE_RATE:,} packets/s: {ours[0].dropped:,} and "
            f"{theirs[0].dropped:,}: {_word(ours[0].dropped <= theirs[0].dropped)}"
        )
    for found in runs.get(("mixed", MIXED_RATE), []):
        if found.reader == "analysis":
            reached = found.load <= MIXED_LOAD and found.rate >= 0.99 * MIXED_RATE
            verdicts.append(
                f"mixed: at most {MIXED_LOAD:.0%} of one processor at {MIXED_RATE:,} packets/s: {found.load:.0%} at "
                f"{found.rate:,.0f}, {found.dropped:,} dropped: {_word(reached)}"
            )
    return verdicts


def _word(reached: bool) -> str:
    return "reached" if reached else "MISSED"


if __name__ == "__main__":
    sys.exit(main())
