"""``scripts/store-kills [--kills N] [--sensors N] [URL]``: exit code 1 where anything was lost or counted twice.

Without a URL it uses files of SQLite in a temporary directory; with the URL of a database of PostgreSQL, new databases
beside that one, which are dropped again.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from pathlib import Path

from scripts.storekills.kills import Outcome, round_of, undisturbed
from scripts.storekills.stores import new_store

MOST = 8
"""Kills of one store."""


def main() -> int:
    """Kill and count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url", nargs="?", metavar="URL")
    parser.add_argument("--kills", type=int, default=100, help="how many; a new store after some (default: 100)")
    parser.add_argument("--sensors", type=int, default=1, help="how many see the same and write at the same time")
    options = parser.parse_args()
    total = Outcome()
    chance = random.Random(1)  # noqa: S311 - moments
    with tempfile.TemporaryDirectory(prefix="storekills-") as name:
        folder = Path(name)
        with new_store(options.url, folder, "undisturbed") as url:
            expected, taken = undisturbed(url, options.sensors)
        rounds = 0
        while total.kills < options.kills:
            most = min(MOST, options.kills - total.kills)
            with new_store(options.url, folder, str(rounds)) as url:
                one = round_of(url, most, taken, expected, chance, options.sensors)
            rounds += 1
            total.kills += one.kills
            total.midway += one.midway
            total.lost += one.lost
            total.double += one.double
    print(f"{total.kills} kills in {rounds} stores, {total.midway} of them between the inputs of one")
    print(f"{len(expected):,} lines expected; lost: {total.lost}, double: {total.double}")
    return 1 if total.lost or total.double else 0


if __name__ == "__main__":
    sys.exit(main())
