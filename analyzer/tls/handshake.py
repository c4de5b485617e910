"""Handshake messages from the plaintext handshake records of one side (RFC 8446 section 4, RFC 5246 section 7.4).

Messages are independent of records: one may span many, one record may hold several.
"""

from __future__ import annotations

from typing import Final

from analyzer.tls.certificate import LIST_HEADER, MAX_CERTIFICATE
from analyzer.tls.code_points import CERTIFICATE, CLIENT_HELLO, SERVER_HELLO

MAX_HELLO: Final = 0xFFFF
"""Longest hello that is collected, in bytes. Post-quantum key shares and session tickets make hellos of a few
kilobytes; the extensions of a hello cannot exceed this by much, and a peer may announce 16 MB."""

_HEADER_SIZE: Final = 4
_HELLOS: Final = (CLIENT_HELLO, SERVER_HELLO)


class HandshakeReader:
    """Reassembles hellos and first certificates; of other messages it tells the type and keeps nothing."""

    __slots__ = ("_buffer", "_skip", "_wanted")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._wanted = _HEADER_SIZE  # bytes that tell what more is wanted, or complete what is
        self._skip = 0

    def feed(self, data: bytes) -> list[tuple[int, bytes | None]]:
        """Take the next handshake bytes; return the messages they bring as type and body.

        A hello is returned when it is complete; its body is ``None`` when it is longer than :data:`MAX_HELLO`.
        Any other message is returned, without a body, when its header is complete. A Certificate is returned once
        more with its body when that is complete up to the end of the first certificate, or up to its length where
        that cannot be right or is more than :data:`~analyzer.tls.certificate.MAX_CERTIFICATE`.
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
            collected = kind in _HELLOS and length <= MAX_HELLO
            if not collected and len(buffer) == _HEADER_SIZE:
                messages.append((kind, None))
            if collected or kind == CERTIFICATE:
                wanted = _HEADER_SIZE + (length if collected else _first_certificate(buffer, length))
                if wanted > len(buffer):
                    self._wanted = wanted
                    continue
                messages.append((kind, bytes(buffer[_HEADER_SIZE:])))
            self._skip = _HEADER_SIZE + length - len(buffer)
            buffer.clear()
            self._wanted = _HEADER_SIZE
        return messages


def _first_certificate(message: bytearray, length: int) -> int:
    """Where the first certificate ends in the body of a Certificate message, as far as its collected bytes tell.

    ``length``: bytes of the whole body.
    """
    begin = _HEADER_SIZE + LIST_HEADER
    if length < LIST_HEADER or len(message) < begin:
        return min(length, LIST_HEADER)
    end = LIST_HEADER + int.from_bytes(message[begin - 3 : begin], "big")
    return end if end <= min(length, LIST_HEADER + MAX_CERTIFICATE) else LIST_HEADER
