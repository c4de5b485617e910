"""``scripts/store-kills [--kills N]``: exit code 1 where anything was lost or counted twice."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from pathlib import Path

from scripts.storekills.kills import Outcome, round_of, undisturbed

MOST = 8
"""Kills of one store."""


def main() -> int:
    """Kill and count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100, help="how many; a new store after some (default: 100)")
    options = parser.parse_args()
    total = Outcome()
    chance = random.Random(1)  # noqa: S311 - moments
    with tempfile.TemporaryDirectory(prefix="storekills-") as folder:
        expected, taken = undisturbed(str(Path(folder, "undisturbed.db")))
        rounds = 0
        while total.kills < options.kills:
            most = min(MOST, options.kills - total.kills)
            one = round_of(str(Path(folder, f"{rounds}.db")), most, taken, expected, chance)
            rounds += 1
            total.kills += one.kills
            total.midway += one.midway
            total.lost += one.lost
            total.double += one.double
    print(f"{total.kills} kills in {rounds} stores, {total.midway} of them between the inputs of one")
    print(f"lost: {total.lost}, double: {total.double}")
    return 1 if total.lost or total.double else 0


if __name__ == "__main__":
    sys.exit(main())
