"""All inputs of a run as one stream of frames."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from types import TracebackType
from typing import BinaryIO

from analyzer.capture.frames import FrameBatch
from analyzer.capture.inputs import Input, expand
from analyzer.capture.lanes import Feed, FirstFrame
from analyzer.capture.merge import merged
from analyzer.capture.order import beginning, chronological
from analyzer.capture.reader import CaptureReader
from analyzer.capture.sources import Source
from analyzer.errors import Damage, InputError, UsageError

BLOCK_BYTES = 16 * 1024 * 1024
"""Bytes read at a time. Smaller blocks pay numpy's cost per call more often, larger ones fall out of the cache."""

LEAST_BLOCK_BYTES = 256 * 1024
"""Block of an input that is merged with many others."""

LOOK_BYTES = 8 * 1024
"""First block of an input that is only looked at, for its first packets' times."""

OnKeys = Callable[[bytes], None]
"""Receives TLS keys, as lines of a key log."""

NAMED_FAILURES = 3
"""Failures named in a message when no input can be used."""


@dataclass(slots=True)
class _Entry:
    """An input in waiting: what a look at it showed, and its reader if it cannot be opened a second time."""

    given: Input
    source: Source
    reader: CaptureReader | None = None
    frames: Iterator[FrameBatch] | None = None
    start: int | None = None
    first: FirstFrame | None = None


class CaptureSet:
    """The inputs of a run, opened one after the other as their time comes.

    Attributes:
        sources: what is known of each input, in the order of their first packets; a batch's ``source`` column
            holds indices into it.
        failures: inputs that cannot be used at all, while others can.
        damage: inputs of which a part was lost; grows while reading.
        oddities: named, counted peculiarities; grows while reading.
        bytes_total: bytes there are to read, ``None`` where a pipe is among the inputs.
    """

    def __init__(
        self,
        inputs: Sequence[Input],
        failures: Sequence[InputError],
        block_bytes: int,
        on_keys: OnKeys | None = None,
    ) -> None:
        """Look at every input's beginning. Use :func:`open_captures`."""
        self.failures = list(failures)
        self.damage: list[Damage] = []
        self.oddities: Counter[str] = Counter()
        self._block_bytes = block_bytes
        self._on_keys = on_keys
        entries: list[_Entry] = []
        for given in inputs:
            try:
                open_one = _opened if len(inputs) == 1 else _looked_at
                entries.append(open_one(given, block_bytes, on_keys))
            except InputError as failure:
                self.failures.append(failure)
        order = chronological([entry.start for entry in entries], [entry.given.name for entry in entries])
        self._entries = [entries[index] for index in order]
        self.sources: list[Source] = [entry.source for entry in self._entries]
        sizes = [source.bytes_total for source in self.sources]
        self.bytes_total = None if None in sizes else sum(size or 0 for size in sizes)

    @property
    def bytes_read(self) -> int:
        """Bytes read so far, of ``bytes_total``."""
        return sum(source.bytes_read for source in self.sources)

    def batches(self) -> Iterator[FrameBatch]:
        """All frames; to be asked for once. Each batch is on loan until the next one is asked for.

        Files which follow one another are one stream, files that overlap in time are merged by it, and a frame that
        two of them have comes once (counted as ``frame-in-two-inputs``).
        """
        feeds = [
            Feed(entry.start, entry.first, partial(self._frames, index)) for index, entry in enumerate(self._entries)
        ]
        return merged(feeds, self.oddities)

    def close(self) -> None:
        """Close what is still open."""
        for entry in self._entries:
            if entry.reader is not None:
                entry.reader.close()

    def __enter__(self) -> CaptureSet:
        """Nothing to do."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close what is still open."""
        self.close()

    def _frames(self, index: int, open_inputs: int) -> Iterator[FrameBatch]:
        """One input, from opening to closing; ``open_inputs`` share the memory."""
        entry = self._entries[index]
        if entry.reader is None:
            block_bytes = max(self._block_bytes // open_inputs, min(self._block_bytes, LEAST_BLOCK_BYTES))
            try:
                entry.reader = CaptureReader(entry.given, block_bytes, entry.source, self._on_keys)
            except InputError as failure:  # it could be read when we looked: gone, or overwritten by a ring
                self.damage.append(Damage(entry.source.name, f"gone when its turn came ({failure.problem})"))
                return
        reader = entry.reader
        try:
            for batch in entry.frames or iter(reader):
                batch.source.fill(index)
                yield batch
        finally:
            reader.close()
            entry.reader = entry.frames = None  # and with them a block of memory
            self.oddities.update(reader.oddities)
            if reader.lost is not None:
                self.damage.append(Damage(entry.source.name, reader.lost))


def open_captures(
    paths: Sequence[str],
    *,
    stdin: BinaryIO | None = None,
    block_bytes: int = BLOCK_BYTES,
    on_keys: OnKeys | None = None,
) -> CaptureSet:
    """Open files, directories, glob patterns and ``-`` as one stream of frames.

    Args:
        paths: what the user named.
        stdin: what ``-`` reads, in place of the process's standard input.
        block_bytes: bytes read at a time.
        on_keys: receives the TLS keys that captures carry (pcapng), before the packets that come with them; the same
            ones may come twice.

    Raises:
        InputError: the only input cannot be used.
        UsageError: none of several can.
    """
    if not paths:
        raise UsageError("no capture was named; give files, directories, or - for standard input")
    inputs, failures = expand(paths, stdin)
    return open_inputs(inputs, failures, block_bytes=block_bytes, on_keys=on_keys)


def open_inputs(
    inputs: Sequence[Input],
    failures: Sequence[InputError] = (),
    *,
    block_bytes: int = BLOCK_BYTES,
    on_keys: OnKeys | None = None,
) -> CaptureSet:
    """:func:`open_captures` for inputs that are expanded already, by whoever reads them more than once.

    Args:
        inputs: what there is to read.
        failures: what could not be used.
        block_bytes, on_keys: see there.

    Raises:
        InputError: the only input cannot be used.
        UsageError: none of several can.
    """
    captures = CaptureSet(inputs, failures, block_bytes, on_keys)
    if not captures.sources:
        if len(captures.failures) == 1:
            raise captures.failures[0]
        count = len(captures.failures)
        named = "; ".join(f"{failure.name}: {failure.problem}" for failure in captures.failures[:NAMED_FAILURES])
        more = f"; and {count - NAMED_FAILURES} more" if count > NAMED_FAILURES else ""
        raise UsageError(f"none of the {count} inputs can be used: {named}{more}")
    return captures


def _opened(given: Input, block_bytes: int, on_keys: OnKeys | None) -> _Entry:
    """The only input: its place among others need not be known."""
    reader = CaptureReader(given, block_bytes, None, on_keys)
    return _Entry(given, reader.source, reader)


def _looked_at(given: Input, block_bytes: int, on_keys: OnKeys | None) -> _Entry:
    """One of several inputs: opened to see when it begins, and closed again where it can be opened again."""
    reader = CaptureReader(given, LOOK_BYTES if given.reopenable else block_bytes, None, on_keys)
    frames = iter(reader)
    batch = next(frames, None)
    seen = reader.source
    entry = _Entry(given, seen)
    if batch is not None:
        entry.start, entry.first = beginning(batch.time), FirstFrame.of(batch)
    if given.reopenable:
        reader.close()
        entry.source = Source(seen.name, seen.format, seen.compression, seen.bytes_total)
    else:
        entry.reader, entry.frames = reader, chain([batch] if batch is not None else [], frames)
    return entry
