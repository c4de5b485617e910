"""Message text is overwritten, and ends where it ended."""

from __future__ import annotations

import itertools
import re

from hypothesis import given
from hypothesis import strategies as st

from analyzer.scrub.texts import TextEraser
from analyzer.smtp.message_text import MessageText

texts = st.lists(st.sampled_from([b"\r\n", b"\n", b"\r", b".", b"..", b"x", b"s3cr3t", b"\0\xff", b"\r\n.\r\n"])).map(
    b"".join
)


@given(texts, st.sets(st.integers(1, 60)))
def test_only_line_ends_and_the_dots_that_begin_lines_stay(text: bytes, cuts: set[int]) -> None:
    bounds = [0, *sorted(cut for cut in cuts if cut < len(text)), len(text)]
    eraser = TextEraser()
    erased = b"".join(eraser.erase(text[begin:end]) for begin, end in itertools.pairwise(bounds))
    assert len(erased) == len(text)
    assert [m.start() for m in re.finditer(rb"[\r\n]", erased)] == [m.start() for m in re.finditer(rb"[\r\n]", text)]
    assert [m.start() for m in re.finditer(rb"(?<=\n)\.", b"\n" + erased)] == [
        m.start() for m in re.finditer(rb"(?<=\n)\.", b"\n" + text)
    ]
    assert set(erased) <= set(b"x.\r\n")
    assert not re.search(rb"[^\n]\.", erased)


@given(texts, st.booleans())
def test_the_message_ends_where_it_ended(text: bytes, bare: bool) -> None:
    erased = TextEraser().erase(text)
    assert MessageText(bare=bare).skip(erased, 0) == MessageText(bare=bare).skip(text, 0)
