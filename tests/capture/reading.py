"""Reading captures the way the program does, into lists that tests can compare."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

from analyzer.capture import CaptureSet, FrameBatch, open_captures
from tests.capture.writers import Frame


def frames_of(batch: FrameBatch) -> Iterator[Frame]:
    columns = (batch.time, batch.start, batch.captured, batch.wire, batch.link_type)
    for time, start, captured, wire, link_type in zip(*(column.tolist() for column in columns), strict=True):
        yield Frame(time, batch.data[start : start + captured].tobytes(), wire, link_type)


def read_all(captures: CaptureSet) -> list[Frame]:
    with captures:
        return [frame for batch in captures.batches() for frame in frames_of(batch)]


def read_paths(*paths: Path, block_bytes: int = 1 << 20) -> tuple[list[Frame], CaptureSet]:
    captures = open_captures([str(path) for path in paths], block_bytes=block_bytes)
    return read_all(captures), captures


def read_bytes(data: bytes, block_bytes: int = 1 << 20) -> tuple[list[Frame], CaptureSet]:
    """The frames of a capture held in memory, which arrives as standard input does."""
    captures = open_captures(["-"], stdin=io.BytesIO(data), block_bytes=block_bytes)
    return read_all(captures), captures
