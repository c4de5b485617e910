"""Both sides of an SMTP conversation, followed line by line (RFC 5321, 2920, 3030, 3207, 4954).

Commands wait in a queue for their replies, so pipelining needs no special case. Message text is stepped over. Where
bytes are missing nothing is paired across the hole: the client's side goes on at the next line that can only be a
command, the server's at the next reply. Each side can stand alone, for only one may have been captured.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from analyzer.smtp.commands import is_command, is_foreign_command, is_foreign_reply, is_mangled_starttls
from analyzer.smtp.exchange import Exchange
from analyzer.smtp.limits import (
    MAX_ATTEMPTS,
    MAX_CHUNK,
    MAX_CHUNK_DIGITS,
    MAX_FOREIGN_LINES,
    MAX_PENDING,
    MAX_REPLY_LINE,
    MAX_REPLY_LINES,
)
from analyzer.smtp.lines import LineBuffer
from analyzer.smtp.meanings import asks_for_auth
from analyzer.smtp.recognise import names_ftp
from analyzer.smtp.records import AuthAttempt, Dialogue
from analyzer.smtp.repertoire import (
    KNOWN_COMMANDS,
    KNOWN_REPLIES,
    Command,
    Reply,
    command_of,
    read_command,
    replies_of,
)
from analyzer.smtp.replies import (
    code_of,
    enhanced_code,
    extensions,
    is_ehlo_reply,
    name_in_ehlo_reply,
    name_in_greeting,
    text_of,
)
from analyzer.smtp.text import shown

CLIENT, SERVER = 0, 1

_COMMANDS, _MESSAGE, _CHUNK, _RESYNC = range(4)
"""What the client's next bytes are: command lines, message text, a BDAT chunk, or anything after a hole."""

_END_OF_MESSAGE = b"\r\n.\r\n"
_PROXY_2 = b"\r\n\r\n\x00\r\nQUIT\n"  # haproxy's PROXY protocol, version 2


