"""The first pass: a run over frames, after which there is a plan for every conversation that is shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import partial

from analyzer.capture.frames import FrameBatch
from analyzer.packets import SUBMISSION_PORTS, SegmentDecoder
from analyzer.scrub.observer import PlanningObserver, Policy
from analyzer.scrub.plan import Plans
from analyzer.scrub.spool import Spool
from analyzer.streams import Conversation, ConversationTracker, Limits, Listener


class Survey:
    """One run over frames in capture order, after which there is a plan for every conversation that is shown.

    Args:
        policy: what is shown.
        spool: takes the bytes that are.
        plans: takes the plans.
        ports: TCP ports of interest.
        limits: bounds on memory.

    Attributes:
        frames: seen so far.
        counts: what was blanked: ``credentials``, ``lines``, ``replies``, ``messages``; and limits that were hit.
        conversations: that are shown.
        others: conversations on the ports of interest that are neither SMTP nor TLS.
    """

    def __init__(
        self,
        policy: Policy,
        spool: Spool,
        plans: Plans,
        ports: Iterable[int] = SUBMISSION_PORTS,
        limits: Limits | None = None,
    ) -> None:
        self._plans = plans
        self._decoder = SegmentDecoder(ports)
        self.counts: Counter[str] = Counter()
        listen = partial(PlanningObserver, policy=policy, spool=spool, room=plans.room, counts=self.counts)
        self._tracker = ConversationTracker(listen, self._close, self._decoder.ports, limits)
        self.frames = self.conversations = self.others = 0

    @property
    def undecoded(self) -> Counter[str]:
        """Frames that could not be read, by reason."""
        return self._decoder.undecoded

    @property
    def oddities(self) -> Counter[str]:
        """Peculiarities that belong to no single conversation, counted."""
        return self._tracker.oddities

    def feed(self, batch: FrameBatch) -> None:
        """Take the next frames."""
        self.frames += len(batch)
        self._tracker.add(self._decoder.decode(batch))

    def finish(self) -> None:
        """The input has ended: plan the conversations that are still open."""
        self._decoder.finish()
        self._tracker.finish()

    def _close(self, conversation: Conversation, listener: Listener) -> None:
        assert isinstance(listener, PlanningObserver)  # noqa: S101 - the tracker got them from nowhere else
        plan = listener.plan(conversation)
        if listener.full:
            self._plans.refused += 1
        elif plan is None:
            self.others += 1
        elif self._plans.add(plan):
            self.conversations += 1
