"""Events to a syslog server, whatever becomes of it: a run never waits for a log.

:meth:`SyslogSender.send` puts a message into a bounded queue and returns. A thread of its own connects, sends, and
connects again where that is lost, more and more patiently. Messages that were handed to the system count as sent:
syslog has no acknowledgement, so what was on its way as a connection broke is lost (RFC 5424 section 8.5), and over UDP
anything may be. Gaps in the messages' ``sequenceId`` tell.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from analyzer.alerts.event import Event
from analyzer.delivery.syslog_connection import Connection, connect
from analyzer.delivery.syslog_message import SyslogMessages
from analyzer.delivery.syslog_target import SyslogTarget

MOST_WAITING = 4096
"""Messages that wait while the server is away: 4 MB, a week-end of a quiet network. What comes then is dropped and
counted; what waits says how it began."""

CONNECTS_WITHIN = 15.0
"""Seconds, the TLS handshake included."""

SENDS_WITHIN = 15.0
"""Seconds after which a server that takes nothing more counts as gone."""

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""Seconds between attempts to connect; each pause is twice the one before, and after a connection that lasted longer
than the longest the first comes again."""

LINGER = 3.0
"""Seconds that closing waits for messages to be sent."""

TURNS_TO_CLOSE = 3
"""Turns of the event loop in which what was aborted lets go of its socket: TLS in the first, TCP in the next."""


@dataclass(frozen=True, slots=True)
class SyslogCounters:
    """Messages so far: ``dropped`` found no room, or were left as the run ended; ``failures`` are of connections."""

    sent: int = 0
    waiting: int = 0
    dropped: int = 0
    failures: int = 0
    connected: bool = False


class SyslogSender:
    """Sends events to one server.

    Args:
        target: the server.
        messages: makes a message of an event.
        say: told in one line when the server cannot be reached, and when it is back; called in another thread.
        most_waiting, first_pause: see :data:`MOST_WAITING` and :data:`FIRST_PAUSE`.
    """

    def __init__(
        self,
        target: SyslogTarget,
        messages: SyslogMessages,
        say: Callable[[str], None],
        *,
        most_waiting: int = MOST_WAITING,
        first_pause: float = FIRST_PAUSE,
    ) -> None:
        self._target = target
        self._messages = messages
        self._say = say
        self._most_waiting = most_waiting
        self._first_pause = first_pause
        self._waiting: deque[bytes] = deque()
        self._sent = self._dropped = self._failures = 0
        self._connected = self._failing = self._stopping = False
        self._loop = asyncio.new_event_loop()
        self._wake = asyncio.Event()
        self._task = self._loop.create_task(self._run())
        self._thread = threading.Thread(target=self._work, name="syslog", daemon=True)
        self._thread.start()

    def send(self, event: Event) -> None:
        """Have ``event`` sent; where too many wait, it is dropped. Not for use after :meth:`close`."""
        message = self._messages.encode(event)
        if len(self._waiting) >= self._most_waiting:
            self._dropped += 1
            return
        self._waiting.append(message)
        self._loop.call_soon_threadsafe(self._wake.set)

    @property
    def counters(self) -> SyslogCounters:
        """As they are now; may be asked from any thread."""
        return SyslogCounters(self._sent, len(self._waiting), self._dropped, self._failures, self._connected)

    def close(self, linger: float = LINGER) -> None:
        """Send what waits, for at most ``linger`` seconds, and end the thread; what is left counts as dropped.

        (A name that is being looked up cannot be called off: that thread of the system's resolver ends when it does.)
        """
        if self._loop.is_closed():
            return
        self._stopping = True
        self._loop.call_soon_threadsafe(self._wake.set)
        self._thread.join(linger)
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._task.cancel)
            self._thread.join()
        self._loop.close()
        if not self._task.cancelled():
            self._task.result()
        self._dropped += len(self._waiting)
        self._waiting.clear()

    # --- in the thread ------------------------------------------------------------------------------

    def _work(self) -> None:
        self._loop.run_until_complete(asyncio.wait([self._task]))
        for _ in range(TURNS_TO_CLOSE):
            self._loop.run_until_complete(asyncio.sleep(0))

    async def _run(self) -> None:
        pause = self._first_pause
        while not self._stopping or (self._waiting and not self._failing):
            began = self._loop.time()
            try:
                connection = await asyncio.wait_for(connect(self._target), CONNECTS_WITHIN)
            except (OSError, ValueError) as error:  # TimeoutError and ssl.SSLError are OSErrors
                self._failed(_reason(error))
            else:
                await self._use(connection)
            if self._loop.time() - began > LONGEST_PAUSE:
                pause = self._first_pause
            if not self._stopping:
                await self._rest(pause)
                pause = min(2 * pause, LONGEST_PAUSE)

    async def _use(self, connection: Connection) -> None:
        """Send over ``connection`` until it is of no use, or the run ends."""
        try:
            if self._target.scheme != "udp":
                self._succeeded()
            while await self._more(connection.ended):
                message = self._waiting[0]
                await asyncio.wait_for(connection.send(message), SENDS_WITHIN)
                if self._failing:
                    await connection.confirm()
                self._waiting.popleft()
                self._sent += 1
                self._succeeded()
            if connection.ended.done():
                connection.ended.result()
        except OSError as error:
            self._failed(_reason(error))
        finally:
            self._connected = False
            await connection.close()

    async def _more(self, ended: asyncio.Future[None]) -> bool:
        """Wait for a message, or until none can be sent; whether there is one to send."""
        while not self._waiting and not self._stopping and not ended.done():
            self._wake.clear()
            waking: asyncio.Future[Any] = asyncio.ensure_future(self._wake.wait())
            try:
                await asyncio.wait({waking, ended}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                waking.cancel()
        return bool(self._waiting) and not ended.done()

    async def _rest(self, pause: float) -> None:
        """Wait, but not for longer than the run lasts."""
        until = self._loop.time() + pause
        while not self._stopping and (left := until - self._loop.time()) > 0:
            self._wake.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), left)

    def _failed(self, reason: str) -> None:
        self._failures += 1
        if not self._failing:
            self._failing = True
            self._say(f"{self._target}: the syslog server cannot be reached ({reason}); events wait, then are dropped")

    def _succeeded(self) -> None:
        self._connected = True
        if self._failing:
            self._failing = False
            self._say(f"{self._target}: the syslog server is back; {self._dropped} events were dropped so far")


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted: {error.verify_message}"
    if isinstance(error, TimeoutError) and not error.args:
        return "no answer"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
