"""A directory of captures in which files are written and aged as a test needs it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from tests.capture.writers import Frame, frame, pcap

NOW = 1_795_521_600 * 10**9


class Folder:
    """A directory, and a clock by which its files are as old as it is said.

    Attributes:
        path: of the directory.
        now: nanoseconds, by the clock that stamps files.
        steady: seconds, by the clock that nobody sets.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.now = NOW
        self.steady = 0.0

    def wall(self) -> int:
        return self.now

    def ticks(self) -> float:
        return self.steady

    def wait(self, seconds: float) -> None:
        """Time goes on."""
        self.now += round(seconds * 10**9)
        self.steady += seconds

    def put(self, name: str, content: bytes | Sequence[Frame] = (), age: float = 0.0) -> Path:
        """A file that was written last ``age`` seconds ago; bytes, or a capture of frames."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else pcap(content or [frame(0)]))
        return self.touch(path, age)

    def touch(self, path: Path, age: float = 0.0) -> Path:
        stamp = self.now - round(age * 10**9)
        os.utime(path, ns=(stamp, stamp))
        return path
