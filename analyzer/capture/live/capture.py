"""Several interfaces as one stream of batches, which goes on whatever becomes of them."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from types import TracebackType

from analyzer.capture.frames import FrameBatch
from analyzer.capture.live.clock import ClockWatch
from analyzer.capture.live.collector import Collector
from analyzer.capture.live.counters import InterfaceCounters
from analyzer.capture.live.filters import ALL_TAGS, TAGS, CaptureFilter
from analyzer.capture.live.interface import Interface, chosen, find, link_type_of
from analyzer.capture.live.line import Line
from analyzer.capture.live.pcap_tap import PcapTap
from analyzer.capture.live.ring import RETIRE_MILLISECONDS, PacketRing
from analyzer.capture.live.tap import Tap
from analyzer.capture.names import inert
from analyzer.errors import UsageError

BUFFER_BYTES = 96 * 1024 * 1024
"""What the kernel may keep for a reader that is busy, in all: more than a second of 150,000 SMTP packets/s, which the
analysis of one batch may take on a busy machine. It counts as the process's memory."""

TICK_SECONDS = 0.1
"""Batches come at least so often, empty ones if need be. Fewer and larger ones cost less; alerts wait for them."""

LOOK_SECONDS = 0.01
"""How often a waiting reader looks whether much has come: at 10 Gbit/s 12 MB, well within the buffer."""

WATCH_SECONDS = 0.1
"""How often interfaces are asked how they are."""

DRAIN_SECONDS = 4 * RETIRE_MILLISECONDS / 1000
"""After this long the kernel has handed over all that it had."""


class LiveCapture:
    """Frames from network interfaces, in batches; a context manager.

    Interfaces may go down, come up, vanish and be made anew while it runs; :meth:`counters` says how they are. After
    it was opened, only opening an interface that was made anew needs privileges.

    Args:
        interfaces: names; ``any`` stands for all that are up when it is opened.
        filter: what the kernel shall let through, see :func:`~analyzer.capture.live.filters.capture_filter`; or one
            expression, in the language of pcap-filter(7).
        buffer: bytes of memory shared with the kernel, in all.
        promiscuous: also frames that are meant for others.
        ring: read through Linux's packet rings, or else through libpcap; by default whichever the system has.

    Attributes:
        sources: names of the interfaces; ``FrameBatch.source`` holds indices into it.
        clock_shift: nanoseconds by which the wall clock was set between the last two batches, forward or (negative)
            backward, else 0: packet times jump with it.
    """

    def __init__(
        self,
        interfaces: Sequence[str],
        filter: CaptureFilter | str,
        *,
        buffer: int = BUFFER_BYTES,
        promiscuous: bool = True,
        ring: bool | None = None,
    ) -> None:
        self.sources: list[str] = []
        self.clock_shift = 0
        self._names = list(interfaces)
        self._filter = CaptureFilter(filter) if isinstance(filter, str) else filter
        self._buffer = self._share = buffer
        self._promiscuous = promiscuous
        self._through_ring = sys.platform == "linux" if ring is None else ring
        self._programs: dict[int, bytes] = {}
        self._lines: list[Line] = []
        self._collector = Collector()
        self._clock = ClockWatch()
        self._stopped = False
        self._watched = self._given = time.monotonic()

    def open(self) -> None:
        """Open all interfaces.

        Raises:
            UsageError: an interface does not exist or cannot be read, capturing is not permitted, the filter is none
                (with the compiler's words), or libpcap is not installed. Nothing is open then.
        """
        found = chosen(self._names)
        self.sources = [interface.name for interface in found]
        self._share = self._buffer // len(found)
        try:
            for interface in found:
                line = Line(interface)
                self._lines.append(line)
                try:
                    line.tap = self._opened(interface)
                except OSError as failure:
                    if interface.up:
                        raise UsageError(f"{inert(interface.name)}: {failure.strerror}") from None
                    # down, and to be opened when it comes up
        except BaseException:
            self.close()
            raise
        self._watched = self._given = time.monotonic()

    def close(self) -> None:
        """Close all interfaces; the last batch stays valid."""
        for line in self._lines:
            line.close()

    def __enter__(self) -> LiveCapture:
        """Open all interfaces; see :meth:`open`."""
        self.open()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close all interfaces."""
        self.close()

    def stop(self) -> None:
        """Let :meth:`batches` give out what has come until now, and end. May be called from a signal handler."""
        self._stopped = True

    def counters(self) -> Sequence[InterfaceCounters]:
        """How each interface is and what came from it, in the order of :attr:`sources`."""
        for line in self._lines:
            line.count_drops()
        return [line.counters for line in self._lines]

    def batches(self) -> Iterator[FrameBatch]:
        """Batches as they come, at least one every :data:`TICK_SECONDS`, until :meth:`stop`.

        Each is on loan until the next one is asked for, and at most
        :data:`~analyzer.capture.live.collector.BATCH_BYTES` long. When much has come, they follow back to back.
        Frames of one interface are in the kernel's order; within a batch several are merged by time.
        """
        while not self._stopped:
            self._wait()
            yield self._collected()
        for line in self._lines:
            line.shut()
        until = time.monotonic() + DRAIN_SECONDS
        while True:
            batch = self._collected()
            if len(batch):
                yield batch
            elif time.monotonic() >= until:
                return
            else:
                time.sleep(LOOK_SECONDS)

    def _wait(self) -> None:
        """Until the next batch is due, or there is much to read."""
        due = self._given + TICK_SECONDS
        while not self._stopped and not any(line.backlog for line in self._lines):
            left = due - time.monotonic()
            if left <= 0:
                break
            time.sleep(min(left, LOOK_SECONDS))
        self._given = time.monotonic()

    def _collected(self) -> FrameBatch:
        """What is there, as far as it has room: from each interface a little in turn."""
        reading = list(enumerate(self._lines))
        while reading:
            reading = [(source, line) for source, line in reading if line.read(self._collector, source)]
        batch = self._collector.batch()
        for source, line in enumerate(self._lines):
            line.account(batch, source)
        self.clock_shift = self._clock.shift()
        if not self._stopped and time.monotonic() >= self._watched + WATCH_SECONDS:
            self._watched = time.monotonic()
            for line in self._lines:
                line.watch(find(line.name), self._opened)
        return batch

    def _opened(self, interface: Interface) -> Tap:
        if not self._through_ring:

            def compiled(link_type: int) -> bytes:
                return self._compiled(interface, link_type, ALL_TAGS)

            return PcapTap(interface, compiled, buffer=self._share, promiscuous=self._promiscuous)
        program = self._compiled(interface, link_type_of(interface), TAGS)
        return PacketRing(interface, program, buffer=self._share, promiscuous=self._promiscuous)

    def _compiled(self, interface: Interface, link_type: int, tags: int) -> bytes:
        """Once for each link type: compiling may need privileges that are gone later."""
        if link_type not in self._programs:
            self._programs[link_type] = self._filter.compiled(link_type, interface.name, tags)
        return self._programs[link_type]
