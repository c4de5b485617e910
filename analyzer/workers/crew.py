"""The processes of a run, and what they find out put together."""

from __future__ import annotations

import contextlib
import fcntl
import multiprocessing
import signal
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from queue import Full, Queue

from analyzer.errors import UsageError
from analyzer.inventory.session import Session
from analyzer.inventory.tally import Tally
from analyzer.packets.segments import SegmentBatch
from analyzer.workers.shares import dealt
from analyzer.workers.worker import Orders, Portion, Result, Told, work

AHEAD = 2
"""Portions that wait for each worker, of up to 16 MB: while it is busy the next ones are read."""

PIPE_BYTES = 1 << 20
"""What Linux lets everybody have (``/proc/sys/fs/pipe-max-size``)."""

PULSE = 0.05
"""Seconds between looks at what workers tell, while all of them have enough to do."""

_HELD_BACK = {signal.SIGINT, signal.SIGTERM}


class Crew:
    """Does what :class:`analyzer.streams.ConversationTracker` does, and what follows, in ``size`` processes.

    What is told of it is what one process would tell, at the same points of the input, however fast each of them is.

    Args:
        size: how many.
        orders: what they are to do; the limits are those of all of them together.
        tally: receives the sums over sessions when the run is finished, unless sessions are wanted.
        on_session: receives the sessions, if they are wanted.

    Attributes:
        now: packet time up to which sessions that are over were handed over, nanoseconds.
        oddities: peculiarities that belong to no single conversation; known when the run is finished.

    Every method raises :class:`analyzer.errors.UsageError` where a process ended before its time.
    """

    def __init__(self, size: int, orders: Orders, tally: Tally, on_session: Callable[[Session], None]) -> None:
        self._tally = tally
        self._on_session = on_session
        self._wants_sessions = orders.sessions
        self._rounds: deque[int] = deque()  # times of portions that were not answered by all
        self._earliest: int | None = None
        self.now = 0
        self.oddities: Counter[str] = Counter()
        limits = replace(
            orders.limits,
            conversations=-(-orders.limits.conversations // size),
            held_bytes=-(-orders.limits.held_bytes // size),
        )
        with _signals_held_back():  # a terminal sends them to every process; it is for us to end the run
            self._members = [_Member(replace(orders, limits=limits)) for _ in range(size)]

    def add(self, batch: SegmentBatch) -> None:
        """Take the next segments."""
        if not len(batch):
            return
        latest = int(batch.time.max())
        if self._wants_sessions:
            self._rounds.append(latest)
        for member, part in zip(self._members, dealt(batch, len(self._members)), strict=True):
            self._give(member, Portion(part if len(part) else None, latest))
        self._listen()

    def earliest_open(self) -> int | None:
        """As in :class:`analyzer.streams.ConversationTracker`; known where sessions are wanted."""
        return self._earliest

    def finish(self) -> None:
        """The input has ended."""
        for member in self._members:
            self._give(member, None)
        while any(member.result is None for member in self._members):
            self._listen(PULSE)
        for member in self._members:
            assert member.result is not None  # noqa: S101 - we waited for it
            for session in member.result.sessions:
                self._on_session(session)
            self._tally.merge(member.result.tally)
            self.oddities.update(member.result.oddities)
            member.result = Result([], Tally(), Counter())  # it has ended, and its sums need not stay

    def close(self) -> None:
        """End the processes, whatever they are doing."""
        for member in self._members:
            member.close()

    def _give(self, member: _Member, portion: Portion | None) -> None:
        while not member.give(portion):
            self._listen()

    def _listen(self, seconds: float = 0) -> None:
        """Take what workers tell, waiting for it where it does not come by itself."""
        by_connection = {member.told: member for member in self._members if member.result is None}
        for told in wait(list(by_connection), seconds):
            by_connection[told].hear()  # type: ignore[index]
        while self._rounds and all(member.answers for member in self._members):
            self.now = self._rounds.popleft()
            answers = [member.answers.popleft() for member in self._members]
            for answer in answers:
                for session in answer.sessions:
                    self._on_session(session)
            self._earliest = min((a.earliest for a in answers if a.earliest is not None), default=None)


class _Member:
    """One worker, as it looks from outside.

    Attributes:
        told: what it says comes from here.
        answers: to portions, in their order. result: what it leaves.
    """

    def __init__(self, orders: Orders) -> None:
        context = multiprocessing.get_context("spawn")  # whoever forks takes others' locks along
        theirs, self._portions = context.Pipe(duplex=False)
        _widen(self._portions)
        self.told, tell = context.Pipe(duplex=False)
        self.answers: deque[Told] = deque()
        self.result: Result | None = None
        self._process: BaseProcess = context.Process(target=work, args=(orders, theirs, tell), daemon=True)
        self._process.start()
        theirs.close()
        tell.close()
        self._waiting: Queue[Portion | None] = Queue(AHEAD)
        self._sender = threading.Thread(target=_send, args=(self._waiting, self._portions), daemon=True)
        self._sender.start()

    def give(self, portion: Portion | None) -> bool:
        """Hand over a portion; returns whether there was room for it within :data:`PULSE`."""
        try:
            self._waiting.put(portion, timeout=PULSE)
        except Full:
            return False
        return True

    def hear(self) -> None:
        """Take one thing that it tells.

        Raises:
            UsageError: it has ended.
        """
        try:
            told: Told | Result = self.told.recv()
        except (EOFError, ConnectionResetError):
            raise UsageError(
                "a worker process ended before its time, for want of memory perhaps; --workers 1 does without"
            ) from None
        if isinstance(told, Result):
            self.result = told
        else:
            self.answers.append(told)

    def close(self) -> None:
        """End it, if it has not ended."""
        if self.result is None:
            self._process.kill()
        self._waiting.put(None)  # there is room, or will be: nobody reads what is sent any more
        self._process.join()
        self._sender.join()
        self._portions.close()
        self.told.close()


def _send(waiting: Queue[Portion | None], to: Connection) -> None:
    """Runs in a thread: a worker that is busy must not keep us from reading on."""
    gone = False
    while True:
        portion = waiting.get()
        if not gone:
            try:
                to.send(portion)
            except (BrokenPipeError, ConnectionResetError):  # what it does not say any more will tell
                gone = True
        if portion is None:
            return


def _widen(pipe: Connection) -> None:
    """Let a pipe hold more: else portions of megabytes go through it 64 KB at a time."""
    if hasattr(fcntl, "F_SETPIPE_SZ"):  # Linux
        with contextlib.suppress(OSError):  # which may be set to allow less
            fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, PIPE_BYTES)


@contextlib.contextmanager
def _signals_held_back() -> Iterator[None]:
    """Processes that begin meanwhile never get them."""
    resource_tracker.ensure_running()  # it lets signals through again when it begins; so it had better have begun
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _HELD_BACK)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
