"""One input, from its first byte to its last usable one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from math import ceil

import numpy as np

from analyzer.capture import pcap
from analyzer.capture.blocks import BlockBuffer
from analyzer.capture.byte_source import RawSource
from analyzer.capture.compression import Codec
from analyzer.capture.formats import CaptureFormat, Decoded, NotACaptureError
from analyzer.capture.frames import FrameBatch
from analyzer.capture.inputs import Input, is_capture, plain_bytes
from analyzer.capture.pcap import PcapFormat
from analyzer.capture.pcapng import SECTION_HEADER_BYTES, PcapngFormat
from analyzer.capture.signatures import HEAD_BYTES, likeness
from analyzer.capture.sources import Source
from analyzer.errors import InputError

FRAMES_AT_ONCE = 1 << 17
"""Most frames of a batch. A block of tiny packets holds more, and whoever reads their headers needs some 200 bytes of
memory for each."""

_FORMAT_HEADER_BYTES = max(SECTION_HEADER_BYTES, pcap.IXIA_FILE_HEADER_BYTES)


class CaptureReader:
    """Reads the frames of one input; batches are on loan until the next one is asked for.

    Attributes:
        source: what is known of the input; grows while reading.
        oddities: named, counted peculiarities of the file.
        lost: what was lost, as a sentence fragment, once reading has ended too early; else ``None``.
    """

    def __init__(
        self,
        given: Input,
        block_bytes: int,
        source: Source | None = None,
        on_keys: Callable[[bytes], None] | None = None,
    ) -> None:
        """Open it and read its header, into ``source`` if given. Raises ``InputError`` where it is no capture.

        ``on_keys`` receives the TLS keys that it carries, see :func:`~analyzer.capture.captures.open_captures`.
        """
        self.source = source or Source(given.name, bytes_total=given.size)
        self.oddities: Counter[str] = Counter()
        self.lost: str | None = None
        self._on_keys = on_keys
        self._raw: RawSource = given.open()
        try:
            self._bytes, codec = plain_bytes(self._raw)
            self.source.compression = codec.name if codec else None
            self._buffer = BlockBuffer(self._bytes, block_bytes)
            self._format = self._recognise(codec)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give the descriptor back."""
        self._raw.close()

    def __iter__(self) -> Iterator[FrameBatch]:
        """Batches of at least one frame, until the end or until damage (see ``lost``). Their ``source`` is 0."""
        buffer, source = self._buffer, self.source
        while True:
            decoded = self._format.decode(buffer.data, buffer.start, buffer.end, source, self.oddities)
            buffer.start = decoded.stop
            source.bytes_read = self._raw.bytes_read
            if len(decoded.time):
                yield from _pieces(self._batch(decoded))
            if decoded.fault is not None:
                self._note_damage(decoded.fault)
                return
            if not buffer.refill(decoded.needs):
                break
        source.bytes_read = self._raw.bytes_read
        remaining = buffer.end - buffer.start
        if self._bytes.fault is not None:
            self.lost = f"{self._bytes.fault}; the rest is lost"
        elif remaining:
            self.lost = f"cut off in its last record ({remaining:,} bytes lost)"

    def _recognise(self, codec: Codec | None) -> CaptureFormat:
        buffer, source = self._buffer, self.source
        buffer.refill(_FORMAT_HEADER_BYTES)
        head = buffer.data[: min(buffer.end, HEAD_BYTES)].tobytes()
        fault = self._bytes.fault
        try:
            if is_capture(head):
                kind = PcapFormat if head[:4] in pcap.MAGICS else PcapngFormat
                found = kind(buffer.data, buffer.end, source, complete=buffer.complete)
                if isinstance(found, PcapngFormat):
                    found.on_keys = self._on_keys
                buffer.start = found.header_bytes
                return found
        except NotACaptureError as problem:
            raise InputError(source.name, str(problem) if fault is None else fault, "record it anew") from None
        if fault is not None and len(head) < _FORMAT_HEADER_BYTES:
            raise InputError(source.name, fault, "fetch or record it anew")
        if not head:
            what = f"holds {codec.name} data of an empty file" if codec else "it is empty"
            raise InputError(source.name, what, "check that the recording has started")
        inside = f", behind its {codec.name} compression" if codec else ""
        looks = likeness(head)
        if looks is None:
            raise InputError(source.name, f"not a capture{inside}", "give a pcap or pcapng file")
        raise InputError(source.name, f"not a capture{inside}: it looks like {looks.what}", looks.remedy)

    def _batch(self, decoded: Decoded) -> FrameBatch:
        source, time = self.source, decoded.time
        count = len(time)
        first, last = int(time.min()), int(time.max())
        source.frames += count
        source.first_time = first if source.first_time is None else min(source.first_time, first)
        source.last_time = last if source.last_time is None else max(source.last_time, last)
        link_types = decoded.link_type
        if (link_types == link_types[0]).all():
            source.link_types.add(int(link_types[0]))
        else:
            source.link_types.update(np.unique(link_types).tolist())
        return FrameBatch(
            data=self._buffer.data,
            start=decoded.start,
            captured=decoded.captured,
            wire=decoded.wire,
            time=time,
            link_type=link_types,
            source=np.zeros(count, np.int32),
        )

    def _note_damage(self, fault: str) -> None:
        where = self._buffer.position(self._buffer.start)
        total = self.source.bytes_total
        plain = total is not None and self.source.compression is None
        unread = f"; {total - where:,} of {total:,} bytes were not read" if plain and total else ""
        self.lost = f"damaged from byte {where:,} on: {fault}{unread}"


def _pieces(batch: FrameBatch) -> Iterator[FrameBatch]:
    """``batch`` in as few pieces of the same size as need be."""
    if len(batch) <= FRAMES_AT_ONCE:
        yield batch
        return
    size = ceil(len(batch) / ceil(len(batch) / FRAMES_AT_ONCE))
    for begin in range(0, len(batch), size):
        yield batch.take(slice(begin, begin + size))
