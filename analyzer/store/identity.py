"""Which views are of the same session, and which view of each one counts.

A view is one sensor's account of one conversation. Two views are of the same conversation if their endpoints are the
same and

- both saw the client's SYN, its sequence number is the same, and they overlap in time; or
- one of them did not see it, and they overlap in time.

Clocks of sensors may differ by up to :data:`CLOCKS_DIFFER`. All views are kept, and what counts is worked out from the
set of them: so neither the order in which they came nor their grouping can matter.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Final, NamedTuple

from analyzer.inventory.session import Session

CLOCKS_DIFFER: Final = 5_000_000_000
"""Nanoseconds. Machines that keep time by NTP differ by far less."""

MOST_VIEWS: Final = 4096
"""Views of the same endpoints that are looked at together, because each overlaps the next. Sensors of one network are
a handful; more means a client that uses one port over and over, and each ingest would look at all of them again."""


class View(NamedTuple):
    """One view, as far as the decision needs it.

    Attributes:
        start, end: nanoseconds. serial: the client's sequence number; ``None`` where its SYN was not seen.
        rank: how much it tells, see :func:`rank_of`.
        messages: accepted in it.
        client, port, facts: the rest of what tells it from other views of the same endpoints.
        row: where it is stored; ``None`` while it is not.
        counts: whether it is the one that counts, as stored.
    """

    start: int
    end: int
    serial: int | None
    rank: int
    messages: int
    client: str
    port: int
    facts: str
    row: int | None = None
    counts: bool = False

    @property
    def identity(self) -> tuple[object, ...]:
        """Equal for the same view, given twice."""
        return self[:8]

    @property
    def worth(self) -> tuple[object, ...]:
        """The greatest counts: what tells most, then longest, then began first; the rest decides between equals."""
        return self.rank, self.messages, self.end - self.start, -self.start, self.facts, self.client, self.port

    def touches(self, start: int, end: int) -> bool:
        """Whether it may be of the same time as what was seen from ``start`` to ``end``."""
        return self.start <= end + CLOCKS_DIFFER and start <= self.end + CLOCKS_DIFFER


def rank_of(session: Session) -> int:
    """How much a view tells: a method that was read before one that was inferred before none, then whether all of the
    conversation was seen, whether logins were, and whether nothing was missing."""
    knows = 0 if session.method == "unknown" else 1 if session.evidence == "inferred" else 2
    return knows * 8 + session.complete * 4 + bool(session.auth) * 2 + (not session.gaps)


def endpoints_key(session: Session) -> int:
    """A signed 64-bit number for the two endpoints, whichever of them was taken for the client."""
    ends = sorted(((session.client_ip, session.client_port), (session.server_ip, session.server_port)))
    return int.from_bytes(blake2b(repr(ends).encode(), digest_size=8).digest(), "big", signed=True)


def counted(views: Sequence[View]) -> set[int]:
    """Positions in ``views``, which have the same endpoints, of those that count: one for each session."""
    order = sorted(range(len(views)), key=lambda at: (views[at].start, views[at].end, views[at].worth))
    by_serial: dict[int | None, list[int]] = defaultdict(list)
    for at in order:
        by_serial[views[at].serial].append(at)
    unheard = _chains(views, by_serial.pop(None, ()))
    sessions = [chain for members in by_serial.values() for chain in _chains(views, members)]
    spans = sorted((_span(views, chain), number) for number, chain in enumerate(sessions))
    for chain in unheard:
        start, end = _span(views, chain)
        near = [
            (min(other_end, end) - max(other_start, start), -other_start, number)
            for (other_start, other_end), number in spans
            if other_start <= end + CLOCKS_DIFFER and start <= other_end + CLOCKS_DIFFER
        ]
        if near:
            sessions[max(near)[2]].extend(chain)
        else:
            sessions.append(chain)
            # no span is noted: chains of views that heard no SYN do not touch each other
    return {max(chain, key=lambda at: views[at].worth) for chain in sessions}


def _chains(views: Sequence[View], members: Iterable[int]) -> list[list[int]]:
    """``members``, in order of their start, grouped so that each touches one before it."""
    chains: list[list[int]] = []
    until = 0
    for at in members:
        if chains and views[at].start <= until + CLOCKS_DIFFER:
            chains[-1].append(at)
            until = max(until, views[at].end)
        else:
            chains.append([at])
            until = views[at].end
    return chains


def _span(views: Sequence[View], chain: Sequence[int]) -> tuple[int, int]:
    return min(views[at].start for at in chain), max(views[at].end for at in chain)
