"""Reverse DNS tells names where there are some, and never holds up or harms a report."""

from __future__ import annotations

import socket

import pytest

from analyzer.errors import UsageError
from analyzer.inventory.device import HostName
from analyzer.reverse_dns import NameServer, lookup, reverse_names
from tests.assets.devices import device
from tests.reverse_dns.name_server import name_server

COPIER = "101.0.20.10.in-addr.arpa."


def test_an_address_gets_its_name() -> None:
    with name_server({COPIER: ["copier3.office.example."]}) as asked:
        found = reverse_names([device("10.20.0.101"), device("10.20.0.102")], asked.server)
    assert [one.hostnames for one in found.devices] == [(HostName("copier3.office.example", "rdns"),), ()]
    assert (found.asked, found.answered, found.left_out, found.problem) == (2, 2, 0, None)


def test_only_the_devices_addresses_are_asked_for_and_each_once() -> None:
    with name_server({}) as asked:
        reverse_names([device("10.20.0.101", "2001:db8::65"), device("10.20.0.101")], asked.server)
    assert sorted(asked.names) == [COPIER, "5.6" + ".0" * 22 + ".8.b.d.0.1.0.0.2.ip6.arpa."]


def test_the_name_from_dns_comes_last() -> None:
    known = HostName("KMBT6D21", "dhcp")
    with name_server({COPIER: ["copier3.office.example."]}) as asked:
        found = reverse_names([device("10.20.0.101", names=(known,))], asked.server)
    assert found.devices[0].hostnames == (known, HostName("copier3.office.example", "rdns"))


def test_so_many_names_of_one_address_are_taken() -> None:
    with name_server({COPIER: [f"h{i}.example." for i in range(9)]}) as asked:
        found = reverse_names([device("10.20.0.101")], asked.server)
    assert len(found.devices[0].hostnames) == lookup.NAMES_EACH


@pytest.mark.parametrize("name", ["evil\\027]0\\007.example.", "two\\032words.example.", "<b>.example.", "."])
def test_what_is_no_host_name_is_left_out(name: str) -> None:
    with name_server({COPIER: [name]}) as asked:
        assert reverse_names([device("10.20.0.101")], asked.server).devices[0].hostnames == ()


@pytest.mark.parametrize(
    "said", ["SERVFAIL", "REFUSED", "SILENCE", b"", b"\xff" * 40, b"\x81\x80\0\1\0\1\0\0\0\0\xc0\x0c"]
)
def test_without_a_usable_answer_the_report_goes_on(said: str | bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookup, "PATIENCE", 0.2)
    with name_server({COPIER: said}) as asked:
        found = reverse_names([device("10.20.0.101")], asked.server)
    assert (found.devices, found.asked, found.answered) == ([device("10.20.0.101")], 1, 0)


def test_where_nobody_listens_the_report_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookup, "PATIENCE", 0.2)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unused:
        unused.bind(("127.0.0.1", 0))
        nobody = NameServer(*unused.getsockname())
    found = reverse_names([device("10.20.0.101")], nobody)
    assert (found.asked, found.answered) == (1, 0)


def test_so_many_addresses_are_asked_for_the_first_ones_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookup, "MOST_LOOKUPS", 3)
    with name_server({}) as asked:
        found = reverse_names([device(f"10.0.0.{i}") for i in range(1, 6)], asked.server)
    assert sorted(asked.names) == [f"{i}.0.0.10.in-addr.arpa." for i in (1, 2, 3)]
    assert (found.asked, found.left_out) == (3, 2)


def test_when_the_time_is_over_no_further_lookup_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookup, "IN_ALL", -1.0)
    with name_server({}) as asked:
        found = reverse_names([device("10.0.0.1")], asked.server)
    assert (asked.names, found.asked, found.left_out) == ([], 0, 1)


def test_a_system_without_resolvers_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    import dns.resolver

    def unconfigured(*_: object, **__: object) -> None:
        raise dns.resolver.NoResolverConfiguration

    monkeypatch.setattr(dns.resolver, "Resolver", unconfigured)
    assert reverse_names([device("10.0.0.1")]).problem == "this system has no resolver configured"


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("10.20.0.53", ("10.20.0.53", 53)),
        ("10.20.0.53:5353", ("10.20.0.53", 5353)),
        ("2001:DB8::53", ("2001:db8::53", 53)),
        ("[2001:db8::53]:5353", ("2001:db8::53", 5353)),
        ("[2001:db8::53]", ("2001:db8::53", 53)),
    ],
)
def test_a_server_is_named_by_address_and_port(text: str, server: tuple[str, int]) -> None:
    assert NameServer.parsed(text) == server


@pytest.mark.parametrize("text", ["dns.example", "", "10.20.0.53:", "10.20.0.53:0", "10.20.0.53:99999", "10.20.0.999"])
def test_what_is_no_server_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        NameServer.parsed(text)
