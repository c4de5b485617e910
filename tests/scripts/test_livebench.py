"""The live benchmark's parts, on a small capture: it says what was lost, to the packet."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from scripts.benchmarking.generate import ensure, plan
from scripts.livebench.network import Network
from scripts.livebench.runs import Run, run
from scripts.livebench.sender import AT_ONCE
from scripts.set_up import ROOT
from tests.capture.live.network import has_networks, needs_tcpdump
from tests.support.root import needs_root


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ensure(tmp_path_factory.mktemp("livebench"), plan("small"), "small")


def adds_up(found: Run) -> bool:
    """Each frame of this capture passes the filter."""
    return found.sent == found.arrived == found.received + found.dropped


@needs_root
@has_networks
def test_all_that_was_sent_is_accounted_for_and_analysed(small: Path) -> None:
    with Network() as network:
        found = run(network, "analysis", small, 20_000, 0.5)
    assert adds_up(found)
    assert found.dropped == 0
    assert 10_000 <= found.sent < 10_000 + AT_ONCE
    assert found.sessions is not None
    assert found.sessions > 40  # 20 in each lap, which has other addresses than the last


@needs_root
@has_networks
def test_the_capture_alone_keeps_up_with_top_speed(small: Path) -> None:
    with Network() as network:
        found = run(network, "capture", small, 0, 0.2)
    assert adds_up(found)
    assert found.sent > 0


@needs_root
@has_networks
@needs_tcpdump
def test_tcpdump_is_measured_the_same_way(small: Path) -> None:
    with Network() as network:
        found = run(network, "tcpdump", small, 20_000, 0.2)
    assert adds_up(found)


@needs_root
@has_networks
def test_its_network_is_gone_afterwards() -> None:
    with Network() as network:
        name = network.name
        assert Path("/run/netns", name).exists()
    assert not Path("/run/netns", name).exists()


@needs_root
@has_networks
def test_a_run_that_is_ended_takes_its_network_away(tmp_path: Path) -> None:
    command = [sys.executable, "-u", "-m", "scripts.livebench", "--seconds", "30", "--rate", "1000", "--only", "dense"]
    command += ["--reader", "capture", "--dir", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            network = Path("/run/netns", f"livebench-{process.pid}")
            while not network.exists():
                assert process.poll() is None
            process.terminate()
            assert process.wait(timeout=30) == 128 + 15
        finally:
            process.kill()
    assert not network.exists()


def test_help_names_what_can_be_chosen() -> None:
    command = [sys.executable, "-m", "scripts.livebench", "--help"]
    result = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    for option in ("--rate", "--seconds", "--only", "--reader", "--dir", "--buffer"):
        assert option in result.stdout
