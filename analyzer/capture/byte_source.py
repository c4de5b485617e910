"""Bytes of a file or pipe, read forward only."""

from __future__ import annotations

import select
from io import RawIOBase
from typing import BinaryIO, Protocol, cast


class ByteSource(Protocol):
    """Where a reader gets bytes from; ends once, and says why if it ended too early.

    ``fault`` is a sentence fragment for the user, set when the bytes stop before their proper end.
    """

    fault: str | None

    def readinto(self, view: memoryview) -> int:
        """Put at least one byte into ``view`` (which is not empty) and say how many; 0 at the end."""

    def idle(self, seconds: float) -> bool:
        """Whether nothing arrives within ``seconds``; always ``False`` for a file."""


class RawSource:
    """The bytes as they are stored.

    Never seeks. Read errors end it with a ``fault``, since what came before is still worth having.

    Attributes:
        bytes_read: bytes handed out so far.
    """

    def __init__(self, stream: BinaryIO, *, live: bool = False) -> None:
        """``live``: the bytes come from a pipe, whose writer may pause."""
        self.fault: str | None = None
        self.bytes_read = 0
        self._stream = stream
        # One system call per read, which a buffered stream does not promise: a pipe must not make us wait for more
        # than is there.
        self._unbuffered = cast(RawIOBase, getattr(stream, "raw", stream))
        self._live = live
        self._ahead = b""

    def peek(self, size: int) -> bytes:
        """The next ``size`` bytes (fewer at the end), left in place."""
        while len(self._ahead) < size:
            more = bytearray(size - len(self._ahead))
            count = self._take(memoryview(more))
            if not count:
                break
            self._ahead += more[:count]
        return self._ahead[:size]

    def readinto(self, view: memoryview) -> int:
        """See :class:`ByteSource`."""
        if self._ahead:
            count = min(len(view), len(self._ahead))
            view[:count] = self._ahead[:count]
            self._ahead = self._ahead[count:]
        else:
            count = self._take(view)
        self.bytes_read += count
        return count

    def read(self, size: int) -> bytes:
        """Up to ``size`` bytes, at least one; ``b""`` at the end."""
        chunk = bytearray(size)
        return bytes(memoryview(chunk)[: self.readinto(memoryview(chunk))])

    def idle(self, seconds: float) -> bool:
        """See :class:`ByteSource`."""
        if not self._live or self._ahead:
            return False
        try:
            return not select.select([self._stream], [], [], seconds)[0]
        except (OSError, ValueError):  # no descriptor (a stream in memory), or a system that selects on sockets only
            return False

    def close(self) -> None:
        """Give the descriptor back."""
        self._stream.close()

    def _take(self, view: memoryview) -> int:
        try:
            while (count := self._unbuffered.readinto(view)) is None:  # a descriptor someone set to non-blocking
                select.select([self._stream], [], [])
        except OSError as error:
            self.fault = f"it could not be read any further ({error.strerror or error})"
            return 0
        return int(count)
