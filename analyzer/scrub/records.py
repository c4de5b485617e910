"""TLS records let through, and nothing that is none (RFC 8446 section 5.1).

Records are ciphertext, or handshakes in which no password is. What does not lie within the chain of records is not
shown; after missing bytes the chain begins anew only where two headers prove it.
"""

from __future__ import annotations

from typing import Final

from analyzer.tls.recognition import HEADER_SIZE, MAX_RECORD

_CONTENT_TYPES: Final = range(0x14, 0x19)
_SSL2_HEADER: Final = 3
_MAX_SSL2_HELLO: Final = 512
"""An SSLv2-compatible ClientHello is never longer in practice; it names ciphers at three bytes each."""


class RecordFilter:
    """Follows one direction's records.

    Attributes:
        lost: where the next record begins is not known.
    """

    __slots__ = ("_begun", "_header", "_left", "lost")

    def __init__(self) -> None:
        self._header = b""  # the beginning of one
        self._left = 0  # bytes of the present record that are still to come
        self._begun = False
        self.lost = False

    def feed(self, data: bytes) -> list[tuple[int, bool]]:
        """Take the next bytes.

        Returns:
            Stretches of ``data`` in order: how long, and whether they may be shown. Header bytes cut off by the end of
            ``data`` may be: they are at most four.
        """
        found: list[tuple[int, bool]] = []
        at = 0
        if self.lost and data:
            skipped = _first_of_two(data)
            if skipped is None:
                return [(len(data), False)]
            if skipped:
                found.append((skipped, False))
            at, self.lost, self._header, self._left = skipped, False, b"", 0
        begin = at
        while at < len(data):
            if self._left:
                step = min(self._left, len(data) - at)
                self._left -= step
                at += step
                continue
            need = HEADER_SIZE - len(self._header)
            self._header += data[at : at + need]
            size = _size(self._header, first=not self._begun)
            if size is None:
                self.lost = True
                if at > begin:
                    found.append((at - begin, True))
                found.append((len(data) - at, False))
                return found
            at = min(at + need, len(data))
            if len(self._header) == HEADER_SIZE:
                self._left, self._header, self._begun = size, b"", True
        if at > begin:
            found.append((at - begin, True))
        return found

    def gap(self, size: int | None) -> None:
        """``size`` bytes are missing."""
        if size is not None and not self._header and size <= self._left:
            self._left -= size
        else:
            self.lost = True


def _size(header: bytes, *, first: bool) -> int | None:
    """Bytes that follow a record's header, as far as it is there; ``None`` where it is none."""
    if first and header[0] & 0x80:
        hello = int.from_bytes(header[:2], "big") & 0x7FFF
        fits = len(header) < _SSL2_HEADER or (header[2] == 1 and _SSL2_HEADER <= hello <= _MAX_SSL2_HELLO)
        return hello - (HEADER_SIZE - 2) if fits else None
    size = int.from_bytes(header[3:5], "big")
    fits = header[0] in _CONTENT_TYPES and header[1:2] in (b"", b"\3") and header[2:3] <= b"\4" and size <= MAX_RECORD
    return size if fits else None


def _first_of_two(data: bytes) -> int | None:
    """Where in ``data`` a record begins behind which another one follows, or the data ends."""
    at = data.find(b"\3", 1)
    while at > 0:
        begin = at - 1
        header = data[begin : begin + HEADER_SIZE]
        if len(header) == HEADER_SIZE and (size := _size(header, first=False)):
            following = data[begin + HEADER_SIZE + size :][:HEADER_SIZE]
            beyond = begin + HEADER_SIZE + size >= len(data)
            if (beyond and not begin) or (following and _size(following, first=False) is not None):
                return begin
        at = data.find(b"\3", at + 1)
    return None
