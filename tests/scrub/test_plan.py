"""The map from what was said to what is shown: monotone, and blind inside of what is replaced."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from analyzer.scrub.plan import BUFFERED, NEIGHBOURS, Plan, Plans, Room, StreamPlan, StreamWriter
from analyzer.scrub.spool import Spool
from analyzer.streams.sequence import MODULUS

pieces = st.lists(
    st.tuples(st.sampled_from(["show", "replace", "later", "miss"]), st.integers(1, 20), st.integers(0, 20)),
    max_size=12,
)
starts = st.sampled_from([0, 1, 1000, MODULUS - 1, MODULUS - 30])


def written(parts: list[tuple[str, int, int]], spool: Spool, start: int = 0) -> tuple[StreamPlan, bytes]:
    """A plan of ``parts``, and the stream that it shows, with ``?`` where bytes are missing."""
    writer, stream = StreamWriter(spool, Room(1000)), b""
    for number, (kind, size, shown) in enumerate(parts):
        letter = bytes((ord("a") + number,))
        if kind == "show":
            writer.show(letter * size)
            stream += letter * size
        elif kind == "replace":
            writer.replace(size, letter * shown)
            stream += letter * shown
        elif kind == "later":
            writer.replace_later(size, lambda text=letter * shown: text)  # type: ignore[misc]
            stream += letter * shown
        else:
            writer.miss(size, shown)
            stream += b"?" * shown
    assert writer.size == sum(size for _, size, _ in parts)
    return writer.finish(start, None), stream


@given(pieces, starts)
def test_any_cut_of_the_stream_shows_each_byte_once(parts: list[tuple[str, int, int]], start: int) -> None:
    with Spool() as spool:
        plan, stream = written(parts, spool, start)
        bounds = [plan.shown(at) for at in range(plan.length + 1)]
        assert bounds == sorted(bounds)
        assert (bounds[0], bounds[-1]) == (0, len(stream))
        for begin, end in itertools.pairwise(bounds):
            expected = stream[begin:end].partition(b"?")[0]
            assert plan.read(begin, end, spool) == expected
        assert plan.read(0, len(stream), spool) == stream.partition(b"?")[0]


@given(pieces, starts)
def test_what_is_replaced_belongs_to_its_last_byte(parts: list[tuple[str, int, int]], start: int) -> None:
    with Spool() as spool:
        plan, _ = written(parts, spool, start)
    at = 0
    for kind, size, shown in parts:
        whole = kind in ("replace", "later") or (kind == "miss" and size != shown)
        for inside in range(at + 1, at + size):
            assert plan.hides(inside) == whole
            if whole:
                assert plan.shown(inside) == plan.shown(at)
        at += size
        assert not plan.hides(at)


@given(pieces, starts, st.integers(-5, 5))
def test_numbers_outside_of_the_stream_move_with_its_ends(
    parts: list[tuple[str, int, int]], start: int, beyond: int
) -> None:
    with Spool() as spool:
        plan, stream = written(parts, spool, start)
    assert plan.sequence((start - abs(beyond)) % MODULUS) == (start - abs(beyond)) % MODULUS
    end = plan.length + abs(beyond)
    assert plan.sequence((start + end) % MODULUS) == (start + len(stream) + abs(beyond)) % MODULUS


def test_a_stream_of_more_than_four_gigabytes_is_followed_by_where_it_stood_last() -> None:
    plan = StreamPlan(start=MODULUS - 100)
    for position in range(0, 3 * MODULUS, MODULUS // 4):
        assert plan.position((plan.start + position) % MODULUS) == position
        plan.last = position


def test_the_number_of_a_fin_is_no_missing_byte() -> None:
    with Spool() as spool:
        writer = StreamWriter(spool, Room(1000))
        writer.show(b"QUIT\r\n")
        writer.miss(10, 64)
        plan = writer.finish(1000, 1015)
    assert plan.length == 15
    assert not plan.hides(15)


# --- all plans of a run ---------------------------------------------------------------------------

KEY = b"k" * 36


def conversation(start: int, seq: int, size: int = 100) -> Plan:
    with Spool() as spool:
        low, high = StreamWriter(spool, Room(1000)), StreamWriter(spool, Room(1000))
        low.show(bytes(size))
        return Plan(KEY, start, (low.finish(seq, None), high.finish(seq + 500_000, None)))


def test_a_segment_belongs_to_the_latest_conversation_that_had_begun_and_has_its_number() -> None:
    plans = Plans()
    old, new = conversation(1000, 10_000), conversation(2000, 20_000)
    assert plans.add(new)
    assert plans.add(old)
    assert plans.find(KEY, 1500, 10_050, upward=True) is old
    assert plans.find(KEY, 2500, 20_050, upward=True) is new
    assert plans.find(KEY, 2500, 10_100, upward=True) is old  # a late copy
    assert plans.find(KEY, 2500, 520_000, upward=False) is new
    assert plans.find(KEY, 0, 20_000, upward=True) is new  # packets without times
    assert plans.find(KEY, 2500, 3, upward=True) is new
    assert plans.find(b"x" * 36, 2500, 10_050, upward=True) is None


def test_plans_and_their_pieces_have_limits_and_what_they_refuse_is_counted() -> None:
    plans = Plans(most=2)
    assert [plans.add(conversation(at, 0)) for at in range(3)] == [True, True, False]
    assert (len(plans), plans.refused) == (2, 1)


def test_a_writer_without_room_is_full_and_gives_back_what_it_had() -> None:
    room = Room(2)
    with Spool() as spool:
        writer = StreamWriter(spool, room)
        for _ in range(2):
            writer.replace(5, b"x")
        assert (writer.full, room.left) == (False, 0)
        writer.replace(5, b"x")
        assert writer.full
        writer.discard()
    assert room.left == 2


def test_what_follows_in_the_spool_too_is_one_piece() -> None:
    with Spool() as spool:
        writer, room = StreamWriter(spool, Room(1)), bytes(BUFFERED)
        for _ in range(5):
            writer.show(room)
        assert not writer.full
        plan = writer.finish(0, None)
        assert plan.read(10, 5 * BUFFERED, spool) == bytes(5 * BUFFERED - 10)


def test_among_very_many_conversations_of_two_endpoints_the_nearest_ones_are_looked_at() -> None:
    plans = Plans()
    many = [conversation(at * 1000, at * 10_000) for at in range(5 * NEIGHBOURS)]
    for plan in many:
        plans.add(plan)
    for at, plan in enumerate(many):
        assert plans.find(KEY, at * 1000 + 10, at * 10_000 + 7, upward=True) is plan
