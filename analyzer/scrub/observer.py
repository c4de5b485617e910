"""Listens to one conversation, and plans what is shown of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from analyzer.inventory.observer import SessionObserver
from analyzer.scrub import lines
from analyzer.scrub.parser import ScrubParser, is_withheld
from analyzer.scrub.plan import Plan, Room, StreamWriter
from analyzer.scrub.records import RecordFilter
from analyzer.scrub.replies import reply, torn
from analyzer.scrub.responses import response
from analyzer.scrub.spool import Spool
from analyzer.scrub.texts import TextEraser
from analyzer.smtp import DialogueParser
from analyzer.smtp.arguments import MAX_LINE
from analyzer.smtp.records import AuthAttempt, Dialogue
from analyzer.smtp.replies import code_of
from analyzer.smtp.transcript import Entry
from analyzer.streams import CLIENT, SERVER, Conversation, Turns
from analyzer.streams.conversation import Direction
from analyzer.streams.sequence import MODULUS

MAX_HELD_LINES: Final = 128
"""Lines of one reply that wait for its last one; longer ones are shown without text (``reply-too-long``)."""

MAX_UNDECIDED: Final = 1024
"""Responses of a conversation that wait for its end to show a name; others show none (``too-many-responses``)."""

HOLE: Final = 64
"""Bytes that seem to be missing where some are outside of message text: how many would tell how long a password is."""

_END: Final = b"\r\n"
_MAY_END_TEXT: Final = (b".", b"\r", b"\n")


@dataclass(frozen=True, slots=True)
class Policy:
    """What a scrubbed capture shows beyond what is never a secret.

    Attributes:
        keep_messages: message text as it is.
        same_lengths: what is blanked keeps its length.
        rename: gives names of users an alias; ``None``: they are shown. With it, addresses of mails go, too.
    """

    keep_messages: bool = False
    same_lengths: bool = False
    rename: Callable[[str], str] | None = None


class _Line:
    """The line that a side is about to finish.

    Attributes:
        size: bytes so far.
    """

    __slots__ = ("_beginning", "_last", "size")

    def __init__(self) -> None:
        self._beginning = b""
        self._last = b""
        self.size = 0

    def add(self, piece: bytes) -> None:
        """More of it: kept is as much as may be shown."""
        self.size += len(piece)
        self._beginning += piece[: max(MAX_LINE - len(self._beginning), 0)]
        self._last = (self._last + piece)[-len(_END) :]

    def split(self) -> tuple[bytes, bytes]:
        """Its beginning, without the line end, and the line end."""
        if self.size > len(self._beginning):
            return self._beginning.rstrip(b"\r\n"), _END if self._last == _END else self._last[-1:]
        body = self._beginning.removesuffix(b"\n").rstrip(b"\r")
        return body, self._beginning[len(body) :]


class PlanningObserver(SessionObserver):
    """Receives one conversation's bytes and plans what is shown of them; see :class:`analyzer.streams.Listener`.

    Args:
        conversation: as it stands when its first payload arrives.
        policy: what is shown.
        spool: takes the bytes that are.
        room: for the stretches of all plans together.
        counts: receives what was blanked: ``credentials``, ``lines``, ``replies``, ``messages``.
    """

    __slots__ = (
        "_attempt",
        "_counts",
        "_eraser",
        "_exposed",
        "_held",
        "_line",
        "_opening",
        "_policy",
        "_records",
        "_responses",
        "_spoken",
        "_writers",
    )

    def __init__(
        self, conversation: Conversation, policy: Policy, spool: Spool, room: Room, counts: Counter[str]
    ) -> None:
        super().__init__(conversation)
        self._policy = policy
        self._counts = counts
        self._writers = (StreamWriter(spool, room), StreamWriter(spool, room))
        self._line = [_Line(), _Line()]
        self._held: list[tuple[bytes, bytes, int]] = []  # lines of a reply: text, end, size
        self._records = (RecordFilter(), RecordFilter())
        self._eraser: TextEraser | None = None
        self._exposed = policy.rename is not None  # the client says what replies may not repeat: addresses, say
        self._opening = b""  # of the client: too little to say whether a proxy speaks first
        self._attempt: AuthAttempt | None = None  # the login that is under way
        self._responses = 0  # its messages so far
        self._spoken: ScrubParser | None = None

    def _parser(self) -> DialogueParser:
        self._spoken = ScrubParser(from_start=self._from_start)
        return self._spoken

    # --- listening -----------------------------------------------------------------------------------

    def turns(self, turns: Turns) -> None:
        """The next bytes of both sides."""
        for turn, (side, time) in enumerate(zip(turns.sides, turns.times, strict=True)):
            data = turns.payload(turn)
            if self._dialogue is None and self._tls is None:
                self._wait((side ^ self._flip, data, None, time), last=False)
            else:
                self._hear(side ^ self._flip, data, time)

    def _hear(self, side: int, data: bytes, time: int) -> None:
        at = 0
        parser = self._spoken
        if parser is not None and side == CLIENT and not self._in_tls[side] and not parser.has_heard_client:
            data, self._opening = self._opening + data, b""
            if lines.may_be_proxy_header(data):
                self._opening = data
                return
            at = self._pass_proxy_header(parser, data)
        while parser is not None and at < len(data) and not self._in_tls[side]:
            step = self._step(parser, side, data, at)
            rest = self._follow(parser, side, data[at : at + step])
            at += step
            if rest is not None:
                self._in_tls[side] = True
                self._pass_records(side, rest)
        if at < len(data):
            self._pass_records(side, data[at:])

    def gap(self, side: int, size: int | None, time: int) -> None:
        """Bytes of ``side`` are missing."""
        if self._dialogue is None and self._tls is None:
            super().gap(side, size, time)
            return
        side ^= self._flip
        writer, missing = self._writers[side], size or 0
        parser = self._spoken
        if parser is None or self._in_tls[side]:
            self._records[side].gap(size)
            writer.miss(missing, missing)
            return
        ahead = parser.text_ahead if side == CLIENT and not self._line[side].size else 0
        self._tear(side)
        parser.gap(side, size, time)
        parser.forget()
        # Of the text of a message, as many bytes may seem to be missing as are: a BDAT chunk is known by its length.
        self._exposed |= side == CLIENT and missing > ahead
        writer.miss(missing, missing if missing <= ahead or self._policy.same_lengths else ahead + HOLE)

    def _pass_records(self, side: int, data: bytes) -> None:
        """TLS: records pass, and whatever else comes in between does not."""
        at = 0
        for size, is_record in self._records[side].feed(data):
            if is_record:
                self._writers[side].show(data[at : at + size])
            else:
                self._blank(side, size)
            at += size

    def _pass_proxy_header(self, parser: ScrubParser, data: bytes) -> int:
        """What a proxy says before the client does; returns how long it is."""
        size = lines.proxy_header(data)
        if size:
            parser.feed(CLIENT, data[:size], self._start)
            parser.forget()
            self._writers[CLIENT].show(lines.without_addresses(data[:size]))
        return size

    # --- the dialogue, line by line ------------------------------------------------------------------

    def _step(self, parser: ScrubParser, side: int, data: bytes, at: int) -> int:
        """How many bytes of ``data`` from ``at`` on are looked at as one: a line, or as much of a message."""
        ahead = parser.text_ahead if side == CLIENT and not self._line[side].size else 0
        if ahead and parser.in_chunk:
            return min(ahead, len(data) - at)
        if ahead and data[at : at + 1] not in _MAY_END_TEXT:
            dot = data.find(b"\n.", at)  # up to a line that may end the message
            return (dot + 1 if dot >= 0 else len(data)) - at
        end = data.find(b"\n", at)
        return (end + 1 if end >= 0 else len(data)) - at

    def _follow(self, parser: ScrubParser, side: int, piece: bytes) -> bytes | None:
        """Give ``piece`` to the parser and plan what is shown of it; returns what of it is TLS."""
        line = self._line[side]
        in_text = side == CLIENT and not line.size and parser.text_ahead > 0
        rest = parser.feed(side, piece, self._start)
        if in_text and rest is None:
            self._pass_text(parser, piece)
            parser.forget()
            return None
        line.add(piece)
        if rest is not None:
            before = line.size - len(rest)
            self._line[side] = _Line()
            if before > 0:
                self._blank(side, before)
            parser.forget()
            return rest
        if piece.endswith(b"\n"):
            noted = parser.noted
            if side == CLIENT:
                self._client_line(noted)
            else:
                self._server_line(parser, noted)
            self._line[side] = _Line()
            parser.forget()
        return None

    def _client_line(self, noted: list[Entry]) -> None:
        line = self._line[CLIENT]
        body, end = line.split()
        # The last one: the parser may have kept an empty line until it knew that no proxy speaks.
        of_line = (entry for entry in reversed(noted) if entry.side == CLIENT and entry.kind in _OF_LINES)
        entry = next(of_line, None)
        kind = "" if entry is None else entry.kind
        policy = self._policy
        if entry is not None and entry.attempt is not None and kind in ("auth", "response"):
            self._plan_login(entry, entry.attempt, body, end)
            return
        shown = lines.command(kind, body, self._size_of(line.size, end), hide_users=policy.rename is not None)
        if shown == body and line.size == len(body) + len(end):
            self._writers[CLIENT].show(body + end)
            return
        self._exposed = True
        if kind not in lines.KNOWN:
            self._counts["lines"] += 1
        self._replace(CLIENT, line.size, shown + end)

    def _plan_login(self, entry: Entry, attempt: AuthAttempt, body: bytes, end: bytes) -> None:
        """A line of a login: what stands in its place is known when the conversation is over, as are the names."""
        size = self._line[CLIENT].size
        self._exposed = True
        head, message = b"", body
        if entry.kind == "auth":
            head, message = lines.login(body, attempt.mechanism)
            self._attempt = attempt
            self._responses = int(message == b"=" and attempt.mechanism != "LOGIN")
            if not message or message == b"=":
                self._replace(CLIENT, size, lines.fitted(head + message, self._size_of(size, end)) + end)
                return
        position = self._responses if attempt is self._attempt else 0
        self._attempt, self._responses = attempt, position + 1
        self._counts["credentials"] += 1
        room = size - len(end) - len(head) if self._policy.same_lengths else None

        def decide(attempt: AuthAttempt = attempt) -> bytes:
            return head + response(attempt, position, room, named=entry.named, rename=self._policy.rename) + end

        writer = self._writers[CLIENT]
        if writer.undecided < MAX_UNDECIDED:
            writer.replace_later(size, decide)
        else:
            self._counts["too-many-responses"] += 1
            self._replace(CLIENT, size, decide(AuthAttempt(attempt.mechanism, attempt.method)))

    def _server_line(self, parser: ScrubParser, noted: list[Entry]) -> None:
        line = self._line[SERVER]
        self._held.append((*line.split(), line.size))
        entry = next((entry for entry in noted if entry.kind in ("reply", "challenge")), None)
        if entry is not None:
            self._pass_reply(parser, entry)
        elif parser.over or len(self._held) >= MAX_HELD_LINES:
            self._counts["reply-too-long"] += not parser.over
            self._tear_reply()
        elif len(self._held) == 1 and code_of(self._held[0][0]) is None:
            self._tear_reply()

    def _pass_reply(self, parser: ScrubParser, entry: Entry) -> None:
        held, self._held = self._held, []
        bodies = [body for body, _, _ in held if code_of(body) is not None]
        sizes = [size - len(end) for body, end, size in held if code_of(body) is not None]
        assert entry.code is not None  # noqa: S101 - of a reply
        shown = iter(
            reply(
                entry.code,
                bodies,
                sizes if self._policy.same_lengths else None,
                entry.answers,
                withheld=is_withheld(entry),
                exposed=self._may_repeat(parser, entry),
                refusal=parser.refusal if entry.kind == "challenge" else None,
            )
        )
        for body, end, size in held:
            told = torn(body, self._size_of(size, end)) if code_of(body) is None else next(shown)
            if told == body and size == len(body) + len(end):
                self._writers[SERVER].show(body + end)
            else:
                self._counts["replies"] += 1
                self._replace(SERVER, size, told + end)

    def _may_repeat(self, parser: ScrubParser, entry: Entry) -> bool:
        """Whether the client has said, or can have said unheard, what may not be shown."""
        unheard = not parser.has_heard_client and entry.answers != "greeting"
        return self._exposed or unheard or self._line[CLIENT].size > 0  # a line without an end says something, too

    def _size_of(self, size: int, end: bytes) -> int | None:
        """Length of a line without its end, where lengths are kept."""
        return size - len(end) if self._policy.same_lengths else None

    def _pass_text(self, parser: ScrubParser, piece: bytes) -> None:
        if self._policy.keep_messages:
            shown = piece
        else:
            if self._eraser is None:
                self._eraser = TextEraser()
                self._counts["messages"] += 1
            shown = self._eraser.erase(piece)
        self._writers[CLIENT].show(shown)
        if not parser.text_ahead:
            self._eraser = None

    # --- what is not shown ---------------------------------------------------------------------------

    def _replace(self, side: int, size: int, shown: bytes) -> None:
        """``shown`` stands for ``size`` bytes."""
        if self._policy.same_lengths:
            self._writers[side].show(shown)
        else:
            self._writers[side].replace(size, shown)

    def _blank(self, side: int, size: int) -> None:
        """Nothing of ``size`` bytes is shown."""
        self._exposed = True
        self._counts["lines"] += 1
        self._replace(side, size, lines.filler(self._size_of(size, b"")))

    def _tear(self, side: int) -> None:
        """What was said last has no end."""
        if side == SERVER:
            self._tear_reply()
        line = self._line[side]
        if side == CLIENT and self._opening:
            line.add(self._opening)
            self._opening = b""
        if line.size:
            self._blank(side, line.size)
            self._line[side] = _Line()

    def _tear_reply(self) -> None:
        held, self._held = self._held, []
        for body, end, size in held:
            self._counts["replies"] += 1
            self._replace(SERVER, size, torn(body, self._size_of(size, end)) + end)

    # --- the plan ------------------------------------------------------------------------------------

    @property
    def full(self) -> bool:
        """Whether there was no room for a plan."""
        return any(writer.full for writer in self._writers)

    def plan(self, conversation: Conversation) -> Plan | None:
        """The conversation's plan, when it is over; ``None`` where it is neither SMTP nor TLS, or :attr:`full`."""
        if self._undecided:
            self._wait(None, last=True)
        for side in (CLIENT, SERVER):
            self._tear(side)
        dialogue = self._dialogue.finish() if self._dialogue is not None else Dialogue()
        planned = []
        for side, writer in enumerate(self._writers):
            direction = conversation.directions[side ^ self._flip]
            planned.append(writer.finish(_first(direction, writer.size), direction.fin))
        if self.full or not (dialogue.is_smtp or self._tls is not None or any(self._in_tls)):
            for writer in self._writers:
                writer.discard()
            return None
        if self._flip ^ conversation.flipped:
            planned.reverse()
        low, high = planned
        return Plan(conversation.key, conversation.start, (low, high))


def _first(direction: Direction, size: int) -> int:
    """Sequence number of the first of ``size`` bytes of a direction that is over."""
    if direction.first is not None:
        return direction.first
    if direction.next is None:
        return 0
    behind_fin = direction.finished and direction.next != direction.fin
    return (direction.next - size - behind_fin) % MODULUS


_OF_LINES: Final = frozenset((*lines.KNOWN, "auth", "response", "unknown", "passed-over", "given-up", "taken-back"))
