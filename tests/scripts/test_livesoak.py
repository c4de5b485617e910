"""The soak, for some seconds: a real login among connections that never end is found."""

from __future__ import annotations

import subprocess
import sys

from scripts.set_up import ROOT
from tests.capture.live.network import has_networks
from tests.support.root import needs_root


@needs_root
@has_networks
def test_a_login_in_a_flood_is_told_and_listed() -> None:
    command = [sys.executable, "-m", "scripts.livesoak", "--seconds", "3", "--connections", "6000"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stderr) == (0, "")
    assert "6,000 connections" in done.stdout
    assert "real sessions found: 1 of 1: reached" in done.stdout
