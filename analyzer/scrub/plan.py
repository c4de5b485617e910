"""Which bytes stand for which stretch of a conversation: the map from what was said to what is shown.

The map is monotone, so it serves sequence and acknowledgement numbers alike, whatever a segment begins and ends
with. A stretch is shown as it is, of the same length; or it is replaced as a whole, and then everything inside it
belongs to its last byte: the segment that ends it carries the replacement, however the stretch was cut, so that neither
lengths nor numbers of segments tell how long it was. What no stretch covers is never shown.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import accumulate, pairwise

from analyzer.scrub.spool import Spool
from analyzer.streams.sequence import MODULUS, distance

MAX_PIECES = 4_000_000
"""Stretches of all plans of a run, finished or not: some 100 MB. A conversation has a dozen of them, or one for each
packet that was lost."""

MAX_CONVERSATIONS = 1_000_000
"""Plans of a run, at some 500 bytes each."""

BUFFERED = 1 << 12
"""Bytes of one side shown as they are that are kept before they go to the spool: longer stretches, fewer pieces."""

NEIGHBOURS = 8
"""Conversations of the same endpoints among which that of a segment is looked for, before and after its time."""

MISSING = -1
"""In place of a place in the spool: bytes of this stretch were never seen."""


@dataclass(slots=True)
class StreamPlan:
    """One direction.

    Attributes:
        start: sequence number of its first byte.
        old, new: where each piece ends, in the stream as it was and as it is shown.
        where: place of its bytes in the spool, or :data:`MISSING`.
        whole: 1 where the piece is replaced as a whole.
        last: where the last segment looked at began; in streams longer than 2 GB, sequence numbers come again.
        sent: how far segments that were looked at go.
    """

    start: int = 0
    old: array[int] = field(default_factory=lambda: array("q"))
    new: array[int] = field(default_factory=lambda: array("q"))
    where: array[int] = field(default_factory=lambda: array("q"))
    whole: array[int] = field(default_factory=lambda: array("b"))
    last: int = 0
    sent: int = 0

    @property
    def length(self) -> int:
        """Bytes of the stream as it was."""
        return self.old[-1] if self.old else 0

    def position(self, seq: int) -> int:
        """Where sequence number ``seq`` lies in the stream as it was; may be before it or behind its end."""
        return self.last + distance(seq, (self.start + self.last) % MODULUS)

    def covers(self, seq: int) -> bool:
        """Whether ``seq`` is a number of this stream, of its SYN or of its FIN."""
        return -1 <= self.position(seq) <= self.length + 1

    def shown(self, position: int) -> int:
        """Where ``position`` of the stream as it was lies in the one that is shown."""
        if position <= 0 or not self.old:
            return position
        piece = bisect_left(self.old, position)
        if piece == len(self.old):
            return position - self.old[-1] + self.new[-1]
        if position == self.old[piece]:
            return self.new[piece]
        begin = self.new[piece - 1] if piece else 0
        if self.whole[piece]:
            return begin
        return begin + position - (self.old[piece - 1] if piece else 0)

    def hides(self, position: int) -> bool:
        """Whether ``position`` lies inside a stretch that is replaced as a whole, not at an end of it."""
        if position <= 0:
            return False
        piece = bisect_left(self.old, position)
        return piece < len(self.old) and position != self.old[piece] and bool(self.whole[piece])

    def sequence(self, seq: int) -> int:
        """The sequence number that stands for ``seq``."""
        return (self.start + self.shown(self.position(seq))) % MODULUS

    def read(self, begin: int, end: int, spool: Spool) -> bytes:
        """Bytes ``begin`` to ``end`` of the stream that is shown; those up to the first one that was never seen."""
        parts = []
        piece = bisect_right(self.new, begin)
        while begin < end and piece < len(self.new) and self.where[piece] != MISSING:
            first = self.new[piece - 1] if piece else 0
            stop = min(end, self.new[piece])
            parts.append(spool.read(self.where[piece] + begin - first, stop - begin))
            begin = stop
            piece += 1
        return b"".join(parts)


@dataclass(slots=True)
class Plan:
    """One conversation.

    Attributes:
        key: its endpoints, see :mod:`analyzer.streams.keys`.
        start: nanoseconds of its first packet.
        directions: of the lower and the higher endpoint.
    """

    key: bytes
    start: int
    directions: tuple[StreamPlan, StreamPlan]

    @property
    def pieces(self) -> int:
        """Stretches of both directions."""
        return sum(len(direction.old) for direction in self.directions)


class Room:
    """Stretches for which there is room in all plans of a run together.

    Attributes:
        left: so many more.
    """

    __slots__ = ("left",)

    def __init__(self, left: int) -> None:
        self.left = left


class StreamWriter:
    """Writes the plan of one direction, in the order of the stream.

    Args:
        spool: takes the bytes that are shown.
        room: shared by all plans.

    Attributes:
        full: there was no room for all of it.
    """

    __slots__ = ("_later", "_literal", "_plan", "_room", "_spool", "full")

    def __init__(self, spool: Spool, room: Room) -> None:
        self._spool = spool
        self._room = room
        self.full = False
        self._plan = StreamPlan()
        self._literal = bytearray()
        self._later: dict[int, Callable[[], bytes]] = {}

    def show(self, data: bytes) -> None:
        """The next bytes, in a form of the same length that may be shown."""
        self._literal += data
        if len(self._literal) >= BUFFERED:
            self._flush()

    def replace(self, size: int, shown: bytes) -> None:
        """In place of the next ``size`` bytes stands ``shown``."""
        self._flush()
        self._add(size, len(shown), self._spool.append(shown), whole=True)

    def replace_later(self, size: int, decide: Callable[[], bytes]) -> None:
        """In place of the next ``size`` bytes stands what ``decide`` says when the conversation is over."""
        self._flush()
        self._later[len(self._plan.old)] = decide
        self._add(size, 0, MISSING, whole=True)

    def miss(self, size: int, shown: int) -> None:
        """The next ``size`` bytes are missing; let it be ``shown``."""
        self._flush()
        self._add(size, shown, MISSING, whole=size != shown)

    @property
    def size(self) -> int:
        """Bytes of the stream so far, as it was."""
        return self._plan.length + len(self._literal)

    @property
    def undecided(self) -> int:
        """Stretches that wait for the end of the conversation."""
        return len(self._later)

    def discard(self) -> None:
        """Nobody needs the plan."""
        self._room.left += len(self._plan.old)
        self._plan = StreamPlan()

    def finish(self, start: int, fin: int | None) -> StreamPlan:
        """The plan of a direction, which is of no use where the writer is :attr:`full`.

        Args:
            start: sequence number of its first byte.
            fin: sequence number of its FIN. Where the last bytes are missing, so may seem the number that FIN takes up.
        """
        self._flush()
        plan = self._plan
        plan.start = start
        if self.full:
            return plan
        if fin is not None and plan.where and plan.where[-1] == MISSING and plan.length == distance(fin, start) + 1:
            plan.old[-1] -= 1
        if self._later:
            sizes = [end - begin for begin, end in pairwise((0, *plan.new))]
            for piece, decide in self._later.items():
                shown = decide()
                plan.where[piece] = self._spool.append(shown)
                sizes[piece] = len(shown)
            plan.new = array("q", accumulate(sizes))
        return plan

    def _flush(self) -> None:
        if self._literal:
            data = bytes(self._literal)
            self._literal.clear()
            self._add(len(data), len(data), self._spool.append(data), whole=False)

    def _add(self, size: int, shown: int, where: int, *, whole: bool) -> None:
        plan, room = self._plan, self._room
        begin, at = (plan.old[-1], plan.new[-1]) if plan.old else (0, 0)
        if not whole and plan.old and self._continues(where):
            plan.old[-1] += size
            plan.new[-1] += size
            return
        if room.left <= 0:
            self.full = True
            return
        room.left -= 1
        plan.old.append(begin + size)
        plan.new.append(at + shown)
        plan.where.append(where)
        plan.whole.append(whole)

    def _continues(self, where: int) -> bool:
        """Whether the last piece is shown as it is, and ends in the spool at ``where``."""
        plan = self._plan
        begin = plan.new[-2] if len(plan.new) > 1 else 0
        return not plan.whole[-1] and plan.where[-1] != MISSING and plan.where[-1] + plan.new[-1] - begin == where


class Plans:
    """The plans of a run, found by endpoints and time.

    Attributes:
        room: for their pieces.
        refused: conversations for whose plans there was no room.
    """

    def __init__(self, *, most_pieces: int = MAX_PIECES, most: int = MAX_CONVERSATIONS) -> None:
        self._by_key: dict[bytes, list[Plan]] = {}
        self._count = 0
        self._most = most
        self.room = Room(most_pieces)
        self.refused = 0

    def __len__(self) -> int:
        return self._count

    def add(self, plan: Plan) -> bool:
        """Keep ``plan``, if there is room for it."""
        if self._count >= self._most:
            self.room.left += plan.pieces
            self.refused += 1
            return False
        self._count += 1
        insort(self._by_key.setdefault(plan.key, []), plan, key=_start_of)
        return True

    def find(self, key: bytes, time: int, seq: int, *, upward: bool) -> Plan | None:
        """The conversation that a segment belongs to.

        Args:
            key: its endpoints.
            time: when it was captured, nanoseconds; where packets have no times or false ones, its number decides.
            seq: its sequence number.
            upward: its sender is the lower endpoint.
        """
        known = self._by_key.get(key, ())
        if len(known) <= 1:
            return known[0] if known else None
        at = bisect_right(known, time, key=_start_of)
        begun = known[max(at - NEIGHBOURS, 0) : at][::-1]
        fitting = (plan for plan in (*begun, *known[at : at + NEIGHBOURS]) if plan.directions[not upward].covers(seq))
        return next(fitting, begun[0] if begun else known[0])


def _start_of(plan: Plan) -> int:
    return plan.start
