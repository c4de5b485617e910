from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from analyzer.inventory.bounded import Sightings

LIMIT = 3
events = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 100)), max_size=60)


def filled(seen: list[tuple[int, int]], limit: int = LIMIT) -> Sightings[int]:
    table: Sightings[int] = Sightings(limit)
    for key, time in seen:
        table.add(key, time)
    return table


def contents(table: Sightings[int]) -> object:
    return list(table.spans()), table.dropped, table.counts(), table.total


@given(events)
def test_the_smallest_keys_are_kept_with_exact_counts_and_times(seen: list[tuple[int, int]]) -> None:
    table = filled(seen)
    kept = sorted({key for key, _ in seen})[:LIMIT]
    counts = Counter(key for key, _ in seen)
    times = {key: [time for k, time in seen if k == key] for key in kept}
    assert list(table.spans()) == [(key, counts[key], min(times[key]), max(times[key])) for key in kept]
    assert table.dropped == sum(count for key, count in counts.items() if key not in kept)


@given(events, st.randoms(use_true_random=False), st.integers(1, 4))
def test_no_split_and_no_order_changes_the_result(seen: list[tuple[int, int]], random: object, parts: int) -> None:
    shuffled = list(seen)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    merged: Sightings[int] = Sightings(LIMIT)
    for part in range(parts):
        merged.merge(filled(shuffled[part::parts]))
    assert contents(merged) == contents(filled(seen))


def test_a_flood_of_keys_stays_within_twice_the_limit() -> None:
    table: Sightings[int] = Sightings(LIMIT)
    for key in range(10_000, 0, -1):
        table.add(key, 0)
        assert len(table.seen) <= 2 * LIMIT
    assert table.listed() == [1, 2, 3]
    assert table.dropped == 10_000 - LIMIT


def test_merging_leaves_the_other_as_it_was() -> None:
    one, other = filled([(1, 5)]), filled([(1, 9), (2, 9)])
    one.merge(other)
    one.add(2, 50)
    assert list(other.spans()) == [(1, 1, 9, 9), (2, 1, 9, 9)]
