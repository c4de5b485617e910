"""The chain of record headers: where each record of a capture begins.

Both pcap and pcapng are chains. A record says how long it is, and only that says where the next one begins, so
a chain is walked serially; at one Python step per record that is a quarter of a second per million packets.
Here it is walked by many cursors at once. Starting points are *guessed* about every :data:`STRIDE_BYTES`, by the looks
of the bytes; each cursor runs, in lock-step with all others, until it reaches the next one's starting
point; and what it visited is accepted only if it lands on that point exactly. Since the first starting point is
known, not guessed, acceptance carries over from cursor to cursor: the result is proven, however well a payload
imitates a header. A stretch whose cursor does not land is walked serially, so wrong guesses cost time, never truth.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from struct import Struct
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Offsets = npt.NDArray[np.int64]

STRIDE_BYTES = 4 * 1024
"""Distance of the cursors, measured: twice as many cost more to find than they save, half as many have twice as far
to run."""

WINDOW_BYTES = 256
"""Bytes looked through for a starting point. Longer records are often missed, which leaves a cursor a longer way, but
few records on it."""

WINDOWS_AT_ONCE = 512
"""Their bytes, 128 KiB, stay in the cache and below the size at which an allocator asks the system for fresh pages."""

PARALLEL_BYTES = 64 * STRIDE_BYTES
"""Below this the serial walk is faster."""

LAP_STEPS = 8
"""Steps between two looks at which cursors have arrived; those that have, run on in vain until then."""

MAX_LAPS = 32
"""Laps after which a cursor gives up: as many as the shortest records take (16 bytes); a wrong guess may take any."""

FEW_CURSORS = 6
"""With fewer cursors than this still running, a serial step costs less than a step of all."""

MAX_RECORD_BYTES = 16 * 1024 * 1024
"""A record that claims more is damage. Frames stay below 512 KiB (libpcap's own limit is 256 KiB, segmentation
offload makes up to 512 KiB); 16 MiB is Wireshark's limit for a pcapng block, which may hold more than a frame."""

Guess = Callable[[Bytes, int, Offsets, int], Offsets]
"""``guess(data, start, windows, end)``: starting points that look like records, ascending, at most one in each window
``data[w : w + WINDOW_BYTES]``; ``start`` is a true record's offset, to learn from."""


@dataclass(frozen=True, slots=True)
class RecordLayout:
    """What a walker must know of a format.

    Attributes:
        byte_order: ``<`` or ``>``.
        header_bytes: size of the fixed header; a record is never shorter.
        length_at: offset of the 32-bit length within it.
        uncounted: bytes of the record which the length leaves out.
        shortest: least legal value of the length.
        multiple: the length is a multiple of this (a power of 2).
    """

    byte_order: Literal["<", ">"]
    header_bytes: int
    length_at: int
    uncounted: int
    shortest: int = 0
    multiple: int = 1

    def illegal(self, length: Any) -> Any:
        """Whether ``length`` (a number, or elementwise an array) cannot be one of this format."""
        return (length < self.shortest) | (length > MAX_RECORD_BYTES) | ((length & (self.multiple - 1)) != 0)


@dataclass(frozen=True, slots=True)
class Walk:
    """The complete records of a stretch.

    Attributes:
        offsets: ``int64[n]``, where they begin.
        stop: where the last one ends, and the next one begins.
        needs: bytes the record at ``stop`` has, as far as its header is there to say so.
        fault: why the chain cannot go on at ``stop``, or ``None``.
    """

    offsets: Offsets
    stop: int
    needs: int
    fault: str | None = None


def walk(data: Bytes, start: int, end: int, layout: RecordLayout, guess: Guess) -> Walk:
    """Walk the chain that begins at ``start`` up to the last record that ends by ``end``.

    ``data`` must be readable for :data:`~analyzer.capture.blocks.MARGIN_BYTES` past ``end``.
    """
    unpack = Struct(f"{layout.byte_order}I").unpack_from
    view = data.data
    pieces: list[Offsets] = []
    position = start
    if end - start >= PARALLEL_BYTES:
        windows = np.arange(start + STRIDE_BYTES, end - WINDOW_BYTES - STRIDE_BYTES, STRIDE_BYTES, dtype=np.int64)
        guesses = np.concatenate(([start], guess(data, start, windows, end)))
        position = _walk_with_cursors(data, view, guesses, end, layout, pieces)
    offsets, position = _walk_serially(view, position, end, end, layout)
    pieces.append(offsets)
    chain = np.concatenate(pieces) if len(pieces) > 1 else offsets

    # The serial walk stops at an illegal length; what cursors stepped over is judged here, all at once.
    lengths = np.diff(chain, append=position) - layout.uncounted
    illegal = layout.illegal(lengths)
    if illegal.any():
        first = int(illegal.argmax())
        chain, position = chain[:first], int(chain[first])
    if position + layout.header_bytes > end:
        return Walk(chain, position, layout.header_bytes)
    (length,) = unpack(view, position + layout.length_at)
    if layout.illegal(length):
        return Walk(chain, position, 0, f"a record there claims a length of {length:,} bytes")
    return Walk(chain, position, length + layout.uncounted)


