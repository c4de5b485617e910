"""Handshake messages from the plaintext handshake records of one side (RFC 8446 section 4, RFC 5246 section 7.4).

Messages are independent of records: one may span many, one record may hold several.
"""

from __future__ import annotations

from typing import Final

from analyzer.tls.code_points import CLIENT_HELLO, SERVER_HELLO

MAX_HELLO: Final = 0xFFFF
"""Longest hello that is collected, in bytes. Post-quantum key shares and session tickets make hellos of a few
kilobytes; the extensions of a hello cannot exceed this by much, and a peer may announce 16 MB."""

_HEADER_SIZE: Final = 4
_HELLOS: Final = (CLIENT_HELLO, SERVER_HELLO)


class HandshakeReader:
    """Reassembles hellos; of other messages it tells the type and keeps nothing."""

    __slots__ = ("_buffer", "_skip", "_wanted")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._wanted = _HEADER_SIZE  # bytes that complete the header, then the hello, in the buffer
        self._skip = 0

    def feed(self, data: bytes) -> list[tuple[int, bytes | None]]:
        """Take the next handshake bytes; return the messages they bring as type and body.

        A hello is returned when it is complete; its body is ``None`` when it is longer than :data:`MAX_HELLO`.
        Any other message is returned, without a body, when its header is complete.
        """
        messages: list[tuple[int, bytes | None]] = []
        buffer = self._buffer
        size = len(data)
        at = 0
        while at < size:
            if self._skip:
                step = min(self._skip, size - at)
                self._skip -= step
                at += step
                continue
            step = self._wanted - len(buffer)
            buffer += data[at : at + step]
            at += step
            if at > size:
                break
            kind = buffer[0]
            length = buffer[1] << 16 | buffer[2] << 8 | buffer[3]
            if kind not in _HELLOS or length > MAX_HELLO:
                messages.append((kind, None))
                self._skip = length
            elif self._wanted < _HEADER_SIZE + length:
                self._wanted += length
                continue
            else:
                messages.append((kind, bytes(buffer[_HEADER_SIZE:])))
            buffer.clear()
            self._wanted = _HEADER_SIZE
        return messages
