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
    """What a run leaves that nobody kills, and how long it takes from when it has begun, in seconds."""
    writer = _start(url)
    began = time.monotonic()
    writer.communicate()
    taken = time.monotonic() - began
    with open_store(url) as store:
        return _content(store), taken


def _start(url: str) -> subprocess.Popen[bytes]:
    """A process that stores the inputs, and has begun to."""
    writer = subprocess.Popen([sys.executable, "-c", _WRITER, url], cwd=REPOSITORY, stdout=subprocess.PIPE)
    assert writer.stdout is not None  # noqa: S101 - asked for above
    writer.stdout.readline()
    return writer


def round_of(url: str, most: int, longest: float, expected: list[str], chance: random.Random) -> Outcome:
    """Start the writer and kill it within ``longest`` seconds, until it is quicker, or ``most`` times; then let it run
    to its end, and see what is wrong afterwards."""
    outcome = Outcome()
    while outcome.kills < most:
        writer = _start(url)
        time.sleep(chance.random() * longest)
        writer.send_signal(signal.SIGKILL)
        writer.communicate()
        if writer.returncode == 0:
            break
        outcome.kills += 1
        with open_store(url) as store:
            known = len(store.known([f"digest-{number}" for number in range(FILES)]))
        outcome.midway += 0 < known < FILES
    _start(url).communicate()
    with open_store(url) as store:
        content = _content(store)
    outcome.lost = len(set(expected) - set(content))
    outcome.double = len(content) - len(set(content) & set(expected))
    return outcome
