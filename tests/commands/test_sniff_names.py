"""Names that cross an interface in datagrams reach the inventory and the store of a live run."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from analyzer.cli import main
from analyzer.store import open_store
from tests.capture.live.network import Namespace, has_networks
from tests.capture.live.network import network as network
from tests.capture.reading import read_paths
from tests.commands.running import GENERATED
from tests.commands.test_sniff import devices_of, sniffing
from tests.commands.test_sniff import tmp_path as tmp_path
from tests.support.root import needs_root

NAMES = GENERATED / "host-names.pcap"


@needs_root
@has_networks
@pytest.mark.parametrize(
    ("options", "sources"),
    [([], ["dhcp", "mdns", "ehlo", "netbios"]), (["--no-names"], ["ehlo"])],
    ids=["names", "no names"],
)
def test_names_are_learned_unless_nobody_wants_them(
    network: Namespace, tmp_path: Path, options: list[str], sources: list[str]
) -> None:
    with sniffing(network, tmp_path, *options) as sniff:
        network.send(frame.content for frame in read_paths(NAMES)[0])
        sniff.wait_for(lambda: "10.20.0.200" in sniff.printed)
        assert sniff.end() == 130
    (device,) = devices_of(tmp_path / "devices.json")
    assert [name["source"] for name in device["hostnames"]] == sources


@needs_root
@has_networks
def test_a_live_run_puts_names_into_its_store(network: Namespace, tmp_path: Path) -> None:
    store = str(tmp_path / "store.db")
    with sniffing(network, tmp_path, "--store", store) as sniff:
        network.send(frame.content for frame in read_paths(NAMES)[0])
        sniff.wait_for(lambda: "10.20.0.200" in sniff.printed)
        assert sniff.end() == 130
    with open_store(store) as opened:
        reach = opened.days()
        assert reach is not None
        (device,) = opened.inventory(*reach).devices()
    assert [name.source for name in device.hostnames] == ["dhcp", "mdns", "ehlo", "netbios"]


def test_a_watched_directory_gives_names_to_the_store(tmp_path: Path) -> None:
    folder, store = tmp_path / "captures", str(tmp_path / "store.db")
    folder.mkdir()
    (folder / NAMES.name).write_bytes(NAMES.read_bytes())
    assert main(["watch", str(folder), "--store", store, "--drain", "-q"]) == 0
    with open_store(store) as opened:
        (device,) = opened.inventory(date(2026, 11, 24), date(2026, 11, 24)).devices()
    assert [name.source for name in device.hostnames] == ["dhcp", "mdns", "ehlo", "netbios"]


def test_a_store_has_the_names_of_a_scan(tmp_path: Path) -> None:
    store, report = str(tmp_path / "store.db"), tmp_path / "scan.json"
    for _ in range(2):  # twice is as good as once
        assert main(["scan", str(NAMES), "--store", store, "-q", "--format", "json", "--output", str(report)]) == 0
    (scanned,) = json.loads(report.read_text())["devices"]
    with open_store(store) as opened:
        day = date(2026, 11, 24)
        (device,) = opened.inventory(day, day).devices()
    assert [{"name": name.name, "source": name.source} for name in device.hostnames] == scanned["hostnames"]
    assert device.vendor_class == scanned["vendor_class"] == "udhcp 1.36"
