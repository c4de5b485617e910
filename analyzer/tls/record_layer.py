"""One direction's bytes as TLS records (RFC 8446 section 5.1), stepped over without being kept.

The walk holds at most four bytes: a record header that the end of a chunk cut. Payload is handed on piece by
piece where the observer wants it (plaintext handshakes, alerts) and stepped over elsewhere, so neither a long
record nor a lying length costs memory.
"""

from __future__ import annotations

from struct import Struct
from typing import Final, Protocol

from analyzer.tls.code_points import CHANGE_CIPHER_SPEC, HEARTBEAT, SSL_3_0, TLS_1_3
from analyzer.tls.recognition import HEADER_SIZE, MAX_RECORD, is_ssl2_client_hello, looks_like_tls

RESYNC_HEADERS: Final = 2
"""Record headers that must follow one another after a gap before records count again. Random bytes look like
one header once in ten million places; a second header exactly where the first one's length says is proof."""

BULK_RECORD: Final = 1024
"""Payload size from which a run of records with equal headers is told to the observer as one: the bulk of a
message is thousands of full records, and no handshake or command turn consists of such."""

NOT_TLS: Final = "not-tls"
"""Oddity of a side whose very first bytes are not TLS."""

_parse_header = Struct(">BHH").unpack


class RecordObserver(Protocol):
    """Who is told of the records of both sides."""

    def record(self, side: int, kind: int, length: int) -> bool:
        """A record of content type ``kind`` with ``length`` bytes of payload begins; is the payload wanted?

        Of a run of records with equal headers, each at least :data:`BULK_RECORD` long, any number may be left out
        after the first.
        """

    def payload(self, side: int, kind: int, piece: bytes) -> None:
        """The next bytes of a wanted payload, cut as the chunks happened to be."""

    def ssl2_client_hello(self, side: int, version: int) -> None:
        """The stream begins with an SSLv2-compatible ClientHello that offers ``version``."""

    def payload_lost(self, side: int) -> None:
        """Bytes inside a record are missing; the record's end is known."""

    def records_lost(self, side: int) -> None:
        """Bytes are missing, and with them which records they held."""


class RecordWalk:
    """The walk along one side's byte stream.

    Attributes:
        started: a record header was seen.
        lost: where records begin is not known (any more); nothing more comes from this side.
    """

    __slots__ = ("_carry", "_kind", "_left", "_observer", "_resync", "_side", "_wanted", "lost", "started")

    def __init__(self, side: int, observer: RecordObserver) -> None:
        self._side = side
        self._observer = observer
        self._carry = b""  # start of a header; where the records ended, what stood in its place
        self._left = 0  # payload bytes of the current record that are still to come
        self._kind = 0
        self._wanted = False
        self._resync = 0  # headers still to be seen before records count
        self.started = False
        self.lost = False

    @property
    def between_records(self) -> bool:
        """What is fed next begins with a record header, and the last record ended just before it."""
        return not self._left and not self._carry and self.started and not self._resync and not self.lost

    @property
    def oddity(self) -> str | None:
        """Why the stream cannot be read (on), or ``None`` while it can."""
        if self.lost:
            if self._resync:
                return "tls-lost-after-gap"
            if self.started:
                # Servers fall back to SMTP in the clear when TLS has ended ("421 lost input connection").
                text = self._carry.decode("latin-1")
                return "clear-text-after-tls" if text.isascii() and text.isprintable() else "tls-framing-lost"
            return NOT_TLS
        if self.started or self._resync or looks_like_tls(self._carry) is not False:
            return None
        return NOT_TLS

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the stream; any chunking of them has the same outcome."""
        if self.lost:
            return
        size = len(data)
        at = self._left
        if at:
            if self._wanted:
                self._observer.payload(self._side, self._kind, data[:at])
            if at >= size:
                self._left = at - size
                return
            self._left = 0
        if self._carry:
            at = HEADER_SIZE - len(self._carry)
            header = self._carry + data[:at]
            self._carry = b""
        else:
            header = data[at : at + HEADER_SIZE]
            at += HEADER_SIZE
        while len(header) == HEADER_SIZE:
            kind, version, length = _parse_header(header)
            if (
                kind < CHANGE_CIPHER_SPEC
                or kind > HEARTBEAT
                or not SSL_3_0 <= version <= TLS_1_3
                or length > MAX_RECORD
            ):
                if self.started or self._resync or not is_ssl2_client_hello(header):
                    self.lost = True
                    self._carry = header
                    return
                self._observer.ssl2_client_hello(self._side, int.from_bytes(header[3:], "big"))
                wanted = False
                # Its length counts from behind the two length bytes; three of those bytes are in ``header``.
                length = int.from_bytes(header[:2], "big") - 0x8000 - 3
            elif self._resync:
                self._resync -= 1
                wanted = not self._resync and self._observer.record(self._side, kind, length)
            else:
                wanted = self._observer.record(self._side, kind, length)
            self.started = True
            begin = at
            at += length
            if wanted:
                self._observer.payload(self._side, kind, data[begin:at])
            elif length >= BULK_RECORD and not self._resync:
                step = HEADER_SIZE + length
                while data.startswith(header, at):
                    at += step
            if at >= size:
                self._left = at - size
                self._kind = kind
                self._wanted = wanted
                return
            header = data[at : at + HEADER_SIZE]
            at += HEADER_SIZE
        self._carry = header

    def gap(self, size: int | None) -> None:
        """``size`` bytes (``None``: unknown how many) are missing before what is fed next."""
        if self.lost:
            return
        if size is not None and size <= self._left:
            self._left -= size
            self._wanted = False
            self._observer.payload_lost(self._side)
            return
        self._left = 0
        self._carry = b""
        self._resync = RESYNC_HEADERS
        self._observer.records_lost(self._side)
