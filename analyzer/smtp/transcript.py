"""The dialogue as it was followed, line by line, for people who check a verdict.

It is told by the parser that finds the verdict, while it finds it: what a line was taken for is what the parser did
with it. No entry holds a secret, nor a length of one. Of what a client says, only commands of a known form are kept;
anything else may be a response out of place. Of what a server says, a refusal is kept only while nothing was said that
it could repeat.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from analyzer.smtp.commands import is_command, is_mangled_starttls
from analyzer.smtp.dialogue import DialogueParser
from analyzer.smtp.exchange import Exchange
from analyzer.smtp.meanings import meaning
from analyzer.smtp.message_text import MessageText
from analyzer.smtp.records import AuthAttempt
from analyzer.smtp.repertoire import Command, Reply
from analyzer.smtp.replies import code_of, enhanced_code, is_ehlo_reply, text_of
from analyzer.smtp.state import CHUNK, CLIENT, MESSAGE, RESYNC, SERVER, Pending
from analyzer.smtp.text import excerpt

MAX_ENTRIES: Final = 2000
"""Entries kept of one dialogue; beyond, those of logins are, up to twice as many."""

MAX_REPLY: Final = 40
"""Lines shown of one reply."""

ENTRY_COST: Final = 400
"""Bytes of memory of an entry beside its text."""

RESPONSE: Final = "<response withheld>"
INITIAL_RESPONSE: Final = "<initial response withheld>"
CHALLENGE: Final = "<challenge withheld>"
MECHANISM: Final = "<mechanism withheld>"
TEXT: Final = "<message text>"
LINE: Final = "<line withheld>"
ARGUMENT: Final = "<argument withheld>"
REPLY: Final = "<text withheld>"

# RFC 5321 section 4.1.1.2: the address may hold quoted blanks. Of parameters the keywords are kept.
_ENVELOPE = re.compile(rb"(MAIL[ \t]+FROM|RCPT[ \t]+TO):[ \t]*(<[^<>]*>|[^<>\s]+)(.*)", re.IGNORECASE | re.DOTALL)
_PARAMETER = re.compile(rb"([A-Za-z0-9][A-Za-z0-9-]*)(=?)")

_HARMLESS: Final = frozenset(
    ("greeting", "ehlo", "lhlo", "helo", "mail", "rcpt", "data", "message", "copy", "chunk", "rset", "quit", "starttls")
)
"""Commands whose argument is shown, so that nothing is lost if a reply repeats it."""

_ALONE: Final = frozenset((220, 221, 354))
"""Replies whose text is shown even where no command of theirs was seen."""

_OF_LOGINS: Final = frozenset(("auth", "response", "cancel", "challenge", "starttls", "gap", "taken-back", "tls"))

_REFUSED: Final = 400
_CHALLENGED: Final = 334
_AUTHENTICATION_REQUIRED: Final = 530


@dataclass(slots=True)
class Entry:
    """One line, one reply, or an event between them.

    Attributes:
        time: nanoseconds since 1970-01-01 UTC of the packet that begins the turn.
        side: who said it.
        kind: what the client's line was taken for (``ehlo``, ``auth``, ``response``, ``cancel``, ``message-text``,
            ``passed-over``, ``unknown``, …); ``reply``, ``challenge``, ``no-reply`` of the server; or an event:
            ``gap``, ``gap-in-text``, ``taken-back``, ``given-up``, ``left-out``, ``tls``.
        text: lines without line ends, as they came but for what is withheld; not yet made harmless to show.
        answers: the kind of the command that the reply was taken to answer, ``message`` for the message's end;
            ``None`` where no command of it was seen.
        code: of the reply.
        meaning: of a refusal, for an administrator; or ``None``.
        attempt: the login that the line belongs to.
        named: the line shows the attempt's user name.
        early: the client said it after STARTTLS, before the answer to that (RFC 3207 section 4.2).
        oddities: that this line was counted as.
        count: entries that were left out here.
    """

    time: int
    side: int
    kind: str
    text: tuple[str, ...] = ()
    answers: str | None = None
    code: int | None = None
    meaning: str | None = None
    attempt: AuthAttempt | None = None
    named: bool = False
    early: bool = False
    oddities: tuple[str, ...] = ()
    count: int = 0

    @property
    def cost(self) -> int:
        """Bytes of memory, about."""
        return ENTRY_COST + 2 * sum(map(len, self.text))


class Allowance:
    """Memory that all transcripts of a run may take together.

    Attributes:
        left: bytes.
    """

    def __init__(self, left: int) -> None:
        self.left = left


class TranscriptParser(DialogueParser):
    """The parser, which writes down what it does.

    Args:
        allowance: shared by all that live at the same time.
        from_start, greets, inside_tls: see :class:`~analyzer.smtp.dialogue.DialogueParser`.

    Attributes:
        now: packet time of what is fed, nanoseconds; to be set before.
        entries: what happened, in order.
    """

    __slots__ = (
        "_allowance",
        "_answered",
        "_counted",
        "_early",
        "_exposed",
        "_first_in_doubt",
        "_given_up",
        "_last",
        "_line",
        "_shown_text",
        "entries",
        "now",
    )

    def __init__(
        self, allowance: Allowance, *, from_start: bool = True, greets: bool = True, inside_tls: bool = False
    ) -> None:
        super().__init__(from_start=from_start, greets=greets, inside_tls=inside_tls)
        self.now = 0
        self.entries: list[Entry] = []
        self._allowance = allowance
        self._exposed = not from_start  # the client has said something that a refusal could repeat
        self._line = b""
        self._last: Entry | None = None  # made while the present line is handled
        self._answered: str | None = None
        self._shown_text: MessageText | None = None
        self._first_in_doubt = 0
        self._counted: dict[str, int] = {}
        self._given_up = False
        self._early = False

    def discard(self) -> None:
        """Nobody needs the entries any more."""
        self._allowance.left += sum(entry.cost for entry in self.entries)
        self.entries = []

    def tls_begins(self, side: int) -> None:
        """What follows is TLS."""
        self._note(side, "tls")

    # --- writing down --------------------------------------------------------------------------------

    def _note(self, side: int, kind: str, *text: str, attempt: AuthAttempt | None = None) -> Entry:
        entry = Entry(self.now, side, kind, text, attempt=attempt)
        if side == CLIENT:
            entry.early, self._early = self._early, False
        self._last = entry
        most = MAX_ENTRIES * (2 if kind in _OF_LOGINS else 1)
        if len(self.entries) < most and self._allowance.left >= entry.cost:
            self.entries.append(entry)
            self._allowance.left -= entry.cost
        elif self.entries and self.entries[-1].kind == "left-out":
            self.entries[-1].count += 1
        else:  # costs a little beyond what is left, at most once for each entry
            self.entries.append(Entry(self.now, side, "left-out", count=1))
            self._allowance.left -= ENTRY_COST
        return entry

    def _count_oddities(self, side: int) -> None:
        """Put the oddities that were counted since the last time beside what caused them."""
        counts = dict(self._result.oddities)
        for buffer in self._buffers:
            for name, count in (("line-too-long", buffer.too_long), ("bare-lf", buffer.bare and 1)):
                if count:
                    counts[name] = counts.get(name, 0) + count
        found = tuple(name for name, count in counts.items() if count > self._counted.get(name, 0))
        self._counted = counts
        if found:
            entry = self._last or self._note(side, "oddity")
            entry.oddities += tuple(name for name in found if name not in entry.oddities)
        self._last = None

    # --- the client ----------------------------------------------------------------------------------

    def feed(self, side: int, data: bytes, time: int) -> bytes | None:
        """See :meth:`DialogueParser.feed`."""
        rest = super().feed(side, data, time)
        self._line = b""
        self._count_oddities(side)
        if self._dead and not self._given_up:
            self._given_up = True
            self._note(side, "given-up")
        return rest

    def _feed_client(self, data: bytes, time: int) -> bytes | None:
        self._line = data  # a turn that is one command is not cut into lines
        if self._mode == MESSAGE and self._go_ahead:
            self._note_message_text()
        rest = super()._feed_client(data, time)
        if self._mode == MESSAGE and self._text is not None and self._text.size:
            self._note_message_text()
        return rest

    def _client_line(self, line: bytes, time: int) -> None:
        self._line = line
        passes_over = self._mode == RESYNC
        self._last = None
        super()._client_line(line, time)
        if self._last is None and passes_over and not self._passes_over_already():
            self._note(CLIENT, "passed-over", LINE)
        self._count_oddities(CLIENT)

    def _passes_over_already(self) -> bool:
        return bool(self.entries) and self.entries[-1].kind in ("passed-over", "taken-back")

    def _command(self, command: Command, size: int) -> None:
        super()._command(command, size)
        self._note(CLIENT, command.kind.lower(), _shown_command(self._line.rstrip(b"\r\n")))

    def _plain_after_starttls(self) -> None:
        self._early = not self._result.starttls.accepted and "STARTTLS" in self._pending
        super()._plain_after_starttls()

    def _request_tls(self) -> None:
        self._note(CLIENT, "starttls", _verb(self._line))
        super()._request_tls()

    def _other_command(self, verb: bytes, line: bytes) -> None:
        if verb == b"PROXY" and self._client_lines == 1:
            self._note(CLIENT, "proxy-header", LINE)
        elif is_mangled_starttls(verb):
            self._note(CLIENT, "starttls", _verb(line))
        elif is_command(line):
            self._note(CLIENT, "other", _verb(line) + (f" {ARGUMENT}" if len(line.split()) > 1 else ""))
        else:
            self._exposed = True
            self._note(CLIENT, "unknown", LINE)
        super()._other_command(verb, line)

    def _begin_exchange(self, argument: bytes, time: int) -> None:
        super()._begin_exchange(argument, time)
        exchange = self._exchange
        assert exchange is not None  # noqa: S101 - it has just begun
        attempt = exchange.attempt
        words = [_verb(self._line).upper()]
        if argument.strip():
            words.append(attempt.mechanism or MECHANISM)
        if attempt.initial_response:
            words.append(INITIAL_RESPONSE)
        self._exposed |= attempt.mechanism is None or bool(attempt.initial_response)
        self._note(CLIENT, "auth", " ".join(words), attempt=attempt).named = attempt.username is not None

    def _respond(self, exchange: Exchange, line: bytes) -> None:
        attempt = exchange.attempt
        before = attempt.username
        super()._respond(exchange, line)
        if line.strip() == b"*":
            self._note(CLIENT, "cancel", "*", attempt=attempt)
            return
        self._exposed = True
        entry = self._note(CLIENT, "response", RESPONSE, attempt=attempt)
        entry.named = attempt.username is not None and before is None

    def _begin_chunk(self, argument: bytes) -> None:
        last = argument.strip().upper().endswith(b" LAST")
        self._note(CLIENT, "bdat", f"BDAT {ARGUMENT}{' LAST' if last else ''}")
        super()._begin_chunk(argument)
        if self._mode == CHUNK:
            self._note(CLIENT, "message-text", TEXT)

    def _end_message(self) -> None:
        self._note_message_text()
        super()._end_message()

    def _note_message_text(self) -> None:
        if self._text is not self._shown_text:
            self._shown_text = self._text
            self._note(CLIENT, "message-text", TEXT)

    # --- the server ----------------------------------------------------------------------------------

    def _server_line(self, line: bytes) -> None:
        self._last = None
        super()._server_line(line)
        if line and code_of(line) is None:
            self._note(SERVER, "no-reply", LINE)
        self._count_oddities(SERVER)

    def _handle(self, reply: Reply) -> None:
        code, lines = reply
        pending = self._pending
        waiting, first = len(pending), _kind(pending[0]) if pending else None
        may_repeat = self._exposed or not self._client_seen
        self._answered = None
        entry = self._note(SERVER, "challenge" if code == _CHALLENGED else "reply")
        is_kept = self.entries[-1] is entry
        super()._handle(reply)
        if self._answered is None and len(pending) < waiting:
            self._answered = first  # nothing was to be learned from it
        if code == _CHALLENGED and pending and isinstance(pending[0], Exchange):
            self._answered = "auth"
        entry.code, entry.answers = code, self._answered or None
        enhanced = enhanced_code(code, lines)
        if code >= _REFUSED and (entry.answers == "auth" or code == _AUTHENTICATION_REQUIRED):
            entry.meaning = meaning(code, enhanced, text_of(lines))
        if _is_shown(code, lines, entry.answers, may_repeat=may_repeat):
            entry.text = tuple(map(excerpt, lines[:MAX_REPLY])) + (("…",) if len(lines) > MAX_REPLY else ())
        else:
            what = CHALLENGE if code == _CHALLENGED else REPLY
            entry.text = (" ".join((str(code), *((enhanced,) if enhanced else ()), what)),)
        if is_kept:
            self._allowance.left -= entry.cost - ENTRY_COST
        self._last = entry
        self._count_oddities(SERVER)

    def _reply_to(self, head: Pending, code: int, lines: Sequence[bytes]) -> None:
        self._answered = _kind(head)
        super()._reply_to(head, code, lines)

    def _replied_in_message(self, code: int, lines: Sequence[bytes]) -> None:
        self._answered = "message"
        super()._replied_in_message(code, lines)

    def _reply_alone(self, code: int, lines: Sequence[bytes]) -> None:
        self._answered = ""
        super()._reply_alone(code, lines)

    # --- missing bytes -------------------------------------------------------------------------------

    def gap(self, side: int, size: int | None, time: int) -> None:
        """See :meth:`DialogueParser.gap`."""
        self.now = time
        in_chunk = self._mode == CHUNK and size is not None and size <= self._chunk
        in_text = self._mode == MESSAGE and self._text is not None and size is not None
        if side == CLIENT and (in_chunk or in_text):
            self._note(side, "gap-in-text")
        else:
            self._exposed |= side == CLIENT
            self._note(side, "gap")
        super().gap(side, size, time)
        self._count_oddities(side)

    def _begin_doubt(self) -> None:
        self._first_in_doubt = len(self.entries)
        super()._begin_doubt()

    def _take_back(self) -> None:
        if self._before is not None:
            since = self._first_in_doubt
            kept = [entry for entry in self.entries[since:] if entry.side == SERVER or entry.kind.startswith("gap")]
            gone = sum(entry.cost for entry in self.entries[since:]) - sum(entry.cost for entry in kept)
            self._allowance.left += gone
            self.entries[since:] = kept
            self._note(CLIENT, "taken-back", TEXT)
        super()._take_back()


def _kind(pending: Pending) -> str:
    return "auth" if isinstance(pending, Exchange) else pending.lower()


def _is_shown(code: int, lines: Sequence[bytes], answers: str | None, *, may_repeat: bool) -> bool:
    """Whether the text of a reply can hold nothing that the client must not be seen to say."""
    if code == _CHALLENGED:
        return False
    if code >= _REFUSED:
        return not may_repeat and (answers == "auth" or answers in _HARMLESS)
    if answers is None:
        return code in _ALONE or is_ehlo_reply(lines)
    return answers in _HARMLESS


def _shown_command(line: bytes) -> str:
    """A command of those without secrets; of odd arguments, that they are there."""
    verb, argument = line[:4], line[4:].strip()
    if verb.upper() in (b"EHLO", b"HELO", b"LHLO"):
        return excerpt(line.rstrip())
    if (envelope := _ENVELOPE.fullmatch(line.strip())) is not None:
        parts = [excerpt(envelope[1] + b":" + envelope[2])]
        for word in envelope[3].split():
            parameter = _PARAMETER.match(word)
            parts.append((parameter[1].decode() + ("=…" if parameter[2] else "")) if parameter else "…")
        return " ".join(parts)
    return excerpt(verb) + (f" {ARGUMENT}" if argument else "")


def _verb(line: bytes) -> str:
    return excerpt(line.split(None, 1)[0])
