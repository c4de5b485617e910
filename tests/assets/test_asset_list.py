"""Entries find their device: by its own MAC first, then by an address that no MAC contradicts, then by its network."""

from __future__ import annotations

from ipaddress import ip_network

from analyzer.assets import AssetList, Entry
from analyzer.inventory.device import Asset, HostName
from tests.assets.devices import device

MAC, OTHER = 0x0017C8010203, 0x001BA9010203
COPIER = Entry(Asset("copier", "Ann", "1st floor", "leased"), ("10.20.0.101",), (MAC,))
CAMERA = Entry(Asset("camera"), ("10.20.0.102", "2001:db8::102"))


def test_a_mac_counts_more_than_an_address() -> None:
    assets = AssetList([CAMERA, COPIER])
    assert assets.of(device("10.20.0.102", mac=MAC)) == COPIER.asset
    assert assets.of(device("10.20.0.102", mac=OTHER)) == CAMERA.asset


def test_an_address_that_belongs_to_another_mac_is_somebody_elses_now() -> None:
    assets = AssetList([COPIER])
    assert assets.of(device("10.20.0.101", mac=OTHER)) is None
    assert assets.of(device("10.20.0.101")) == COPIER.asset  # behind a router no MAC is known


def test_any_address_of_a_device_will_do() -> None:
    assert AssetList([CAMERA]).of(device("10.9.9.9", "2001:db8::102")) == CAMERA.asset


def test_networks_say_where_and_whose_the_smallest_first() -> None:
    assets = AssetList(
        [
            Entry(Asset("all", "IT", "HQ", "wide"), networks=(ip_network("10.0.0.0/8"),)),
            Entry(Asset("second floor", location="2nd floor"), networks=(ip_network("10.20.0.0/24"),)),
            Entry(Asset("v6", location="lab"), networks=(ip_network("2001:db8::/32"),)),
            Entry(Asset("printer", owner="Bob"), ("10.20.0.9",)),
        ]
    )
    assert assets.of(device("10.20.0.7")) == Asset(None, "IT", "2nd floor", None)
    assert assets.of(device("10.20.0.9")) == Asset("printer", "Bob", "2nd floor", None)
    assert assets.of(device("2001:db8::7")) == Asset(location="lab")
    assert assets.of(device("192.168.0.1")) is None


def test_of_two_entries_for_one_device_the_first_counts() -> None:
    assert AssetList([Entry(Asset("a"), ("10.0.0.1",)), Entry(Asset("b"), ("10.0.0.1",))]).of(
        device("10.0.0.1")
    ) == Asset("a")


def test_the_users_name_is_the_one_to_show() -> None:
    names = (HostName("KMBT6D21", "dhcp"),)
    joined, other = AssetList([COPIER]).joined([device("10.20.0.101", names=names), device("10.0.0.1", names=names)])
    assert joined.hostnames == (HostName("copier", "assets"), *names)
    assert (joined.name, joined.asset) == ("copier", COPIER.asset)
    assert (other.name, other.asset) == ("KMBT6D21", None)
