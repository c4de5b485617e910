"""Tests that only root can run."""

from __future__ import annotations

import os

import pytest

needs_root = pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can do this")
"""``.ci/run`` runs the folders that have such tests once more as root, where it is somebody else."""


def uncovered() -> dict[str, str]:
    """The environment for a program that stops being root: it could not write what coverage measured."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
