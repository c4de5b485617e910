"""Both sides of an SMTP conversation, followed line by line (RFC 5321, 2920, 3030, 3207, 4954).

Commands wait in a queue for their replies, so pipelining needs no special case. Message text is stepped over. Where
bytes are missing nothing is paired across the hole: the client's side goes on at the next line that can only be a
command, the server's at the next reply. Each side can stand alone, for only one may have been captured.

Message text can quote commands. So what is taken for commands after a hole is taken in doubt: the doubt ends when the
server has answered all of them as such commands are answered, and a line that fits no command takes back everything
since it began.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
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
from analyzer.smtp.mechanisms import is_listed
from analyzer.smtp.message_text import MessageText
from analyzer.smtp.pairing import ONLY_TO, REFUSALS_OF_AUTH, may_answer
from analyzer.smtp.recognise import names_ftp
from analyzer.smtp.records import AuthAttempt, Dialogue, StartTls
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
    speaks_of_tls,
    text_of,
)
from analyzer.smtp.text import shown

CLIENT, SERVER = 0, 1

_COMMANDS, _MESSAGE, _CHUNK, _RESYNC = range(4)
"""What the client's next bytes are: command lines, message text, a BDAT chunk, or anything after a hole."""

_PROXY_2 = b"\r\n\r\n\x00\r\nQUIT\n"  # haproxy's PROXY protocol, version 2
_PROXY_2_HEADER = 16  # bytes, the last two of which say how many follow
_BLANKS = b" \t\0"

_Pending = str | Exchange
"""A command that awaits its reply: its kind, or its exchange if it is AUTH."""


@dataclass(frozen=True, slots=True)
class _Before:
    """What was known before lines were taken for commands in doubt."""

    auth: list[AuthAttempt]
    ehlo: str | None
    starttls: StartTls
    completed: int
    said_smtp: bool


