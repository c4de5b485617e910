"""``scripts/store-benchmark [--sessions N] [--devices N] [URL]``: prints what it measured.

Without a URL it uses a new file of SQLite in a temporary directory. A database of PostgreSQL must be empty.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from time import perf_counter, process_time
from typing import TypeVar

from analyzer.store import Source, initialise, open_store
from scripts.set_up import ROOT
from scripts.storebench.year import FIRST, WEEKS, sessions

T = TypeVar("T")


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url", nargs="?", metavar="URL")
    parser.add_argument("--sessions", type=int, default=1_000_000)
    parser.add_argument("--devices", type=int, default=5_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="storebench-") as folder:
        _measure(options.url or str(Path(folder, "store.db")), options.sessions, options.devices)
    return 0


def _measure(url: str, count: int, devices: int) -> None:
    last = FIRST + timedelta(WEEKS * 7 - 1)
    initialise(url)
    before = process_time()
    alone, _ = _timed(lambda: sum(1 for _ in sessions(count, devices)))
    alone_busy = process_time() - before
    with open_store(url, today=lambda: last) as store:
        before = process_time()
        taken, done = _timed(lambda: store.ingest(sessions(count, devices), Source("bench", "eth0", 1, 2)))
        busy = process_time() - before
        net = taken - alone
        print(f"{count:,} sessions of {devices:,} devices in {WEEKS} weeks: {done}")
        print(f"ingest: {net:.1f} s without making the sessions ({alone:.1f} s): {count / net:,.0f} sessions/s")
        print(f"of this process's own time: {count / (busy - alone_busy):,.0f} sessions/s")
        _tell_memory()
        trend, points = _timed(lambda: store.trend(WEEKS, last))
        print(f"trend over {len(points)} weeks, worked out: {trend:.1f} s")
        trend, _ = _timed(lambda: store.trend(WEEKS, last))
        print(f"trend again: {trend:.3f} s")
    with open_store(url) as store:
        for name in ("a week", "the week before"):
            week, inventory = _timed(lambda: store.inventory(last - timedelta(6), last))  # noqa: B023 - called at once
            made, found = _timed(inventory.devices)
            print(f"inventory of {name}: {week:.2f} s, its {len(found):,} devices {made:.2f} s more")
            last -= timedelta(7)
        print(f"first_seen: {_timed(store.first_seen)[0]:.3f} s")
        quality, _ = _timed(lambda: store.quality(last - timedelta(6), last))
        print(f"quality: {quality:.3f} s")
        print(store.status())
    _tell_memory()
    days = [str(FIRST + timedelta(WEEKS * 7 - 7)), str(FIRST + timedelta(WEEKS * 7 - 1))]
    sys.stdout.flush()
    subprocess.run([sys.executable, "-m", "scripts.storebench.reports", url, *days], check=True, cwd=ROOT)


def _timed(action: Callable[[], T]) -> tuple[float, T]:
    start = perf_counter()
    result = action()
    return perf_counter() - start, result


def _tell_memory() -> None:
    print(f"memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB at most")


if __name__ == "__main__":
    sys.exit(main())
