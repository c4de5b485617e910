"""Killed at any moment, nothing is lost and nothing double after the next run (more: ``scripts/store-kills``)."""

from __future__ import annotations

import random
from pathlib import Path

from scripts.storekills.kills import round_of, undisturbed


def test_what_was_killed_and_run_again_leaves_what_was_not_disturbed(tmp_path: Path) -> None:
    expected, taken = undisturbed(str(tmp_path / "undisturbed.db"))
    assert len(expected) > 1000
    outcome = round_of(str(tmp_path / "killed.db"), 3, taken / 2, expected, random.Random(4))  # noqa: S311 - moments
    assert outcome.kills > 0
    assert (outcome.lost, outcome.double) == (0, 0)
