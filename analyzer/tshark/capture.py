"""pyshark's capture, with tshark's lines handed on as they are in place of packet objects.

pyshark starts the process and looks after it, but makes an object of every field of every packet, which takes
minutes for what tshark reads in seconds. So tshark is asked for few fields of few packets (``-T ek``: one JSON
object per packet and line), and its lines are handed on whole, many at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from typing import Final

from packaging.version import Version
from pyshark.capture.capture import Capture, TSharkCrashException

from analyzer.tshark.lines import LineSplitter
from analyzer.tshark.program import Tshark, reason
from analyzer.tshark.question import Question

STANDARD_INPUT: Final = "-"

_CHUNK: Final = 1 << 18
_ERROR_BYTES: Final = 4096
"""Bytes kept of what tshark says on standard error."""


async def ask(
    tshark: Tshark, question: Question, path: str, take: Callable[[Iterable[bytes]], None], stdin: int | None = None
) -> str | None:
    """Run tshark over a capture, in the event loop that runs.

    Args:
        tshark: see :func:`~analyzer.tshark.program.find_tshark`.
        question: what to ask.
        path: a regular file, or :data:`STANDARD_INPUT`.
        take: receives the lines, in order.
        stdin: descriptor that tshark reads in place of our standard input; it stays open here.

    Returns:
        What went wrong, as a sentence fragment for the user, or ``None``.
    """
    capture = _LineCapture(tshark, question, path, stdin)
    try:
        await capture.packets_from_tshark(take)
    except TSharkCrashException:
        pass  # our own message says more
    except OSError as error:
        return f"tshark could not be started ({reason(error)})"
    finally:
        capture.forget()
    return capture.fault()


class _LineCapture(Capture):  # type: ignore[misc]  # pyshark ships no types
    def __init__(self, tshark: Tshark, question: Question, path: str, stdin: int | None) -> None:
        super().__init__(
            use_ek=True,
            display_filter=question.wanted,
            decode_as=dict(question.decode_as),
            disable_protocol=question.disabled,
            override_prefs=dict(question.preferences),
            custom_parameters=[word for name in question.fields for word in ("-e", name)] + ["-r", path],
            # Given a loop, pyshark does not touch the process-wide policy and its deprecated child watchers.
            eventloop=asyncio.get_running_loop(),
        )
        self._tshark = tshark
        self._path = path
        self._stdin = stdin
        self._splitter = LineSplitter()
        self._said = b""
        self._exit: int | None = None

    def fault(self) -> str | None:
        """What went wrong, as a sentence fragment, or ``None``."""
        if self._exit == 0:
            dropped = self._splitter.dropped
            return f"{dropped:,} packets of absurd size were left out" if dropped else None
        lines = self._said.decode("utf-8", "replace").splitlines()
        said = [line.strip() for line in lines if line.strip() and not line.startswith("Running as user")]
        if self._exit is not None and self._exit < 0:
            return f"tshark crashed (signal {-self._exit})"
        if not said:
            return f"tshark stopped with exit code {self._exit}"
        # tshark names the file as it was given to it, which may be a copy of ours.
        return f"tshark stopped: {said[-1].removeprefix('tshark: ').replace(self._named(), 'it').rstrip('.')}"

    def _named(self) -> str:
        return "standard input" if self._path == STANDARD_INPUT else f'The file "{self._path}"'

    def forget(self) -> None:
        """The process is gone; without this, pyshark would look for it again when the object is collected."""
        self._running_processes.clear()

    # pyshark's own versions search the current folder for a configuration file, and replace the name given by "tshark".
    def _get_tshark_path(self) -> str:
        return self._tshark.path

    def _get_tshark_version(self) -> Version:
        return Version(self._tshark.version)

    async def _get_tshark_process(self, packet_count: int | None = None, stdin: int | None = None) -> object:
        return await super()._get_tshark_process(packet_count=packet_count, stdin=self._stdin)

    async def _go_through_packets_from_fd(
        self,
        fd: asyncio.StreamReader,
        packet_callback: Callable[[Iterable[bytes]], None],
        packet_count: int | None = None,
    ) -> None:
        (process,) = self._running_processes
        try:
            while chunk := await fd.read(_CHUNK):
                packet_callback(self._splitter.feed(chunk))
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            raise
        finally:
            # What a killed process left in the pipe must go, or the pipe stays open; and pyshark kills whatever it
            # still finds running, which would cost us the exit code.
            while await fd.read(_CHUNK):
                pass
            self._exit = await process.wait()

    async def _handle_process_stderr_forever(self, stderr: asyncio.StreamReader) -> None:
        while chunk := await stderr.read(_ERROR_BYTES):
            self._said = (self._said + chunk)[-_ERROR_BYTES:]
