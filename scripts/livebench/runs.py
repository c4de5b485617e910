"""One run: a reader, a sender, and what both say about it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from analyzer.capture.live.capture import BUFFER_BYTES
from scripts.benchmarking.contenders import FILTER
from scripts.set_up import ROOT

from .network import FAR, NEAR, Network

SETTLE_SECONDS = 1
"""tcpdump ends without reading what the kernel still has; give it time to."""

READERS = ("analysis", "capture", "tcpdump")
"""The whole analysis, capturing without looking at the frames, and ``tcpdump -w /dev/null``."""


@dataclass(frozen=True, slots=True)
class Run:
    """What came of a run.

    Attributes:
        sent, seconds: by the sender.
        arrived: at the other end of the pair.
        received: by the reader.
        dropped: by the kernel, according to the reader.
        processor: seconds that the reader used.
        sessions: that the analysis found.
        slowest: seconds that the longest look at one batch took.
        peak: of the reader's memory, MB, with its buffer.
    """

    reader: str
    sent: int
    seconds: float
    arrived: int
    received: int
    dropped: int
    processor: float
    sessions: int | None = None
    slowest: float | None = None
    peak: float | None = None

    @property
    def rate(self) -> float:
        """Packets sent per second."""
        return self.sent / self.seconds

    @property
    def load(self) -> float:
        """How much of one processor the reader used."""
        return self.processor / self.seconds


def run(network: Network, reader: str, capture: Path, rate: int, seconds: float, buffer: int = BUFFER_BYTES) -> Run:
    """Send ``capture`` for ``seconds`` at ``rate`` packets/s (0: top speed) past ``reader``.

    ``buffer``: bytes that the kernel keeps for the reader, whichever it is.
    """
    sending = [sys.executable, "-m", "scripts.livebench.sender", str(capture), FAR, str(rate), str(seconds)]
    pipe = subprocess.PIPE
    with subprocess.Popen(network.command(*sending), cwd=ROOT, text=True, stdin=pipe, stdout=pipe) as sender:
        assert sender.stdout is not None  # noqa: S101 - it is a pipe
        try:
            sender.stdout.readline()  # it has the capture in memory
            before = network.arrived()
            with _Reader(network, reader, buffer) as reading:
                told = json.loads(sender.communicate("go\n")[0])
                found = reading.end()
            return Run(reader, told["sent"], told["seconds"], network.arrived() - before, **found)
        finally:
            sender.kill()


def is_here(reader: str) -> bool:
    """The program is on this machine."""
    return reader != "tcpdump" or shutil.which(reader) is not None


class _Reader:
    """A reader that runs; ended for certain when the block is left."""

    def __init__(self, network: Network, reader: str, buffer: int) -> None:
        self._is_tcpdump = reader == "tcpdump"
        if self._is_tcpdump:
            command = ["tcpdump", "-i", NEAR, "-n", "-Z", "root", "-B", str(buffer // 1024), "-w", "/dev/null", FILTER]
        else:
            how = "analyse" if reader == "analysis" else "count"
            command = [sys.executable, "-m", "scripts.livebench.reader", NEAR, str(buffer), how]
        self._process = subprocess.Popen(
            network.command(*command), cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        for line in self._output:
            if line == "ready\n" or "listening on" in line:
                return
        self.__exit__()
        raise RuntimeError(f"{reader} did not start")

    def __enter__(self) -> _Reader:
        return self

    def __exit__(self, *raised: object) -> None:
        self._process.kill()
        self._process.wait()
        self._output.close()

    @property
    def _output(self) -> IO[str]:
        assert self._process.stdout is not None  # noqa: S101 - it is a pipe
        return self._process.stdout

    def end(self) -> dict[str, Any]:
        """Fields of :class:`Run` as the reader tells them."""
        time.sleep(SETTLE_SECONDS)
        self._process.send_signal(signal.SIGTERM)
        said = self._output.read()
        _, _, usage = os.wait4(self._process.pid, 0)
        self._process.returncode = 0
        if not self._is_tcpdump:
            told: dict[str, Any] = json.loads(said)
            if told.pop("handed_out") != told["received"]:
                raise RuntimeError("frames were counted that were not handed out")
            return told
        captured = re.search(r"(\d+) packets captured", said)
        dropped = re.search(r"(\d+) packets dropped by kernel", said)
        if captured is None or dropped is None:
            raise RuntimeError(f"tcpdump said: {said}")
        processor = usage.ru_utime + usage.ru_stime
        return {"received": int(captured[1]), "dropped": int(dropped[1]), "processor": processor}
