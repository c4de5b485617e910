"""What the client says: commands, answers to challenges, and message text, which is stepped over."""

from __future__ import annotations

from typing import Final

from analyzer.smtp.commands import is_command, is_foreign_command, is_mangled_starttls
from analyzer.smtp.exchange import Exchange
from analyzer.smtp.limits import MAX_CHUNK, MAX_CHUNK_DIGITS, MAX_FOREIGN_LINES
from analyzer.smtp.recognise import begins_tls
from analyzer.smtp.repertoire import Command, command_of, read_command
from analyzer.smtp.state import CHUNK, CLIENT, COMMANDS, MESSAGE, RESYNC, State

_PROXY_2: Final = b"\r\n\r\n\x00\r\nQUIT\n"  # haproxy's PROXY protocol, version 2
_PROXY_2_HEADER: Final = 16  # bytes, the last two of which say how many follow
_BLANKS: Final = b" \t\0"


class ClientSide(State):
    """The client's part of :class:`~analyzer.smtp.dialogue.DialogueParser`."""

    __slots__ = ()

    def _feed_client(self, data: bytes, time: int) -> bytes | None:
        buffer = self._buffers[CLIENT]
        if self._mode == COMMANDS and self._exchange is None and not buffer.part:
            command = command_of(data)
            if command is not None:
                self._command(command, len(data.rstrip(b"\r\n")))
                return None
        at, end = 0, len(data)
        if buffer.part and (begins_tls(buffer.part, 0) is None or not self._client_seen):
            data, at, end = bytes(buffer.part) + data, 0, len(buffer.part) + end
            buffer.clear()
        if not self._client_seen:
            if _PROXY_2.startswith(data[: len(_PROXY_2)]) and end < _PROXY_2_HEADER:
                buffer.part += data
                return None
            self._client_seen = True
            if data.startswith(_PROXY_2):
                self._result.oddities["proxy-header"] += 1
                self._mode, self._chunk = CHUNK, _PROXY_2_HEADER + int.from_bytes(data[14:16], "big")
        while at < end:
            mode = self._mode
            if mode == MESSAGE and self._text is not None:
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
            elif mode == CHUNK:
                step = min(self._chunk, end - at)
                self._chunk -= step
                at += step
                if not self._chunk:
                    self._mode = COMMANDS
            else:
                if (self._tls_possible or self.silent) and not buffer.part:
                    tls = begins_tls(data, at)
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

    def _client_line(self, line: bytes, time: int) -> None:
        exchange = self._exchange
        if line == b"." and (self._mode == RESYNC or self._before is not None):
            # The end of message text (RFC 5321 section 4.5.2), or a line of a BDAT chunk, where it is nothing special.
            self._take_back()
            self._begin_doubt()
            return
        if exchange is not None and (exchange.challenged or not is_command(line)):
            self._respond(exchange, line)
            return
        if line[:1] in _BLANKS and is_command(line.lstrip(_BLANKS)):
            line = line.lstrip(_BLANKS)  # servers bear it
        if self._mode == RESYNC:
            if not is_command(line):
                return
            self._begin_doubt()
        if exchange is not None and not self._server_seen:
            self._drop_exchange()
        if (command := read_command(line)) is not None:
            self._command(command, len(line))
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
            self._request_tls()
        else:
            self._other_command(verb, line)

    def _command(self, command: Command, size: int) -> None:
        """A command that holds no secret; ``size`` is the length of its line, without the end."""
        self._client_seen = True
        self._client_lines += 1
        if self._tls_possible:
            self._plain_after_starttls()
        kind, name = command
        if name is not None:
            self._said_smtp = True
            self._lmtp = kind == "LHLO"
            self._result.ehlo = name or None
            if not self._after_tls:
                self._result.ehlo_size = size + 2
        elif kind == "DATA":
            self._mode, self._go_ahead = MESSAGE, False
            self._begin_text()
        elif kind in ("MAIL", "RCPT"):
            self._said_smtp = True
        elif kind == "QUIT":
            self._result.ended = True
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

    # --- STARTTLS and AUTH ---------------------------------------------------------------------------

    def _request_tls(self) -> None:
        self._said_smtp = True
        self._result.starttls.requested = True
        self._tls_possible = True
        self._push("STARTTLS")

    def _plain_after_starttls(self) -> None:
        """A command in the clear after STARTTLS: before its reply it was slipped in; after it the tap decrypts."""
        if self._result.starttls.accepted:
            self._result.starttls.still_plain = True
            self._after_tls = True
            self._tls_possible = False
        elif "STARTTLS" in self._pending:
            self._slipped_in = True

    def _begin_exchange(self, argument: bytes, time: int) -> None:
        result = self._result
        offered = (result.mechanisms_before_tls or ()) + (result.mechanisms_after_tls or ())
        exchange = self._exchange = Exchange(argument, time, result.oddities, offered)
        exchange.attempt.after_starttls = self._after_tls
        self._keep(exchange.attempt)
        self._gap_since_auth = False
        self._push(exchange)

    def _respond(self, exchange: Exchange, line: bytes) -> None:
        """The next line of a SASL exchange."""
        if exchange.challenged and is_command(line):
            self._result.oddities["command-as-response"] += 1
        exchange.answer(line)

    # --- messages ------------------------------------------------------------------------------------

    def _first_line_of_text(self, line: bytes, time: int) -> None:
        """What follows a DATA that no 354 was seen to: message text, unless DATA was refused."""
        if is_command(line):  # a message begins with a header line
            self._mode = COMMANDS
            self._client_line(line, time)
        elif self._text is not None and self._text.skip(line + b"\r\n", 0) is not None:
            self._end_message()

    def _end_message(self) -> None:
        self._mode = COMMANDS
        self._completed += 1
        header = None if self._text is None else self._text.header
        if header is not None and (self._go_ahead or not self._server_seen):
            self._result.mail_program = header.program
            if header.too_long:
                self._result.oddities["header-too-long"] += 1
        if self._text is None or not self._text.refused:  # else the reply has come already
            self._await_message()

    def _await_message(self) -> None:
        self._push("MESSAGE")
        if self._lmtp:  # one reply for each recipient, RFC 2033 section 4.2
            for _ in range(self._recipients - 1):
                self._push("COPY")

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
            self._mode, self._chunk = CHUNK, number
