"""Segments in, conversations out: ordered bytes of both directions, with holes marked.

Most flows of most captures are in order, which vector arithmetic shows for a whole batch at once
(:mod:`.grouping`); their payload is delivered turn by turn. The rest goes through :mod:`.reassembly` one segment
at a time. Both paths give the same result.
"""

from analyzer.streams.conversation import CLIENT, SERVER, Conversation, Listener, Turns
from analyzer.streams.tracker import ConversationTracker, Limits

__all__ = ["CLIENT", "SERVER", "Conversation", "ConversationTracker", "Limits", "Listener", "Turns"]
