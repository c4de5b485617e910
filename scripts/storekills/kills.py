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
        found, source = file(number, sys.argv[2])
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


def file(number: int, sensor: str) -> tuple[list[object], Source]:
    """The sessions of one input, and what it is: each sensor sees the same."""
    every = list(sessions(FILES * PER_FILE + OVERLAP, 40))
    found = every[number * PER_FILE : (number + 1) * PER_FILE + OVERLAP]
    return list(found), Source(sensor, f"{number}.pcap", number + 1, number + 2, identity=_identity(number, sensor))


def _identity(number: int, sensor: str) -> str:
    return f"digest-{sensor}-{number}"


def _content(store: Store) -> list[str]:
    return sorted(store.export())


def undisturbed(url: str, sensors: int = 1) -> tuple[list[str], float]:
    """What a run leaves that nobody kills, and how long it takes from when it has begun, in seconds."""
    writers = _start(url, sensors)
    began = time.monotonic()
    for writer in writers:
        writer.communicate()
    taken = time.monotonic() - began
    with open_store(url) as store:
        return _content(store), taken


def _start(url: str, sensors: int) -> list[subprocess.Popen[bytes]]:
    """Processes that store the inputs, each those of its sensor, and have begun to."""
    writers = [
        subprocess.Popen([sys.executable, "-c", _WRITER, url, str(sensor)], cwd=REPOSITORY, stdout=subprocess.PIPE)
        for sensor in range(sensors)
    ]
    for writer in writers:
        assert writer.stdout is not None  # noqa: S101 - asked for above
        writer.stdout.readline()
    return writers


def round_of(
    url: str, most: int, longest: float, expected: list[str], chance: random.Random, sensors: int = 1
) -> Outcome:
    """Start the writers and kill them within ``longest`` seconds, until they are quicker, or ``most`` times; then let
    them run to their end, and see what is wrong afterwards."""
    outcome = Outcome()
    identities = [_identity(number, str(sensor)) for number in range(FILES) for sensor in range(sensors)]
    while outcome.kills < most:
        writers = _start(url, sensors)
        time.sleep(chance.random() * longest)
        for writer in writers:
            writer.send_signal(signal.SIGKILL)
        for writer in writers:
            writer.communicate()
        killed = sum(writer.returncode == -signal.SIGKILL for writer in writers)
        if not killed:
            break
        outcome.kills += killed
        with open_store(url) as store:
            known = len(store.known(identities))
        outcome.midway += killed if 0 < known < len(identities) else 0
    undisturbed(url, sensors)
    with open_store(url) as store:
        content = _content(store)
    outcome.lost = len(set(expected) - set(content))
    outcome.double = len(content) - len(set(content) & set(expected))
    return outcome
