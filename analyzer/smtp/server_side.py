"""What the server says: replies, paired with the commands that await them or left to speak for themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from analyzer.smtp.commands import is_foreign_reply
from analyzer.smtp.exchange import Exchange
from analyzer.smtp.limits import MAX_REPLY_LINE, MAX_REPLY_LINES
from analyzer.smtp.meanings import asks_for_auth
from analyzer.smtp.pairing import ONLY_TO, REFUSALS_OF_AUTH, may_answer
from analyzer.smtp.recognise import begins_tls, names_ftp
from analyzer.smtp.records import AuthAttempt
from analyzer.smtp.repertoire import Reply, replies_of
from analyzer.smtp.replies import (
    code_of,
    enhanced_code,
    extensions,
    is_ehlo_reply,
    name_in_ehlo_reply,
    name_in_greeting,
    speaks_of_tls,
    text_of,
)
from analyzer.smtp.state import COMMANDS, MESSAGE, RESYNC, SERVER, Pending, State
from analyzer.smtp.text import shown


class ServerSide(State):
    """The server's part of :class:`~analyzer.smtp.dialogue.DialogueParser`."""

    __slots__ = ()

    def _feed_server(self, data: bytes) -> bytes | None:
        self._server_seen = True
        buffer = self._buffers[SERVER]
        if not buffer.part and not self._reply:
            replies = replies_of(data)
            if replies is not None:
                for reply in replies:
                    self._handle(reply)
                return None
        if buffer.part and begins_tls(buffer.part, 0) is None:
            data = bytes(buffer.part) + data
            buffer.clear()
        at, end = 0, len(data)
        while at < end:
            if not buffer.part and not self._reply and self._server_may_begin_tls():
                tls = begins_tls(data, at)
                if tls:
                    return data[at:]
                if tls is None:
                    buffer.part += data[at:]
                    break
            line, at = buffer.take(data, at)
            if line is None:
                break
            self._server_line(line)
        return None

    def _server_may_begin_tls(self) -> bool:
        return self._tls_possible or not self._client_seen or self._server_gap

    def _server_line(self, line: bytes) -> None:
        told = code_of(line)
        if told is None:
            if line:
                self._result.oddities["reply-malformed"] += 1
                if is_foreign_reply(line):
                    self._foreign = True
            return
        code, more = told
        if self._reply and line[:3] != self._reply[0][:3]:
            self._result.oddities["reply-code-changed"] += 1
        if len(self._reply) < MAX_REPLY_LINES:
            self._reply.append(line[:MAX_REPLY_LINE] if more or code != 334 else line)
        else:
            self._result.oddities["reply-too-long"] += more
        if more:
            return
        lines, self._reply = self._reply, []
        self._handle(Reply(code, tuple(lines)))

    # --- pairing -------------------------------------------------------------------------------------

    def _handle(self, reply: Reply) -> None:
        code, lines = reply
        pending = self._pending
        if pending and code < 400 and pending[0] in _UNREMARKABLE and code not in ONLY_TO and not self._must_look():
            if self._lmtp and pending[0] == "RCPT":
                self._recipients += 1
            pending.pop(0)
            return
        if self._dropped:
            self._dropped -= 1
            return
        if code in (221, 421):
            self._result.ended = True
            if code == 421 and not pending:
                self._greeted_as_smtp = True
                self._result.auth_may_be_hidden |= not self._client_seen  # it may have answered AUTH
                return
        if pending and (only := ONLY_TO.get(code)) is not None and _kind(pending[0]) != only:
            self._skip_to(only)
        if pending and self._before is not None and not may_answer(_kind(pending[0]), code):
            self._take_back()
        if pending and not (pending[0] == "GREETING" and self._is_reply_without_greeting(code)):
            head = pending[0]
            if isinstance(head, Exchange) and code == 334:
                head.challenge(lines[-1][4:])
                return
            pending.pop(0)
            if not pending and self._before is not None:
                self._before = None  # all that was in doubt was answered as commands are
                self._greeted_as_smtp = True
            self._reply_to(head, code, lines)
        elif self._mode == MESSAGE and code != 354:
            self._replied_in_message(code, lines)
        else:
            self._reply_alone(code, lines)
        self._torn_reply = False

    def _must_look(self) -> bool:
        """A reply that would say nothing does, for once."""
        return self._before is not None or self._dropped > 0 or self._torn_reply

    def _skip_to(self, kind: str) -> None:
        """A reply that only ``kind`` gets: the commands before it in the queue get none any more."""
        pending = self._pending
        while pending and _kind(pending[0]) != kind:
            pending.pop(0)  # all of them where its command was not seen as such
        self._result.oddities["reply-out-of-step"] += 1

    def _is_reply_without_greeting(self, code: int) -> bool:
        return not self._client_seen and code in (250, 334, 235, 354)

    def _replied_in_message(self, code: int, lines: Sequence[bytes]) -> None:
        """The server took the message for ended: by LF.LF, or its end lies in missing bytes."""
        text = self._text
        if self._go_ahead and code >= 400 and text is not None and may_answer("MESSAGE", code) and self._client_seen:
            text.refused = True  # before its end, or at an end that only the server saw
            return
        if self._go_ahead and may_answer("MESSAGE", code):
            if self._client_seen:
                self._result.oddities["message-ended-by-reply"] += 1
            self._mode = COMMANDS if self._client_seen else RESYNC
            self._completed += 1
            self._reply_to("MESSAGE", code, lines)
            return
        # Either DATA was refused and what was skipped were commands, or some lie in missing bytes.
        self._mode = RESYNC
        self._result.auth_may_be_hidden = True
        self._gap_since_auth = True
        self._reply_alone(code, lines)

    def _reply_to(self, head: Pending, code: int, lines: Sequence[bytes]) -> None:
        if isinstance(head, Exchange):
            self._said_smtp |= not self._foreign  # FTP answers AUTH alike (RFC 2228)
            head.close(code, lines)
            if self._exchange is head:
                self._exchange = None
            return
        if code >= 500 and asks_for_auth(code, enhanced_code(code, lines), text_of(lines)):
            self._result.auth_required = True
        elif code == 530:
            self._result.starttls.required = True
        answered = _ON_REPLY.get(head)
        if answered is not None:
            answered(self, code, lines)

    # --- what a reply says of its command ------------------------------------------------------------

    def _greeted(self, code: int, lines: Sequence[bytes]) -> None:
        result = self._result
        if names_ftp(lines[0]):
            self._foreign = True
            return
        if code == 220:
            self._greeted_as_smtp = True
            result.greeting = shown(lines[0][4:]) or None
            result.server_name = name_in_greeting(result.greeting or "") or result.server_name
        elif code >= 400:
            self._greeted_as_smtp = True  # no service, or not for this client (RFC 5321 section 3.1)
        else:
            self._foreign = True

    def _offered(self, code: int, lines: Sequence[bytes]) -> None:
        if code != 250:
            return
        result = self._result
        self._greeted_as_smtp = True
        if self._torn_reply:
            return  # lines of it may be missing
        if result.server_name is None:
            result.server_name = name_in_ehlo_reply(shown(lines[0][4:]))
        starttls = result.starttls
        if starttls.requested and starttls.accepted is None and not starttls.mangled and not self._after_tls:
            return  # before TLS or behind it: nobody can tell
        offer = extensions(lines)
        result.extensions = offer.keywords
        if self._after_tls:
            result.mechanisms_after_tls = offer.mechanisms
        else:
            result.mechanisms_before_tls = offer.mechanisms
            result.ehlo_reply_size = sum(map(len, lines)) + 2 * len(lines)
            result.starttls.offered = offer.starttls
            result.starttls.mangled = result.starttls.mangled or offer.mangled

    def _answered_helo(self, code: int, lines: Sequence[bytes]) -> None:
        if code == 250 and self._result.server_name is None:
            self._result.server_name = name_in_ehlo_reply(shown(lines[0][4:]))

    def _answered_mail(self, code: int, lines: Sequence[bytes]) -> None:
        attempts = self._result.auth
        self._recipients = 0
        if code == 250 and not (attempts and any(attempt.outcome == "success" for attempt in attempts)):
            self._result.relayed = True

    def _answered_data(self, code: int, lines: Sequence[bytes]) -> None:
        if code == 354:
            self._go_ahead = self._said_smtp = True
        elif self._mode == MESSAGE and self._text is not None:
            if self._text.size:
                self._result.oddities["data-without-go-ahead"] += 1
                self._mode = RESYNC
            else:
                self._mode = COMMANDS

    def _answered_message(self, code: int, lines: Sequence[bytes]) -> None:
        self._taken = code == 250
        if self._taken:
            self._accepted += 1
            self._said_smtp = True

    def _answered_copy(self, code: int, lines: Sequence[bytes]) -> None:
        if code == 250 and not self._taken:  # one recipient is enough for the message to be accepted
            self._taken = True
            self._accepted += 1

    def _answered_starttls(self, code: int, lines: Sequence[bytes]) -> None:
        starttls = self._result.starttls
        starttls.accepted = code == 220
        if starttls.accepted:
            starttls.injected = self._slipped_in
        else:
            self._tls_possible = self._slipped_in = False

    def _answered_turn(self, code: int, lines: Sequence[bytes]) -> None:
        self._dead = code == 250  # from here on each side plays the other's part

    # --- replies to nothing that was seen ------------------------------------------------------------

    def _reply_alone(self, code: int, lines: Sequence[bytes]) -> None:
        """A reply to no command that was seen: it must speak for itself."""
        result = self._result
        if is_foreign_reply(lines[0]):
            self._foreign = True
            return
        if self._client_seen:
            result.oddities["unsolicited-reply"] += 1
        open_attempt = result.auth[-1] if result.auth and result.auth[-1].code is None else None
        if code == 220:
            self._ready_alone(lines)
        elif code in (334, 235) or (code == 535 and (open_attempt is not None or not self._client_seen)):
            self._said_smtp = True
            self._auth_reply_alone(code, lines, open_attempt)
        elif code == 250 and is_ehlo_reply(lines):
            self._said_smtp = True
            self._offered(code, lines)
        elif code == 354:
            self._said_smtp = True
            self._take_back()
            self._mode, self._go_ahead = MESSAGE, True  # DATA was not seen, but what follows is message text
            self._begin_text()
        else:
            self._greeted_as_smtp = True
            if not self._client_seen and code in REFUSALS_OF_AUTH:
                result.auth_may_be_hidden = True

    def _ready_alone(self, lines: Sequence[bytes]) -> None:
        """A 220: the greeting, or the answer to a STARTTLS not seen. (XCLIENT is answered by a greeting, too.)"""
        result = self._result
        greets = name_in_greeting(shown(lines[0][4:])) is not None
        if speaks_of_tls(lines[0]) or (result.greeting is not None and not greets):
            result.starttls.requested = result.starttls.accepted = True
            self._tls_possible = True
        elif result.greeting is None and not result.ehlo and not self._client_lines:
            self._greeted(220, lines)
            if not self._gap_since_auth and not self._server_gap:
                result.auth_may_be_hidden = False
                if self._mode == RESYNC:
                    self._mode = COMMANDS

    def _auth_reply_alone(self, code: int, lines: Sequence[bytes], open_attempt: AuthAttempt | None) -> None:
        exchange = self._exchange
        if exchange is not None and not self._gap_since_auth:
            # Every line of the client is here, so the reply can belong to nothing else.
            if code == 334:
                exchange.challenge(lines[-1][4:])
            else:
                exchange.close(code, lines)
                self._exchange = None
            return
        if open_attempt is None or open_attempt.mechanism is not None:
            open_attempt = AuthAttempt(None, "unknown")
            self._keep(open_attempt)
        if code != 334:
            open_attempt.code, open_attempt.enhanced = code, enhanced_code(code, lines)
            open_attempt.outcome = "success" if code == 235 else "failure"


def _kind(pending: Pending) -> str:
    return "AUTH" if isinstance(pending, Exchange) else pending


_ON_REPLY: Final[dict[str, Callable[[ServerSide, int, Sequence[bytes]], None]]] = {
    "GREETING": ServerSide._greeted,
    "EHLO": ServerSide._offered,
    "LHLO": ServerSide._offered,
    "HELO": ServerSide._answered_helo,
    "MAIL": ServerSide._answered_mail,
    "DATA": ServerSide._answered_data,
    "MESSAGE": ServerSide._answered_message,
    "COPY": ServerSide._answered_copy,
    "STARTTLS": ServerSide._answered_starttls,
    "TURN": ServerSide._answered_turn,
}
"""What becomes of the reply to each kind of command; replies to others say nothing that is kept."""

_UNREMARKABLE: Final = frozenset(("CHUNK", "NOOP", "OTHER", "QUIT", "RCPT", "RSET"))
"""Commands of whose acceptance nothing is kept."""
