"""Whose firmware counts: the registered maker of the MAC address, else the names a device gives itself."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.advice import packaged_knowledge
from analyzer.advice.knowledge import OwnDevice
from analyzer.advice.makers import maker_of, oauth_support
from analyzer.inventory.device import HostName
from analyzer.inventory.vendors import vendor_of
from tests.advice.devices import device

MAKERS = packaged_knowledge().makers


@pytest.mark.parametrize(
    ("mac", "maker"),
    [
        (0x3CD92B_580AE1, "hp"),
        (0x00000E_000001, None),  # Fujitsu: not in the table
        (0x0004_00_000001, "lexmark"),
        (0x000048_000001, None),  # Seiko Epson: not in the table
        (0x0000AA_000001, "xerox"),
        (0x002673_000001, "ricoh"),
        (0x001BA9_000001, "brother"),
        (0x00C0EE_000001, "kyocera"),
        (0x001132_000001, "synology"),
    ],
)
def test_the_registered_vendor_names_the_maker(mac: int, maker: str | None) -> None:
    found = maker_of(device(vendor=vendor_of(mac)), MAKERS.values())
    assert (found and found.id) == maker


@pytest.mark.parametrize(
    ("fields", "maker"),
    [
        ({"names": ("NPI580AE1",)}, "hp"),
        ({"names": ("rnp58387912345.example.com",)}, "ricoh"),
        ({"names": ("copier", "BRN001BA90E72C4")}, "brother"),
        ({"names": ("XC-B8C463",)}, "xerox"),
        ({"hostnames": (HostName("ET0021B7123456", "dhcp"),)}, "lexmark"),
        ({"mail_programs": ("SHARP MX-3071",)}, "sharp"),
        ({"vendor_class": "Canon0A1B2C"}, "canon"),
        ({"names": ("NPIXYZ",)}, None),
        ({"names": ("not-a-NPI580AE1",)}, None),
        ({"names": ("erp.example.com",)}, None),
        ({"vendor": "VMware", "names": ("NPI580AE1",)}, None),  # somebody else's interface: its firmware counts
    ],
)
def test_default_names_tell_the_maker_where_no_vendor_is_known(fields: dict[str, Any], maker: str | None) -> None:
    found = maker_of(device(**fields), MAKERS.values())
    assert (found and found.id) == maker


def test_an_unknown_maker_is_unknown_and_names_no_source() -> None:
    support = oauth_support(device(vendor="Nobody"), MAKERS)
    assert (support.possible, support.maker, support.source) == ("unknown", None, None)


def test_what_the_user_says_of_a_device_goes_before_its_maker() -> None:
    support = oauth_support(device(vendor="Ricoh"), MAKERS, OwnDevice("x", oauth="no"))
    assert (support.possible, support.maker) == ("no", "Ricoh")


@given(st.lists(st.text(max_size=400), max_size=40))
def test_any_names_are_looked_at_without_error(names: list[str]) -> None:
    maker_of(device(names=tuple(names), mail_programs=tuple(names)), MAKERS.values())


def test_no_vendor_belongs_to_two_makers() -> None:
    vendors = [vendor.casefold() for maker in MAKERS.values() for vendor in maker.vendors]
    assert len(vendors) == len(set(vendors))
