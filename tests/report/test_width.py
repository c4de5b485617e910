from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.report.width import Placeholders, column_widths, display_width, fit, fit_counted, fit_middle, fold

texts = st.text(st.sampled_from("ab複合機ﾌﾟｱ\u0301é…"), max_size=30)


@pytest.mark.parametrize(
    ("text", "width"),
    [("", 0), ("abc", 3), ("複合機", 6), ("é", 1), ("e\u0301", 1), ("q\u0301", 1), ("a…", 2), ("📠", 2)],
)
def test_width_is_what_a_terminal_shows(text: str, width: int) -> None:
    assert display_width(text) == width


@given(texts, st.integers(1, 40))
def test_fitted_text_never_exceeds_its_room_and_short_text_is_untouched(text: str, columns: int) -> None:
    fitted = fit(text, columns)
    assert display_width(fitted) <= columns
    if display_width(text) <= columns:
        assert fitted == text
    else:
        assert fitted.endswith("…")


def test_addresses_are_cut_in_the_middle() -> None:
    assert fit_middle("2001:db8:1234:5678:9abc:def0:1234:5678", 22) == "2001:db…def0:1234:5678"
    assert fit_middle("10.0.0.1", 22) == "10.0.0.1"
    assert display_width(fit_middle("複" * 30, 22)) <= 22


@given(texts)
def test_placeholders_are_as_long_as_the_text_is_wide_and_give_it_back(text: str) -> None:
    lent = Placeholders()
    stand_in = lent.lend(fit(text, 100))
    assert len(stand_in) == display_width(text)
    assert display_width(lent.restore(stand_in)) == display_width(text)


def test_a_pile_of_combining_marks_is_cut_down() -> None:
    lent = Placeholders()
    assert len(lent.restore(lent.lend("q" + "\u0301" * 500))) < 10


def test_when_placeholders_run_out_a_question_mark_stands_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analyzer.report.width._LAST_PLACEHOLDER", 0xF0000)
    lent = Placeholders()
    assert lent.restore(lent.lend("é複")) == "é??"


@given(
    st.lists(st.tuples(st.lists(st.integers(0, 60), min_size=1), st.integers(0, 20)), min_size=1, max_size=8),
    st.integers(0, 200),
)
def test_columns_give_way_only_as_far_as_they_must(columns: list[tuple[list[int], int]], room: int) -> None:
    cells = [sizes for sizes, _ in columns]
    natural = [max(sizes) for sizes in cells]
    least = [min(max(sizes), low) for sizes, low in columns]
    widths = column_widths(cells, least, room)
    assert all(low <= width <= size for low, width, size in zip(least, widths, natural, strict=True))
    assert sum(widths) == min(sum(natural), max(room, sum(least)))


def test_the_column_gives_way_in_which_the_fewest_cells_are_cut() -> None:
    assert column_widths([[20, 20, 20], [8, 8, 25]], [5, 5], 35) == [20, 15]


def test_one_column_is_cut_rather_than_two() -> None:
    assert column_widths([[20] * 4, [20] * 4], [5, 5], 30) == [10, 20]


def test_cells_of_more_worth_are_cut_later() -> None:
    assert column_widths([[20], [20, 20, 20]], [5, 5], 35) == [15, 20]
    assert column_widths([[20], [20, 20, 20]], [5, 5], 35, [4, 1]) == [20, 15]


def test_cutting_many_cells_further_gives_way_to_cutting_a_few_whole_ones() -> None:
    assert column_widths([[30] * 10 + [29], [8, 1]], [20, 8], 36) == [28, 8]
    assert column_widths([[30] * 10 + [29], [8, 1]], [20, 5], 36) == [30, 6]


@pytest.mark.parametrize(
    ("text", "columns", "shown"),
    [
        ("relay.office.example +2", 23, "relay.office.example +2"),
        ("relay.office.example +2", 16, "relay.office… +2"),
        ("relay.office.example +2", 5, "rela…"),
        ("relay.office.example", 8, "relay.o…"),
        ("複合機三階の複合機 +12", 12, "複合機… +12"),
    ],
)
def test_how_many_more_there_are_is_never_cut_off(text: str, columns: int, shown: str) -> None:
    assert fit_counted(text, columns) == shown
    assert display_width(shown) <= columns


@given(texts, st.integers(2, 40))
def test_folded_lines_fit_and_nothing_is_lost(text: str, columns: int) -> None:
    lines = fold(text, columns)
    assert lines
    assert all(display_width(line) <= columns for line in lines)
    assert display_width("".join(lines)) == display_width(text)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", [""]),
        ("one two three", ["one two", "three"]),
        ("one two  x", ["one two ", "x"]),
        ("0123456789abc de", ["01234567", "89abc de"]),
        ("ab 0123456789", ["ab", "01234567", "89"]),
        ("複合機複合機", ["複合機複", "合機"]),
    ],
)
def test_text_is_folded_at_blanks_or_where_a_word_is_too_long(text: str, lines: list[str]) -> None:
    assert fold(text, 8) == lines
