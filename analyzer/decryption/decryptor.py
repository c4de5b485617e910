"""tshark as a thing that decrypts: bytes of TLS connections go in, what was said inside them comes out.

Whoever feeds it writes into tshark's standard input; a thread of its own reads the lines and follows the dialogues.
Neither waits for the other but through the pipe: where tshark is slow, feeding waits for it.
"""

from __future__ import annotations

import os
import select
from collections.abc import Iterable
from queue import SimpleQueue
from types import TracebackType
from typing import Final

from analyzer.decryption import wire
from analyzer.decryption.plaintext import Decrypted, Listen, Plaintext
from analyzer.decryption.rows import QUESTION, parse
from analyzer.smtp import DialogueParser
from analyzer.tshark.capture import STANDARD_INPUT, ask
from analyzer.tshark.program import Tshark
from analyzer.tshark.thread import Background

PATIENCE: Final = 120.0
"""Seconds without tshark taking anything, after which it is given up."""

COST_OF_CONNECTION: Final = 30_000
COST_OF_BYTE: Final = 1.5
"""Bytes of memory that tshark takes for each connection, and for each byte of it. It gives none back before its end."""

Answers = SimpleQueue[tuple[int, Decrypted]]
"""Connections that are over: number, and what was read."""

_WRITE_AT: Final = 1 << 16
"""Bytes that are gathered before they are written; a pipe of Linux holds as many."""


class _Position:
    """How far a connection has been fed."""

    __slots__ = ("given", "lost")

    def __init__(self) -> None:
        self.given = [0, 0]  # bytes of each side
        self.lost = [False, False]  # bytes of the side are missing: what follows cannot be decrypted


class Decryptor:
    """One run of tshark. Use as a context manager: leaving it ends the process, whatever happened.

    Args:
        tshark: see :func:`~analyzer.tshark.program.find_tshark`.
        answers: where they go, from a thread.
        listen: see :class:`~analyzer.decryption.plaintext.Listen`; called from that thread.

    Attributes:
        cost: bytes of memory that tshark has taken for what it was fed, about.
        fault: what went wrong, as a sentence fragment for the user; sure once it runs no longer.
    """

    def __init__(self, tshark: Tshark, answers: Answers, listen: Listen = DialogueParser) -> None:
        self._listen = listen
        self.fault: str | None = None
        self.cost = 0.0
        self._pending = bytearray(wire.BEGINNING)
        self._fed: dict[int, _Position] = {}
        self._ending = False
        # Shared with the thread: it takes out what has ended. A connection is here before anything of it is written.
        self._followed: dict[int, Plaintext] = {}
        self._answers = answers
        self._unreadable = 0
        theirs, ours = os.pipe()
        os.set_blocking(ours, False)
        self._pipe: int | None = ours
        self._background = Background(self._run(tshark, theirs), uninterrupted=True)

    @property
    def takes_more(self) -> bool:
        """Whether feeding it is of any use still."""
        return self._pipe is not None

    @property
    def running(self) -> bool:
        """Whether there may be further answers."""
        return self._background.running

    # --- feeding -------------------------------------------------------------------------------------

    def begin(self, number: int, time: int, greets: bool | None, keys: bytes) -> None:
        """Connection ``number``, which is new, begins.

        Args:
            time: nanoseconds since 1970-01-01 UTC, when the conversation began.
            greets: see :class:`~analyzer.decryption.plaintext.Plaintext`.
            keys: its lines of the key log.
        """
        self.cost += COST_OF_CONNECTION
        self._fed[number] = _Position()
        self._followed[number] = Plaintext(time, greets, self._listen)
        self._write(wire.secrets(keys))

    def feed(self, number: int, side: int, data: bytes) -> None:
        """The next bytes of a side, from the record with the ClientHello on."""
        position = self._fed.get(number)
        if position is None or position.lost[side] or self._pipe is None:
            return
        self.cost += len(data) * COST_OF_BYTE
        given = position.given
        for at in range(0, len(data), wire.MAX_PAYLOAD):
            piece = data[at : at + wire.MAX_PAYLOAD]
            self._write(wire.packet(number, side, given[side], given[1 - side], piece))
            given[side] += len(piece)

    def gap(self, number: int, side: int) -> None:
        """Bytes of a side are missing; no later ones of it can be decrypted."""
        position = self._fed.get(number)
        if position is not None and not position.lost[side]:
            position.lost[side] = True
            self._write(wire.sign(number, side, wire.GAP))

    def end(self, number: int) -> None:
        """The connection is over; its answer will come."""
        if self._fed.pop(number, None) is not None:
            self._write(wire.sign(number, wire.CLIENT, wire.END))
            if self._ending and not self._fed:
                self.close_input()

    def retire(self) -> None:
        """No further connection will begin; it ends with the last one."""
        self._ending = True
        if not self._fed:
            self.close_input()

    def cut(self) -> None:
        """End all connections here and now, as if the rest of them were missing."""
        for number in list(self._fed):
            self.gap(number, wire.CLIENT)
            self.gap(number, wire.SERVER)
            self.end(number)

    def _write(self, data: bytes) -> None:
        if self._pipe is not None:
            self._pending += data
            if len(self._pending) >= _WRITE_AT:
                self.flush()

    def flush(self) -> None:
        """Write what was gathered."""
        if self._pipe is None:
            return
        view = memoryview(bytes(self._pending))
        self._pending.clear()
        try:
            while view:
                if not select.select([], [self._pipe], [], PATIENCE)[1]:
                    self.fault = f"tshark did nothing for {PATIENCE:.0f} seconds and was ended"
                    self._background.cancel()
                    self._close_pipe()
                    return
                view = view[os.write(self._pipe, view[:_WRITE_AT]) :]
        except BrokenPipeError:  # it has ended; why, its thread says
            self._close_pipe()

    def close_input(self) -> None:
        """Nothing more will be fed: tshark ends once it has read all."""
        self.flush()
        self._close_pipe()

    def wait(self) -> None:
        """Wait for tshark's end, which comes after that of its input."""
        self._background.result()

    def _close_pipe(self) -> None:
        if self._pipe is not None:
            os.close(self._pipe)
            self._pipe = None

    def __enter__(self) -> Decryptor:
        """Nothing to do."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End the process if it still runs."""
        self._close_pipe()
        self._background.__exit__(kind, error, at)

    # --- the thread ----------------------------------------------------------------------------------

    async def _run(self, tshark: Tshark, stdin: int) -> None:
        try:
            fault = await ask(tshark, QUESTION, STANDARD_INPUT, self._take, stdin)
        finally:
            os.close(stdin)
        if fault is None and self._unreadable:
            fault = f"{self._unreadable:,} lines of tshark's output were not understood"
        self.fault = self.fault or fault

    def _take(self, lines: Iterable[bytes]) -> None:
        for line in lines:
            try:
                row = parse(line)
                followed = None if row is None else self._followed[row.number]
            except (ValueError, KeyError):
                # Nobody knows whose it was.
                self._unreadable += 1
                for open_one in list(self._followed.values()):
                    open_one.gap(wire.CLIENT)
                continue
            if row is None or followed is None:
                continue
            if row.sign == wire.END:
                self._answers.put((row.number, self._followed.pop(row.number).finish()))
            elif row.sign == wire.GAP:
                followed.gap(row.side)
            else:
                followed.take(row)
