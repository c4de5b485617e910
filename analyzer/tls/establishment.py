"""Did the handshake finish? Answered from the order and size of records, since the proof itself is encrypted.

TLS 1.2 and below (RFC 5246 section 7.3): each side's Finished is the handshake record after its ChangeCipherSpec,
and application data comes only after it. Both Finished, or application data from both sides, is proof.

TLS 1.3 (RFC 8446 section 2): everything after the ServerHello is in application-data records. The client's
first ones hold its Finished, or a fatal alert when it rejects the server. What the server sends after that is
proof if it cannot be a fatal alert, because a server verifies the client's Finished before it says more:

* it is longer than the shortest record of the server's own handshake flight. That flight has EncryptedExtensions,
  at least four bytes longer than an alert; a sender that pads to blocks pads both to the same size, if not more;
* or it is the server's third turn: an alert would have been its last.

With 0-RTT (section 2.3) the client's first records may be early data, so the first rule is not used and the
second one takes a turn more. The same holds where the hellos were not seen.

A failure is proven by a readable fatal alert, or by a conversation that was seen from its first byte to its end
and in which one side never sent a Finished. A TLS 1.3 server that closes without a word after the client's
Finished may have refused the client's certificate or may have had nothing to say: that stays unknown.
"""

from __future__ import annotations

from typing import Final

from analyzer.tls.code_points import TLS_1_3
from analyzer.tls.sides import CLIENT, SERVER

SMALLEST_FINISHED: Final = 4 + 32 + 1 + 8
"""Payload of the shortest TLS 1.3 record that holds a Finished: message header, SHA-256 hash, content type and
the 8-byte tag of a CCM_8 suite (RFC 8446 sections 4.4.4 and 5.2). An encrypted alert is 2 + 1 + 8 to 16."""

_PROVING_TURNS: Final = 3


class Establishment:
    """Collects the evidence of one connection.

    Attributes:
        version: negotiated version, as soon as a ServerHello or HelloRetryRequest told it.
        early_data: the client may send early data; ``True`` until its hello says otherwise.
        proven: both sides finished the handshake; later records cannot change that.
        failed: something was seen that proves the opposite.
    """

    __slots__ = (
        "_client_flight",
        "_data",
        "_finished",
        "_server_turns",
        "_shortest_in_flight",
        "_speaker",
        "early_data",
        "failed",
        "proven",
        "version",
    )

    def __init__(self) -> None:
        self.version: int | None = None
        self.early_data = True
        self.proven = False
        self.failed = False
        self._finished = [False, False]
        self._data = [False, False]
        self._client_flight = 0  # payload bytes of the client's encrypted records
        self._shortest_in_flight = 1 << 16
        self._speaker = CLIENT
        self._server_turns = 0

    def application_data(self, side: int, length: int) -> None:
        """An application-data record with ``length`` > 0 bytes of payload."""
        self._data[side] = True
        if self.version is not None and self.version < TLS_1_3:
            self.proven = self._data[CLIENT] and self._data[SERVER]
        elif side == CLIENT:
            self._speaker = CLIENT
            self._client_flight += length
        else:
            if self._speaker != SERVER:
                self._speaker = SERVER
                self._server_turns += 1
            if self._client_flight < SMALLEST_FINISHED:
                self._shortest_in_flight = min(self._shortest_in_flight, length)
            elif not self.early_data and length > self._shortest_in_flight:
                self.proven = True
            self.proven |= self._server_turns >= _PROVING_TURNS + self.early_data

    def finished(self, side: int) -> None:
        """A handshake record after a ChangeCipherSpec."""
        self._finished[side] = True
        if self.version is not None and self.version < TLS_1_3:
            self.proven |= self._finished[CLIENT] and self._finished[SERVER]

    def verdict(self, *, complete: bool) -> bool | None:
        """``True`` established, ``False`` failed, ``None`` when neither is proven.

        ``complete``: every byte of both sides was seen, from the first to the connection's end.
        """
        if self.proven:
            return True
        if self.failed:
            return False
        if not complete:
            return None
        if self.version is None:
            began = any(self._finished) or any(self._data)
            return None if began else False
        if self.version >= TLS_1_3 and self._client_flight >= SMALLEST_FINISHED:
            return None
        return False
