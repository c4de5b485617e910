"""Small captures of conversations, written byte by byte: Ethernet, IPv4, TCP, classic pcap."""

from __future__ import annotations

import struct
from base64 import b64encode
from collections.abc import Iterable
from ipaddress import IPv4Address
from pathlib import Path

START = 1_795_466_935  # seconds; 2026-11-23T20:48:55Z
STEP = 1000  # microseconds between packets

FIN, SYN, PSH, ACK = 1, 2, 8, 16

Line = tuple[str, bytes]
"""Who speaks (``C`` or ``S``) and what; ``-`` swallows as many bytes of the client as a lost packet would."""


def b64(text: bytes) -> bytes:
    return b64encode(text)


class Pcap:
    """Conversations, one after the other, in one file."""

    def __init__(self, link_header: bytes | None = None, link_type: int = 1) -> None:
        ethernet = bytes.fromhex("020000000002020000000001 0800")
        self._link = ethernet if link_header is None else link_header
        self._records: list[bytes] = []
        self._header = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, link_type)

    def add(
        self,
        lines: Iterable[Line],
        *,
        client: str = "10.0.0.1",
        port: int = 40000,
        server: str = "10.0.0.2",
        server_port: int = 587,
        handshake: bool = True,
        close: bool = True,
        reverse: bool = False,
    ) -> Pcap:
        ends = {"C": (client, port), "S": (server, server_port)}
        sequence = {"C": 1000, "S": 900_000}
        other = {"C": "S", "S": "C"}

        def send(side: str, flags: int, payload: bytes = b"") -> None:
            self._packet(ends[side], ends[other[side]], sequence[side], sequence[other[side]], flags, payload)
            sequence[side] += len(payload) + bool(flags & (SYN | FIN))

        if handshake:
            send("C", SYN)
            send("S", SYN | ACK)
            send("C", ACK)
        for side, payload in lines:
            if side == "-":
                sequence["C"] += len(payload)
            else:
                send(side, PSH | ACK, payload)
        if close:
            send("C", FIN | ACK)
            send("S", FIN | ACK)
            send("C", ACK)
        return self

    def _packet(
        self, source: tuple[str, int], target: tuple[str, int], seq: int, ack: int, flags: int, payload: bytes
    ) -> None:
        tcp = struct.pack(">HHIIBBHHH", source[1], target[1], seq, ack if flags & ACK else 0, 0x50, flags, 65535, 0, 0)
        addresses = IPv4Address(source[0]).packed + IPv4Address(target[0]).packed
        ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp) + len(payload), len(self._records), 0x4000, 64, 6, 0)
        frame = self._link + ip + addresses + tcp + payload
        micros = len(self._records) * STEP
        head = struct.pack("<IIII", START + micros // 10**6, micros % 10**6, len(frame), len(frame))
        self._records.append(head + frame)

    def bytes(self) -> bytes:
        return self._header + b"".join(self._records)

    def write(self, path: Path) -> Path:
        path.write_bytes(self.bytes())
        return path


def hello() -> list[Line]:
    """A greeting, EHLO and its reply."""
    return [
        ("S", b"220 mail.example.com ESMTP\r\n"),
        ("C", b"EHLO copier.example.com\r\n"),
        ("S", b"250-mail.example.com\r\n250-AUTH PLAIN LOGIN NTLM XOAUTH2\r\n250 STARTTLS\r\n"),
    ]


def bye() -> list[Line]:
    return [("C", b"QUIT\r\n"), ("S", b"221 bye\r\n")]
