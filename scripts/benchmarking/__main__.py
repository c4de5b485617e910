"""The command line of ``scripts/benchmark``."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from .contenders import (
    CONTENDERS,
    HELP_SECONDS,
    INFERENCE_COST,
    OURS,
    PEAK_GROWTH,
    PEAK_MEGABYTES,
    SMALL_SCAN_SECONDS,
    TARGETS,
)
from .measure import Result, compare, measure, warm
from .truth import differences

SHAPES = ("dense", "mixed")
BYTES = {"dense": 560_000_000, "mixed": 700_000_000}
"""Room a capture takes, a little more than it does."""
STARTS = 5  # runs of which the start-up times are the medians


def main() -> int:
    """Run the command; exit code 1 when the analysis was wrong, 2 when it could not be measured."""
    options = _parser().parse_args()
    options.dir.mkdir(parents=True, exist_ok=True)
    shapes = [options.only] if options.only else list(SHAPES)
    command = {"run": run, "generate": generate, "memory": memory, "inference": inference}[options.command]
    return command(options, shapes)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/benchmark", description="Speed and memory beside other programs.")
    folder = Path(tempfile.gettempdir()) / "smtpauth-benchmark"
    parser.add_argument(
        "command",
        nargs="?",
        default="run",
        choices=("run", "generate", "memory", "inference"),
        help="run: compare (default); generate: only make the captures; memory: peak on an input TIMES longer; "
        "inference: what looking inside TLS costs",
    )
    parser.add_argument("--dir", type=Path, default=folder, help=f"where the captures are kept (default: {folder})")
    parser.add_argument("--only", choices=SHAPES, help="one capture (default: both)")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each program (default: 5)")
    parser.add_argument("--slow-rounds", type=int, default=2, help="runs of tshark and the dpkt loop (default: 2)")
    parser.add_argument("--times", type=int, help="length as a multiple of the usual (default: 1; memory: 10)")
    return parser


def run(options: argparse.Namespace, shapes: list[str]) -> int:
    """Compare all programs, and hold the analysis against the truth."""
    print(f"{platform.platform()}, {os.cpu_count()} processors, Python {platform.python_version()}")
    for contender in CONTENDERS:
        print(
            f"  {contender.name:14} {contender.first_line() if contender.is_here else 'not on this machine: skipped'}"
        )
    wrong, verdicts = False, start_up(options)
    for shape in shapes:
        capture = _capture(options, shape, options.times or 1)
        print(f"\n{shape}: {_described(capture)}")
        problems = differences(capture)
        wrong |= bool(problems)
        print("  truth: " + ("all sessions as generated" if not problems else "WRONG\n    " + "\n    ".join(problems)))
        results = compare(capture, options.rounds, options.slow_rounds)
        for result in [result for result in results if any(run.code for run in result.runs)]:
            print(f"  {result.contender.name} ended with an error and does not count")
            results.remove(result)
        medians = {result.contender.name: result.median for result in results}
        if OURS not in medians:
            return 2
        _print_table(results, _packets(capture))
        verdicts += [target.verdict(medians) for target in TARGETS if target.shape == shape]
        verdicts.append(_peak_verdict(shape, results[0].peak))
    print("\nTargets")
    print("\n".join(f"  {verdict}" for verdict in verdicts))
    return 1 if wrong else 0


def start_up(options: argparse.Namespace) -> list[str]:
    """How long one waits for the help, and for a small capture."""
    small = _generate(options, "small", 1)
    commands = {
        "--help": (["--help"], HELP_SECONDS),
        "scan of 20 sessions": (["scan", "--quiet", str(small)], SMALL_SCAN_SECONDS),
    }
    verdicts = []
    for name, (arguments, most) in commands.items():
        runs = [measure([sys.executable, "-m", "analyzer.cli", *arguments]) for _ in range(STARTS)]
        seconds = sorted(run.seconds for run in runs)[STARTS // 2]
        reached = seconds <= most and not any(run.code for run in runs)
        verdicts.append(f"{name}: at most {most:g} s: {seconds:.2f} s: {'reached' if reached else 'MISSED'}")
    return verdicts


def generate(options: argparse.Namespace, shapes: list[str]) -> int:
    """Make the captures."""
    for shape in shapes:
        print(_described(_capture(options, shape, options.times or 1)))
    return 0


def memory(options: argparse.Namespace, shapes: list[str]) -> int:
    """Peak memory on the usual input and on one many times as long, which is deleted afterwards."""
    times, status = options.times or 10, 0
    for shape in shapes:
        runs = []
        for factor in (1, times):
            capture = _capture(options, shape, factor)
            warm(capture)
            runs.append(measure(CONTENDERS[0].at(capture)))
            print(f"{_described(capture)}: {runs[-1].seconds:.1f} s, peak {runs[-1].peak:.0f} MB", flush=True)
            if factor != 1:
                capture.unlink()
                capture.with_suffix(".truth.json").unlink()
        growth = runs[1].peak / runs[0].peak - 1
        verdict = f"{growth:+.1%}: {'reached' if growth <= PEAK_GROWTH else 'MISSED'}"
        if any(run.code for run in runs):
            status, verdict = 2, "smtpauth scan ended with an error"
        print(f"{shape}: grows by at most {PEAK_GROWTH:.0%} on {times} times the input: {verdict}")
    return status


def inference(options: argparse.Namespace, shapes: list[str]) -> int:
    """Time with and without the inference inside TLS, by turns, so that a slow moment touches both."""
    status = 0
    for shape in shapes:
        capture = _capture(options, shape, options.times or 1)
        warm(capture)
        ours = CONTENDERS[0].at(capture)
        module = ours.index("analyzer.cli")
        without = [*ours[:module], "scripts.benchmarking.without_inference", *ours[module + 1 :]]
        pairs = [(measure(ours), measure(without)) for _ in range(options.rounds)]
        if any(run.code for pair in pairs for run in pair):
            status = 2
        seconds = [median(run.seconds for run in runs) for runs in zip(*pairs, strict=True)]
        cost = seconds[0] / seconds[1] - 1
        print(f"{shape}: {_described(capture)}: {seconds[0]:.2f} s, without {seconds[1]:.2f} s")
        verdict = f"{cost:+.1%}: {'reached' if cost <= INFERENCE_COST else 'MISSED'}"
        if shape == "dense":
            print(f"{shape}: inference adds at most {INFERENCE_COST:.0%}: {verdict}")
        else:
            print(f"{shape}: inference adds {cost:+.1%}")
    return status


def _capture(options: argparse.Namespace, shape: str, times: int) -> Path:
    need = BYTES[shape] * times
    name = shape if times == 1 else f"{shape}-x{times}"
    if not (options.dir / f"{name}.pcap").exists() and shutil.disk_usage(options.dir).free < need * 1.1:
        sys.exit(f"scripts/benchmark: {options.dir} has no room for {need / 1e9:.1f} GB; name another with --dir")
    return _generate(options, shape, times)


def _generate(options: argparse.Namespace, shape: str, times: int) -> Path:
    # In a process of its own: what it allocates would count as the memory of every program measured from here.
    command = [sys.executable, "-m", "scripts.benchmarking.generate", str(options.dir), shape, str(times)]
    result = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return Path(result.stdout.strip())


def _packets(capture: Path) -> int:
    packets: int = json.loads(capture.with_suffix(".truth.json").read_text())["packets"]
    return packets


def _described(capture: Path) -> str:
    return f"{capture} ({_packets(capture) / 1e6:.2f} million packets, {capture.stat().st_size / 1e6:.0f} MB)"


def _print_table(results: list[Result], packets: int) -> None:
    ours = results[0].median
    print(f"  {'':14} {'median s':>9} {'fastest':>8} {'packets/s':>11} {'/ ours':>7} {'peak MB':>8} {'runs':>5}  does")
    for result in results:
        fastest = min(run.seconds for run in result.runs)
        print(
            f"  {result.contender.name:14} {result.median:9.2f} {fastest:8.2f} {packets / result.median:11,.0f} "
            f"{result.median / ours:7.2f} {result.peak:8.0f} {len(result.runs):5}  {result.contender.does}"
        )


def _peak_verdict(shape: str, peak: float) -> str:
    return (
        f"{shape}: peak memory at most {PEAK_MEGABYTES} MB: {peak:.0f} MB: "
        f"{'reached' if peak <= PEAK_MEGABYTES else 'MISSED'}"
    )


if __name__ == "__main__":
    sys.exit(main())
