"""Reads an interface through libpcap: for systems without packet rings, one frame at a time."""

from __future__ import annotations

import ctypes
import errno
import os
import time
from collections.abc import Callable

import numpy as np

from analyzer.capture.live.collector import Collector
from analyzer.capture.live.interface import ETHERNET, RAW_IP, Interface
from analyzer.capture.live.libpcap import INSTRUCTION, SNAPSHOT_BYTES, bindings, error
from analyzer.capture.live.privileges import not_permitted
from analyzer.capture.names import inert
from analyzer.errors import UsageError

FRAMES_AT_ONCE = 1024
"""Read before another interface has its turn."""

LINK_TYPES = {0: 0, 1: ETHERNET, 9: 9, 12: RAW_IP, 14: RAW_IP, 108: 108, 113: 113, 276: 276}
"""libpcap's number on this machine (DLT_*) to LINKTYPE_*, for those that carry IP: null, Ethernet, PPP, raw IP, loop,
and Linux cooked."""

_TIMEOUT_MILLISECONDS = 100
_PERMISSION_DENIED, _PROMISCUOUS_DENIED, _NOT_UP, _NO_SUCH_DEVICE = -8, -11, -9, -5  # pcap/pcap.h


class PcapTap:
    """libpcap's reader; see :class:`~analyzer.capture.live.tap.Tap`. Times are in whole microseconds.

    Args:
        interface: the one to read.
        compiled: gives the filter for a link type.
        buffer: bytes that the kernel keeps for it.
        promiscuous: also frames that are meant for others.

    Raises:
        UsageError: it is not permitted, the filter cannot be used, or frames of its link type cannot be read.
        OSError: the interface is gone, or not up.
    """

    def __init__(
        self, interface: Interface, compiled: Callable[[int], bytes], *, buffer: int, promiscuous: bool
    ) -> None:
        self.dropped = 0
        self._name = interface.name
        self._more = False
        self._until: int | None = None
        self._pcap = pcap = bindings()
        self._words = ctypes.create_string_buffer(256)
        self._handle = pcap.pcap_create(os.fsencode(interface.name), self._words)
        try:
            pcap.pcap_set_snaplen(self._handle, SNAPSHOT_BYTES)
            pcap.pcap_set_promisc(self._handle, promiscuous)
            pcap.pcap_set_timeout(self._handle, _TIMEOUT_MILLISECONDS)
            pcap.pcap_set_buffer_size(self._handle, buffer)
            self._activate()
            number = pcap.pcap_datalink(self._handle)
            if number not in LINK_TYPES:
                raise UsageError(f"{inert(self._name)}: frames of its link type (DLT {number}) cannot be read")
            self.link_type = LINK_TYPES[number]
            self._filter(compiled(self.link_type))
            pcap.pcap_setnonblock(self._handle, 1, self._words)
        except BaseException:
            pcap.pcap_close(self._handle)
            raise
        self._header = ctypes.POINTER(pcap.pcap_pkthdr)()
        self._content = ctypes.POINTER(ctypes.c_ubyte)()

    def _activate(self) -> None:
        status = self._pcap.pcap_activate(self._handle)
        if status in (_PERMISSION_DENIED, _PROMISCUOUS_DENIED):
            raise not_permitted(self._name)
        if status == _NOT_UP:
            raise OSError(errno.ENETDOWN, "not up")
        if status == _NO_SUCH_DEVICE:
            raise OSError(errno.ENODEV, "gone")
        if status < 0:
            raise UsageError(f"{inert(self._name)}: {error(self._pcap, self._handle)}")

    def _filter(self, instructions: bytes) -> None:
        program = self._pcap.bpf_program()
        program.bf_len = len(instructions) // INSTRUCTION
        kept = ctypes.create_string_buffer(instructions, len(instructions))  # until libpcap has copied it
        program.bf_insns = ctypes.cast(kept, type(program.bf_insns))
        if self._pcap.pcap_setfilter(self._handle, ctypes.byref(program)):
            raise UsageError(f"the filter cannot be used on {inert(self._name)}: {error(self._pcap, self._handle)}")

    @property
    def backlog(self) -> bool:
        """The last reading ended before the frames did."""
        return self._more

    def read(self, collector: Collector, source: int) -> int:
        """Up to :data:`FRAMES_AT_ONCE` frames.

        Raises:
            OSError: the interface went down or away.
        """
        contents: list[bytes] = []
        captured: list[int] = []
        wire: list[int] = []
        times: list[int] = []
        room = collector.room
        self._more = True
        for _ in range(FRAMES_AT_ONCE):
            if room < SNAPSHOT_BYTES:
                break
            if not self._following():
                self._more = False
                break
            header = self._header.contents
            at = header.ts.tv_sec * 1_000_000_000 + header.ts.tv_usec * 1_000
            if self._until is not None and at > self._until:
                continue
            contents.append(ctypes.string_at(self._content, header.caplen))
            captured.append(header.caplen)
            wire.append(header.len)
            times.append(at)
            room -= header.caplen
        if contents:
            lengths = np.array(captured, np.int64)
            begin = collector.put(np.frombuffer(b"".join(contents), np.uint8))
            start = begin + np.cumsum(lengths) - lengths
            collector.add(
                start,
                lengths,
                np.maximum(np.array(wire, np.int64), lengths),
                np.array(times, np.int64),
                self.link_type,
                source,
            )
        return len(contents)

    def _following(self) -> bool:
        """Whether there is a next frame: then it is in ``_header`` and ``_content``."""
        status: int = self._pcap.pcap_next_ex(self._handle, ctypes.byref(self._header), ctypes.byref(self._content))
        if status < 0:
            raise OSError(errno.ENETDOWN, error(self._pcap, self._handle))
        return status == 1

    def count_drops(self) -> None:
        """libpcap counts from the beginning."""
        told = self._pcap.pcap_stat()
        if self._pcap.pcap_stats(self._handle, ctypes.byref(told)) == 0:
            self.dropped = told.ps_drop & 0xFFFFFFFF

    def shut(self) -> None:
        """What comes from now on is passed over: another filter would judge what waits already, too."""
        self._until = time.time_ns()

    def close(self) -> None:
        """Close libpcap's handle."""
        self._pcap.pcap_close(self._handle)
