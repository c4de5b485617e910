"""A packet socket of Linux whose frames come through memory shared with the kernel (packet(7), TPACKET_V3).

The kernel fills a ring of blocks, hands each over when it is full or :data:`RETIRE_MILLISECONDS` old, and takes it
back when it has been read. Blocks are copied once and given back at once: the copy costs a hundredth of what the
analysis does, and in exchange the whole ring stays the kernel's while a batch is being worked on.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import socket
import struct

import numpy as np

from analyzer.capture.formats import gather
from analyzer.capture.live.collector import BATCH_BYTES, Collector
from analyzer.capture.live.interface import ETHERNET, LOOPBACK_HARDWARE, Interface, link_type_of
from analyzer.capture.live.libpcap import INSTRUCTION, REJECT
from analyzer.capture.live.privileges import not_permitted
from analyzer.capture.live.ring_blocks import (
    BLOCK_HEADER,
    FRAME_HEADER,
    OWNED_BY_KERNEL,
    OWNED_BY_USER,
    TAG_BYTES,
    frame_headers,
    restore_tags,
)
from analyzer.capture.names import inert
from analyzer.errors import UsageError

BLOCK_BYTES = 256 * 1024
"""The longest frame, and the unit in which the ring fills up. A quiet interface takes a block for a handful of frames
each time one retires, so many small blocks bridge a longer pause of the reader than few large ones."""

LEAST_BLOCKS = 4
"""Of a ring: one being filled, one being read, and some for a burst."""

RETIRE_MILLISECONDS = 50
"""Age at which the kernel hands over a block that is not full. It looks only so often, so twice that may pass."""

HEAVY_SHARE = 4
"""When one part in so many of the ring waits, or a whole batch, it is read without waiting for the next tick."""

_RING_WORDS = struct.Struct("7I")  # struct tpacket_req3: block size, blocks, frame size, frames, timeout, private, hash
_STATISTICS = struct.Struct("3I")  # struct tpacket_stats_v3: frames with those dropped, frames dropped, freezes
_PROGRAM = struct.Struct("HP")  # struct sock_fprog, linux/filter.h
_MEMBERSHIP = struct.Struct("iHH8s")  # struct packet_mreq

# linux/if_packet.h and asm-generic/socket.h: Python has no names for these
_PACKET_ADD_MEMBERSHIP, _PACKET_RX_RING, _PACKET_STATISTICS, _PACKET_VERSION = 1, 5, 6, 10
_PACKET_RESERVE, _PACKET_IGNORE_OUTGOING = 12, 23
_PACKET_MR_PROMISC, _TPACKET_V3 = 1, 2
_SOL_PACKET, _SO_ATTACH_FILTER, _ETH_P_ALL = 263, 26, 0x0003


class PacketRing:
    """A packet socket with a ring; see :class:`~analyzer.capture.live.tap.Tap`.

    Nothing that the filter does not want gets in: until the socket is bound, at the very end, nothing does at all.

    Args:
        interface: the one to read.
        instructions: BPF filter for its link type.
        buffer: bytes of the ring, of which whole blocks are used.
        promiscuous: also frames that are meant for others.

    Raises:
        UsageError: it is not permitted, its frames cannot be read, the filter is too long, or there is not so much
            memory.
        OSError: the interface is gone.
    """

    def __init__(self, interface: Interface, instructions: bytes, *, buffer: int, promiscuous: bool) -> None:
        self.link_type = link_type_of(interface)
        self.dropped = 0
        self._next = 0
        self._blocks = max(buffer // BLOCK_BYTES, LEAST_BLOCKS)
        self._heavy = min(BATCH_BYTES // BLOCK_BYTES, self._blocks // HEAVY_SHARE)
        # A datagram socket gets frames from the IP header on, whatever hardware header there may be.
        kind = socket.SOCK_RAW if self.link_type == ETHERNET else socket.SOCK_DGRAM
        try:
            self._socket = socket.socket(socket.AF_PACKET, kind, 0)
        except PermissionError:
            raise not_permitted(interface.name) from None
        try:
            self._set_up(interface, instructions, promiscuous)
        except BaseException:
            self._socket.close()
            raise
        self._ring = np.frombuffer(self._memory, np.uint8)
        self._words = self._ring.view(np.uint32)
        self._status = BLOCK_HEADER.fields["status"][1] // 4  # type: ignore[index]

    def _set_up(self, interface: Interface, instructions: bytes, promiscuous: bool) -> None:
        options = self._socket.setsockopt
        self._attach(instructions)
        options(_SOL_PACKET, _PACKET_VERSION, _TPACKET_V3)
        options(_SOL_PACKET, _PACKET_RESERVE, TAG_BYTES)
        if interface.hardware == LOOPBACK_HARDWARE:
            options(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)  # each of its frames is sent, and then received
        size = self._blocks * BLOCK_BYTES
        try:
            ring = _RING_WORDS.pack(BLOCK_BYTES, self._blocks, BLOCK_BYTES, self._blocks, RETIRE_MILLISECONDS, 0, 0)
            options(_SOL_PACKET, _PACKET_RX_RING, ring)
            self._memory = mmap.mmap(self._socket.fileno(), size, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
        except OSError as failure:
            if failure.errno not in (errno.ENOMEM, errno.ENOBUFS, errno.EINVAL):
                raise
            raise UsageError(
                f"{inert(interface.name)}: there is no memory for a buffer of {size / 1e6:.0f} MB; ask for less"
            ) from None
        if promiscuous:
            options(_SOL_PACKET, _PACKET_ADD_MEMBERSHIP, _MEMBERSHIP.pack(interface.index, _PACKET_MR_PROMISC, 0, b""))
        self._socket.bind((interface.name, _ETH_P_ALL))

    def _attach(self, instructions: bytes) -> None:
        kept = ctypes.create_string_buffer(instructions, len(instructions))  # until the kernel has copied it
        program = _PROGRAM.pack(len(instructions) // INSTRUCTION, ctypes.addressof(kept))
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)
        except OSError as failure:
            if failure.errno not in (errno.ENOMEM, errno.EINVAL):
                raise
            raise UsageError(
                f"the filter is too long for the kernel ({len(instructions) // INSTRUCTION} instructions); "
                "name fewer ports, or raise sysctl net.core.optmem_max"
            ) from None

    @property
    def backlog(self) -> bool:
        """The kernel fills blocks in turn: when this one is ready, so are those before it."""
        ahead = (self._next + self._heavy - 1) % self._blocks
        return bool(self._words[ahead * (BLOCK_BYTES // 4) + self._status] & OWNED_BY_USER)

    def read(self, collector: Collector, source: int) -> int:
        """The frames of the next block, and the block back to the kernel."""
        begin = self._next * BLOCK_BYTES
        status = begin // 4 + self._status
        if not self._words[status] & OWNED_BY_USER or collector.room < BLOCK_BYTES:
            return 0
        header = self._ring[begin : begin + BLOCK_HEADER.itemsize].view(BLOCK_HEADER)[0]
        count, first = int(header["frames"]), int(header["first"])
        at = collector.put(self._ring[begin : begin + int(header["length"])])
        self._words[status] = OWNED_BY_KERNEL
        self._next = (self._next + 1) % self._blocks
        data = collector.data
        offsets = frame_headers(collector.words, at + first, count)
        headers = gather(data, offsets, FRAME_HEADER)
        start = offsets + headers["mac"]
        captured, wire = headers["captured"].astype(np.int64), headers["wire"].astype(np.int64)
        if self.link_type == ETHERNET:
            restore_tags(data, headers, start, captured, wire)
        time = headers["seconds"].astype(np.int64) * 1_000_000_000 + headers["nanoseconds"]
        collector.add(start, captured, np.maximum(wire, captured), time, self.link_type, source)
        return count

    def count_drops(self) -> None:
        """The kernel counts from zero again after each look."""
        told = self._socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, _STATISTICS.size)
        self.dropped += _STATISTICS.unpack(told)[1]

    def shut(self) -> None:
        """A filter that wants nothing takes the place of the other one."""
        self._attach(REJECT)

    def close(self) -> None:
        """Unmap the ring; the kernel frees it."""
        del self._ring, self._words
        self._memory.close()
        self._socket.close()
