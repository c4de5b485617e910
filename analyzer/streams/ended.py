"""What is remembered of a conversation that is over."""

from __future__ import annotations

from analyzer.packets.segments import ACK, RST, SYN
from analyzer.streams.conversation import Conversation
from analyzer.streams.doubt import Segment
from analyzer.streams.sequence import LATE_WINDOW, MODULUS, distance


class Ended:
    """Enough to tell late copies of its segments from the beginning of another one between the same endpoints.

    Busy captures hold many more of these than of open conversations, so it is small.

    Attributes:
        heard: time of the last segment, nanoseconds.
    """

    __slots__ = ("_first", "_first_down", "_next", "_next_down", "_said", "_said_down", "heard")

    def __init__(self, conversation: Conversation) -> None:
        client, server = conversation.directions
        up, down = (server, client) if conversation.flipped else (client, server)
        # Sequence number of the first byte and of the next one, where known, and payload bytes, upward and downward.
        self._first = up.origin if up.first is None else up.first
        self._first_down = down.origin if down.first is None else down.first
        self._next = up.next if up.seen else None
        self._next_down = down.next if down.seen else None
        self._said, self._said_down = up.payload, down.payload
        self.heard = conversation.heard

    def expects(self, segment: Segment, linger: int) -> bool:
        """Whether ``segment``, which is then heard, may be a late copy. ``linger``: for how many nanoseconds."""
        if segment.time - self.heard > linger:
            return False
        first, following, said = self._first, self._next, self._said
        if segment.down:
            first, following, said = self._first_down, self._next_down, self._said_down
        seq, flags = segment.seq, segment.flags
        near = following is None or -said - LATE_WINDOW < distance(seq, following) < LATE_WINDOW
        if not near and not flags & RST:
            return False
        if flags & SYN and not flags & ACK and first not in (None, (seq + 1) % MODULUS):
            return False
        self.heard = max(self.heard, segment.time)
        return True
