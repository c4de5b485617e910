"""``sniff --store`` on real interfaces: what crossed is in the store, whatever becomes of the store meanwhile."""

from __future__ import annotations

from contextlib import closing
from datetime import date
from pathlib import Path
from sqlite3 import connect

import pytest

from analyzer.store import open_store
from tests.capture.live.network import Namespace, has_networks
from tests.capture.live.network import network as network
from tests.capture.reading import read_paths
from tests.commands.running import OFFICE, run
from tests.commands.test_sniff import sniffing
from tests.commands.test_sniff import tmp_path as tmp_path
from tests.support.root import needs_root

pytestmark = [needs_root, has_networks]

_EVER = (date(1970, 1, 1), date(2262, 1, 1))


def test_what_crosses_an_interface_is_in_the_store_as_in_the_inventory(network: Namespace, tmp_path: Path) -> None:
    name = str(tmp_path / "mail.db")
    frames, _ = read_paths(*sorted(OFFICE.glob("*.pcap*")))
    with sniffing(network, tmp_path, "--store", name, "--sensor", "tap") as sniff:
        network.send(frame.content for frame in frames)
        sniff.wait_for(lambda: sniff.printed.count('"new-device"') >= 5)
        assert sniff.end() == 130, sniff.said
    with open_store(name) as store:
        kept = store.inventory(*_EVER)
        scanned = run("scan", OFFICE, "--format", "csv").stdout
        assert kept.summary().sessions == 37
        assert all(device.device in scanned for device in kept.devices())
        status = store.status()
        assert (status.sensors, status.inputs) == (("tap",), 1)


def test_a_store_that_is_locked_meanwhile_is_told_once_and_gets_everything_in_the_end(
    network: Namespace, tmp_path: Path
) -> None:
    name = tmp_path / "mail.db"
    open_store(str(name)).close()
    for path in tmp_path.glob("mail.db*"):
        path.chmod(0o666)  # for the user that it becomes
    frames, _ = read_paths(*sorted(OFFICE.glob("*.pcap*")))
    with sniffing(network, tmp_path, "--store", str(name)) as sniff:
        with closing(connect(name, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            network.send(frame.content for frame in frames)
            sniff.wait_for(lambda: "another process keeps it locked" in sniff.said)
            other.execute("ROLLBACK")
        sniff.wait_for(lambda: "it can be used again" in sniff.said)
        assert sniff.end() == 130, sniff.said
        assert sniff.said.count("another process keeps it locked") == 1
    with open_store(str(name)) as store:
        assert store.inventory(*_EVER).summary().sessions == 37


def test_a_store_that_cannot_be_used_ends_the_run_at_once(network: Namespace, tmp_path: Path) -> None:
    arguments = ["--store", str(tmp_path)]
    with pytest.raises(AssertionError, match="it is a directory"), sniffing(network, tmp_path, *arguments):
        pass
