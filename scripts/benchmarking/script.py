"""What is sent, by whom and when: the record that passes from the dialogues to the packet builder."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

FIN, SYN, RST, PSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10


@dataclass(slots=True)
class Flow:
    """One TCP connection or UDP exchange; ``sent`` is how far each side's sequence numbers have come."""

    client_mac: int
    server_mac: int
    client_ip: int
    server_ip: int
    client_port: int
    server_port: int
    udp: bool = False
    mss: int = 1448
    timestamps: bool = True
    isn: tuple[int, int] = (0, 0)  # server, client: indexed by Write.to_server
    sent: list[int] = field(default_factory=lambda: [0, 0])


@dataclass(slots=True)
class Script:
    """Writes of many flows over one pool of bytes.

    A write is what an application hands to its socket; the builder cuts it into segments. Bulk data is a stretch of
    ``stock``, which all flows share; everything else is appended to the pool as it is said.
    """

    stock: bytes
    flows: list[Flow] = field(default_factory=list)
    flow: list[int] = field(default_factory=list)
    to_server: list[bool] = field(default_factory=list)
    flags: list[int] = field(default_factory=list)
    offset: list[int] = field(default_factory=list)
    length: list[int] = field(default_factory=list)
    delay: list[int] = field(default_factory=list)  # microseconds since the flow's previous packet
    said: list[bytes] = field(default_factory=list)
    _end: int = 0
    _start: int = 0

    def __post_init__(self) -> None:
        self._end = len(self.stock)

    def begin(self, flow: Flow, start: int) -> None:
        """What follows belongs to ``flow``, whose first packet is at ``start`` (microseconds)."""
        self.flows.append(flow)
        self._start = start

    def _add(self, to_server: bool, flags: int, offset: int, length: int, delay: int) -> None:
        self.flow.append(len(self.flows) - 1)
        self.to_server.append(to_server)
        self.flags.append(flags)
        self.offset.append(offset)
        self.length.append(length)
        self.delay.append(delay + self._start)
        self._start = 0

    def say(self, to_server: bool, data: bytes, delay: int) -> None:
        """One side sends ``data``."""
        self._add(to_server, PSH | ACK, self._end, len(data), delay)
        self.said.append(data)
        self._end += len(data)

    def bulk(self, to_server: bool, offset: int, length: int, delay: int) -> None:
        """One side sends a stretch of the stock."""
        self._add(to_server, PSH | ACK, offset, length, delay)

    def open(self, delay: int) -> None:
        """The three-way handshake over a path whose round trip is ``delay``."""
        self._add(True, SYN, 0, 0, 0)
        self._add(False, SYN | ACK, 0, 0, delay)
        self._add(True, ACK, 0, 0, 20)

    def close(self, by_server: bool, delay: int) -> None:
        """Both sides close, the one named first."""
        self._add(not by_server, FIN | ACK, 0, 0, 50)
        self._add(by_server, FIN | ACK, 0, 0, delay)
        self._add(not by_server, ACK, 0, 0, 20)

    def pool(self) -> npt.NDArray[np.uint8]:
        """All bytes that the writes refer to."""
        return np.frombuffer(b"".join([self.stock, *self.said]), np.uint8)

    def columns(self) -> Iterable[npt.NDArray[np.int64]]:
        """flow, to_server, flags, offset, length, delay: one entry per write."""
        for column in (self.flow, self.to_server, self.flags, self.offset, self.length, self.delay):
            yield np.array(column, np.int64)
