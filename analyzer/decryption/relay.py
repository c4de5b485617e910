"""Several runs of tshark, one after the other, as one: it never gives memory back, and so is started anew in time.

Connections stay with the run in which they began. At most two runs take connections: the current one, and the one
before it, until its last connection ends. One that lasts longer than that is cut off: what was read of it so far is
its answer, and the rest counts as missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Final

from analyzer.decryption import decryptor
from analyzer.decryption.decryptor import Answers, Decryptor
from analyzer.decryption.plaintext import Decrypted, Listen
from analyzer.smtp import DialogueParser
from analyzer.tshark.program import Tshark

RENEW_AT: Final = 128 << 20
"""Bytes of memory taken for what it was fed, after which a run begins no further connection; tshark takes some 160 MB
without any. At twice as many, those it has are cut off."""


class Relay:
    """Feeds connections to tshark and collects the answers. Use as a context manager: leaving it ends all processes.

    Args:
        tshark: see :func:`~analyzer.tshark.program.find_tshark`.
        listen: see :class:`Decryptor`.

    Attributes:
        fault: the first thing that went wrong, as a sentence fragment for the user; sure after :meth:`close`.
    """

    def __init__(self, tshark: Tshark, listen: Listen = DialogueParser) -> None:
        self._tshark = tshark
        self._listen = listen
        self._answers: Answers = SimpleQueue()
        self._current = Decryptor(tshark, self._answers, listen)
        self._before: list[Decryptor] = []  # which still run
        self._of: dict[int, Decryptor] = {}
        self._count = 0
        self.fault: str | None = None

    @property
    def takes_more(self) -> bool:
        """Whether feeding it is of any use still."""
        return self._current.takes_more

    def begin(self, time: int, greets: bool | None, keys: bytes) -> int:
        """A connection begins; returns its number. See :meth:`Decryptor.begin`."""
        if self._current.cost >= RENEW_AT:
            self._renew()
        self._count += 1
        self._of[self._count] = self._current
        self._current.begin(self._count, time, greets, keys)
        return self._count

    def feed(self, number: int, side: int, data: bytes) -> None:
        """The next bytes of a side, from the record with the ClientHello on."""
        run = self._of[number]
        run.feed(number, side, data)
        if run.cost >= 2 * RENEW_AT:
            run.cut()

    def gap(self, number: int, side: int) -> None:
        """Bytes of a side are missing; no later ones of it can be decrypted."""
        self._of[number].gap(number, side)

    def end(self, number: int) -> None:
        """The connection is over; its answer will come, if it has not."""
        self._of.pop(number).end(number)

    def answers(self, *, wait: bool = False) -> Iterator[tuple[int, Decrypted]]:
        """Numbers of connections, and what was read; one may come before its connection's end.

        Args:
            wait: wait a while for the first where there is none and tshark still runs.
        """
        self._current.flush()
        for run in self._before:
            run.flush()
        patience = decryptor.PATIENCE if wait and self._current.running else 0
        while True:
            try:
                yield self._answers.get(timeout=patience) if patience else self._answers.get_nowait()
            except Empty:
                return
            patience = 0

    def close(self) -> None:
        """Nothing more will be fed: wait for all answers."""
        for run in (*self._before, self._current):
            run.close_input()
            run.wait()
            self.fault = self.fault or run.fault

    def __enter__(self) -> Relay:
        """Nothing to do."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End the processes that still run."""
        for run in (*self._before, self._current):
            run.__exit__(kind, error, at)

    def _renew(self) -> None:
        running = []
        for run in self._before:
            run.cut()
            run.close_input()
            if run.running:
                running.append(run)
            else:
                self.fault = self.fault or run.fault
        self._current.retire()
        self._before = [*running, self._current]
        self._current = Decryptor(self._tshark, self._answers, self._listen)