class DialogueParser:
    """Feed it the in-order bytes of both sides; ask it when the conversation is over.

    Args:
        from_start: the conversation's beginning was captured.
    """

    __slots__ = (
        "_accepted",
        "_after_tls",
        "_buffers",
        "_chunk",
        "_client_lines",
        "_client_seen",
        "_completed",
        "_dead",
        "_evidence",
        "_exchange",
        "_foreign",
        "_gap_since_auth",
        "_message_bytes",
        "_mode",
        "_pending",
        "_reply",
        "_result",
        "_server_gap",
        "_server_seen",
        "_tail",
        "_tls_possible",
        "_unknown_lines",
    )

    def __init__(self, *, from_start: bool = True) -> None:
        self._result = Dialogue(auth_may_be_hidden=not from_start)
        self._pending: deque[str] = deque(("GREETING",) if from_start else ())
        self._buffers = (LineBuffer(), LineBuffer())
        self._mode = _COMMANDS if from_start else _RESYNC
        self._tail = b""
        self._message_bytes = 0
        self._chunk = 0
        self._exchange: Exchange | None = None
        self._gap_since_auth = False
        self._reply: list[bytes] = []
        self._tls_possible = False
        self._after_tls = False
        self._accepted = self._completed = 0
        self._client_seen = self._server_seen = self._server_gap = False
        self._client_lines = self._unknown_lines = 0
        self._evidence = self._foreign = self._dead = False

    # --- input -------------------------------------------------------------------------------------

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
        commands, replies = self._buffers
        for turn in range(first, len(sides)):
            data = payload(turn)
            # Most turns have been said before in other conversations; all others go the way of any bytes.
            if sides[turn]:
                known = KNOWN_REPLIES.get(data)
                if known is not None and not replies.part and not self._reply and not self._dead:
                    self._server_seen = True
                    for reply in known:
                        self._handle(reply)
                    continue
            elif self._mode == _COMMANDS and self._exchange is None:
                command = KNOWN_COMMANDS.get(data)
                if command is not None and not commands.part and not self._dead:
                    self._command(command)
                    continue
            rest = self.feed(sides[turn], data, time)
            if rest is not None:
                return turn, rest
        return turn, None

    def gap(self, side: int, size: int | None, time: int) -> None:
        """``size`` bytes of ``side`` are missing; ``None`` when nobody knows how many."""
        if side == SERVER:
            self._buffers[SERVER].clear()
            self._reply.clear()
            self._pending.clear()
            self._server_gap = True
            if self._exchange is not None:
                self._exchange.challenged = False
            return
        if self._mode == _CHUNK and size is not None and size <= self._chunk:
            self._chunk -= size
            if not self._chunk:
                self._mode = _COMMANDS
            return
        if self._mode == _MESSAGE and size is not None:
            self._tail = b""
            return
        self._result.auth_may_be_hidden = True
        self._buffers[CLIENT].clear()
        self._pending.clear()
        self._drop_exchange()
        self._gap_since_auth = True
        self._mode = _RESYNC
        self._tls_possible = True

    def finish(self) -> Dialogue:
        """What the conversation was, as far as it was fed."""
        result = self._result
        self._drop_exchange()
        if self._server_gap and not self._client_seen:
            result.auth_may_be_hidden = True
        result.messages = self._accepted if self._server_seen else self._completed
        result.is_smtp = self._evidence and not self._foreign
        for buffer in self._buffers:
            if buffer.too_long:
                result.oddities["line-too-long"] += buffer.too_long
            if buffer.bare:
                result.oddities["bare-lf"] += buffer.bare
            buffer.too_long = buffer.bare = 0
        return result

    @property
    def silent(self) -> bool:
        """The client has said nothing so far, and nothing it may have said is missing."""
        return not self._client_lines and not self._gap_since_auth

    # --- the client's side -------------------------------------------------------------------------

    def _feed_client(self, data: bytes, time: int) -> bytes | None:
        buffer = self._buffers[CLIENT]
        if self._mode == _COMMANDS and self._exchange is None and not buffer.part:
            command = command_of(data)
            if command is not None:
                self._command(command)
                return None
        at, end = 0, len(data)
        if not self._client_seen:
            self._client_seen = True
            if data.startswith(_PROXY_2) and end >= 16:
                self._result.oddities["proxy-header"] += 1
                at = 16 + int.from_bytes(data[14:16], "big")
        while at < end:
            mode = self._mode
            if mode == _MESSAGE:
                at = self._skip_message(data, at)
            elif mode == _CHUNK:
                step = min(self._chunk, end - at)
                self._chunk -= step
                at += step
                if not self._chunk:
                    self._mode = _COMMANDS
            else:
                if (self._tls_possible or self.silent) and not buffer.part and _is_tls(data, at):
                    return data[at:]
                line, at = buffer.take(data, at)
                if line is None:
                    break
                self._client_line(line, time)
                if self._dead:
                    break
        return None

    def _skip_message(self, data: bytes, at: int) -> int:
        """Step over message text; returns where what follows it begins, or the end of ``data``."""
        tail = self._tail
        seam = tail + data[at : at + 4]
        found = seam.find(_END_OF_MESSAGE)
        if found >= 0:
            after = at + found + 5 - len(tail)
        else:
            found = data.find(_END_OF_MESSAGE, at)
            if found < 0:
                self._tail = (tail + data[max(at, len(data) - 4) :])[-4:]
                self._message_bytes += len(data) - at
                return len(data)
            after = found + 5
        self._mode = _COMMANDS
        self._tail = b""
        self._completed += 1
        self._push("MESSAGE")
        return after

    def _client_line(self, line: bytes, time: int) -> None:
        exchange = self._exchange
        if exchange is not None and (exchange.challenged or not is_command(line)):
            exchange.answer(line)
            return
        if self._mode == _RESYNC:
            if not is_command(line):
                return
            self._mode = _COMMANDS
        if exchange is not None and not self._server_seen:
            self._drop_exchange()
        if (command := read_command(line)) is not None:
            self._command(command)
            return
        self._client_lines += 1
        verb, _, argument = line.partition(b" ")
        verb = verb.upper()
        if self._tls_possible and verb != b"STARTTLS":
            self._plain_after_starttls()
        if verb in (b"AUTH", b"X-EXPS") and not is_foreign_command(line):
            self._begin_exchange(argument, time)
        elif verb == b"BDAT":
            self._begin_chunk(argument)
        elif verb in (b"STARTTLS", b"X-ANONYMOUSTLS"):
            self._evidence = True
            self._result.starttls.requested = True
            self._tls_possible = True
            self._push("STARTTLS")
        else:
            self._other_command(verb, line)

    def _plain_after_starttls(self) -> None:
        """A command in the clear after STARTTLS: before its reply it was slipped in; after it the tap decrypts."""
        starttls = self._result.starttls
        if starttls.accepted:
            starttls.still_plain = True
            self._after_tls = True
            self._tls_possible = False
        elif starttls.requested:
            starttls.injected = True

    def _command(self, command: Command) -> None:
        """A command that holds no secret."""
        self._client_seen = True
        self._client_lines += 1
        if self._tls_possible:
            self._plain_after_starttls()
        kind, name = command
        if name is not None:
            self._evidence = True
            self._result.ehlo = name or None
            if self._client_lines == 1 and not self._gap_since_auth:
                self._result.auth_may_be_hidden = False
        elif kind == "DATA":
            self._mode, self._tail, self._message_bytes = _MESSAGE, b"\r\n", 0
        elif kind in ("MAIL", "RCPT"):
            self._evidence = True
        if len(self._pending) < MAX_PENDING:
            self._pending.append(kind)
        else:
            self._push(kind)

    def _other_command(self, verb: bytes, line: bytes) -> None:
        result = self._result
        if verb == b"PROXY" and self._client_lines == 1:
            result.oddities["proxy-header"] += 1
            self._client_lines = 0
            return
        if is_mangled_starttls(verb):
            result.starttls.requested = result.starttls.mangled = True
            self._push("STARTTLS")
            return
        if verb in (b"TURN", b"ATRN"):
            result.oddities["turn"] += 1
        elif not is_command(line):
            result.oddities["command-unknown"] += 1
            if is_foreign_command(line) and not result.ehlo:
                self._foreign = True
            self._unknown_lines += 1
            if not self._evidence and self._unknown_lines > MAX_FOREIGN_LINES:
                self._dead = True
        self._push("OTHER")

    def _begin_exchange(self, argument: bytes, time: int) -> None:
        self._evidence = True
        self._drop_exchange()
        self._exchange = Exchange(argument, time, self._result.oddities)
        self._keep(self._exchange.attempt)
        self._gap_since_auth = False
        self._push("AUTH")

    def _begin_chunk(self, argument: bytes) -> None:
        size, _, last = argument.strip().partition(b" ")
        is_last = last.strip().upper() == b"LAST"
        if not size.isdigit() or len(size) > MAX_CHUNK_DIGITS:
            self._result.oddities["bdat-malformed"] += 1
            self._push("OTHER")
            return
        number = int(size)
        if number > MAX_CHUNK:
            self._result.oddities["bdat-size-implausible"] += 1
            self._push("OTHER")
            return
        self._completed += is_last
        self._push("MESSAGE" if is_last else "CHUNK")
        if number:
            self._mode, self._chunk = _CHUNK, number

    def _push(self, kind: str) -> None:
        pending = self._pending
        if len(pending) >= MAX_PENDING:
            pending.popleft()
            if self._server_seen:
                self._result.oddities["too-many-pending"] += 1
        pending.append(kind)

    def _drop_exchange(self) -> None:
        if self._exchange is not None:
            self._exchange.abandon()
            self._exchange = None

    def _keep(self, attempt: AuthAttempt) -> None:
        attempts = self._result.auth
        if len(attempts) >= MAX_ATTEMPTS:
            self._result.oddities["auth-attempts-dropped"] += 1
            drop = next((i for i, known in enumerate(attempts) if known.outcome != "success"), 0)
            del attempts[drop]
        attempts.append(attempt)

    # --- the server's side -------------------------------------------------------------------------

    def _feed_server(self, data: bytes) -> bytes | None:
        self._server_seen = True
        buffer = self._buffers[SERVER]
        if not buffer.part and not self._reply:
            replies = replies_of(data)
            if replies is not None:
                for reply in replies:
                    self._handle(reply)
                return None
        at, end = 0, len(data)
        while at < end:
            if not buffer.part and not self._reply and _is_tls(data, at) and self._server_may_begin_tls():
                return data[at:]
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
                if is_foreign_reply(line) and not self._evidence:
                    self._foreign = True
            return
        code, more = told
        if self._reply and line[:3] != self._reply[0][:3]:
            self._result.oddities["reply-code-changed"] += 1
        if len(self._reply) < MAX_REPLY_LINES:
            self._reply.append(line[:MAX_REPLY_LINE] if code != 334 else line)
        else:
            self._result.oddities["reply-too-long"] += more
        if more:
            return
        lines, self._reply = self._reply, []
        self._handle(Reply(code, tuple(lines)))

    def _handle(self, reply: Reply) -> None:
        code, lines = reply
        pending = self._pending
        if pending and code < 400 and pending[0] in _UNREMARKABLE:
            pending.popleft()
            return
        if code == 421 and not pending:
            return
        if pending and not (pending[0] == "GREETING" and self._is_reply_without_greeting(code)):
            kind = pending[0]
            if kind == "AUTH" and code == 334:
                if self._exchange is not None:
                    self._exchange.challenge(lines[-1][4:])
                return
            pending.popleft()
            self._reply_to(kind, code, lines)
            return
        if self._mode == _MESSAGE and self._client_seen and code != 354:
            # The server took the message for ended: by LF.LF, or its end lies in missing bytes.
            self._result.oddities["message-ended-by-reply"] += 1
            self._mode = _COMMANDS
            self._completed += 1
            self._reply_to("MESSAGE", code, lines)
            return
        self._reply_alone(code, lines)

    def _is_reply_without_greeting(self, code: int) -> bool:
        return not self._client_seen and code in (250, 334, 235, 354)

    def _reply_to(self, kind: str, code: int, lines: Sequence[bytes]) -> None:
        if code >= 500 and asks_for_auth(code, enhanced_code(code, lines), text_of(lines)):
            self._result.auth_required = True
        answered = _ON_REPLY.get(kind)
        if answered is not None:
            answered(self, code, lines)

    def _answered_helo(self, code: int, lines: Sequence[bytes]) -> None:
        if code == 250 and self._result.server_name is None:
            self._result.server_name = name_in_ehlo_reply(shown(lines[0][4:]))

    def _answered_auth(self, code: int, lines: Sequence[bytes]) -> None:
        if self._exchange is not None:
            self._exchange.close(code, lines)
            self._exchange = None

    def _answered_mail(self, code: int, lines: Sequence[bytes]) -> None:
        attempts = self._result.auth
        if code == 250 and not (attempts and any(attempt.outcome == "success" for attempt in attempts)):
            self._result.relayed = True

    def _answered_data(self, code: int, lines: Sequence[bytes]) -> None:
        if code != 354 and self._mode == _MESSAGE:
            if self._message_bytes:
                self._result.oddities["data-without-go-ahead"] += 1
                self._mode = _RESYNC
            else:
                self._mode = _COMMANDS

    def _answered_message(self, code: int, lines: Sequence[bytes]) -> None:
        self._accepted += 200 <= code < 300

    def _answered_starttls(self, code: int, lines: Sequence[bytes]) -> None:
        starttls = self._result.starttls
        starttls.accepted = code == 220
        if not starttls.accepted:
            self._tls_possible = False
            starttls.injected = False  # nothing was slipped into TLS: the client did not wait for the answer

    def _greeted(self, code: int, lines: Sequence[bytes]) -> None:
        result = self._result
        if names_ftp(lines[0]):
            self._foreign = True
            return
        self._evidence = True
        if code == 220:
            result.greeting = shown(lines[0][4:]) or None
            result.server_name = name_in_greeting(result.greeting or "") or result.server_name

    def _offered(self, code: int, lines: Sequence[bytes]) -> None:
        if code != 250:
            return
        result = self._result
        self._evidence = True
        offer = extensions(lines)
        result.extensions = offer.keywords
        if self._after_tls:
            result.mechanisms_after_tls = offer.mechanisms
        else:
            result.mechanisms_before_tls = offer.mechanisms
            result.starttls.offered = offer.starttls
            result.starttls.mangled = result.starttls.mangled or offer.mangled
        if result.server_name is None:
            result.server_name = name_in_ehlo_reply(shown(lines[0][4:]))

    def _reply_alone(self, code: int, lines: Sequence[bytes]) -> None:
        """A reply to no command that was seen: it must speak for itself."""
        result = self._result
        if is_foreign_reply(lines[0]):
            self._foreign = True
            return
        if self._client_seen:
            result.oddities["unsolicited-reply"] += 1
        open_attempt = result.auth[-1] if result.auth and result.auth[-1].code is None else None
        if code == 220 and result.greeting is None and not result.ehlo and not self._client_lines:
            self._greeted(code, lines)
            if not self._gap_since_auth and not self._server_gap:
                result.auth_may_be_hidden = False
                if self._mode == _RESYNC:
                    self._mode = _COMMANDS
        elif code in (334, 235) or (code == 535 and (open_attempt is not None or not self._client_seen)):
            self._evidence = True
            self._auth_reply_alone(code, lines, open_attempt)
        elif code == 250 and is_ehlo_reply(lines):
            self._offered(code, lines)
        elif code == 354:
            self._evidence = True
            if not self._client_seen:
                self._pending.append("MESSAGE")
        elif not self._foreign:
            self._evidence = True

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


_ON_REPLY: Final[dict[str, Callable[[DialogueParser, int, Sequence[bytes]], None]]] = {
    "GREETING": DialogueParser._greeted,
    "EHLO": DialogueParser._offered,
    "HELO": DialogueParser._answered_helo,
    "AUTH": DialogueParser._answered_auth,
    "MAIL": DialogueParser._answered_mail,
    "DATA": DialogueParser._answered_data,
    "MESSAGE": DialogueParser._answered_message,
    "STARTTLS": DialogueParser._answered_starttls,
}
"""What becomes of the reply to each kind of command; replies to others say nothing that is kept."""

_UNREMARKABLE: Final = frozenset(("CHUNK", "NOOP", "OTHER", "QUIT", "RCPT", "RSET"))
"""Commands of whose acceptance nothing is kept."""


def _is_tls(data: bytes, at: int) -> bool:
    """A TLS record begins at ``at``, where a line of SMTP would: RFC 8446 section 5.1; or SSL 2.0's ClientHello."""
    kind = data[at]
    if 0x14 <= kind <= 0x17:
        return data[at + 1 : at + 2] in (b"\x03", b"")
    return kind >= 0x80 and data[at + 2 : at + 3] in (b"\x01", b"")
