"""The forms in which captures are stored: pcap and pcapng in all their variants, compression, cut files."""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
from pathlib import Path

import lz4.frame
import zstandard

from scripts.capturegen.products import ETHERNET_LINK, File
from scripts.capturegen.seeds import Frame, Seed

MICRO, NANO, MODIFIED = 0xA1B2C3D4, 0xA1B23C4D, 0xA1B2CD34
_SNAPLEN = 262144
_RAW_IP, _COOKED = 101, 113


def pcap(frames: list[Frame], link_type: int = ETHERNET_LINK, *, order: str = "<", magic: int = MICRO) -> bytes:
    """A pcap file; ``magic`` decides the time's unit, and whether records have Kuznetzov's longer header."""
    parts = [struct.pack(f"{order}IHHiIII", magic, 2, 4, 0, 0, _SNAPLEN, link_type)]
    for frame in frames:
        seconds, nanos = divmod(frame.time, 10**9)
        fraction = nanos if magic == NANO else nanos // 1000
        parts.append(
            struct.pack(f"{order}IIII", seconds, fraction, len(frame.data), frame.wire_length or len(frame.data))
        )
        if magic == MODIFIED:
            parts.append(struct.pack(f"{order}IHBB", 2, 0x0800, 0, 0))  # interface, protocol, packet type, padding
        parts.append(frame.data)
    return b"".join(parts)


class Pcapng:
    """Builds a pcapng file block by block (draft-ietf-opsawg-pcapng)."""

    def __init__(self, order: str = "<") -> None:
        self._parts: list[bytes] = []
        self.section(order)

    def content(self) -> bytes:
        """The file so far."""
        return b"".join(self._parts)

    def section(self, order: str) -> None:
        """Begin a section; its byte order is its own, and so are its interfaces."""
        self._order = order
        self._resolutions: list[int] = []
        self._block(0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1))

    def interface(self, link_type: int = ETHERNET_LINK, *, resolution: int | None = None) -> None:
        """``resolution`` as in if_tsresol: a power of ten, of two with the highest bit set; ``None``: microseconds."""
        units = 10**6 if resolution is None else 2 ** (resolution & 0x7F) if resolution & 0x80 else 10**resolution
        self._resolutions.append(units)
        options = b"" if resolution is None else self._option(9, bytes([resolution])) + self._option(0, b"")
        self._block(1, struct.pack(f"{self._order}HHI", link_type, 0, _SNAPLEN) + options)

    def packet(self, frame: Frame, interface: int = 0) -> None:
        """An Enhanced Packet Block."""
        units = self._time(frame, interface)
        head = struct.pack(
            f"{self._order}IIIII", interface, units >> 32, units & 0xFFFFFFFF, len(frame.data), len(frame.data)
        )
        self._block(6, head + self._padded(frame.data))

    def simple_packet(self, frame: Frame) -> None:
        """A Simple Packet Block: no time, first interface."""
        self._block(3, struct.pack(f"{self._order}I", len(frame.data)) + self._padded(frame.data))

    def obsolete_packet(self, frame: Frame, interface: int = 0) -> None:
        """A Packet Block, as written before 2009."""
        units = self._time(frame, interface)
        head = struct.pack(
            f"{self._order}HHIIII", interface, 0xFFFF, units >> 32, units & 0xFFFFFFFF, len(frame.data), len(frame.data)
        )
        self._block(2, head + self._padded(frame.data))

    def secrets(self, key_log: bytes) -> None:
        """A Decryption Secrets Block with a TLS key log."""
        self._block(10, struct.pack(f"{self._order}II", 0x544C534B, len(key_log)) + self._padded(key_log))

    def unknown(self) -> None:
        """Blocks a reader must skip: a custom block and one with a number of local use."""
        self._block(0xBAD, struct.pack(f"{self._order}I", 32473) + b"example!")
        self._block(0x80000001, b"anything")

    def _time(self, frame: Frame, interface: int) -> int:
        return frame.time * self._resolutions[interface] // 10**9

    def _option(self, code: int, value: bytes) -> bytes:
        return struct.pack(f"{self._order}HH", code, len(value)) + self._padded(value)

    @staticmethod
    def _padded(data: bytes) -> bytes:
        return data + bytes(-len(data) % 4)

    def _block(self, kind: int, body: bytes) -> None:
        length = struct.pack(f"{self._order}I", len(body) + 12)
        self._parts.append(struct.pack(f"{self._order}I", kind) + length + body + length)


