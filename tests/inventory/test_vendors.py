from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import analyzer.inventory.vendors as vendors
from analyzer.inventory.vendors import PREFIX_DIGITS, vendor_of

TABLE = Path(vendors.__file__).with_name("data") / "vendors.txt.gz"


def reference() -> dict[str, str]:
    lines = gzip.decompress(TABLE.read_bytes()).decode().splitlines()
    return dict(line.split("\t") for line in lines if not line.startswith("#"))


ASSIGNED = reference()


def slow_vendor(mac: int) -> str | None:
    digits = f"{mac:012X}"
    return next((ASSIGNED[digits[:n]] for n in PREFIX_DIGITS if digits[:n] in ASSIGNED), None)


@pytest.mark.parametrize(
    ("mac", "vendor"),
    [
        (0x0017C8_123456, "KYOCERA Display"),
        (0x000085_000001, "Canon"),
        (0x70B3D5_F2F000, "Teleplatforms"),  # 36 bits
        (0x0050C2_7D5001, "Deuta-Werke"),  # 36 bits, the older registry
        (0x0217C8_123456, None),  # the locally administered bit outranks what the digits look like
        (0x0117C8_123456, None),  # multicast
        (0xFFFFFF_FFFFFF, None),
        (0xFCFFFF_FFFFFF, None),  # not assigned
        (0x000000_000000, None),  # loopback
        (0x000000_000001, "Xerox"),
        (None, None),
    ],
)
def test_known_blocks(mac: int | None, vendor: str | None) -> None:
    assert vendor_of(mac) == vendor


@given(st.sampled_from(sorted(ASSIGNED)), st.integers(0, 2**24 - 1))
def test_bisection_agrees_with_a_dictionary_inside_assigned_blocks(prefix: str, rest: int) -> None:
    mac = int(prefix.ljust(12, "0"), 16) | rest & (1 << 4 * (12 - len(prefix))) - 1
    expected = None if mac >> 40 & 3 or not mac else slow_vendor(mac)
    assert vendor_of(mac) == expected


@given(st.integers(1, 2**48 - 1))
def test_bisection_agrees_with_a_dictionary_anywhere(mac: int) -> None:
    assert vendor_of(mac) == (None if mac >> 40 & 3 else slow_vendor(mac))


def test_smaller_blocks_win_over_the_larger_ones_around_them() -> None:
    inside = [prefix for prefix in ASSIGNED if len(prefix) > 6 and prefix[:6] in ASSIGNED]
    for prefix in inside:
        assert vendor_of(int(prefix.ljust(12, "0"), 16)) == ASSIGNED[prefix]


def test_the_table_says_where_it_is_from_and_stays_small() -> None:
    assert vendors.table_date() == "2022-08-27"
    assert TABLE.stat().st_size < 600_000


def test_names_hold_nothing_that_could_act_and_no_legal_forms() -> None:
    assert all(name.isprintable() and len(name) <= 40 for name in ASSIGNED.values())
    assert not [name for name in ASSIGNED.values() if name.endswith((" GmbH", ", Inc.", " Corp."))]
    assert not {"Private", "IEEE Registration Authority"} & set(ASSIGNED.values())
