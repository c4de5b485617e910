"""The step between the analysis and whoever takes its sessions: those that were decrypted are amended.

tshark lags behind, so a session waits here from its end until tshark has come as far. It waits for nothing where it
has no TLS, or no keys: then it passes at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Final

from analyzer.decryption.amend import amended
from analyzer.decryption.keylog import KeyRing
from analyzer.decryption.tap import Tap
from analyzer.errors import UsageError
from analyzer.inventory.observer import SessionObserver
from analyzer.inventory.session import Session
from analyzer.smtp import DialogueParser
from analyzer.streams import Conversation, Turns

if TYPE_CHECKING:
    from analyzer.decryption.plaintext import Decrypted, Listen
    from analyzer.decryption.relay import Relay
    from analyzer.tshark.program import Tshark

MAX_WAITING: Final = 10_000
"""Sessions that wait for tshark, before the analysis waits for it, too. What stays in the pipe and in tshark's buffers
until more comes is a few hundred connections at most."""

Choose = Callable[[Session, Session | None], Session]
"""Given a session without its keys and with them (``None`` where that says no more), the one to pass on."""


OnRead = Callable[[Session, "Decrypted"], None]


def with_keys(before: Session, after: Session | None) -> Session:
    """What was decrypted counts."""
    return after or before


class TappedObserver(SessionObserver):
    """The observer of every conversation, with a tap beside it."""

    __slots__ = ("tap",)

    def __init__(self, conversation: Conversation, tap: Tap) -> None:
        super().__init__(conversation)
        self.tap = tap

    def turns(self, turns: Turns) -> None:
        """See :class:`analyzer.streams.Listener`."""
        super().turns(turns)
        self.tap.turns(turns)

    def gap(self, side: int, size: int | None, time: int) -> None:
        """See :class:`analyzer.streams.Listener`."""
        super().gap(side, size, time)
        self.tap.gap(side, size, time)

    @property
    def messages_in_clear(self) -> int:
        """Messages that were sent before TLS; sure once the conversation is finished."""
        return 0 if self._dialogue is None else self._dialogue.finish().messages


@dataclass(slots=True)
class Counts:
    """TLS connections of a run.

    Attributes:
        tls: all in which the handshake was not seen to fail.
        fitting: those whose keys are there.
        decrypted: those of which it helped to know more.
    """

    tls: int = 0
    fitting: int = 0
    decrypted: int = 0


@dataclass(slots=True)
class _Waiting:
    """A session that is over, and what goes into :func:`~analyzer.decryption.amend.amended` with it."""

    session: Session
    ended: bool
    hidden: bool
    messages: int


class Decryption:
    """Decrypts what a run meets and has keys for. Use as a context manager: leaving it ends tshark.

    Args:
        ring: the keys; may grow while the run goes on, since captures can carry keys.
        find: finds tshark, or raises ``UsageError``; asked when a connection fits the keys, not before.
        choose: decides what becomes of a session that was decrypted.
        listen: follows the dialogues inside; see :class:`~analyzer.decryption.plaintext.Listen`.
        on_read: receives each session as it is without keys, and what was read inside, before ``choose`` does.

    Attributes:
        counts: see :class:`Counts`.
        missing: why tshark cannot be used, as a line for the user, or ``None``; known once it was needed.
        fault: what went wrong in it, as a sentence fragment, or ``None``; sure after :meth:`close`.
    """

    def __init__(
        self,
        ring: KeyRing,
        find: Callable[[], Tshark],
        choose: Choose = with_keys,
        listen: Listen = DialogueParser,
        on_read: OnRead | None = None,
    ) -> None:
        self._ring = ring
        self._find = find
        self._choose = choose
        self._listen = listen
        self._on_read = on_read
        self._relay: Relay | None = None
        self._waiting: dict[int, _Waiting] = {}
        self._early: dict[int, Decrypted] = {}  # of connections that were cut off and go on
        self._ready: list[Session] = []
        self.counts = Counts()
        self.missing: str | None = None

    @property
    def keys(self) -> int:
        """Connections that there are keys for, whether they were met or not."""
        return len(self._ring)

    @property
    def fault(self) -> str | None:
        """See above."""
        return None if self._relay is None else self._relay.fault

    @property
    def earliest(self) -> int | None:
        """Start of the oldest session that waits here, nanoseconds, or ``None``."""
        return min((waiting.session.start for waiting in self._waiting.values()), default=None)

    def listen(self, conversation: Conversation) -> SessionObserver:
        """The listener of a conversation."""
        if not len(self._ring):
            return SessionObserver(conversation)
        return TappedObserver(conversation, self.tap(conversation))

    def tap(self, conversation: Conversation) -> Tap:
        """What listens to a conversation for TLS whose keys are there."""
        return Tap(conversation, self._ring, self._connect)

    def hold(self, session: Session, listener: SessionObserver, conversation: Conversation) -> bool:
        """A session is over; returns whether it waits here. ``session`` is as it is without keys."""
        in_tls = session.tls_mode != "none" and session.tls_established is not False
        self.counts.tls += in_tls
        if not isinstance(listener, TappedObserver):
            return False
        tap = listener.tap
        self.counts.fitting += in_tls and tap.fits
        if tap.number is None or self._relay is None:
            return False
        if len(self._waiting) >= MAX_WAITING:
            self._collect(wait=True)
        self._relay.end(tap.number)
        ended = conversation.reset or any(direction.finished for direction in conversation.directions)
        waiting = _Waiting(session, ended, tap.hidden, listener.messages_in_clear)
        early = self._early.pop(tap.number, None)
        if early is None:
            self._waiting[tap.number] = waiting
        else:
            self._ready.append(self._answered(waiting, early))
        return True

    def released(self) -> Iterator[Session]:
        """Sessions that wait no longer."""
        self._collect()
        ready, self._ready = self._ready, []
        yield from ready

    def close(self) -> Iterator[Session]:
        """Nothing more is fed: the rest of the sessions, decrypted or not."""
        if self._relay is not None:
            self._relay.close()
        yield from self.released()
        if self._waiting and self._relay is not None and self._relay.fault is None:
            self._relay.fault = "tshark ended before its input did"
        for waiting in self._waiting.values():  # tshark has ended before its time
            yield self._choose(waiting.session, None)
        self._waiting.clear()

    def __enter__(self) -> Decryption:
        """Nothing to do."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End tshark if it still runs."""
        if self._relay is not None:
            self._relay.__exit__(kind, error, at)

    def _connect(self) -> Relay | None:
        if self._relay is None and self.missing is None:
            try:
                tshark = self._find()
            except UsageError as error:
                self.missing = str(error)
                return None
            from analyzer.decryption.relay import Relay  # brings pyshark, which few runs need

            self._relay = Relay(tshark, self._listen)
        return self._relay if self._relay is not None and self._relay.takes_more else None

    def _collect(self, *, wait: bool = False) -> None:
        """Amend the sessions whose answers are there."""
        if self._relay is None:
            return
        for number, decrypted in self._relay.answers(wait=wait):
            waiting = self._waiting.pop(number, None)
            if waiting is None:
                self._early[number] = decrypted
            else:
                self._ready.append(self._answered(waiting, decrypted))

    def _answered(self, waiting: _Waiting, decrypted: Decrypted) -> Session:
        if self._on_read is not None:
            self._on_read(waiting.session, decrypted)
        after = amended(
            waiting.session,
            decrypted,
            ended=waiting.ended,
            hidden=waiting.hidden,
            messages_before=waiting.messages,
        )
        self.counts.decrypted += after is not None
        return self._choose(waiting.session, after)