class DialogueParser:
    """Feed it the in-order bytes of both sides; ask it when the conversation is over.

    Args:
        from_start: the conversation's beginning was captured.
    """

    __slots__ = (
        "_accepted",
        "_after_tls",
        "_before",
        "_buffers",
        "_chunk",
        "_client_lines",
        "_client_seen",
        "_completed",
        "_dead",
        "_dropped",
        "_exchange",
        "_foreign",
        "_gap_since_auth",
        "_go_ahead",
        "_greeted_as_smtp",
        "_lmtp",
        "_mode",
        "_pending",
        "_recipients",
        "_reply",
        "_result",
        "_said_smtp",
        "_server_gap",
        "_server_seen",
        "_slipped_in",
        "_taken",
        "_text",
        "_tls_possible",
        "_torn_reply",
        "_unknown_lines",
    )

    def __init__(self, *, from_start: bool = True) -> None:
        self._result = Dialogue(auth_may_be_hidden=not from_start)
        self._pending: deque[_Pending] = deque(("GREETING",) if from_start else ())
        self._buffers = (LineBuffer(), LineBuffer())
        self._mode = _COMMANDS if from_start else _RESYNC
        self._before: _Before | None = None  # set while in doubt
        self._text: MessageText | None = None
        self._go_ahead = False  # the server asked for the text that is being skipped
        self._chunk = 0
        self._exchange: Exchange | None = None
        self._gap_since_auth = False
        self._reply: list[bytes] = []
        self._torn_reply = False  # bytes are missing just before the reply that comes next
        self._dropped = 0  # commands no longer in the queue whose replies are still to come
        self._lmtp = False
        self._recipients = 0
        self._taken = False  # the message that was answered last
        self._tls_possible = False
        self._slipped_in = False  # a command followed STARTTLS before its reply
        self._after_tls = False
        self._accepted = self._completed = 0
        self._client_seen = self._server_seen = self._server_gap = False
        self._client_lines = self._unknown_lines = 0
        self._said_smtp = False  # a command or reply that no other protocol has
        self._greeted_as_smtp = False  # replies in the form of SMTP's, which others have too
        self._foreign = self._dead = False

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
            self._forget_pending()
            self._server_gap = self._torn_reply = True
            if self._exchange is not None:
                self._exchange.challenged = False
            return
        if self._mode == _CHUNK and size is not None and size <= self._chunk:
            self._chunk -= size
            if not self._chunk:
                self._mode = _COMMANDS
            return
        if self._mode == _MESSAGE and self._text is not None and size is not None:
            self._text.gap()
            return
        self._take_back()
        self._result.auth_may_be_hidden = True
        self._buffers[CLIENT].clear()
        self._forget_pending()
        self._drop_exchange()
        self._gap_since_auth = True
        self._mode = _RESYNC
        self._tls_possible = True

    def finish(self) -> Dialogue:
        """What the conversation was, as far as it was fed."""
        result = self._result
        if self._before is not None and self._server_seen:
            self._take_back()
        self._drop_exchange()
        if self._server_gap and not self._client_seen:
            result.auth_may_be_hidden = True
        text = self._text
        if text is not None and self._mode == _MESSAGE and text.size and (text.refused or not self._go_ahead):
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
        if buffer.part and (_is_tls(buffer.part, 0) is None or not self._client_seen):
            data, at, end = bytes(buffer.part) + data, 0, len(buffer.part) + end
            buffer.clear()
        if not self._client_seen:
            if _PROXY_2.startswith(data[: len(_PROXY_2)]) and end < _PROXY_2_HEADER:
                buffer.part += data
                return None
            self._client_seen = True
            if data.startswith(_PROXY_2):
                self._result.oddities["proxy-header"] += 1
                self._mode, self._chunk = _CHUNK, _PROXY_2_HEADER + int.from_bytes(data[14:16], "big")
        while at < end:
            mode = self._mode
            if mode == _MESSAGE and self._text is not None:
                if not self._go_ahead and not self._text.size:
                    line, at = buffer.take(data, at)
                    if line is None:
                        break
                    self._first_line_of_text(line, time)
                    continue
                after = self._text.skip(data, at)
                if after is None:
                    break
                at = after
                self._end_message()
            elif mode == _CHUNK:
                step = min(self._chunk, end - at)
                self._chunk -= step
                at += step
                if not self._chunk:
                    self._mode = _COMMANDS
            else:
                if (self._tls_possible or self.silent) and not buffer.part:
                    tls = _is_tls(data, at)
                    if tls:
                        self._result.starttls.injected |= self._slipped_in
                        return data[at:]
                    if tls is None:
                        buffer.part += data[at:]
                        break
                line, at = buffer.take(data, at)
                if line is None:
                    break
                self._client_line(line, time)
                if self._dead:
                    break
        return None

    def _first_line_of_text(self, line: bytes, time: int) -> None:
        """What follows a DATA that no 354 was seen to: message text, unless DATA was refused."""
        if is_command(line):  # a message begins with a header line
            self._mode = _COMMANDS
            self._client_line(line, time)
        elif self._text is not None and self._text.skip(line + b"\r\n", 0) is not None:
            self._end_message()

    def _end_message(self) -> None:
        self._mode = _COMMANDS
        self._completed += 1
        if self._text is None or not self._text.refused:  # else the reply has come already
            self._await_message()

    def _await_message(self) -> None:
        self._push("MESSAGE")
        if self._lmtp:  # one reply for each recipient, RFC 2033 section 4.2
            for _ in range(self._recipients - 1):
                self._push("COPY")

    def _client_line(self, line: bytes, time: int) -> None:
        exchange = self._exchange
        if line == b"." and (self._mode == _RESYNC or self._before is not None):
            # Only message text has this line, and after it there is no more of it (RFC 5321 section 4.5.2).
            self._take_back()
            self._end_message()
            return
        if exchange is not None and (exchange.challenged or not is_command(line)):
            if exchange.challenged and is_command(line):
                self._result.oddities["command-as-response"] += 1
            exchange.answer(line)
            return
        if line[:1] in _BLANKS and is_command(line.lstrip(_BLANKS)):
            line = line.lstrip(_BLANKS)  # servers bear it
        if self._mode == _RESYNC:
            if not is_command(line):
                return
            self._begin_doubt()
        if exchange is not None and not self._server_seen:
            self._drop_exchange()
        if (command := read_command(line)) is not None:
            self._command(command)
            return
        verb, argument = (*line.split(None, 1), b"", b"")[:2]
        verb = verb.upper()
        if self._before is not None and not is_command(line):
            self._take_back()
            return
        self._client_lines += 1
        if self._tls_possible and self._result.starttls.accepted and not is_command(line):
            self._result.oddities["not-tls-after-starttls"] += 1
        elif self._tls_possible and verb != b"STARTTLS":
            self._plain_after_starttls()
        if verb in (b"AUTH", b"X-EXPS") and not is_foreign_command(line):
            self._begin_exchange(argument, time)
        elif verb == b"BDAT":
            self._begin_chunk(argument)
        elif verb in (b"STARTTLS", b"X-ANONYMOUSTLS"):
            self._said_smtp = True
            self._result.starttls.requested = True
            self._tls_possible = True
            self._push("STARTTLS")
        else:
            self._other_command(verb, line)

    def _begin_doubt(self) -> None:
        """Take what follows for commands, until it proves to be text."""
        result = self._result
        self._mode = _COMMANDS
        self._before = _Before(
            list(result.auth), result.ehlo, replace(result.starttls), self._completed, self._said_smtp
        )

    def _take_back(self) -> None:
        """What was taken for commands in doubt was none."""
        before, self._before = self._before, None
        if before is None:
            return
        result = self._result
        result.auth[:] = before.auth
        result.ehlo = before.ehlo
        result.starttls = before.starttls
        result.auth_may_be_hidden = True
        result.oddities["text-like-commands"] += 1
        self._completed = before.completed
        self._said_smtp = before.said_smtp
        self._forget_pending()
        self._exchange = None
        self._mode = _RESYNC

    def _plain_after_starttls(self) -> None:
        """A command in the clear after STARTTLS: before its reply it was slipped in; after it the tap decrypts."""
        if self._result.starttls.accepted:
            self._result.starttls.still_plain = True
            self._after_tls = True
            self._tls_possible = False
        elif "STARTTLS" in self._pending:
            self._slipped_in = True

    def _command(self, command: Command) -> None:
        """A command that holds no secret."""
        self._client_seen = True
        self._client_lines += 1
        if self._tls_possible:
            self._plain_after_starttls()
        kind, name = command
        if name is not None:
            self._said_smtp = True
            self._lmtp = kind == "LHLO"
            self._result.ehlo = name or None
        elif kind == "DATA":
            self._mode, self._go_ahead = _MESSAGE, False
            self._text = MessageText(bare=self._buffers[CLIENT].bare > 0)
        elif kind in ("MAIL", "RCPT"):
            self._said_smtp = True
        elif kind == "QUIT":
            self._result.ended = True
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
            self._push("TURN")
            return
        if not is_command(line):
            result.oddities["command-unknown"] += 1
            if is_foreign_command(line) and not result.ehlo:
                self._foreign = True
            self._unknown_lines += 1
            if not self._said_smtp and self._unknown_lines > MAX_FOREIGN_LINES:
                self._dead = True
        self._push("OTHER")

    def _begin_exchange(self, argument: bytes, time: int) -> None:
        result = self._result
        exchange = self._exchange = Exchange(argument, time, result.oddities)
        attempt = exchange.attempt
        offered = (result.mechanisms_before_tls or ()) + (result.mechanisms_after_tls or ())
        if attempt.mechanism is not None and not is_listed(attempt.mechanism) and attempt.mechanism not in offered:
            attempt.mechanism = None  # a word that nobody knows, in a place where clients have put passwords
        self._keep(attempt)
        self._gap_since_auth = False
        self._push(exchange)

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
        if is_last:
            self._await_message()
        else:
            self._push("CHUNK")
        if number:
            self._mode, self._chunk = _CHUNK, number

    def _push(self, kind: _Pending) -> None:
        pending = self._pending
        if len(pending) >= MAX_PENDING:
            pending.popleft()
            self._dropped += 1
            if self._server_seen:
                self._result.oddities["too-many-pending"] += 1
        pending.append(kind)

    def _forget_pending(self) -> None:
        self._pending.clear()
        self._dropped = 0

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
        if buffer.part and _is_tls(buffer.part, 0) is None:
            data = bytes(buffer.part) + data
            buffer.clear()
        at, end = 0, len(data)
        while at < end:
            if not buffer.part and not self._reply and self._server_may_begin_tls():
                tls = _is_tls(data, at)
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

    def _handle(self, reply: Reply) -> None:
        code, lines = reply
        pending = self._pending
        if pending and code < 400 and pending[0] in _UNREMARKABLE and code not in ONLY_TO and not self._must_look():
            if self._lmtp and pending[0] == "RCPT":
                self._recipients += 1
            pending.popleft()
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
        if pending and code in ONLY_TO:
            self._skip_to(ONLY_TO[code])
        if pending and self._before is not None and not may_answer(_kind(pending[0]), code):
            self._take_back()
        if pending and not (pending[0] == "GREETING" and self._is_reply_without_greeting(code)):
            head = pending[0]
            if isinstance(head, Exchange) and code == 334:
                head.challenge(lines[-1][4:])
                return
            pending.popleft()
            if not pending and self._before is not None:
                self._before = None  # all that was in doubt was answered as commands are
                self._greeted_as_smtp = True
            self._reply_to(head, code, lines)
        elif self._mode == _MESSAGE and code != 354:
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
        place = next((i for i, waiting in enumerate(pending) if _kind(waiting) == kind), None)
        if place is None:
            pending.clear()  # its command was not seen as such
            self._result.oddities["reply-out-of-step"] += 1
        elif place:
            for _ in range(place):
                pending.popleft()
            self._result.oddities["reply-out-of-step"] += 1

    def _replied_in_message(self, code: int, lines: Sequence[bytes]) -> None:
        """The server took the message for ended: by LF.LF, or its end lies in missing bytes."""
        text = self._text
        if self._go_ahead and code >= 400 and text is not None and may_answer("MESSAGE", code) and self._client_seen:
            text.refused = True  # before its end, or at an end that only the server saw
            return
        if self._go_ahead and may_answer("MESSAGE", code):
            if self._client_seen:
                self._result.oddities["message-ended-by-reply"] += 1
            self._mode = _COMMANDS if self._client_seen else _RESYNC
            self._completed += 1
            self._reply_to("MESSAGE", code, lines)
            return
        # Either DATA was refused and what was skipped were commands, or some lie in missing bytes.
        self._mode = _RESYNC
        self._result.auth_may_be_hidden = True
        self._gap_since_auth = True
        self._reply_alone(code, lines)

    def _is_reply_without_greeting(self, code: int) -> bool:
        return not self._client_seen and code in (250, 334, 235, 354)

    def _reply_to(self, head: _Pending, code: int, lines: Sequence[bytes]) -> None:
        if isinstance(head, Exchange):
            self._said_smtp = True
            head.close(code, lines)
            if self._exchange is head:
                self._exchange = None
            return
        if code >= 500 and asks_for_auth(code, enhanced_code(code, lines), text_of(lines)):
            self._result.auth_required = True
        answered = _ON_REPLY.get(head)
        if answered is not None:
            answered(self, code, lines)

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
        elif self._mode == _MESSAGE and self._text is not None:
            if self._text.size:
                self._result.oddities["data-without-go-ahead"] += 1
                self._mode = _RESYNC
            else:
                self._mode = _COMMANDS

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
            result.starttls.offered = offer.starttls
            result.starttls.mangled = result.starttls.mangled or offer.mangled

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
            self._mode, self._go_ahead = _MESSAGE, True  # DATA was not seen, but what follows is message text
            self._text = MessageText(bare=self._buffers[CLIENT].bare > 0)
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
                if self._mode == _RESYNC:
                    self._mode = _COMMANDS

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


