"""Names of files, of which those read last are kept."""

from __future__ import annotations

import pytest

from analyzer.watch.names import NAMELESS, Names


def test_names_are_found_by_number() -> None:
    names = Names()
    assert [names.add(name) for name in "abc"] == [0, 1, 2]
    assert [names[number] for number in range(3)] == ["a", "b", "c"]
    assert names[1:] == ["b", "c"]
    assert len(names) == 3


def test_of_a_run_of_months_only_the_last_are_kept() -> None:
    names = Names(most=2)
    for number in range(1000):
        names.add(str(number))
    assert len(names) == 1000
    assert len(names._names) == 2
    assert (names[999], names[998], names[997]) == ("999", "998", NAMELESS)


def test_a_number_that_was_never_given_has_no_name() -> None:
    with pytest.raises(IndexError):
        Names()[0]
