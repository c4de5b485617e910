"""Both sides of an SMTP conversation, followed line by line (RFC 5321, 2920, 3030, 3207, 4954).

Commands wait in a queue for their replies, so pipelining needs no special case. Message text is stepped over. Where
bytes are missing nothing is paired across the hole: the client's side goes on at the next line that can only be a
command, the server's at the next reply. Each side can stand alone, for only one may have been captured.

Message text can quote commands. So what is taken for commands after a hole is taken in doubt: the doubt ends when the
server has answered all of them as such commands are answered, and a line that fits no command takes back everything
since it began.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from analyzer.smtp.client_side import ClientSide
from analyzer.smtp.records import Dialogue
from analyzer.smtp.server_side import ServerSide
from analyzer.smtp.state import CHUNK, CLIENT, COMMANDS, MESSAGE, RESYNC, SERVER

__all__ = ["CLIENT", "SERVER", "DialogueParser"]


class DialogueParser(ClientSide, ServerSide):
    """Feed it the in-order bytes of both sides; ask it when the conversation is over.

    Args:
        from_start: the conversation's beginning was captured.
        greets: the server speaks first, as it does but for what follows STARTTLS.
        inside_tls: the bytes were decrypted.
    """

    __slots__ = ()

    def feed(self, side: int, data: bytes, time: int) -> bytes | None:
        """Take the next bytes of ``side``, in chunks of any size.

        Returns:
            ``None`` while they are SMTP; the rest of ``data`` from the first TLS record on once TLS begins.
        """
        if self._dead:
            return None
        return self._feed_server(data) if side else self._feed_client(data, time)

    def follow(
        self, sides: Sequence[int], payload: Callable[[int], bytes], first: int, time: int
    ) -> tuple[int, bytes | None]:
        """Take many turns at once, from the one with index ``first`` on, until TLS begins.

        Args:
            sides: who speaks, turn by turn.
            payload: fetches the bytes of a turn.
            first: index of the turn to begin with.
            time: as in :meth:`feed`.

        Returns:
            The index of the turn in which TLS began, and the rest of it from there; otherwise that of the last turn.
        """
        turn = first
        for turn in range(first, len(sides)):
            rest = self.feed(sides[turn], payload(turn), time)
            if rest is not None:
                return turn, rest
        return turn, None

    def gap(self, side: int, size: int | None, time: int) -> None:
        """``size`` bytes of ``side`` are missing; ``None`` when nobody knows how many."""
        if side == SERVER:
            self._buffers[SERVER].clear()
            self._reply.clear()
            self._forget_pending()
            self._server_gap = self._torn_reply = True
            if self._exchange is not None:
                self._exchange.challenged = False
            return
        if self._mode == CHUNK and size is not None and size <= self._chunk:
            self._chunk -= size
            if not self._chunk:
                self._mode = COMMANDS
            return
        if self._mode == MESSAGE and self._text is not None and size is not None:
            self._text.gap()
            return
        self._take_back()
        self._result.auth_may_be_hidden = True
        self._buffers[CLIENT].clear()
        self._forget_pending()
        self._drop_exchange()
        self._gap_since_auth = True
        self._mode = RESYNC
        self._tls_possible = True

    @property
    def so_far(self) -> Dialogue | None:
        """What has been read; ``None`` while it is in doubt whether these are commands, or SMTP at all."""
        return self._result if self._said_smtp and self._before is None else None

    def finish(self) -> Dialogue:
        """What the conversation was, as far as it was fed."""
        result = self._result
        if self._before is not None and self._server_seen:
            self._take_back()
        self._drop_exchange()
        if self._server_gap and not self._client_seen:
            result.auth_may_be_hidden = True
        text = self._text
        if text is not None and self._mode == MESSAGE and text.size and (text.refused or not self._go_ahead):
            result.auth_may_be_hidden = True  # the last of it may have been commands
        result.messages = self._accepted if self._server_seen else self._completed
        result.is_smtp = self._said_smtp or (self._greeted_as_smtp and not self._foreign)
        if not result.is_smtp:
            result.auth.clear()
        for buffer in self._buffers:
            if buffer.too_long:
                result.oddities["line-too-long"] += buffer.too_long
            if buffer.bare:
                result.oddities["bare-lf"] += buffer.bare
            buffer.too_long = buffer.bare = 0
            buffer.clear()
        self._forget_pending()
        self._reply.clear()
        self._before = None
        return result
