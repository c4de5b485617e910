"""Batches of frames to batches of segments: the columns for most, the unwrapper for the rest, in one order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import fields

import numpy as np

from analyzer.capture.frames import FrameBatch
from analyzer.packets.columns import Columns, plain_segments, segments
from analyzer.packets.datagrams import (
    NO_DATAGRAM_PORTS,
    Datagram,
    DatagramLimit,
    DatagramPorts,
    read_datagrams,
)
from analyzer.packets.headers import ETHERTYPE_IPV4, ETHERTYPE_IPV6, SLL, SLL2, U16, gather, mac_numbers
from analyzer.packets.located import Ints
from analyzer.packets.segments import NO_MAC, SegmentBatch
from analyzer.packets.unwrap import FoundTcp, Unwrapper

SUBMISSION_PORTS = frozenset({25, 465, 587, 2525, 2465, 2587})
"""Relay, implicit-TLS submission, submission (RFC 8314), and the alternates that providers publish."""

# Link types (https://www.tcpdump.org/linktypes.html): where the columns find the EtherType and what follows.
_ETHERNET = 1
_COLUMNAR = {_ETHERNET: (12, 14), 113: (14, 16), 276: (0, 20)}
_SENDER = {113: SLL, 276: SLL2}  # "tcpdump -i any" keeps the sender's address, not the receiver's
_RAW = {12, 14, 101, 228, 229}
_UNWRAPPED = {0: "null", 108: "null", 9: "ppp", 50: "ppp-hdlc", 51: "pppoe", 104: "ppp-hdlc", 219: "mpls"}


class SegmentDecoder:
    """Turns frames into TCP segments on the ports of interest.

    One decoder serves all inputs of a run, so that a datagram's fragments may lie in two files.

    Args:
        ports: TCP ports of interest.
        wanted: ports of UDP datagrams that are wanted, too.

    Attributes:
        datagrams: those of the batches so far, in no particular order; whoever takes them empties the list.
        oddities: datagrams that were left out, counted.
        undecoded: frames that might have held a segment and could not be read, by reason.
        unknown_links: frames per link type that nobody here can read (also in ``undecoded``).
    """

    def __init__(self, ports: Iterable[int] = SUBMISSION_PORTS, wanted: DatagramPorts = NO_DATAGRAM_PORTS) -> None:
        self.ports = frozenset(ports)
        self.datagrams: list[Datagram] = []
        self.oddities: Counter[str] = Counter()
        self._limit = DatagramLimit(wanted, self.oddities)
        self.undecoded: Counter[str] = Counter()
        self.unknown_links: Counter[int] = Counter()
        self._columns = Columns(self.ports, self.undecoded, wanted)
        self._unwrapper = Unwrapper(self.ports.__contains__, self.undecoded, wanted, self._take_datagram)

    def decode(self, batch: FrameBatch) -> SegmentBatch:
        """The segments of ``batch``, in frame order, over the same bytes (see :class:`SegmentBatch`)."""
        if not len(batch):
            return _empty(batch)
        links = [int(batch.link_type[0])]
        if (batch.link_type != links[0]).any():
            links = [int(link) for link in np.unique(batch.link_type)]
        parts: list[tuple[Ints, SegmentBatch]] = []
        wrapped: list[tuple[Ints, str]] = []
        for link in links:
            frame = np.flatnonzero(batch.link_type == link) if len(links) > 1 else np.arange(len(batch))
            self._decode_link(batch, link, frame, parts, wrapped)
        if any(len(frame) for frame, _ in wrapped):
            parts.append(self._unwrap(batch, wrapped))
        parts = [part for part in parts if len(part[0])]
        if not parts:
            return _empty(batch)
        return parts[0][1] if len(parts) == 1 else _in_order(parts)

    def finish(self) -> None:
        """No more frames will come: what still waits for fragments is counted."""
        self._unwrapper.finish()

    def _decode_link(
        self,
        batch: FrameBatch,
        link: int,
        frame: Ints,
        parts: list[tuple[Ints, SegmentBatch]],
        wrapped: list[tuple[Ints, str]],
    ) -> None:
        data = batch.data
        if link == _ETHERNET:
            whole = len(frame) == len(batch)
            plain, other = self._columns.peek(
                data,
                batch.start if whole else batch.start[frame],
                batch.captured if whole else batch.captured[frame],
            )
            parts.append(plain_segments(batch, plain if whole else frame[plain], self.undecoded))
            for found in self._columns.datagrams:
                found.frame = frame[found.frame]
            frame = frame[other]
        elif link in _UNWRAPPED:
            wrapped.append((frame, _UNWRAPPED[link]))
            return
        elif link not in _COLUMNAR and link not in _RAW:
            self.unknown_links[link] += len(frame)
            self.undecoded[f"link-type-{link}"] += len(frame)
            return
        if not len(frame):
            self._take_located(batch)
            return
        type_at, header = _COLUMNAR.get(link, (0, 0))
        short = batch.captured[frame] < max(header, 1)
        if short.any():
            self.undecoded["truncated-header"] += int(np.count_nonzero(short))
            frame = frame[~short]
        start = batch.start[frame]
        if link in _RAW:
            version = data[start] >> 4
            ethertype = np.select([version == 4, version == 6], [ETHERTYPE_IPV4, ETHERTYPE_IPV6], 0).astype(np.int64)
            neither = ethertype == 0
            if neither.any():
                self.undecoded["bad-ip-header"] += int(np.count_nonzero(neither))
                frame, start, ethertype = frame[~neither], start[~neither], ethertype[~neither]
        else:
            ethertype = gather(data, start + type_at, U16).astype(np.int64)
        located, deeper = self._columns.locate(
            data,
            frame,
            start + batch.captured[frame],
            start + header,
            ethertype,
            start if link == _ETHERNET else np.full(len(frame), -1),
        )
        self._take_located(batch)
        position, segment = segments(batch, located, self.undecoded)
        if link in _SENDER:
            rows = gather(data, batch.start[position], _SENDER[link])
            segment.src_mac = np.where(rows["size"] == 6, mac_numbers(rows["sender"]), NO_MAC)
        parts.append((position, segment))
        layer = {_ETHERNET: "ethernet", 113: "cooked", 276: "cooked2"}.get(link, "ip")
        wrapped.append((deeper, layer))

    def _take_located(self, batch: FrameBatch) -> None:
        for located in self._columns.datagrams:
            self.datagrams += read_datagrams(batch, located, self._limit)
        self._columns.datagrams.clear()

    def _take_datagram(self, datagram: Datagram) -> None:
        if self._limit.admits(datagram.time, datagram.sport, datagram.dport):
            self.datagrams.append(datagram)

    def _unwrap(self, batch: FrameBatch, wrapped: list[tuple[Ints, str]]) -> tuple[Ints, SegmentBatch]:
        """The slow path: frames one at a time, in capture order, for fragments' sake."""
        queue = sorted((position, layer) for frame, layer in wrapped for position in frame.tolist())
        view = batch.data.data
        found: list[tuple[int, FoundTcp]] = []
        for position, layer in queue:
            start, time = int(batch.start[position]), int(batch.time[position])
            frame = view[start : start + int(batch.captured[position])]
            tcp = self._unwrapper.unwrap(frame, int(batch.wire[position]), time, layer)
            if tcp is not None:
                found.append((position, tcp))
        self._unwrapper.expire(int(batch.time[-1]))
        return self._read(batch, found)

    def _read(self, batch: FrameBatch, found: list[tuple[int, FoundTcp]]) -> tuple[Ints, SegmentBatch]:
        rows = []
        positions = []
        extra = bytearray()
        for position, tcp in found:
            header = bytes(tcp.frame[tcp.tcp : tcp.tcp + 20])
            sport, dport = int.from_bytes(header[:2], "big"), int.from_bytes(header[2:4], "big")
            if len(header) >= 4 and sport not in self.ports and dport not in self.ports:
                continue
            if len(header) < 20:
                self.undecoded["truncated-header"] += 1
                continue
            payload = tcp.tcp + (header[12] >> 4) * 4
            if payload < tcp.tcp + 20 or payload > tcp.wire_end:
                self.undecoded["bad-tcp-header"] += 1
                continue
            length = max(tcp.end - payload, 0)
            if tcp.whole:
                start = len(batch.data) + len(extra)
                extra += tcp.frame[payload : payload + length]
            else:
                start = int(batch.start[position]) + payload
            positions.append(position)
            rows.append((tcp, header, start, length, tcp.wire_end - payload))
        frame = np.array(positions, np.int64)
        data = batch.data
        if extra:  # datagrams put together from fragments lie behind the frames
            data = np.concatenate((data, np.frombuffer(bytes(extra), np.uint8)))
        half = (1 << 64) - 1

        def addresses(numbers: list[int]) -> np.ndarray[tuple[int, int], np.dtype[np.uint64]]:
            return np.array([(n >> 64, n & half) for n in numbers], np.uint64).reshape(-1, 2)

        def field(at: int, size: int, dtype: type[np.generic]) -> np.ndarray[tuple[int], np.dtype[np.generic]]:
            return np.array([int.from_bytes(header[at : at + size], "big") for _, header, *_ in rows], dtype)

        macs = [tcp.macs or (int(NO_MAC), int(NO_MAC)) for tcp, *_ in rows]
        batch_columns = SegmentBatch(
            data=data,
            time=batch.time[frame],
            source=batch.source[frame],
            src=addresses([tcp.src for tcp, *_ in rows]),
            dst=addresses([tcp.dst for tcp, *_ in rows]),
            sport=field(0, 2, np.uint16),  # type: ignore[arg-type]
            dport=field(2, 2, np.uint16),  # type: ignore[arg-type]
            seq=field(4, 4, np.uint32),  # type: ignore[arg-type]
            ack=field(8, 4, np.uint32),  # type: ignore[arg-type]
            flags=field(13, 1, np.uint8),  # type: ignore[arg-type]
            start=np.array([start for _, _, start, _, _ in rows], np.int64),
            length=np.array([length for _, _, _, length, _ in rows], np.int64),
            wire=np.array([wire for *_, wire in rows], np.int64),
            src_mac=np.array([source for source, _ in macs], np.uint64),
            dst_mac=np.array([target for _, target in macs], np.uint64),
            ttl=np.array([tcp.ttl for tcp, *_ in rows], np.uint8),
        )
        return frame, batch_columns


def _empty(batch: FrameBatch) -> SegmentBatch:
    return plain_segments(batch, np.empty(0, np.int64), Counter())[1]


def _in_order(parts: list[tuple[Ints, SegmentBatch]]) -> SegmentBatch:
    """Parts of one batch put back into frame order."""
    order = np.argsort(np.concatenate([frame for frame, _ in parts]), kind="stable")
    data = max((part.data for _, part in parts), key=len)  # the longest holds the others' bytes too
    names = [f.name for f in fields(SegmentBatch) if f.name != "data"]
    columns = {name: np.concatenate([getattr(part, name) for _, part in parts])[order] for name in names}
    return SegmentBatch(data=data, **columns)
