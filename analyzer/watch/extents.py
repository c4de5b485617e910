"""How far files were read: by what they contain, since names change, and a file may grow after it was read.

A file is known again by the frame it begins with. That it begins with *all* that was read, a digest of the times and
lengths of frames proves. Then reading goes on behind these: whether the file has grown, was renamed, or compressed.
A name that is used again (the rings of ``tcpdump -W`` and ``dumpcap -b``) stands for another file.
"""

from __future__ import annotations

import hashlib
import os
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np

from analyzer.capture.captures import LOOK_BYTES
from analyzer.capture.frames import FrameBatch
from analyzer.capture.inputs import Input
from analyzer.capture.lanes import FirstFrame
from analyzer.capture.order import beginning
from analyzer.capture.reader import CaptureReader
from analyzer.errors import InputError
from analyzer.watch.directory import Entry

if TYPE_CHECKING:
    from hashlib import blake2b

MOST_REMEMBERED = 4096
"""Files of which is known how far they were read, 500 bytes each; those read longest ago are forgotten. It need not be
many: a file grows, or is compressed, soon after it was read."""

IDENTITY_BYTES = 4096
"""At a file's beginning and at its end. Times in microseconds stand in both."""


def identity_of(path: str) -> str:
    """By which a finished file is known in the store: size, beginning and end; neither name nor place.

    Raises:
        OSError: it cannot be read.
    """
    with open(path, "rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        digest = _digest()
        digest.update(size.to_bytes(8, "big"))
        digest.update(file.read(IDENTITY_BYTES))
        if size > IDENTITY_BYTES:
            file.seek(max(IDENTITY_BYTES, size - IDENTITY_BYTES))
            digest.update(file.read(IDENTITY_BYTES))
    return f"file:{digest.hexdigest()}"


Lane = TypeVar("Lane")


@dataclass(slots=True)
class Extent(Generic[Lane]):
    """How far a file was read.

    Attributes:
        frames: that were read.
        digest: over their times and lengths.
        lane: where they went; ``None`` before the first.
    """

    frames: int = 0
    digest: blake2b = field(default_factory=lambda: _digest())
    lane: Lane | None = None

    def add(self, batch: FrameBatch) -> None:
        """The next frames were read."""
        self.frames += len(batch)
        self.digest.update(np.stack((batch.time, batch.captured, batch.wire), axis=1).tobytes())


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at a file's beginning shows.

    Attributes:
        start: time of its first packet, nanoseconds; ``None`` where it has none.
        key: by which it is known again; ``None`` likewise.
    """

    start: int | None
    key: str | None


class Extents(Generic[Lane]):
    """How far the files of a run were read.

    Attributes:
        forgotten: files that had to make room for others.
    """

    def __init__(self, most: int = MOST_REMEMBERED) -> None:
        self._most = most
        self._known: OrderedDict[str, Extent[Lane]] = OrderedDict()
        self.forgotten = 0

    def look(self, entry: Entry) -> Look:
        """Look at the beginning of a file.

        Raises:
            InputError: it is no capture.
        """
        reader = CaptureReader(_input(entry), LOOK_BYTES)
        try:
            for batch in reader:
                first = FirstFrame.of(batch)
                digest = _digest()
                digest.update(repr((reader.source.format, first.time, first.link_type)).encode())
                digest.update(first.content)
                return Look(beginning(batch.time), digest.hexdigest())
            return Look(None, None)
        finally:
            reader.close()

    def of(self, entry: Entry, key: str) -> Extent[Lane]:
        """How far the file was read: nothing of it, unless it begins with all that was read under its ``key``."""
        known = self._known.get(key)
        if known is None:
            return Extent()
        extent: Extent[Lane] = Extent(lane=known.lane)
        try:
            reader = CaptureReader(_input(entry), 1 << 20)
        except InputError:  # gone meanwhile; whoever reads it will see
            return extent
        try:
            for batch in reader:
                extent.add(batch.take(slice(0, known.frames - extent.frames)))
                if extent.frames == known.frames:
                    break
        finally:
            reader.close()
        return extent if extent.digest.digest() == known.digest.digest() else Extent()

    def note(self, key: str, extent: Extent[Lane]) -> None:
        """The file of this ``key`` was read so far."""
        self._known[key] = extent
        self._known.move_to_end(key)
        if len(self._known) > self._most:
            self._known.popitem(last=False)
            self.forgotten += 1


def _input(entry: Entry) -> Input:
    return Input(entry.name, entry.path, size=entry.size)


def _digest() -> blake2b:
    return hashlib.blake2b(digest_size=16)
