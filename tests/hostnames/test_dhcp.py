"""Names that clients give when they ask for an address, and the leases they get."""

from __future__ import annotations

import pytest

from analyzer.hostnames import Learned
from analyzer.hostnames.dhcp import MOST_OPTIONS
from tests.hostnames.messages import (
    LINK_LOCAL,
    MAC,
    TIME,
    acknowledgement,
    dhcp,
    learned,
    relayed,
    request,
    solicit,
)


def asked(*options: object) -> list[Learned]:
    return learned(request(*options), 68, 67)


def test_the_name_belongs_to_the_interface() -> None:
    assert asked(("hostname", b"KMBT6D21")) == [Learned("dhcp", TIME, mac=MAC, name="KMBT6D21")]


def test_maker_and_model_are_kept_as_text() -> None:
    assert asked(("vendor_class_id", b"Canon iR-ADV\x1b[2J\0")) == [
        Learned("dhcp", TIME, mac=MAC, vendor_class="Canon iR-ADV[2J")
    ]


@pytest.mark.parametrize(
    "option",
    [b"\0\0\0copier3.office.example", b"\0\0\0copier3.office.example\0", b"\4\0\0\7copier3\6office\7example\0"],
)
def test_a_fully_qualified_name_says_more(option: bytes) -> None:
    assert asked(("hostname", b"copier3"), (81, option)) == [
        Learned("dhcp", TIME, mac=MAC, name="copier3.office.example")
    ]


@pytest.mark.parametrize("option", [b"", b"\0\0", b"\4\0\0\77x", b"\4\0\0\xc0\0"])
def test_where_it_is_damaged_the_short_one_stands(option: bytes) -> None:
    assert [one.name for one in asked(("hostname", b"copier3\0"), (81, option))] == ["copier3"]


def test_an_acknowledgement_tells_whose_an_address_is() -> None:
    lease = Learned("dhcp", TIME, address="10.20.0.101", mac=MAC)
    assert learned(acknowledgement(yiaddr="10.20.0.101"), 67, 68) == [lease]
    assert learned(acknowledgement(ciaddr="10.20.0.101"), 67, 68) == [lease]


def test_an_offer_is_no_lease() -> None:
    assert learned(dhcp(("message-type", "offer"), operation=2, yiaddr="10.20.0.101"), 67, 68) == []


@pytest.mark.parametrize("mac", [bytes(6), b"\xff" * 6, b"\1\0\x5e\0\0\1"])
def test_addresses_of_no_single_interface_have_no_names(mac: bytes) -> None:
    message = request(("hostname", b"copier3"))
    message.chaddr = mac
    assert learned(message, 68, 67) == []


def test_other_hardware_is_left_out() -> None:
    message = request(("hostname", b"copier3"))
    message.htype = 32
    assert learned(message, 68, 67) == []


def test_so_many_options_are_read() -> None:
    assert asked(*[(200 + i % 50, b"") for i in range(MOST_OPTIONS)], ("hostname", b"late")) == []


def test_a_client_of_ipv6_says_its_name_on_the_link() -> None:
    assert learned(solicit("copier3.office.example"), 546, 547, src=LINK_LOCAL) == [
        Learned("dhcp", TIME, address=LINK_LOCAL, mac=MAC, name="copier3.office.example")
    ]


def test_behind_a_relay_the_identifier_tells_the_interface() -> None:
    message = relayed(solicit("copier3"))
    assert learned(message, 547, 547, src="2001:db8::1", mac=0x020000000001) == [
        Learned("dhcp", TIME, mac=MAC, name="copier3")
    ]


def test_a_client_that_is_not_on_the_link_is_nobody() -> None:
    assert learned(solicit("copier3"), 546, 547, src="2001:db8::9") == []
