"""Finds the TLS connection in a conversation, looks whether its keys are there, and hands on its bytes if so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from analyzer.decryption.keylog import KeyRing
from analyzer.streams import Conversation, Turns

_HELLO_BYTES: Final = 43
"""Up to the end of the client random: record header, message header, version (RFC 8446 sections 5.1 and 4.1.2)."""

_RANDOM_AT: Final = 11
_HANDSHAKE, _CLIENT_HELLO, _MAJOR_VERSION = 0x16, 1, 3

_LOOKING, _FEEDING, _NOTHING = range(3)


class Sink(Protocol):
    """Where the bytes of a connection go: :class:`~analyzer.decryption.decryptor.Decryptor`."""

    def begin(self, time: int, greets: bool | None, keys: bytes) -> int:
        """A connection begins; its number."""

    def feed(self, number: int, side: int, data: bytes) -> None:
        """Its next bytes."""

    def gap(self, number: int, side: int) -> None:
        """Bytes of it are missing."""


class Tap:
    """Listens to one conversation; see :class:`analyzer.streams.Listener`.

    A ClientHello is looked for where one can begin: a piece of payload that starts with it, whoever sends it. Its
    random is that of a key we have, or not: no other bytes can be mistaken for it.

    Args:
        conversation: as it stands when its first payload arrives.
        ring: the keys there are.
        connect: where the bytes go; asked only if there are keys. ``None``: they cannot be used.

    Attributes:
        fits: the keys of the TLS connection are there.
        number: of the connection at its sink; ``None`` where there is none to decrypt.
        hidden: bytes are missing before TLS begins, so that something may have been said there.
    """

    __slots__ = (
        "_begun",
        "_client",
        "_connect",
        "_ring",
        "_said",
        "_sink",
        "_state",
        "_time",
        "fits",
        "hidden",
        "number",
    )

    def __init__(self, conversation: Conversation, ring: KeyRing, connect: Callable[[], Sink | None]) -> None:
        client, server = conversation.directions
        self.hidden = client.first is None and server.first is None
        self._time = conversation.start
        self._ring = ring
        self._connect = connect
        self._sink: Sink | None = None
        self._state = _LOOKING
        self._begun = [b"", b""]  # of each side, a piece that may be the start of a ClientHello, too short to tell
        self._said = [False, False]
        self._client = 0  # which side sent the ClientHello
        self.fits = False
        self.number: int | None = None

    def turns(self, turns: Turns) -> None:
        """The next bytes of both sides."""
        at, count = 0, len(turns.sides)
        while at < count and self._state == _LOOKING:
            self._look(turns, at)
            at += 1
        if self._state == _FEEDING and self._sink is not None and self.number is not None:
            for turn in range(at, count):
                self._sink.feed(self.number, turns.sides[turn] ^ self._client, turns.payload(turn))

    def gap(self, side: int, size: int | None, time: int) -> None:
        """Bytes of ``side`` are missing."""
        if self._state == _LOOKING:
            self.hidden = True
            self._begun[side] = b""
        elif self._state == _FEEDING and self._sink is not None and self.number is not None:
            self._sink.gap(self.number, side ^ self._client)

    def _look(self, turns: Turns, at: int) -> None:
        side, head = turns.sides[at], turns.heads[at]
        if head and not self._begun[side] and not _may_be_hello(head.to_bytes(8, "big")):
            self._said[side] = True
            return
        data = self._begun[side] + turns.payload(at)
        self._begun[side] = b""
        if not _may_be_hello(data):
            self._said[side] = True
        elif len(data) < _HELLO_BYTES:
            self._begun[side] = data
        else:
            self._begin(side, data)

    def _begin(self, side: int, data: bytes) -> None:
        self._state = _NOTHING
        random = data[_RANDOM_AT:_HELLO_BYTES]
        self.fits = random in self._ring
        if not self.fits:
            return
        self._sink = self._connect()
        if self._sink is None:
            return
        self._state, self._client = _FEEDING, side
        # A server that has said something in the clear has greeted; one that is silent waits for TLS to do so.
        greets = False if self._said[1 - side] else None if self.hidden else True
        self.number = self._sink.begin(self._time, greets, self._ring.lines(random))
        self._sink.feed(self.number, 0, data)


def _may_be_hello(data: bytes) -> bool:
    """Whether ``data``, of any length, begins like a TLS record that begins with a ClientHello."""
    return (
        data[0] == _HANDSHAKE
        and (len(data) < 2 or data[1] == _MAJOR_VERSION)
        and (len(data) < 6 or data[5] == _CLIENT_HELLO)
    )
