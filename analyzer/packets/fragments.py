"""IP fragments back to datagrams (RFC 791 section 3.2, RFC 8200 section 4.5), within bounds.

Of two copies of a fragment the first wins, of two that overlap the one that begins earlier; copies that
differ are counted. A datagram whose first fragment shows ports that nobody asked for is forgotten, so that
other traffic costs little.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

MAX_DATAGRAMS = 4096
"""Datagrams remembered. A link fragments few datagrams at a time; a flood stops here."""

MAX_BYTES = 16 << 20
"""Bytes waiting in all datagrams, 256 of the largest size; each fragment counts :data:`PIECE_OVERHEAD` besides."""

PIECE_OVERHEAD = 128
"""Bytes of memory that a fragment takes beyond its own: without it, a flood of tiny ones would be free."""

MAX_PIECES = 1024
"""Fragments of one datagram: 64 KB in pieces of 64 bytes; smaller ones are an attack on reassembly."""

MAX_DATAGRAM = 65_535
TIMEOUT = 30_000_000_000
"""Nanoseconds of packet time; RFC 791 suggests 15 s, RFC 8200 demands 60 s, Linux uses 30 s."""

Key = tuple[int, int, int, int]


class Piece(NamedTuple):
    """One fragment: position in the datagram, its bytes, and whether more follow."""

    position: int
    data: bytes
    more: bool


@dataclass(slots=True)
class _Datagram:
    """A datagram in the making.

    Attributes:
        time: of its first fragment captured.
        pieces: bytes by position.
        size: of all pieces together; more than the datagram's where they overlap.
        cost: what it counts towards :data:`MAX_BYTES`.
        length: of the whole datagram, known once the last fragment is here.
        ignored: nobody asked for its ports.
        done: hashes of its pieces by position, once it was whole: late copies of them begin no new datagram.
    """

    time: int
    pieces: dict[int, bytes] = field(default_factory=dict)
    size: int = 0
    cost: int = 0
    length: int | None = None
    ignored: bool = False
    done: dict[int, int] | None = None


class FragmentBuffer:
    """Collects fragments until a datagram is whole.

    Args:
        is_wanted: tells from a datagram's protocol and first bytes whether anybody asked for it.
        reasons: counts what was given up, by reason.
    """

    def __init__(self, is_wanted: Callable[[int, bytes], bool], reasons: Counter[str]) -> None:
        self._is_wanted = is_wanted
        self._reasons = reasons
        self._waiting: dict[Key, _Datagram] = {}  # oldest first
        self._bytes = 0

    def add(self, key: Key, piece: Piece, time: int) -> bytes | None:
        """Take one fragment of datagram ``key`` (source, destination, protocol, identification).

        Returns:
            The datagram's payload once it is whole, else ``None``.
        """
        if piece.position + len(piece.data) > MAX_DATAGRAM or (piece.more and not piece.data):
            self._reasons["ip-fragment-bad"] += 1
            return None
        self.expire(time)
        datagram = self._waiting.get(key)
        if datagram is not None and datagram.done is not None:
            if datagram.done.get(piece.position) == hash(piece.data):
                return None
            self._forget(key)  # identifications are used again: this is another datagram
            datagram = None
        opens = not piece.position
        wanted = opens and self._is_wanted(key[2], piece.data)
        if datagram is not None and datagram.ignored and wanted:
            self._forget(key)
            datagram = None
        if datagram is None:
            datagram = self._waiting[key] = _Datagram(time)
        if datagram.ignored:
            return None
        if opens and not wanted:
            self._bytes -= datagram.cost
            self._waiting[key] = _Datagram(datagram.time, ignored=True)
        else:
            self._keep(datagram, piece)
        self._make_room()
        if datagram.length is None or datagram.size < datagram.length or self._waiting.get(key) is not datagram:
            return None
        return self._join(datagram)

    def expire(self, time: int) -> None:
        """Drop datagrams older than :data:`TIMEOUT` at packet time ``time``."""
        while self._waiting:
            key, datagram = next(iter(self._waiting.items()))
            if time - datagram.time <= TIMEOUT:
                return
            self._drop(key, "ip-fragment-incomplete")

    def finish(self) -> None:
        """Drop everything; what was waiting is counted as incomplete."""
        for key in list(self._waiting):
            self._drop(key, "ip-fragment-incomplete")

    def _keep(self, datagram: _Datagram, piece: Piece) -> None:
        known = datagram.pieces.get(piece.position)
        if known is None and len(datagram.pieces) >= MAX_PIECES:
            self._reasons["ip-fragment-flood"] += 1
            return
        if not piece.more and datagram.length is None:
            datagram.length = piece.position + len(piece.data)
        if known is not None:
            common = min(len(known), len(piece.data))
            if known[:common] != piece.data[:common]:
                self._reasons["ip-fragment-conflict"] += 1
        added = len(piece.data) - (0 if known is None else len(known))
        if known is not None and added <= 0:
            return
        datagram.pieces[piece.position] = piece.data if known is None else known + piece.data[len(known) :]
        datagram.size += added
        cost = added + (PIECE_OVERHEAD if known is None else 0)
        datagram.cost += cost
        self._bytes += cost

    def _join(self, datagram: _Datagram) -> bytes | None:
        """The datagram's bytes, or ``None`` while a hole is left. Where pieces overlap the earlier position wins."""
        assert datagram.length is not None  # noqa: S101 - the caller looked
        whole = bytearray()
        conflict = False
        for position, data in sorted(datagram.pieces.items()):
            if position > len(whole):
                return None
            common = min(len(whole) - position, len(data))
            conflict |= whole[position : position + common] != data[:common]
            whole += data[len(whole) - position :]
        if len(whole) < datagram.length:
            return None
        if conflict:
            self._reasons["ip-fragment-conflict"] += 1
        datagram.done = {position: hash(data) for position, data in datagram.pieces.items()}
        cost = len(datagram.done) * PIECE_OVERHEAD
        self._bytes += cost - datagram.cost
        datagram.cost = cost
        datagram.pieces.clear()
        return bytes(whole[: datagram.length])

    def _make_room(self) -> None:
        while len(self._waiting) > MAX_DATAGRAMS or self._bytes > MAX_BYTES:
            self._drop(next(iter(self._waiting)), "ip-fragment-flood")

    def _forget(self, key: Key) -> None:
        self._bytes -= self._waiting.pop(key).cost

    def _drop(self, key: Key, reason: str) -> None:
        datagram = self._waiting[key]
        self._forget(key)
        if not datagram.ignored and datagram.done is None:
            self._reasons[reason] += 1
