"""However a segment is wrapped, it comes out as it does from a plain frame."""

from __future__ import annotations

import pytest

from tests.packets.encapsulations import WRAPPED, WRAPPED6
from tests.packets.frames import PLAIN, PLAIN6, decode, decode_one_by_one, essence


@pytest.mark.parametrize("name", WRAPPED)
def test_ipv4_segment_is_the_same_in_every_wrapping(name: str) -> None:
    rows, undecoded = decode([WRAPPED[name]])
    assert [essence(row) for row in rows] == [PLAIN]
    assert not undecoded


@pytest.mark.parametrize("name", WRAPPED6)
def test_ipv6_segment_is_the_same_in_every_wrapping(name: str) -> None:
    rows, undecoded = decode([WRAPPED6[name]])
    assert [essence(row) for row in rows] == [PLAIN6]
    assert not undecoded


@pytest.mark.parametrize("name", [*WRAPPED, *(f"6 {name}" for name in WRAPPED6)])
def test_columns_agree_with_the_unwrapper_on_every_wrapping(name: str) -> None:
    frame = WRAPPED6[name[2:]] if name not in WRAPPED else WRAPPED[name]
    assert decode([frame]) == decode_one_by_one([frame])
