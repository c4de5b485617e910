from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.report.period.sections import sparkline


@pytest.mark.parametrize(
    ("counts", "line"),
    [
        ([], ""),
        ([0, 0], "▁▁"),
        ([7, 6, 5, 4, 3, 2, 1, 0], "█▇▆▅▄▃▂▁"),
        ([1000, 1, 0, None, 500], "█▂▁·▅"),
    ],
)
def test_bars_are_as_high_as_the_counts(counts: list[int | None], line: str) -> None:
    assert sparkline(counts) == line


@given(st.lists(st.none() | st.integers(0, 10**6)))
def test_only_zero_stands_on_the_ground_and_order_is_kept(counts: list[int | None]) -> None:
    line = sparkline(counts)
    assert len(line) == len(counts)
    pairs = [(count, bar) for count, bar in zip(counts, line, strict=True) if count is not None]
    assert all((bar == "▁") == (count == 0) for count, bar in pairs)
    assert [bar for _, bar in sorted(pairs)] == sorted(bar for _, bar in pairs)
