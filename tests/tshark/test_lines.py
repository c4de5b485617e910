from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.tshark import lines as module
from analyzer.tshark.lines import LineSplitter


@given(st.lists(st.text("ab\n", max_size=30)))
def test_lines_do_not_depend_on_how_the_output_arrives(chunks: list[str]) -> None:
    splitter = LineSplitter()
    lines = [line for chunk in chunks for line in splitter.feed(chunk.encode())]
    assert lines == "".join(chunks).encode().split(b"\n")[:-1]
    assert splitter.dropped == 0


@given(st.lists(st.integers(1, 12), max_size=20))
def test_a_line_beyond_the_limit_is_dropped_whole_and_the_next_ones_are_read(sizes: list[int]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "MAX_LINE", 20)
        splitter = LineSplitter()
        text = b"".join(b"x" * 50 + b"\n" if size > 9 else b"y" * size + b"\n" for size in sizes)
        lines = [line for at in range(0, len(text), 7) for line in splitter.feed(text[at : at + 7])]
    assert lines == [b"y" * size for size in sizes if size <= 9]
    assert splitter.dropped == sum(size > 9 for size in sizes)
