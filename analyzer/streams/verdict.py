"""Whether a segment between the endpoints of a conversation is its own."""

from __future__ import annotations

from typing import Literal

from analyzer.packets.segments import ACK, RST, SYN
from analyzer.streams.conversation import Conversation
from analyzer.streams.doubt import Segment
from analyzer.streams.sequence import MODULUS

Verdict = Literal["own", "over", "doubtful"]
"""It belongs to the conversation; it begins another one; or it may do so, see :mod:`.doubt`."""


def judge(conversation: Conversation, segment: Segment, idle: int, linger: int) -> Verdict:
    """Whether ``segment`` is of ``conversation``, which is not over yet.

    Args:
        conversation: between the same endpoints.
        segment: the next one captured.
        idle: nanoseconds of silence after which any segment begins another conversation.
        linger: the same once a RST was captured.
    """
    down, seq, ack, flags, _, _, time, *_ = segment
    doubt, reset = conversation.doubt, conversation.reset
    if time - conversation.heard > (linger if reset else idle):
        return "over"
    side = down ^ conversation.flipped
    own = conversation.directions[side]
    if seq == own.next and doubt is None and not flags & SYN:
        return "own"  # as most are
    known = ack if flags & ACK else None
    if flags & SYN:
        first = own.origin if own.first is None else own.first
        if first == (seq + 1) % MODULUS or (known is None and own.next is None):
            return "own"  # sent again, or captured late
        if doubt is not None and doubt.takes(segment):
            return "doubtful"
        if known is None and (reset or not any(direction.payload for direction in conversation.directions)):
            return "over"
        if not reset and (known is None or (own.seen and own.next is not None and own.lies_off(seq))):
            return "doubtful"  # anybody can inject a SYN into a live conversation
    if conversation.is_foreign(side, seq, known):
        if not flags & RST:
            return "over" if reset else "doubtful"
        return "doubtful" if doubt is not None and doubt.takes(segment) else "own"
    if doubt is not None and doubt.meets(segment):
        peer = conversation.directions[1 - side]
        continues = seq == own.next and (known is None or peer.next is None or not peer.lies_off(known))
        if flags & SYN or not continues:
            return "doubtful"
    return "own"
