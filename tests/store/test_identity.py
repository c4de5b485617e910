"""Which views are of the same session."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from analyzer.store.identity import View, counted
from tests.store.sessions import SECOND

_views = st.builds(
    View,
    start=st.integers(0, 40).map(lambda s: s * SECOND),
    end=st.just(0),
    serial=st.sampled_from([None, 1, 2]),
    rank=st.integers(0, 15),
    messages=st.integers(0, 2),
    client=st.sampled_from(["10.0.0.1", "10.0.0.2"]),
    port=st.just(40_000),
    facts=st.sampled_from(["a", "b"]),
).flatmap(lambda view: st.integers(0, 10).map(lambda long: view._replace(end=view.start + long * SECOND)))


@given(views=st.lists(_views, max_size=8, unique=True), data=st.data())
def test_no_order_of_the_views_changes_which_of_them_count(views: list[View], data: st.DataObject) -> None:
    mixed = data.draw(st.permutations(views))
    assert {views[at] for at in counted(views)} == {mixed[at] for at in counted(mixed)}


@given(views=st.lists(_views, min_size=1, max_size=8, unique=True))
def test_something_counts_and_what_touches_nothing_counts_always(views: list[View]) -> None:
    found = counted(views)
    assert found
    for at, view in enumerate(views):
        if not any(view.touches(other.start, other.end) for other in views if other is not view):
            assert at in found


@given(views=st.lists(_views.filter(lambda view: view.serial is not None), max_size=8, unique=True))
def test_two_that_count_with_one_serial_are_far_apart(views: list[View]) -> None:
    found = [views[at] for at in counted(views)]
    for one in found:
        for other in found:
            assert one is other or one.serial != other.serial or not one.touches(other.start, other.end)


def test_views_without_syn_are_joined_by_those_between_them() -> None:
    def view(start: int, end: int) -> View:
        return View(start * SECOND, end * SECOND, None, 0, 0, "10.0.0.1", 1, "a")

    assert len(counted([view(0, 10), view(30, 40)])) == 2
    assert len(counted([view(0, 10), view(12, 28), view(30, 40)])) == 1
