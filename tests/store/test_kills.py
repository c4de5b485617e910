"""Killed at any moment, nothing is lost and nothing double after the next run (more: ``scripts/store-kills``)."""

from __future__ import annotations

import random
from pathlib import Path

from scripts.storekills.kills import FILES, round_of, undisturbed
from scripts.storekills.stores import new_store
from tests.support.postgresql import Server


def test_what_was_killed_and_run_again_leaves_what_was_not_disturbed(tmp_path: Path) -> None:
    expected, taken = undisturbed(str(tmp_path / "undisturbed.db"))
    assert len(expected) > 1000
    outcome = round_of(str(tmp_path / "killed.db"), 3, taken / 2, expected, random.Random(4))  # noqa: S311 - moments
    assert outcome.kills > 0
    assert (outcome.lost, outcome.double) == (0, 0)


def test_so_it_does_on_a_server_where_two_sensors_with_the_same_traffic_are_killed(
    tmp_path: Path, postgresql: Server
) -> None:
    server = postgresql.url("postgres")
    alone, _ = undisturbed(str(tmp_path / "one sensor.db"))
    with new_store(server, tmp_path, "undisturbed") as url:
        expected, taken = undisturbed(url, sensors=2)
    assert len(expected) == len(alone) + FILES  # each sensor's inputs, and each session once
    with new_store(server, tmp_path, "killed") as url:
        outcome = round_of(url, 4, taken / 2, expected, random.Random(4), sensors=2)  # noqa: S311 - moments
    assert outcome.kills > 0
    assert (outcome.lost, outcome.double) == (0, 0)
