"""IP fragments back to datagrams (RFC 791 section 3.2, RFC 8200 section 4.5), within bounds.

Of two copies of a fragment the first wins, of two that overlap the one that begins earlier; copies that
differ are counted. A datagram whose first fragment shows TCP ports that nobody asked for is forgotten, so that
other traffic costs little.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

MAX_DATAGRAMS = 4096
"""Datagrams waiting for fragments. A link fragments few datagrams at a time; a flood stops here."""

MAX_BYTES = 16 << 20
"""Bytes waiting in all datagrams, 256 of the largest size."""

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
    time: int
    pieces: dict[int, bytes] = field(default_factory=dict)
    size: int = 0
    length: int | None = None  # known once the last fragment is here
    ignored: bool = False


class FragmentBuffer:
    """Collects fragments until a datagram is whole."""

    def __init__(self, is_port: Callable[[int], bool], reasons: Counter[str]) -> None:
        self._is_port = is_port
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
        datagram = self._waiting.get(key)
        if datagram is not None and time - datagram.time > TIMEOUT:
            self._drop(key, "ip-fragment-incomplete")
            datagram = None
        if datagram is None:
            self._make_room(len(piece.data))
            datagram = self._waiting[key] = _Datagram(time)
        if datagram.ignored:
            return None
        if not piece.position and key[2] == 6 and not self._wanted(piece.data):
            self._forget(datagram)
            return None
        self._keep(datagram, piece)
        if datagram.length is None or datagram.size < datagram.length:
            return None
        whole = _join(datagram)
        if whole is not None:
            self._bytes -= sum(map(len, datagram.pieces.values()))
            del self._waiting[key]
        return whole

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

    def _wanted(self, head: bytes) -> bool:
        return len(head) < 4 or any(self._is_port(int.from_bytes(head[i : i + 2], "big")) for i in (0, 2))

    def _keep(self, datagram: _Datagram, piece: Piece) -> None:
        known = datagram.pieces.get(piece.position)
        if known is not None and len(known) >= len(piece.data):
            if known[: len(piece.data)] != piece.data:
                self._reasons["ip-fragment-conflict"] += 1
            return
        if known is None and len(datagram.pieces) >= MAX_PIECES:
            self._reasons["ip-fragment-flood"] += 1
            return
        data = piece.data if known is None else known + piece.data[len(known) :]
        added = len(data) - (len(known) if known is not None else 0)
        datagram.pieces[piece.position] = data
        datagram.size += added
        self._bytes += added
        if not piece.more and datagram.length is None:
            datagram.length = piece.position + len(piece.data)

    def _forget(self, datagram: _Datagram) -> None:
        self._bytes -= sum(map(len, datagram.pieces.values()))
        datagram.pieces.clear()
        datagram.ignored = True

    def _make_room(self, size: int) -> None:
        while self._waiting and (len(self._waiting) >= MAX_DATAGRAMS or self._bytes + size > MAX_BYTES):
            self._drop(next(iter(self._waiting)), "ip-fragment-flood")

    def _drop(self, key: Key, reason: str) -> None:
        datagram = self._waiting.pop(key)
        self._bytes -= sum(map(len, datagram.pieces.values()))
        if not datagram.ignored:
            self._reasons[reason] += 1


def _join(datagram: _Datagram) -> bytes | None:
    """The datagram's bytes, or ``None`` while a hole is left. Where pieces overlap the earlier position wins."""
    assert datagram.length is not None  # noqa: S101 - the caller looked
    whole = bytearray()
    for position, data in sorted(datagram.pieces.items()):
        if position > len(whole):
            return None
        whole += data[len(whole) - position :]
    return bytes(whole[: datagram.length]) if len(whole) >= datagram.length else None
