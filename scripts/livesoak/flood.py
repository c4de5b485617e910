"""Connections from made-up clients, as Ethernet frames: many at a time, written as columns.

Kinds: ``syn`` is a SYN and nothing more; the others have a handshake, then one segment of the client, and never end:
``ehlo`` says who it is, ``junk`` is a line that has no end, ``tls`` the beginning of a record.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

SYN, SYN_ACK, PSH_ACK = 0x02, 0x12, 0x18
SERVER: Final = 0x0A000002  # 10.0.0.2
PORT: Final = 25
HEADERS: Final = 54

PAYLOADS: Final = {
    "syn": b"",
    "ehlo": b"EHLO flood.example\r\n",
    "junk": b"A" * 600,
    "tls": bytes.fromhex("1603010200010001fc0303") + bytes(400),
}

Frames = npt.NDArray[np.uint8]


def connections(kind: str, count: int, chance: np.random.Generator) -> list[Frames]:
    """Frames of ``count`` connections from random public addresses, in the order in which they are sent: one array
    ``uint8[count, length]`` for each step."""
    payload = PAYLOADS[kind]
    client = chance.integers(0x0B000000, 0xDF000000, count, dtype=np.uint32)
    port = chance.integers(1024, 65536, count, dtype=np.uint32)
    theirs, ours = (chance.integers(0, 1 << 32, count, dtype=np.uint32) for _ in range(2))
    zero, one = np.zeros(count, np.uint32), np.ones(count, np.uint32)
    up = (client, port, np.full(count, SERVER, np.uint32), np.full(count, PORT, np.uint32))
    down = (up[2], up[3], up[0], up[1])
    steps = [_frames(up, theirs, zero, SYN, b"")]
    if payload:
        steps.append(_frames(down, ours, theirs + one, SYN_ACK, b""))
        steps.append(_frames(up, theirs + one, ours + one, PSH_ACK, payload))
    return steps


_Column = npt.NDArray[np.uint32]


def _frames(
    ends: tuple[_Column, _Column, _Column, _Column], seq: _Column, ack: _Column, flags: int, payload: bytes
) -> Frames:
    frames = np.zeros((len(seq), HEADERS + len(payload)), np.uint8)
    frames[:, :14] = np.frombuffer(bytes.fromhex("0200000000020200000000010800"), np.uint8)
    frames[:, 14] = 0x45
    frames[:, 16:18] = np.frombuffer((HEADERS - 14 + len(payload)).to_bytes(2, "big"), np.uint8)
    frames[:, 22], frames[:, 23] = 64, 6
    source, source_port, target, target_port = ends
    for at, column, width in (
        (26, source, 4),
        (30, target, 4),
        (34, source_port, 2),
        (36, target_port, 2),
        (38, seq, 4),
        (42, ack, 4),
    ):
        big = column.astype(">u4").view(np.uint8).reshape(-1, 4)
        frames[:, at : at + width] = big[:, 4 - width :]
    frames[:, 46], frames[:, 47], frames[:, 48] = 0x50, flags, 0xFF
    frames[:, HEADERS:] = np.frombuffer(payload, np.uint8)
    return frames
