"""Message text with every letter overwritten: lines, lengths and the end of the message stay."""

from __future__ import annotations

import re

_LETTERS = bytes(byte if byte in b"\r\n." else ord("x") for byte in range(256))
_INNER_DOT = re.compile(rb"(?<=[^\n])\.")


class TextEraser:
    """Overwrites one message piece by piece."""

    __slots__ = ("_before",)

    def __init__(self) -> None:
        self._before = b"\n"  # the byte before: a dot means something at the beginning of a line only

    def erase(self, data: bytes) -> bytes:
        """``data`` with all but line ends and dots that begin a line overwritten (RFC 5321 section 4.5.2)."""
        erased = _INNER_DOT.sub(b"x", self._before + data.translate(_LETTERS))[1:]
        self._before = data[-1:] or self._before
        return erased
