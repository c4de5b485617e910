"""The experiment, for the script and for a short form of it among the tests."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from analyzer.store import Source, Store, open_store
from scripts.storebench.year import sessions

REPOSITORY = Path(__file__).parents[2]
FILES = 6
PER_FILE = 400
OVERLAP = 100
"""Sessions that a file has in common with the next one."""

_WRITER = """
import sys
from analyzer.store import open_store
from scripts.storekills.kills import FILES, file
print("begun", flush=True)
with open_store(sys.argv[1]) as store:
    for number in range(FILES):
        found, source = file(number)
        if source.identity not in store.known([source.identity]):
            store.ingest(found, source)
"""


@dataclass(slots=True)
class Outcome:
    """What kills did.

    Attributes:
        kills: carried out. midway: of them, after the first input was stored and before the last was.
        lost, double: lines of the export that are missing, or too many, in the end of each round.
    """

    kills: int = 0
    midway: int = 0
    lost: int = 0
    double: int = 0


def file(number: int) -> tuple[list[object], Source]:
    """The sessions of one input, and what it is."""
    every = list(sessions(FILES * PER_FILE + OVERLAP, 40))
    found = every[number * PER_FILE : (number + 1) * PER_FILE + OVERLAP]
    return list(found), Source("sensor", f"{number}.pcap", number + 1, number + 2, identity=f"digest-{number}")


def _content(store: Store) -> list[str]:
    return sorted(store.export())


def undisturbed(url: str) -> tuple[list[str], float]:
    """What a run leaves that nobody kills, and how long it takes, in seconds."""
    began = time.monotonic()
    _run(url)
    taken = time.monotonic() - began
    with open_store(url) as store:
        return _content(store), taken


def _run(url: str) -> None:
    subprocess.run([sys.executable, "-c", _WRITER, url], cwd=REPOSITORY, check=True, stdout=subprocess.DEVNULL)


def kill(url: str, kills: int, longest: float, seed: int) -> int:
    """Start the writer and kill it, ``kills`` times; returns how often it had stored some inputs and not all."""
    chance = random.Random(seed)  # noqa: S311 - moments
    midway = 0
    for _ in range(kills):
        writer = subprocess.Popen([sys.executable, "-c", _WRITER, url], cwd=REPOSITORY, stdout=subprocess.PIPE)
        assert writer.stdout is not None  # noqa: S101 - asked for above
        writer.stdout.readline()
        time.sleep(chance.random() * longest)
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
        with open_store(url) as store:
            known = len(store.known([f"digest-{number}" for number in range(FILES)]))
        midway += 0 < known < FILES
    return midway


def round_of(url: str, kills: int, longest: float, expected: list[str], seed: int) -> Outcome:
    """Kills, then a run to the end, and what is wrong afterwards."""
    midway = kill(url, kills, longest, seed)
    _run(url)
    with open_store(url) as store:
        content = _content(store)
    missing, extra = set(expected) - set(content), len(content) - len(set(content) & set(expected))
    return Outcome(kills, midway, len(missing), extra)
