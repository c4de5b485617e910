from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.report.text import LONGEST, clean, clean_or_none
from tests.support.reports import HOSTILE


@given(st.text(st.characters(), max_size=2 * LONGEST))
def test_nothing_that_acts_survives(text: str) -> None:
    cleaned = clean(text)
    assert not {unicodedata.category(c) for c in cleaned} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    cleaned.encode()


@given(st.text(st.characters(categories=["L", "Nd", "P", "S"]), max_size=LONGEST))
def test_ordinary_text_in_any_script_stays_as_it_is(text: str) -> None:
    assert clean(text) == text


@given(st.text(st.characters()))
def test_cleaning_what_is_clean_changes_nothing(text: str) -> None:
    once = clean(text)[:LONGEST]
    assert clean(once) == once


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        ("ansi", "\\x1b[31mred\\x1b]0;title\\x07"),
        ("c1", "a\\x9b31mb"),
        ("nul", "a\\x00b"),
        ("bidi", "a\\u202ecod.exe\\u2066b"),
        ("invisible", "a\\u200bb\\ufeffc\\xadd"),
        ("separators", "a\\u2028b\\u2029c"),
        ("surrogate", "a\\udc80b"),
        ("private", "a\\ue000b\\U000f0000c"),
    ],
)
def test_escapes_show_what_was_there(kind: str, shown: str) -> None:
    assert clean(HOSTILE[kind]) == shown


def test_windows_names_are_readable() -> None:
    assert clean("CORP\\müller") == "CORP\\müller"


def test_long_text_is_cut_visibly() -> None:
    assert clean("x" * 10_000) == "x" * (LONGEST - 1) + "…"


def test_unknown_stays_unknown() -> None:
    assert clean_or_none(None) is None
    assert clean_or_none("a\n") == "a\\x0a"
