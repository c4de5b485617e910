from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.report.page import charts
from analyzer.report.page.charts import BESIDE, DIGIT, HEIGHT, RIGHT, STACK, TOP, WIDTH, burn_down, step
from analyzer.report.page.model import Deadline, Point

MONDAY = date(2026, 11, 16)


def point(ago: int, exposed: int, password: int, mixed: int) -> Point:
    first = MONDAY - timedelta(weeks=ago)
    counts = {"exposed": exposed, "password": password, "mixed": mixed}
    total = sum(counts.values())
    return Point(f"week -{ago}", f"W{ago}", first, first + timedelta(days=6), total + 3, total, counts)


def deadline(day: date, provider: str = "Exchange Online") -> Deadline:
    return Deadline(provider, day, (day - MONDAY).days, MONDAY, 3, None, "a page of theirs", MONDAY)


counts = st.integers(0, 5000)
histories = st.lists(st.tuples(counts, counts, counts), min_size=1, max_size=150).map(
    lambda rows: [point(len(rows) - index - 1, *row) for index, row in enumerate(rows)]
)
days = st.dates(date(2020, 1, 1), date(2035, 1, 1))


@given(histories, st.lists(days, max_size=4), st.none() | days)
def test_nothing_is_drawn_outside_of_the_plot(history: list[Point], ends: list[date], forecast: date | None) -> None:
    chart = burn_down(history, [deadline(day) for day in ends], forecast)
    for bar in chart.bars:
        for box in bar.boxes:
            assert box.x >= chart.left
            assert box.x + box.width <= WIDTH - RIGHT + 0.2
            assert box.y >= TOP - 0.2
            assert box.y + box.height <= chart.zero + 0.2
    for mark in (*chart.deadlines, *chart.names):
        assert chart.left <= mark.at <= WIDTH - RIGHT
    assert chart.left >= BESIDE + DIGIT * max(len(line.text) for line in chart.lines) - 1
    if chart.forecast is not None:
        assert chart.forecast[2] <= WIDTH - RIGHT
    assert len(chart.lines) <= charts.MOST_LINES + 2
    assert len(chart.names) <= charts.MOST_NAMES


@given(histories)
def test_the_parts_of_a_bar_stand_on_one_another_and_are_as_high_as_their_numbers(history: list[Point]) -> None:
    chart = burn_down(history)
    shown = history[-charts.MOST_POINTS :]
    top = max(point.still_password for point in shown)
    for bar, of in zip(chart.bars, shown, strict=True):
        assert [box.status for box in bar.boxes] == [status for status in STACK if of.counts[status]]
        edges = [box.y for box in bar.boxes]
        assert edges == sorted(edges, reverse=True)
        if top == of.still_password > 0:
            assert bar.top == min(bar.top for bar in chart.bars)


def test_heights_are_in_proportion() -> None:
    chart = burn_down([point(1, 0, 40, 0), point(0, 0, 20, 0)])
    full, half = (chart.zero - bar.top for bar in chart.bars)
    assert full == pytest.approx(2 * half, abs=0.2)


@pytest.mark.parametrize(
    ("highest", "distance"), [(0, 1), (1, 1), (4, 1), (5, 2), (8, 2), (9, 5), (23, 10), (1999, 500)]
)
def test_lines_are_round_numbers_apart(highest: int, distance: int) -> None:
    assert step(highest) == distance


def test_a_deadline_is_marked_and_the_axis_reaches_it() -> None:
    history = [point(ago, 0, ago + 1, 0) for ago in range(11, -1, -1)]
    (mark,) = burn_down(history, [deadline(date(2026, 12, 31))]).deadlines
    assert mark.text == "Exchange Online, 31 Dec"
    assert mark.at > burn_down(history).bars[0].middle
    assert HEIGHT > TOP


def test_what_is_too_far_ahead_is_left_to_words() -> None:
    history = [point(ago, 0, ago + 1, 0) for ago in range(11, -1, -1)]
    chart = burn_down(history, [deadline(date(2031, 1, 1))], date(2033, 1, 1))
    assert (chart.deadlines, chart.forecast) == ((), None)
    assert chart.bars == burn_down(history).bars


def test_deadlines_of_one_day_share_a_mark_and_only_the_nearest_are_marked() -> None:
    history = [point(ago, 0, 5, 0) for ago in range(20, -1, -1)]
    ends = [deadline(MONDAY + timedelta(weeks=weeks), f"P{weeks}") for weeks in (3, 5, 7)]
    chart = burn_down(history, [*ends, deadline(MONDAY + timedelta(weeks=3), "Q")])
    assert [mark.text.split(",")[0] for mark in chart.deadlines] == ["P3 +1", "P5"]


def test_more_periods_than_the_limit_are_not_drawn() -> None:
    history = [point(ago, 0, 5, 0) for ago in range(charts.MOST_POINTS + 10, -1, -1)]
    assert len(burn_down(history).bars) == charts.MOST_POINTS


def test_figures_above_bars_do_not_run_into_one_another() -> None:
    history = [point(ago, 0, 90 if ago == 1 else 50, 0) for ago in range(99, -1, -1)]
    chart = burn_down(history)
    assert len(history) - 1 in chart.figures
    assert len(history) - 2 not in chart.figures


def test_a_week_without_traffic_has_no_number_and_no_bar() -> None:
    empty = replace(point(0, 0, 0, 0), seen=False)
    chart = burn_down([point(2, 1, 2, 0), point(1, 1, 1, 0), empty], forecast=MONDAY + timedelta(weeks=3))
    assert chart.figures == {0, 1}
    assert [box.status for box in chart.bars[-1].boxes] == [charts.UNSEEN]
    assert chart.bars[-1].text == "week -0: nothing was seen"
    assert chart.forecast is not None
    assert chart.forecast[:2] == (chart.bars[1].middle, chart.bars[1].top)


def test_nothing_but_weeks_without_traffic_is_a_chart_without_figures() -> None:
    chart = burn_down([replace(point(ago, 0, 0, 0), seen=False) for ago in (1, 0)], forecast=MONDAY)
    assert (chart.figures, chart.forecast) == (frozenset(), None)