def files(seed: Seed, tls: Seed, key_log: Path) -> list[File]:
    """``seed``: a session in the clear; ``tls``: one whose keys are in ``key_log``."""
    frames = seed.frames
    plain = pcap(frames)
    half = len(frames) // 2
    return [
        File("pcap-microseconds-big-endian.pcap", seed, pcap(frames, order=">")),
        File("pcap-nanoseconds.pcap", seed, pcap(frames, magic=NANO)),
        File("pcap-nanoseconds-big-endian.pcap", seed, pcap(frames, order=">", magic=NANO)),
        File("pcap-modified.pcap", seed, pcap(frames, magic=MODIFIED)),
        File("pcap-cut-record.pcap", seed, plain[:-20]),
        File("compressed.pcap.gz", seed, gzip.compress(plain, mtime=0)),
        File(
            "compressed-two-members.pcap.gz",
            seed,
            gzip.compress(plain[:1000], mtime=0) + gzip.compress(plain[1000:], mtime=0),
        ),
        File("compressed.pcap.bz2", seed, bz2.compress(plain)),
        File("compressed.pcap.xz", seed, lzma.compress(plain)),
        File("compressed.pcap.zst", seed, zstandard.ZstdCompressor().compress(plain)),
        File("compressed.pcap.lz4", seed, lz4.frame.compress(plain)),
        File("compressed-cut.pcap.gz", seed, gzip.compress(plain, mtime=0)[:-12]),
        File("pcapng-enhanced.pcapng", seed, _pcapng(frames)),
        File("pcapng-enhanced-big-endian.pcapng", seed, _pcapng(frames, order=">")),
        File("pcapng-nanoseconds.pcapng", seed, _pcapng(frames, resolution=9)),
        File("pcapng-binary-resolution.pcapng", seed, _pcapng(frames, resolution=0x80 | 30)),
        File("pcapng-simple-packets.pcapng", seed, _simple(frames), changes={"start": 0.0}),
        File("pcapng-obsolete-packets.pcapng", seed, _obsolete(frames)),
        File("pcapng-unknown-blocks.pcapng", seed, _with_unknown(frames)),
        File("pcapng-two-sections.pcapng", seed, _two_sections(frames, half)),
        File("pcapng-mixed-interfaces.pcapng", seed, _mixed_interfaces(frames)),
        File("pcapng-cut-block.pcapng", seed, _pcapng(frames)[:-20]),
        File("pcapng-secrets.pcapng", tls, _with_secrets(tls.frames, key_log)),
    ]


def _pcapng(frames: list[Frame], *, order: str = "<", resolution: int | None = None) -> bytes:
    file = Pcapng(order)
    file.interface(resolution=resolution)
    for frame in frames:
        file.packet(frame)
    return file.content()


def _simple(frames: list[Frame]) -> bytes:
    file = Pcapng()
    file.interface()
    for frame in frames:
        file.simple_packet(frame)
    return file.content()


def _obsolete(frames: list[Frame]) -> bytes:
    file = Pcapng()
    file.interface()
    for frame in frames:
        file.obsolete_packet(frame)
    return file.content()


def _with_unknown(frames: list[Frame]) -> bytes:
    file = Pcapng()
    file.unknown()
    file.interface()
    for frame in frames:
        file.packet(frame)
        file.unknown()
    return file.content()


def _two_sections(frames: list[Frame], half: int) -> bytes:
    """The session goes on in a second section of other byte order and time resolution."""
    file = Pcapng("<")
    file.interface()
    for frame in frames[:half]:
        file.packet(frame)
    file.section(">")
    file.interface(resolution=9)
    for frame in frames[half:]:
        file.packet(frame)
    return file.content()


def _mixed_interfaces(frames: list[Frame]) -> bytes:
    """Three interfaces of different link type and resolution take turns."""
    file = Pcapng()
    file.interface()
    file.interface(_RAW_IP, resolution=9)
    file.interface(_COOKED, resolution=0x80 | 19)
    for number, frame in enumerate(frames):
        cooked = struct.pack(">HHH", 0, 1, 6) + frame.data[6:12] + b"\0\0" + frame.data[12:14] + frame.packet
        data = (frame.data, frame.packet, cooked)[number % 3]
        file.packet(frame.with_data(data), number % 3)
    return file.content()


def _with_secrets(frames: list[Frame], key_log: Path) -> bytes:
    """A TLS session behind its own keys, as ``editcap --inject-secrets`` writes them."""
    randoms = _client_randoms(frames)
    lines = [line for line in key_log.read_text().splitlines() if len(line.split()) == 3 and line.split()[1] in randoms]
    file = Pcapng()
    file.interface()
    file.secrets("".join(f"{line}\n" for line in lines).encode())
    for frame in frames:
        file.packet(frame)
    return file.content()


def _client_randoms(frames: list[Frame]) -> set[str]:
    """The random of every ClientHello that begins a segment: its 32 bytes after the record and handshake headers."""
    randoms = set()
    for frame in frames:
        packet = frame.packet
        transport = packet[(packet[0] & 15) * 4 :] if packet[0] >> 4 == 4 else packet[40:]
        payload = transport[(transport[12] >> 4) * 4 :]
        if payload[:1] == b"\x16" and payload[5:6] == b"\x01":
            randoms.add(payload[11:43].hex())
    return randoms
