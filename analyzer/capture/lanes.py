"""A lane: what one capture point recorded, file after file."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from analyzer.capture.frames import FrameBatch
from analyzer.capture.order import JITTER, Times, disorder, running_times

READ_AHEAD_BYTES = 64 * 1024 * 1024
"""Bytes a lane holds while it looks ahead. More than this past the beginning of another input is not a ragged edge."""

MAX_SLACK = 1_000_000_000
"""Nanoseconds by which a file may outlast the beginning of its successor at most. Captures of several interfaces are
written from one queue per interface, which are emptied up to a quarter of a second apart."""


@dataclass(frozen=True, slots=True)
class FirstFrame:
    """The frame an input begins with."""

    time: int
    link_type: int
    content: bytes

    @classmethod
    def of(cls, batch: FrameBatch) -> FirstFrame:
        """The first frame of ``batch``."""
        return cls(int(batch.time[0]), int(batch.link_type[0]), _content(batch, 0))

    def stands_in(self, batch: FrameBatch) -> bool:
        """Whether ``batch`` has this very frame."""
        same = (batch.time == self.time) & (batch.captured == len(self.content)) & (batch.link_type == self.link_type)
        return any(_content(batch, index) == self.content for index in np.flatnonzero(same).tolist())


@dataclass(frozen=True, slots=True)
class Feed:
    """An input in waiting.

    Attributes:
        start: time of its first packet in nanoseconds, ``None`` where it has none.
        first: its first frame, ``None`` where it has none.
        frames: begins to read it; the argument is how many inputs are open at the same time.
    """

    start: int | None
    first: FirstFrame | None
    frames: Callable[[int], Iterator[FrameBatch]]


@dataclass(slots=True)
class Piece:
    """Frames read but not yet passed on, with the lane's clock at each."""

    batch: FrameBatch
    clock: Times
    on_loan: bool = True

    def split(self, count: int) -> tuple[Piece, Piece]:
        """The first ``count`` frames, and the others."""
        head, tail = slice(None, count), slice(count, None)
        return (
            Piece(self.batch.take(head), self.clock[head], self.on_loan),
            Piece(self.batch.take(tail), self.clock[tail], self.on_loan),
        )


class Lane:
    """Files of one capture point, one after the other, with a look at what comes next.

    Attributes:
        pieces: what was read ahead, in order; only the last can be on loan from its reader.
        latest: the clock after the last frame read.
        ended: there is nothing more to read.
    """

    def __init__(self) -> None:
        self.pieces: list[Piece] = []
        self.latest: int | None = None
        self.ended = True
        self._files: deque[Iterator[FrameBatch]] = deque()
        self._disorder = 0
        self._held = 0

    def append(self, frames: Iterator[FrameBatch]) -> None:
        """Go on with another file after those it has."""
        self._files.append(frames)
        self.ended = False

    def read_on(self) -> bool:
        """Read one batch more; ``False`` at the end."""
        if self.pieces and self.pieces[-1].on_loan:
            self.pieces[-1] = _kept(self.pieces[-1])
            self._held += len(self.pieces[-1].batch.data)
        batch = self._next()
        if batch is None:
            self.ended = True
            return False
        clock = running_times(batch.time, self.latest)
        if clock is not batch.time:
            self._disorder = max(self._disorder, disorder(batch.time, clock))
        self.latest = int(clock[-1])
        self.pieces.append(Piece(batch, clock))
        return True

    def drain(self) -> Iterator[FrameBatch]:
        """All that is left, as it comes."""
        while self.pieces:
            yield self.pieces.pop(0).batch
        while (batch := self._next()) is not None:
            yield batch
        self.ended = True

    def _next(self) -> FrameBatch | None:
        while self._files:
            if (batch := next(self._files[0], None)) is not None:
                return batch
            self._files.popleft()
        return None

    def take_before(self, limit: int) -> list[Piece]:
        """Remove and return the frames whose clock is below ``limit``."""
        taken: list[Piece] = []
        while self.pieces and self.pieces[0].clock[0] < limit:
            piece = self.pieces.pop(0)
            if piece.clock[-1] >= limit:
                piece, rest = piece.split(int(np.searchsorted(piece.clock, limit)))
                self.pieces.insert(0, rest)
            elif not piece.on_loan:
                self._held -= len(piece.batch.data)
            taken.append(piece)
        return taken

    @property
    def full(self) -> bool:
        """Whether it holds as much as it may."""
        return self._held > READ_AHEAD_BYTES

    def outlasts(self, feed: Feed) -> bool:
        """Whether its file goes on beside ``feed``'s, so that the two have to be merged, not joined.

        A file is allowed to outlast the beginning of its successor by the disorder seen inside it: a capture that was
        cut in two is as ragged at the cut as anywhere. But where it contains the other's first frame and goes on, the
        two overlap, however short they are. (Where it ends with that frame, a span port may have doubled it.)
        """
        if feed.start is None:
            return False
        while True:
            slack = min(MAX_SLACK, max(JITTER, 2 * self._disorder))
            if self.latest is not None and self.latest > feed.start + slack:
                return True
            if self.full:
                return True
            if not self.read_on():
                break
        if self.latest is None or self.latest <= feed.start or feed.first is None or not self.pieces:
            return False
        *earlier, last = (piece.batch for piece in self.pieces)
        return any(map(feed.first.stands_in, [*earlier, last.take(slice(None, -1))]))


def _kept(piece: Piece) -> Piece:
    """The same frames over a private copy of just their bytes."""
    batch = piece.batch
    begin = int(batch.start[0])
    end = int(batch.start[-1] + batch.captured[-1])
    kept = replace(batch, data=batch.data[begin:end].copy(), start=batch.start - begin)
    return Piece(kept, piece.clock, on_loan=False)


def _content(batch: FrameBatch, index: int) -> bytes:
    begin = int(batch.start[index])
    return batch.data[begin : begin + int(batch.captured[index])].tobytes()
