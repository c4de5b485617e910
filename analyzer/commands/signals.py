"""What a long run does when it is told something: end, start anew with files and configuration, say how it goes."""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType, TracebackType

_ENDS = (signal.SIGINT, signal.SIGTERM)
_RELOADS = tuple(getattr(signal, name) for name in ("SIGHUP",) if hasattr(signal, name))
_ASKS = tuple(getattr(signal, name) for name in ("SIGUSR1",) if hasattr(signal, name))


class Signals:
    """Notes signals for a loop that looks at them; a second one to end raises ``KeyboardInterrupt`` wherever the
    program is.

    Args:
        on_end: called at the first signal to end, so that whoever waits for input wakes up.

    Attributes:
        ended: SIGINT or SIGTERM came.
        reload: SIGHUP came: whoever acts on it sets it back.
        asked: SIGUSR1 came, likewise.
    """

    def __init__(self, on_end: Callable[[], None]) -> None:
        self.ended = self.reload = self.asked = False
        self._on_end = on_end
        self._before: list[tuple[signal.Signals, signal._HANDLER]] = []

    def __enter__(self) -> Signals:
        for number in (*_ENDS, *_RELOADS, *_ASKS):
            handler = signal.getsignal(number)
            # One that is ignored stays so: nohup, or a shell's background job.
            if handler is not signal.SIG_IGN and handler is not None:
                self._before.append((number, signal.signal(number, self._on_signal)))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for number, handler in self._before:
            signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if number in _RELOADS:
            self.reload = True
        elif number in _ASKS:
            self.asked = True
        elif self.ended:
            raise KeyboardInterrupt
        else:
            self.ended = True
            self._on_end()
