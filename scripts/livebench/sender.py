"""Sends a capture's frames out of an interface, over and over, at a given rate or as fast as it can.

tcpreplay reaches 320,000 to 410,000 packets/s here; sending many frames in one system call (sendmmsg(2)) and leaving
out the queueing discipline reaches more, and leaves the processor alone while it waits. Each lap has other addresses
(their first octet counts up), since the same connections once more would be retransmissions.
"""

from __future__ import annotations

import ctypes
import json
import os
import socket
import sys
import time

import numpy as np
import numpy.typing as npt

from analyzer.capture import open_captures

AT_ONCE = 64
"""Frames in one system call: a few hundred microseconds' worth at most, so that the rate is even."""

MAX_LAPS = 200
"""First octets 10 to 209; a lap of the dense capture takes 9 seconds at 150,000 packets/s."""

_SOL_PACKET, _PACKET_QDISC_BYPASS = 263, 20
_IPV4 = 0x0800
_ADDRESSES = (26, 30)  # of an IPv4 header behind an Ethernet one

_IOVEC = np.dtype([("base", np.uint64), ("length", np.uint64)])
_MESSAGE = np.dtype(
    {
        "names": ["iovec", "iovecs", "sent"],
        "formats": [np.uint64, np.uint64, np.uint32],
        "offsets": [16, 24, 56],
        "itemsize": 64,
    }
)
"""``struct iovec`` and ``struct mmsghdr`` on 64-bit Linux; all other fields are zero."""


class Load:
    """All frames of a capture in memory, ready to be sent."""

    def __init__(self, path: str) -> None:
        parts: list[npt.NDArray[np.uint8]] = []
        starts: list[npt.NDArray[np.int64]] = []
        lengths: list[npt.NDArray[np.int64]] = []
        base = 0
        with open_captures([path]) as captures:
            for batch in captures.batches():
                parts.append(batch.data.copy())
                starts.append(batch.start + base)
                lengths.append(batch.captured.copy())
                base += len(batch.data)
        self._data = np.concatenate(parts)
        start, length = np.concatenate(starts), np.concatenate(lengths)
        self.count = len(start)
        self._iovecs = np.zeros(self.count, _IOVEC)
        self._iovecs["base"] = self._data.ctypes.data + start
        self._iovecs["length"] = length
        self._messages = np.zeros(self.count, _MESSAGE)
        self._messages["iovec"] = self._iovecs.ctypes.data + np.arange(self.count) * _IOVEC.itemsize
        self._messages["iovecs"] = 1
        ethertype = self._data[start + 12].astype(np.int64) << 8 | self._data[start + 13]
        ipv4 = start[ethertype == _IPV4]
        self._octets = np.concatenate([ipv4 + at for at in _ADDRESSES])

    def readdress(self) -> None:
        """The next lap's addresses."""
        self._data[self._octets] += 1

    def send(self, sender: socket.socket, first: int) -> int:
        """Send up to :data:`AT_ONCE` frames from ``first`` on; how many were."""
        count = min(AT_ONCE, self.count - first)
        at = self._messages.ctypes.data + first * _MESSAGE.itemsize
        sent: int = _LIBC.sendmmsg(sender.fileno(), ctypes.c_void_p(at), count, 0)
        if sent < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        return sent


def main(path: str, interface: str, rate: float, seconds: float) -> None:
    """Send for ``seconds`` at ``rate`` packets/s (0: top speed); prints what was sent as JSON."""
    load = Load(path)
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sender:
        sender.bind((interface, 0))
        sender.setsockopt(_SOL_PACKET, _PACKET_QDISC_BYPASS, 1)
        print("ready", flush=True)
        sys.stdin.readline()
        sent = 0
        began = time.monotonic()
        for lap in range(MAX_LAPS):
            if lap:
                load.readdress()
            sent += _lap(load, sender, rate, began, seconds, sent)
            if time.monotonic() - began >= seconds:
                break
        print(json.dumps({"sent": sent, "seconds": time.monotonic() - began}), flush=True)


def _lap(load: Load, sender: socket.socket, rate: float, began: float, seconds: float, before: int) -> int:
    sent = 0
    while sent < load.count:
        elapsed = time.monotonic() - began
        if elapsed >= seconds:
            break
        if rate and before + sent > elapsed * rate:
            time.sleep((before + sent) / rate - elapsed)
            continue
        sent += load.send(sender, sent)
    return sent


_LIBC = ctypes.CDLL(None, use_errno=True)

if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4]))
