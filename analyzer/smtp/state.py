"""What the two sides of a dialogue must know of each other: where each stands, and what is still open."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from analyzer.smtp.exchange import Exchange
from analyzer.smtp.limits import MAX_ATTEMPTS, MAX_HEADERS, MAX_PENDING
from analyzer.smtp.lines import LineBuffer
from analyzer.smtp.message_header import MessageHeader
from analyzer.smtp.message_text import MessageText
from analyzer.smtp.records import AuthAttempt, Dialogue, StartTls

CLIENT: Final = 0
SERVER: Final = 1

COMMANDS, MESSAGE, CHUNK, RESYNC = range(4)
"""What the client's next bytes are: command lines, message text, a BDAT chunk, or anything after a hole."""

Pending = str | Exchange
"""A command that awaits its reply: its kind, or its exchange if it is AUTH."""


@dataclass(frozen=True, slots=True)
class _Before:
    """What was known before lines were taken for commands in doubt."""

    auth: list[AuthAttempt]
    ehlo: str | None
    starttls: StartTls
    completed: int
    said_smtp: bool
    ended: bool
    mail_program: str | None


class State:
    """Both sides' state. See :class:`~analyzer.smtp.dialogue.DialogueParser`, which is made of it.

    Args:
        from_start: the conversation's beginning was captured.
        greets: the server speaks first; inside STARTTLS it does not (RFC 3207 section 4.2).
        inside_tls: the bytes were decrypted, so that what EHLO names is offered after TLS.
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

    def __init__(self, *, from_start: bool = True, greets: bool = True, inside_tls: bool = False) -> None:
        self._result = Dialogue(auth_may_be_hidden=not from_start)
        self._pending: list[Pending] = ["GREETING"] if from_start and greets else []  # a deque takes 600 bytes more
        self._buffers = (LineBuffer(), LineBuffer())
        self._mode = COMMANDS if from_start else RESYNC
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
        self._after_tls = inside_tls
        self._accepted = self._completed = 0
        self._client_seen = self._server_seen = self._server_gap = False
        self._client_lines = self._unknown_lines = 0
        self._said_smtp = False  # a command or reply that no other protocol has
        self._greeted_as_smtp = False  # replies in the form of SMTP's, which others have too
        self._foreign = self._dead = False

    @property
    def silent(self) -> bool:
        """The client has said nothing so far, and nothing it may have said is missing."""
        return not self._client_lines and not self._gap_since_auth

    # --- commands that await their replies -----------------------------------------------------------

    def _push(self, kind: Pending) -> None:
        pending = self._pending
        if len(pending) >= MAX_PENDING:
            pending.pop(0)
            self._dropped += 1
            if self._server_seen:
                self._result.oddities["too-many-pending"] += 1
        pending.append(kind)

    def _forget_pending(self) -> None:
        self._pending.clear()
        self._dropped = 0

    # --- messages ------------------------------------------------------------------------------------

    def _begin_text(self) -> None:
        """What the client says next is message text."""
        wanted = self._result.mail_program is None and self._completed < MAX_HEADERS
        header = MessageHeader() if wanted else None
        self._text = MessageText(bare=self._buffers[CLIENT].bare > 0, header=header)

    # --- AUTH ----------------------------------------------------------------------------------------

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

    # --- doubt ---------------------------------------------------------------------------------------

    def _begin_doubt(self) -> None:
        """Take what follows for commands, until it proves to be text."""
        result = self._result
        self._mode = COMMANDS
        self._before = _Before(
            list(result.auth),
            result.ehlo,
            replace(result.starttls),
            self._completed,
            self._said_smtp,
            result.ended,
            result.mail_program,
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
        result.ended = before.ended
        result.mail_program = before.mail_program
        self._forget_pending()
        self._exchange = None
        self._mode = RESYNC
