"""Captures that a live run writes: rotated by size, so that they never take more than their share of the disk."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable
from typing import BinaryIO

from analyzer.errors import UsageError
from analyzer.scrub import Scrubbed
from analyzer.scrub.frames import LINK_LAYERS
from analyzer.scrub.writer import CaptureWriter

MODE = 0o600
"""Credentials are blanked, names and addresses are not."""


class Recording:
    """A capture file, and those before it.

    Args:
        name: of the newest.
        size: bytes from which on a file is full.
        files: how many are kept.
        say: told when it cannot be written, once, and when it can be again.

    Attributes:
        lost: sessions that could not be written.

    Raises:
        UsageError: it cannot be written.
    """

    def __init__(self, name: str, size: int, files: int, say: Callable[[str], None]) -> None:
        self._name, self._size, self._files = name, size, files
        self._say = say
        self._file: BinaryIO | None = None
        self._failing = False
        self.lost = 0
        try:
            if os.path.exists(name) and os.path.getsize(name):
                self._shift()
            self._open()
        except (OSError, ValueError) as error:
            raise UsageError(
                f"{name or repr(name)}: packets cannot be written there ({getattr(error, 'strerror', None) or error})"
            ) from None

    def write(self, packets: Iterable[Scrubbed], told: Callable[[int], int]) -> None:
        """Append one session.

        Args:
            packets: of the session, in order.
            told: makes times for the file of theirs.
        """
        try:
            if self._file is None or self._file.tell() >= self._size:
                self.close()
                self._shift()
                self._open()
            assert self._file is not None  # noqa: S101 - it is open
            for packet in packets:
                self._writer.write(packet._replace(time=told(packet.time)))
            self._file.flush()
        except OSError as error:
            self.lost += 1
            with contextlib.suppress(OSError):
                self.close()
            if not self._failing:
                self._failing = True
                self._say(f"{self._name}: packets cannot be written ({error.strerror}); they are lost until they can")
            return
        if self._failing:
            self._failing = False
            self._say(f"{self._name}: packets are written again; those of {self.lost} sessions were lost")

    def close(self) -> None:
        """The file is complete."""
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def _open(self) -> None:
        descriptor = os.open(self._name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, MODE)
        self._file = os.fdopen(descriptor, "wb")
        self._writer = CaptureWriter(self._file, set(LINK_LAYERS))
        self._file.flush()

    def _shift(self) -> None:
        """Make room under the name of the newest."""
        if self._files == 1 or not os.path.exists(self._name):
            return
        for number in range(self._files - 2, 0, -1):
            with contextlib.suppress(FileNotFoundError):
                os.replace(f"{self._name}.{number}", f"{self._name}.{number + 1}")
        os.replace(self._name, f"{self._name}.1")
