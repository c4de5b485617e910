"""Runs programs one after the other and notes time and memory of each run."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from scripts.set_up import ROOT

from .contenders import CONTENDERS, Contender

_USUAL = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""The environment in which people run programs: without its bytecode Python compiles the program at every start."""


@dataclass(frozen=True, slots=True)
class Run:
    """Wall time in seconds, largest resident set in MB (10^6 bytes), exit code."""

    seconds: float
    peak: float
    code: int


@dataclass(slots=True)
class Result:
    """All runs of one contender on one capture."""

    contender: Contender
    runs: list[Run]

    @property
    def median(self) -> float:
        """Median wall time."""
        return median(run.seconds for run in self.runs)

    @property
    def peak(self) -> float:
        """Largest peak of any run."""
        return max(run.peak for run in self.runs)


def measure(command: list[str]) -> Run:
    """Run ``command`` to its end.

    The kernel counts a child's peak from its birth as a copy of this process, which is why nothing large is ever
    imported or read here.
    """
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=_USUAL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    unit = 1 if sys.platform == "darwin" else 1024  # getrusage(2): bytes there, kilobytes elsewhere
    return Run(seconds, usage.ru_maxrss * unit / 1e6, process.returncode)


def compare(capture: Path, rounds: int, slow_rounds: int) -> list[Result]:
    """Every contender that is here, in turns, so that a busy minute of the machine hits all of them."""
    here = [Result(contender, []) for contender in CONTENDERS if contender.is_here]
    warm(capture)
    for number in range(rounds):
        for result in here:
            if not result.contender.slow or number < slow_rounds:
                result.runs.append(measure(result.contender.at(capture)))
    return [result for result in here if result.runs]


def warm(capture: Path) -> None:
    """Read the file once, so that all programs find it in the page cache."""
    with capture.open("rb", buffering=0) as file:
        while file.read(1 << 20):
            pass
