"""Programs that some tests need beside Python."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

needs_tshark = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")


def children() -> set[str]:
    """Processes started by this one that still exist, zombies included (where the system can tell)."""
    return {pid for task in Path("/proc/self/task").glob("*/children") for pid in task.read_text().split()}
