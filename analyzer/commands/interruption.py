"""Ctrl-C and SIGTERM end the reading, not the program: what is known by then is still written."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType, TracebackType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """The first signal raises ``KeyboardInterrupt`` where input is waited for, and waits for the end of what is
    :meth:`undivided`; a second one raises it anywhere.

    Attributes:
        came: a signal came.
        insisted: it came twice: end at once.
    """

    def __init__(self) -> None:
        self.came = self.insisted = False
        self._undivided = False
        self._before: list[tuple[signal.Signals, signal._HANDLER]] = []

    def __enter__(self) -> Interruption:
        if threading.current_thread() is threading.main_thread():  # nobody else may
            for number in _SIGNALS:
                handler = signal.getsignal(number)
                # One that is ignored stays so: nohup, or a shell's background job.
                if handler is not signal.SIG_IGN and handler is not None:
                    self._before.append((number, signal.signal(number, self._on_signal)))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for number, handler in self._before:
            signal.signal(number, handler)

    @contextlib.contextmanager
    def undivided(self) -> Iterator[None]:
        """What happens inside is done wholly or, if the user insists, to no use."""
        self._undivided = True
        try:
            yield
        finally:
            self._undivided = False

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.came, self.insisted = True, self.came
        if self.insisted or not self._undivided:
            raise KeyboardInterrupt
