"""Names of addresses in answers of DNS servers and in multicast DNS."""

from __future__ import annotations

import pytest

from analyzer.hostnames import Learned
from analyzer.hostnames.dns import LONGEST_CHAIN, reversed_address
from tests.hostnames.messages import TIME, answer, learned, record


def names(payload: object, sport: int = 53, dport: int = 40000) -> list[tuple[str | None, str | None]]:
    return [(one.address, one.name) for one in learned(payload, sport, dport)]


def test_an_address_has_the_name_that_was_asked_for() -> None:
    assert learned(answer(record("mail.example", "A", "192.0.2.25")), 53, 40000) == [
        Learned("dns", TIME, address="192.0.2.25", name="mail.example")
    ]


def test_ipv6_addresses_have_names_too() -> None:
    assert names(answer(record("mail.example", "AAAA", "2001:DB8::25"))) == [("2001:db8::25", "mail.example")]


def test_an_alias_is_followed_back_to_what_was_asked_for() -> None:
    response = answer(
        record("smtp.office365.com", "CNAME", "outlook.ha.example"),
        record("OUTLOOK.ha.example", "CNAME", "lhr-efz.ms-acdc.example"),
        record("lhr-efz.ms-acdc.example", "A", "192.0.2.25"),
        record("lhr-efz.ms-acdc.example", "A", "192.0.2.26"),
    )
    assert names(response) == [("192.0.2.25", "smtp.office365.com"), ("192.0.2.26", "smtp.office365.com")]


def test_aliases_in_a_circle_end_somewhere() -> None:
    response = answer(
        record("a.example", "CNAME", "b.example"),
        record("b.example", "CNAME", "a.example"),
        record("a.example", "A", "192.0.2.1"),
    )
    assert [address for address, _ in names(response)] == ["192.0.2.1"]


def test_so_many_aliases_are_followed() -> None:
    chain = [record(f"n{i}.example", "CNAME", f"n{i + 1}.example") for i in range(LONGEST_CHAIN + 3)]
    response = answer(*chain, record(f"n{LONGEST_CHAIN + 3}.example", "A", "192.0.2.1"))
    assert names(response) == [("192.0.2.1", "n3.example")]


def test_reverse_names_tell_the_address() -> None:
    four = record("101.0.20.10.in-addr.arpa", "PTR", "copier3.office.example")
    six = record("9." + "0." * 23 + "8.b.d.0.1.0.0.2.IP6.ARPA", "PTR", "cam.office.example")
    assert names(answer(four, six)) == [
        ("10.20.0.101", "copier3.office.example"),
        ("2001:db8::9", "cam.office.example"),
    ]


@pytest.mark.parametrize(
    "labels",
    [
        "1.2.3.in-addr.arpa",
        "1.2.3.400.in-addr.arpa",
        "1.2.3.x.in-addr.arpa",
        "1.2.3.4.example",
        "arpa",
        "a.ip6.arpa",
        ":." * 32 + "ip6.arpa",
        "0." * 31 + "%.ip6.arpa",
        "0." * 31 + "00.ip6.arpa",
    ],
)
def test_what_is_no_reverse_name_is_about_no_address(labels: str) -> None:
    assert reversed_address(tuple(label.encode() for label in labels.split("."))) is None


@pytest.mark.parametrize("address", ["0.0.0.0", "127.0.0.2", "224.0.0.251", "255.255.255.255"])  # noqa: S104
def test_addresses_that_are_no_hosts_have_no_names(address: str) -> None:
    """A list of known spammers answers with loopback addresses."""
    assert names(answer(record("4.3.2.1.list.example", "A", address))) == []


def test_questions_and_refusals_tell_nothing() -> None:
    told = record("mail.example", "A", "192.0.2.25")
    assert names(answer(told, rcode=3)) == []
    assert names(answer(told, opcode=5)) == []
    question = answer(told)
    question.qr = 0
    assert names(question) == []


def test_what_is_further_along_counts_only_among_neighbours() -> None:
    """A DNS server may put anything into the additional section; a host that answers by multicast puts its own
    addresses there."""
    response = answer(
        record("_ipp._tcp.local", "PTR", "Copier._ipp._tcp.local"),
        further=(record("KMBT6D21.local", "A", "10.20.0.101"),),
    )
    assert names(response) == []
    assert learned(response, 5353, 5353) == [Learned("mdns", TIME, address="10.20.0.101", name="KMBT6D21.local")]


def test_names_in_any_language_are_names() -> None:
    response = answer(record("Büro-Drucker.local", "A", "10.20.0.101"))
    assert names(response, 5353, 5353) == [("10.20.0.101", "Büro-Drucker.local")]


@pytest.mark.parametrize(
    "name", ["evil\x1b]0;x\x07.local", "two words.local", "a\u202eb.local", "-x.local", "x\ny.local", "<b>.local", "."]
)
def test_what_is_no_host_name_is_left_out(name: str) -> None:
    assert names(answer(record(name, "A", "10.20.0.101")), 5353, 5353) == []
