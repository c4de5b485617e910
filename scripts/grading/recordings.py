"""Captures as segments in memory, by connection: read once, replayed with packets missing as often as need be."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt

from analyzer.capture import open_captures
from analyzer.inventory.observer import SessionObserver
from analyzer.inventory.session import Session
from analyzer.packets import SegmentDecoder
from analyzer.packets.segments import ACK, SYN, SegmentBatch
from analyzer.streams import Conversation, ConversationTracker, Listener

from .labels import Endpoint

Mask = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Recording:
    """The segments of one stream of captures.

    Attributes:
        segments: in capture order; their bytes are their own.
        connection: number of each segment's connection.
        from_client: sent by the side that sent the connection's first segment.
        ends: endpoints of each connection.
        names: of the files.
    """

    segments: SegmentBatch
    connection: Ints
    from_client: Mask
    ends: tuple[frozenset[Endpoint], ...]
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.segments)

    def only(self, ends: Collection[frozenset[Endpoint]]) -> Mask:
        """The segments of connections between these endpoints."""
        wanted = np.array([pair in ends for pair in self.ends], np.bool_)
        return wanted[self.connection]


def record(files: Collection[Path]) -> Recording:
    """Read ``files`` as one stream."""
    with open_captures([str(file) for file in files]) as captures:
        decoder = SegmentDecoder()
        parts = [_own(decoder.decode(batch)) for batch in captures.batches()]
        names = tuple(source.name for source in captures.sources)
    segments = _joined(parts)
    connection, from_client, ends = _connections(segments)
    return Recording(segments, connection, from_client, tuple(ends), names)


def replay(recording: Recording, kept: Mask) -> list[Session]:
    """The sessions that the analyzer sees in a capture of the segments that are ``kept``."""
    found: list[Session] = []

    def close(conversation: Conversation, listener: Listener) -> None:
        assert isinstance(listener, SessionObserver)  # noqa: S101 - the tracker got them from nowhere else
        found.append(listener.finish(conversation, recording.names[conversation.source]))

    tracker = ConversationTracker(SessionObserver, close, SegmentDecoder().ports)
    if kept.any():
        tracker.add(recording.segments if kept.all() else recording.segments.take(kept))
    tracker.finish()
    return found


def _own(batch: SegmentBatch) -> SegmentBatch:
    """``batch`` over a copy of its payload alone: frames are on loan."""
    own = batch.take(slice(None))
    pieces = [batch.data[start : start + length] for start, length in _spans(batch)]
    own.data = np.concatenate(pieces) if pieces else np.empty(0, np.uint8)
    own.start = np.concatenate(([0], np.cumsum(batch.length)))[:-1].astype(np.int64)
    return own


def _spans(batch: SegmentBatch) -> Iterator[tuple[int, int]]:
    return zip(batch.start.tolist(), batch.length.tolist(), strict=True)


def _joined(parts: list[SegmentBatch]) -> SegmentBatch:
    before = 0
    for part in parts:
        part.start = part.start + before
        before += len(part.data)
    return SegmentBatch(
        **{each.name: np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(SegmentBatch)}
    )


def _connections(segments: SegmentBatch) -> tuple[Ints, Mask, list[frozenset[Endpoint]]]:
    """Number of each segment's connection, and whether it is its client's; endpoints of each connection.

    A SYN that is not a copy begins another connection between the same endpoints.
    """
    numbers: list[int] = []
    by_client: list[bool] = []
    ends: list[frozenset[Endpoint]] = []
    current: dict[frozenset[Endpoint], tuple[int, Endpoint]] = {}
    opened: dict[frozenset[Endpoint], int] = {}
    senders = zip(_addresses(segments.src), segments.sport.tolist(), strict=True)
    receivers = zip(_addresses(segments.dst), segments.dport.tolist(), strict=True)
    rest = zip(segments.flags.tolist(), segments.seq.tolist(), strict=True)
    for sender, receiver, (flags, seq) in zip(senders, receivers, rest, strict=True):
        pair = frozenset((sender, receiver))
        begins = flags & (SYN | ACK) == SYN and opened.get(pair) != seq
        if begins:
            opened[pair] = seq
        if begins or pair not in current:
            current[pair] = len(ends), sender
            ends.append(pair)
        number, client = current[pair]
        numbers.append(number)
        by_client.append(sender == client)
    return np.array(numbers, np.int64), np.array(by_client, np.bool_), ends


def _addresses(halves: npt.NDArray[np.uint64]) -> list[int]:
    return [high << 64 | low for high, low in halves.tolist()]
