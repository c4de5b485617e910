"""The second pass: every packet of a planned conversation, with the bytes that the plan has for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from analyzer.capture.frames import FrameBatch
from analyzer.packets import SUBMISSION_PORTS
from analyzer.packets.columns import Columns
from analyzer.scrub.frames import Walker
from analyzer.scrub.plan import Plans
from analyzer.scrub.segments import rewritten
from analyzer.scrub.spool import Spool

_ETHERNET = 1


class Scrubbed(NamedTuple):
    """One frame that may be shown: its time in nanoseconds, its link type, its bytes, and its length on the wire."""

    time: int
    link_type: int
    data: bytes
    wire: int


class Scrubber:
    """Gives the packets of conversations their new content.

    Args:
        plans: of the conversations; packets of no other one are shown.
        spool: what the plans show.
        ports: TCP ports of interest.

    Attributes:
        seen: frames looked at.
        kept: frames shown.
    """

    def __init__(self, plans: Plans, spool: Spool, ports: Iterable[int] = SUBMISSION_PORTS) -> None:
        self._plans = plans
        self._spool = spool
        chosen = frozenset(ports)
        self._columns = Columns(chosen, Counter())
        self._walker = Walker(chosen)
        self.seen = self.kept = 0

    def scrub(self, batch: FrameBatch) -> Iterator[Scrubbed]:
        """The frames of ``batch`` that may be shown, in order."""
        self.seen += len(batch)
        view = batch.data.data
        for at in self._candidates(batch):
            start, captured = int(batch.start[at]), int(batch.captured[at])
            shown = self.frame(
                bytes(view[start : start + captured]),
                int(batch.wire[at]),
                int(batch.time[at]),
                int(batch.link_type[at]),
            )
            if shown is not None:
                yield shown

    def frame(self, frame: bytes, wire: int, time: int, link_type: int) -> Scrubbed | None:
        """One frame as it may be shown; ``None`` where nothing of it may be.

        Args:
            frame: captured bytes.
            wire: bytes it had on the wire.
            time: nanoseconds.
            link_type: LINKTYPE number.
        """
        path = self._walker.walk(frame, wire, time, link_type)
        if path is None:
            return None
        plan = self._plans.find(path.key, time, path.seq, upward=path.upward)
        if plan is None:
            return None
        low, high = plan.directions
        own, peer = (low, high) if path.upward else (high, low)
        segment = rewritten(path, own, peer, self._spool)
        if segment is None:
            return None
        self.kept += 1
        return Scrubbed(time, link_type, segment.data, segment.wire)

    def _candidates(self, batch: FrameBatch) -> list[int]:
        """Positions of frames that a look at a few bytes does not rule out."""
        ethernet = batch.link_type == _ETHERNET
        position = np.flatnonzero(ethernet)
        plain, other = self._columns.peek(batch.data, batch.start[position], batch.captured[position])
        chosen = np.concatenate((position[plain], position[other], np.flatnonzero(~ethernet)))
        positions: list[int] = np.sort(chosen).tolist()
        return positions
