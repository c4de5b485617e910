"""How long the report on a week of a store takes: ``python -m scripts.storebench.reports URL FIRST LAST``.

A process of its own, which is small: the kernel counts a child's peak from its birth as a copy of its parent.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from scripts.benchmarking.measure import measure

ROUNDS = 3


def main(url: str, first: str, last: str) -> int:
    """Measure and print; the exit code is the report's."""
    code = 0
    with tempfile.TemporaryDirectory(prefix="storebench-") as folder:
        for name in ("report.html", "report.txt"):
            written = Path(folder, name)
            command = [
                sys.executable,
                "-m",
                "analyzer.cli",
                "report",
                "--store",
                url,
                "--since",
                first,
                "--until",
                last,
            ]
            runs = [measure([*command, "--output", str(written)]) for _ in range(ROUNDS)]
            seconds = sorted(run.seconds for run in runs)[ROUNDS // 2]
            peak = max(run.peak for run in runs)
            print(f"{name}: {seconds:.1f} s, {peak:.0f} MB at most, {written.stat().st_size:,} bytes", flush=True)
            code = max(code, *(run.code for run in runs))
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
