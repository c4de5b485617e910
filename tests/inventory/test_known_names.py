"""Names that were learned find their device, merge in any order, and stay within bounds."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.hostnames import Learned
from analyzer.inventory.device import Device, HostName
from analyzer.inventory.devices import Inventory
from analyzer.inventory.known_names import LISTED_NAMES, KnownNames
from analyzer.inventory.naming import BEST_FIRST, best_first
from tests.support.sessions import DAY, SECOND, START, attempt, session

MAC, OTHER_MAC, ROUTER = 0x0017C8_000103, 0x001BA9_000104, 0x00005E_000101
IP, OTHER_IP = "10.10.0.103", "10.10.0.104"


def named(name: str, address: str | None = IP, mac: int | None = None, source: Any = "dns") -> Learned:
    return Learned(source, START, address=address, mac=mac, name=name)


def lease(address: str = IP, mac: int = MAC) -> Learned:
    return Learned("dhcp", START, address=address, mac=mac)


def devices(*items: Any) -> list[Device]:
    inventory = Inventory()
    for item in items:
        if isinstance(item, Learned):
            inventory.learn(item)
        else:
            inventory.add(item)
    return inventory.devices()


def device(*items: Any) -> Device:
    (only,) = devices(*items)
    return only


def behind_router(client: str = IP, **fields: Any) -> Any:
    return session(attempt(), client=client, client_mac=ROUTER, client_ttl=63, **fields)


# --- which name is shown ---------------------------------------------------------------------------------


def test_names_are_found_by_address_and_by_interface() -> None:
    found = device(
        session(attempt(), ehlo=None),
        named("dns.example"),
        named("KMBT6D21", None, MAC, "dhcp"),
        named("KMBT6D21.local", source="mdns"),
        named("KMBT", source="netbios"),
    )
    assert [(name.name, name.source) for name in found.hostnames] == [
        ("KMBT6D21", "dhcp"),
        ("KMBT6D21.local", "mdns"),
        ("KMBT", "netbios"),
        ("dns.example", "dns"),
    ]
    assert found.name == "KMBT6D21"


def test_sources_stand_in_one_order() -> None:
    names = [HostName(source, source) for source in sorted(BEST_FIRST)]
    assert tuple(name.source for name in best_first(names)) == BEST_FIRST
    assert BEST_FIRST == ("assets", "dhcp", "mdns", "ehlo", "netbios", "dns", "rdns")


def test_the_same_name_stands_once() -> None:
    found = best_first([HostName("COPIER3", "netbios"), HostName("copier3", "dhcp"), HostName("x", "dns")])
    assert found == (HostName("copier3", "dhcp"), HostName("x", "dns"))


@pytest.mark.parametrize("ehlo", ["[10.10.0.103]", "10.10.0.103", "localhost", "localhost.localdomain"])
def test_what_is_no_name_in_ehlo_is_shown_only_where_there_is_nothing_else(ehlo: str) -> None:
    assert device(session(attempt(), ehlo=ehlo)).name == ehlo
    found = device(session(attempt(), ehlo=ehlo), named("dns.example"))
    assert [name.name for name in found.hostnames] == ["dns.example"]


def test_the_most_frequent_name_of_a_source_comes_first() -> None:
    found = device(session(attempt(), ehlo=None), named("a.example"), named("b.example"), named("b.example"))
    assert [name.name for name in found.hostnames] == ["b.example", "a.example"]


def test_who_sends_no_mail_is_no_device() -> None:
    assert devices(named("copier3"), lease()) == []


# --- leases ----------------------------------------------------------------------------------------------


def test_behind_a_router_a_lease_tells_the_interface() -> None:
    found = device(behind_router(), lease(), named("KMBT6D21", None, MAC, "dhcp"))
    assert (found.mac, found.mac_is_router, found.vendor, found.name) == (
        MAC,
        False,
        "KYOCERA Display",
        "KMBT6D21",
    )


def test_without_a_lease_it_stays_unknown() -> None:
    found = device(behind_router(), named("KMBT6D21", None, MAC, "dhcp"))
    assert (found.mac, found.mac_is_router) == (None, True)
    assert "KMBT6D21" not in [name.name for name in found.hostnames]


def test_an_address_that_was_leased_to_two_is_nobodys() -> None:
    found = device(behind_router(), lease(), lease(mac=OTHER_MAC))
    assert (found.mac, found.clients_behind) == (None, 2)
    assert "several-clients-behind" in found.findings


def test_interfaces_with_made_up_addresses_are_not_counted_as_clients() -> None:
    assert device(behind_router(), lease(), lease(mac=0x02_0000_000001)).clients_behind == 1


def test_an_interface_on_the_link_is_believed_before_a_lease() -> None:
    assert device(session(attempt(), client_mac=MAC, client_ttl=64), lease(mac=OTHER_MAC)).mac == MAC


def test_behind_a_router_a_device_stays_itself_when_its_lease_changes() -> None:
    first, then = behind_router(IP), behind_router(OTHER_IP, start=START + DAY, end=START + DAY + SECOND)
    assert len(devices(first, then)) == 2
    found = device(first, then, lease(IP), lease(OTHER_IP))
    assert found.ips == (OTHER_IP, IP)


def test_on_the_link_leases_prove_that_many_addresses_are_no_routers() -> None:
    moved = ["10.10.0.103", "10.20.0.7", "10.30.0.9"]
    sessions = [session(attempt(), client=ip, client_mac=MAC, client_ttl=64, ehlo=f"[{ip}]") for ip in moved]
    assert [found.mac_is_router for found in devices(*sessions)] == [True] * 3
    assert sorted(device(*sessions, *map(lease, moved)).ips) == moved


def test_a_lease_of_a_router_makes_nobody_behind_it_the_router() -> None:
    found = {found.device: found for found in devices(behind_router(), behind_router(OTHER_IP), lease(IP, ROUTER))}
    assert found[IP].mac is None


def test_what_a_client_says_of_its_maker_is_kept() -> None:
    described = Learned("dhcp", START, mac=MAC, vendor_class="Canon iR-ADV")
    assert device(session(attempt()), described).vendor_class == "Canon iR-ADV"


# --- servers ---------------------------------------------------------------------------------------------


def test_dns_names_a_server_that_nobody_named() -> None:
    found = device(session(attempt(), ehlo=None), named("smtp.office365.com", "10.10.0.11"))
    assert (found.servers[0].name, found.servers[0].provider) == ("smtp.office365.com", "exchange-online")
    assert "basic-to-retiring-provider" in found.findings


def test_what_was_asked_for_or_said_comes_first() -> None:
    said = session(attempt(), server_name="relay.example", provider="gmail")
    found = device(said, named("smtp.office365.com", "10.10.0.11"))
    assert (found.servers[0].name, found.servers[0].provider) == ("relay.example", "gmail")


def test_a_name_that_imitates_a_provider_is_nobodys() -> None:
    found = device(session(attempt()), named("smtp.office365.com.evil.example", "10.10.0.11"))
    assert found.servers[0].provider is None


# --- merging and bounds ----------------------------------------------------------------------------------

_ADDRESSES = st.sampled_from(["10.0.0.1", "10.0.0.2", "192.0.2.1", "203.0.113.7", "fe80::1", "2001:db8::1"])
_LEARNED = st.builds(
    Learned,
    st.sampled_from(["dhcp", "mdns", "netbios", "dns"]),
    st.integers(START, START + DAY),
    address=st.one_of(st.none(), _ADDRESSES),
    mac=st.one_of(st.none(), st.integers(1, 5)),
    name=st.one_of(st.none(), st.integers(0, 12).map("host{}.example".format)),
    vendor_class=st.one_of(st.none(), st.sampled_from("ABCDEF")),
)


def picture(names: KnownNames) -> Any:
    addresses = ["10.0.0.1", "10.0.0.2", "192.0.2.1", "203.0.113.7", "fe80::1", "2001:db8::1"]
    return (
        [(names.names([ip]), names.leased_to(ip), names.server_names(ip)) for ip in addresses],
        [(names.names([], mac), names.vendor_class(mac)) for mac in range(1, 6)],
        names.oddities,
    )


@given(st.lists(_LEARNED, max_size=60), st.randoms(use_true_random=False), st.integers(1, 5))
def test_parts_merge_to_the_whole_in_any_order(items: list[Learned], random: Any, most: int) -> None:
    whole, parts = KnownNames(most), [KnownNames(most) for _ in range(3)]
    for item in items:
        whole.learn(item)
    random.shuffle(items)
    for item in items:
        random.choice(parts).learn(item)
    merged = KnownNames(most)
    for part in parts:
        merged.merge(part)
    assert picture(merged) == picture(whole)


def test_of_many_addresses_the_private_ones_are_kept() -> None:
    names = KnownNames(most=4)
    for i in range(1, 30):
        names.learn(named(f"public{i}.example", f"203.1.113.{i}"))
    for i in range(1, 5):
        names.learn(named(f"copier{i}", f"10.0.0.{i}"))
    assert [len(names.names([f"10.0.0.{i}"])) for i in range(1, 5)] == [1] * 4
    assert names.names(["203.1.113.1"]) == []
    assert names.oddities == {"name-limit": 29}


def test_of_one_address_so_many_names_are_kept() -> None:
    names = KnownNames()
    for i in range(LISTED_NAMES + 3):
        names.learn(named(f"host{i:02}.example"))
    assert len(names.names([IP])) == LISTED_NAMES
    assert names.oddities == {"name-limit": 3}


def test_an_inventory_merges_its_names() -> None:
    one, other = Inventory(), Inventory()
    one.add(session(attempt(), ehlo=None))
    other.learn(named("copier3.example"))
    one.merge(other)
    assert one.devices()[0].name == "copier3.example"
