"""Bytes that may be shown, put down once and read back in any order."""

from __future__ import annotations

import io
import tempfile
from types import TracebackType
from typing import BinaryIO


class Spool:
    """An append-only store of bytes.

    Args:
        file: where they are; in memory by default. :meth:`on_disk` makes one that takes as much as there is.

    Attributes:
        size: bytes stored.
    """

    def __init__(self, file: BinaryIO | None = None) -> None:
        self._file = file or io.BytesIO()
        self._at_end = True
        self.size = 0

    @classmethod
    def on_disk(cls) -> Spool:
        """One in a temporary file that no other user can read and that has no name (raises ``OSError``)."""
        return cls(tempfile.TemporaryFile(prefix="smtpauth-"))

    def append(self, data: bytes) -> int:
        """Store ``data``; returns where it is."""
        if not self._at_end:
            self._file.seek(0, io.SEEK_END)
            self._at_end = True
        self._file.write(data)
        where = self.size
        self.size += len(data)
        return where

    def read(self, where: int, size: int) -> bytes:
        """The ``size`` bytes at ``where``."""
        self._at_end = False
        self._file.seek(where)
        return self._file.read(size)

    def close(self) -> None:
        """Forget everything."""
        self._file.close()

    def __enter__(self) -> Spool:
        """Nothing to do."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Forget everything."""
        self.close()
