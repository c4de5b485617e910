"""Addresses have one form each, and carry nothing else with them."""

from __future__ import annotations

import pytest

from analyzer.addresses import canonical


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:DB8:0:0::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("fe80::1%\x1b[31m<b>", "fe80::1"),
    ],
)
def test_an_address_has_one_form_and_no_scope(text: str, address: str) -> None:
    assert canonical(text) == address


@pytest.mark.parametrize("text", ["", "%eth0", "host", "192.0.2.1/24", "192.0.2.256", "\x1b[31m"])
def test_anything_else_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="does not appear to be"):
        canonical(text)