def _kind(pending: _Pending) -> str:
    return "AUTH" if isinstance(pending, Exchange) else pending


_ON_REPLY: Final[dict[str, Callable[[DialogueParser, int, Sequence[bytes]], None]]] = {
    "GREETING": DialogueParser._greeted,
    "EHLO": DialogueParser._offered,
    "LHLO": DialogueParser._offered,
    "HELO": DialogueParser._answered_helo,
    "MAIL": DialogueParser._answered_mail,
    "DATA": DialogueParser._answered_data,
    "MESSAGE": DialogueParser._answered_message,
    "COPY": DialogueParser._answered_copy,
    "STARTTLS": DialogueParser._answered_starttls,
    "TURN": DialogueParser._answered_turn,
}
"""What becomes of the reply to each kind of command; replies to others say nothing that is kept."""

_UNREMARKABLE: Final = frozenset(("CHUNK", "NOOP", "OTHER", "QUIT", "RCPT", "RSET"))
"""Commands of whose acceptance nothing is kept."""


def _is_tls(data: bytes | bytearray, at: int) -> bool | None:
    """A TLS record begins at ``at``, where a line of SMTP would (RFC 8446 section 5.1), or SSL 2.0's ClientHello.

    ``None`` where too few bytes are there to say.
    """
    head = data[at : at + 3]
    if 0x14 <= head[0] <= 0x17:
        looks = head[1:2] in (b"\x03", b"")
    elif head[0] >= 0x80:
        looks = head[2:3] in (b"\x01", b"")
    else:
        return False
    return (True if len(head) == 3 else None) if looks else False
