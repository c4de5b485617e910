"""An event loop in a thread of its own: pyshark needs one that nobody else is running, and its user goes on."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Generic, TypeVar

T = TypeVar("T")


class Background(Generic[T]):
    """A coroutine that runs in a thread of its own until it is done.

    Use as a context manager: leaving it cancels the coroutine, whatever happened, and waits for its end.

    Args:
        work: what to run.
        uninterrupted: processes that ``work`` starts do not hear Ctrl-C (it goes to all that run on the terminal);
            they end when their input does.
    """

    def __init__(self, work: Coroutine[None, None, T], *, uninterrupted: bool = False) -> None:
        self._uninterrupted = uninterrupted
        self._loop = asyncio.new_event_loop()
        self._task = self._loop.create_task(work)
        self._thread = ThreadPoolExecutor(1, "tshark")
        self._done = self._thread.submit(self._run)

    @property
    def running(self) -> bool:
        """Whether it is not over yet."""
        return not self._done.done()

    def result(self) -> T | None:
        """Wait for the end: the coroutine's result, or ``None`` where it was cancelled."""
        return self._done.result()

    def cancel(self) -> None:
        """Have it end; it may take a moment."""
        if not self._done.done():
            with contextlib.suppress(RuntimeError):  # the loop closed itself in this very moment
                self._loop.call_soon_threadsafe(self._task.cancel)

    def __enter__(self) -> Background[T]:
        """Nothing to do."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Cancel it if it still runs."""
        self.cancel()
        self._thread.shutdown()

    def _run(self) -> T | None:
        if self._uninterrupted:  # a process inherits what is blocked in the thread that starts it
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            return self._loop.run_until_complete(self._task)
        except asyncio.CancelledError:
            return None
        finally:
            self._loop.close()