def look_through(
    rows: npt.NDArray[Any], windows: Offsets, looks: Callable[[npt.NDArray[Any]], npt.NDArray[np.bool_]]
) -> tuple[Offsets, Offsets]:
    """Where something looks right.

    Args:
        rows: the contents of a window at each offset.
        windows: offsets of the windows to look through.
        looks: which of the flattened contents of some windows look right; may leave out a few of the last.

    Returns:
        The window and the place in it of each hit, in order.
    """
    hits = []
    for begin in range(0, len(windows), WINDOWS_AT_ONCE):
        contents = rows[windows[begin : begin + WINDOWS_AT_ONCE]]
        hits.append(np.flatnonzero(looks(contents.ravel())) + begin * contents.shape[1])
    return np.divmod(np.concatenate(hits), rows.shape[1])


def _walk_serially(view: memoryview, position: int, goal: int, end: int, layout: RecordLayout) -> tuple[Offsets, int]:
    """Walk from ``position`` until ``goal`` is reached or passed, or the next record is not all there.

    Returns the offsets and where the walk stands.
    """
    unpack = Struct(f"{layout.byte_order}I").unpack_from
    length_at, uncounted, shortest, mask = layout.length_at, layout.uncounted, layout.shortest, layout.multiple - 1
    last_header = end - layout.header_bytes
    offsets: list[int] = []
    append = offsets.append
    while position < goal and position <= last_header:
        (length,) = unpack(view, position + length_at)
        following = position + length + uncounted
        if following > end or length < shortest or length & mask or length > MAX_RECORD_BYTES:
            break
        append(position)
        position = following
    return np.array(offsets, np.int64), position


def _walk_with_cursors(
    data: Bytes, view: memoryview, guesses: Offsets, end: int, layout: RecordLayout, pieces: list[Offsets]
) -> int:
    """Walk up to the last guess that proves true; appends offsets to ``pieces`` and returns where the walk stands."""
    stretches = len(guesses) - 1
    if stretches < FEW_CURSORS:
        return int(guesses[0])
    visited, counts, landed = _run_cursors(data, guesses, end, layout)
    ends = np.cumsum(counts)
    begins = ends - counts
    missed = [*np.flatnonzero(~landed).tolist(), stretches]

    proven = 0  # index of a guess that is a true record
    for miss in missed:
        if miss < proven:  # a stretch which an earlier one ran past
            continue
        if miss == stretches:
            pieces.append(visited[begins[proven] :])
            return int(guesses[stretches])
        # All the missing cursor visited are records too, but the last one's end is not where it should be.
        pieces.append(visited[begins[proven] : ends[miss] - 1])
        position = int(visited[ends[miss] - 1])
        proven = miss + 1
        while True:
            offsets, position = _walk_serially(view, position, int(guesses[proven]), end, layout)
            pieces.append(offsets)
            if position == guesses[proven]:
                break
            if position < guesses[proven]:  # the chain ends here
                return position
            proven = int(np.searchsorted(guesses, position))
            if proven > stretches:
                return position
        if proven == stretches:
            return position
    raise AssertionError("the loop ends at the last stretch")


def _run_cursors(
    data: Bytes, guesses: Offsets, end: int, layout: RecordLayout
) -> tuple[Offsets, Offsets, npt.NDArray[np.bool_]]:
    """Let a cursor run from every guess but the last until it reaches or passes the guess after it.

    Returns what the cursors visited before that, cursor by cursor; how many that is for each (never 0); and which of
    them landed on the guess.
    """
    # A 32-bit word at every byte offset: numpy gathers from such an unaligned view without copying it.
    words = len(data) - layout.length_at - 3
    lengths = np.ndarray((words,), f"{layout.byte_order}u4", data.data, layout.length_at, (1,))
    goals = guesses[1:]
    running, position = np.arange(len(goals)), guesses[:-1]
    laps: list[tuple[Offsets, Offsets]] = []
    while len(running) >= FEW_CURSORS and len(laps) < MAX_LAPS:
        lap = np.empty((LAP_STEPS, len(running)), np.int64)
        for row in lap:
            position = np.add(position, lengths[position], out=row)
            position += layout.uncounted
            np.minimum(position, end, out=position)
        laps.append((running, lap))
        unfinished = position < goals[running]
        running, position = running[unfinished], position[unfinished]

    # One row for each cursor; behind its last step, as good as at the end.
    steps = np.full((len(goals), 1 + LAP_STEPS * len(laps)), end, np.int64)
    steps[:, 0] = guesses[:-1]
    for number, (cursors, lap) in enumerate(laps):
        steps[cursors, 1 + number * LAP_STEPS : 1 + (number + 1) * LAP_STEPS] = lap.T
    before_goal = steps < goals[:, np.newaxis]
    if len(running):  # given up; one of them may have stood still, on a length of 0
        before_goal[:, 1:] &= steps[:, 1:] > steps[:, :-1]
    counts = before_goal.sum(axis=1)
    landing = steps[np.arange(len(goals)), np.minimum(counts, steps.shape[1] - 1)]
    return steps[before_goal], counts, landing == goals
