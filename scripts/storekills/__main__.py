"""``scripts/store-kills [--rounds N] [--kills N]``: exit code 1 where anything was lost or counted twice."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from scripts.storekills.kills import Outcome, round_of, undisturbed


def main() -> int:
    """Kill and count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=25, help="each with a new store (default: 25)")
    parser.add_argument("--kills", type=int, default=4, help="of each round, before it may end (default: 4)")
    options = parser.parse_args()
    total = Outcome()
    with tempfile.TemporaryDirectory(prefix="storekills-") as folder:
        expected, taken = undisturbed(str(Path(folder, "undisturbed.db")))
        for number in range(options.rounds):
            one = round_of(str(Path(folder, f"{number}.db")), options.kills, taken, expected, number)
            total.kills += one.kills
            total.midway += one.midway
            total.lost += one.lost
            total.double += one.double
    print(f"{total.kills} kills, {total.midway} of them between inputs: {total.lost} lost, {total.double} double")
    return 1 if total.lost or total.double else 0


if __name__ == "__main__":
    sys.exit(main())
