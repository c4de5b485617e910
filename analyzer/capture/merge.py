"""Many inputs as one stream of frames.

Inputs come in order of their first packets. One that begins where another ends (a rotated set) is read after it; one
that begins while another goes on (a second tap, an overlapping copy) is merged with it by packet time. Inside a file
the order is never changed: there its clock, the running maximum of packet times, stands for the time.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from analyzer.capture.frames import FrameBatch
from analyzer.capture.lanes import Feed, Lane, Piece

MAX_LANES = 128
"""Inputs merged at once: each has a descriptor (a process often has 1,024) and a block in memory. Any further one is
read after the lane that is furthest behind, and counted as ``input-not-merged``."""

_FOREVER = np.iinfo(np.int64).max


def merged(feeds: Sequence[Feed], oddities: Counter[str]) -> Iterator[FrameBatch]:
    """The frames of all ``feeds``, which come in chronological order.

    Batches are on loan until the next one is asked for. A frame that two inputs have counts once
    (``frame-in-two-inputs``): same packet time, link type and captured bytes.
    """
    waiting = deque(feeds)
    lanes: list[Lane] = []
    while True:
        for lane in lanes:
            if not lane.pieces:
                lane.read_on()
        live = [lane for lane in lanes if lane.pieces]
        arrival = _arrival(waiting)
        if waiting and (not live or min(int(lane.pieces[0].clock[0]) for lane in live) >= arrival):
            _admit(waiting.popleft(), lanes, oddities)
        elif len(live) == 1 and not waiting:
            yield from live[0].drain()
        elif len(live) == 1:
            for piece in live[0].take_before(arrival):
                yield piece.batch
        elif live:
            yield from _round(live, arrival, oddities)
        else:
            return


def _arrival(waiting: deque[Feed]) -> int:
    """When the next input begins."""
    if not waiting:
        return _FOREVER
    start = waiting[0].start
    return -_FOREVER if start is None else start


def _admit(feed: Feed, lanes: list[Lane], oddities: Counter[str]) -> None:
    """Put an input behind the lane that ended last before it begins, or in a lane of its own."""
    over = [lane for lane in lanes if not lane.outlasts(feed)]
    if over:
        lane = max(over, key=_clock)
    elif len(lanes) < MAX_LANES:
        lane = Lane()
        lanes.append(lane)
    else:
        oddities["input-not-merged"] += 1
        lane = min(lanes, key=_clock)
    lane.append(feed.frames(len(lanes)))


def _clock(lane: Lane) -> int:
    return -_FOREVER if lane.latest is None else lane.latest


def _round(live: Sequence[Lane], arrival: int, oddities: Counter[str]) -> Iterator[FrameBatch]:
    """Merge what every lane is known to have: all before the least of their last clocks.

    Frames at just that time wait, since the same frame may come next in another lane.
    """
    reading = [lane for lane in live if not lane.ended]
    limit = min([arrival, *(int(lane.pieces[-1].clock[-1]) for lane in reading)])
    taken = [lane.take_before(limit) for lane in live]
    if not any(taken):
        behind = [lane for lane in reading if int(lane.pieces[-1].clock[-1]) == limit]
        if not any(lane.full for lane in behind):
            for lane in behind:
                lane.read_on()
            return
        oddities["overlap-limit"] += 1
        taken = [lane.take_before(limit + 1) for lane in live]
    batch, lane_of = _interleaved([(index, piece) for index, pieces in enumerate(taken) for piece in pieces])
    repeated = _repeated(batch, lane_of)
    if repeated.any():
        oddities["frame-in-two-inputs"] += int(np.count_nonzero(repeated))
        batch = batch.take(~repeated)
    yield batch


def _interleaved(pieces: Sequence[tuple[int, Piece]]) -> tuple[FrameBatch, npt.NDArray[np.int64]]:
    """One batch of all pieces by their clocks, and the lane of each frame. Lanes keep their own order."""
    spans: list[npt.NDArray[np.uint8]] = []
    starts: list[npt.NDArray[np.int64]] = []
    offset = 0
    for _, piece in pieces:
        batch = piece.batch
        begin, end = int(batch.start[0]), int(batch.start[-1] + batch.captured[-1])
        spans.append(batch.data[begin:end])
        starts.append(batch.start + (offset - begin))
        offset += end - begin
    batches = [piece.batch for _, piece in pieces]
    order = np.argsort(np.concatenate([piece.clock for _, piece in pieces]), kind="stable")
    lane_of = np.concatenate([np.full(len(piece.batch), index) for index, piece in pieces])
    together = FrameBatch(
        data=np.concatenate(spans),
        start=np.concatenate(starts),
        captured=np.concatenate([batch.captured for batch in batches]),
        wire=np.concatenate([batch.wire for batch in batches]),
        time=np.concatenate([batch.time for batch in batches]),
        link_type=np.concatenate([batch.link_type for batch in batches]),
        source=np.concatenate([batch.source for batch in batches]),
    )
    return together.take(order), lane_of[order]


def _repeated(batch: FrameBatch, lane_of: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Which frames another lane has had already.

    A capture point may rightly have the same frame twice (a span port doubles them), so equal frames are counted: as
    many stay as the lane has that has most of them.
    """
    repeated = np.zeros(len(batch), np.bool_)
    order = np.lexsort((batch.link_type, batch.captured, batch.time))  # stable: batch order inside a group
    columns = (batch.time[order], batch.captured[order], batch.link_type[order])
    fresh = np.ones(len(order), np.bool_)
    fresh[1:] = np.any([column[1:] != column[:-1] for column in columns], axis=0)
    begins = np.flatnonzero(fresh)
    sizes = np.diff(begins, append=len(order))

    view = batch.data.data
    pairs = begins[sizes == 2]  # the usual case by far
    one, other = order[pairs], order[pairs + 1]
    apart = lane_of[one] != lane_of[other]
    one, other = one[apart], other[apart]
    spans = zip(batch.start[one].tolist(), batch.start[other].tolist(), batch.captured[one].tolist(), strict=True)
    repeated[other] = [view[a : a + length] == view[b : b + length] for a, b, length in spans]

    larger = sizes > 2
    for begin, size in zip(begins[larger].tolist(), sizes[larger].tolist(), strict=True):
        members = order[begin : begin + size]
        lanes = lane_of[members]
        if (lanes != lanes[0]).any():
            repeated[members] = _had_before(batch, members.tolist(), lanes.tolist())
    return repeated


def _had_before(batch: FrameBatch, members: Sequence[int], lanes: Sequence[int]) -> list[bool]:
    """Of frames of the same time and length, those that another lane has had already."""
    kept: Counter[bytes] = Counter()
    seen: Counter[tuple[int, bytes]] = Counter()
    answer: list[bool] = []
    for index, lane in zip(members, lanes, strict=True):
        begin = int(batch.start[index])
        content = batch.data[begin : begin + int(batch.captured[index])].tobytes()
        seen[lane, content] += 1
        answer.append(seen[lane, content] <= kept[content])
        kept[content] += not answer[-1]
    return answer
