"""Compressed captures: recognised by magic, decompressed as a stream of bounded memory.

gzip (RFC 1952), Zstandard (RFC 8878), xz, bzip2 and LZ4 frames. Each may consist of several members one
after the other, as ``cat a.gz b.gz`` and parallel compressors write them.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from analyzer.capture.byte_source import RawSource

INPUT_BYTES = 64 * 1024
"""Compressed bytes read at a time: large enough to be cheap, small enough that a pipe's reader sees progress."""

ZSTD_INPUT_BYTES = 1024
"""Compressed bytes handed to Zstandard at a time, because its binding has no output limit. Four bytes can stand
for a block of 128 KiB, so a hostile KiB becomes 32 MiB at most; measured cost on real captures is 1 ms per MB."""

XZ_MEMORY = 128 * 1024 * 1024
"""Bytes an xz stream may ask for; ``xz -9`` asks for 65 MiB, a hostile header for 4 GiB."""


class Decoder(Protocol):
    """One member being decompressed; the interface of the standard library's bz2 and lzma."""

    @property
    def eof(self) -> bool: ...  # noqa: D102
    @property
    def needs_input(self) -> bool: ...  # noqa: D102
    @property
    def unused_data(self) -> bytes | None: ...  # noqa: D102
    def decompress(self, data: bytes, max_length: int) -> bytes: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Codec:
    """A compression: its name, how each member may begin, and what makes a decoder for one member."""

    name: str
    magics: tuple[bytes, ...]
    decoder: Callable[[], tuple[Decoder, tuple[type[Exception], ...]]]


class _ZlibDecoder:
    """zlib with the interface of its siblings."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(wbits=31)  # 31: gzip header and checksum
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._inflate.eof

    @property
    def unused_data(self) -> bytes:
        return self._inflate.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        plain = self._inflate.decompress(self._inflate.unconsumed_tail + data, max_length)
        # A full answer may leave output inside zlib although all input is consumed.
        self.needs_input = not self._inflate.unconsumed_tail and len(plain) < max_length
        return plain


class _ZstdDecoder:
    """Zstandard with the interface of its siblings, and with bounded output."""

    def __init__(self) -> None:
        import zstandard

        self._frame = zstandard.ZstdDecompressor().decompressobj()
        self._input = memoryview(b"")
        self._output = b""
        self._given = 0

    @property
    def eof(self) -> bool:
        return self._frame.eof and self._given == len(self._output)

    @property
    def needs_input(self) -> bool:
        return not self._input and self._given == len(self._output)

    @property
    def unused_data(self) -> bytes:
        return self._frame.unused_data + self._input

    def decompress(self, data: bytes, max_length: int) -> bytes:
        if data:
            self._input = memoryview(bytes(self._input) + data)
        if self._given == len(self._output):
            parts: list[bytes] = []
            wanted = max_length
            while self._input and wanted > 0 and not self._frame.eof:
                parts.append(self._frame.decompress(self._input[:ZSTD_INPUT_BYTES]))
                self._input = self._input[ZSTD_INPUT_BYTES:]
                wanted -= len(parts[-1])
            self._output, self._given = b"".join(parts), 0
        plain = self._output[self._given : self._given + max_length]
        self._given += len(plain)
        return plain


def _gzip() -> tuple[Decoder, tuple[type[Exception], ...]]:
    return _ZlibDecoder(), (zlib.error,)


def _zstd() -> tuple[Decoder, tuple[type[Exception], ...]]:
    import zstandard

    return _ZstdDecoder(), (zstandard.ZstdError,)


def _xz() -> tuple[Decoder, tuple[type[Exception], ...]]:
    import lzma

    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=XZ_MEMORY), (lzma.LZMAError,)


def _bzip2() -> tuple[Decoder, tuple[type[Exception], ...]]:
    import bz2

    return bz2.BZ2Decompressor(), (OSError, ValueError)


def _lz4() -> tuple[Decoder, tuple[type[Exception], ...]]:
    import lz4.frame

    return lz4.frame.LZ4FrameDecompressor(), (RuntimeError,)


_SKIPPABLE = tuple(bytes((low, 0x2A, 0x4D, 0x18)) for low in range(0x50, 0x60))  # RFC 8878 section 3.1.2

CODECS = (
    Codec("gzip", (b"\x1f\x8b\x08",), _gzip),
    Codec("zstd", (b"\x28\xb5\x2f\xfd", *_SKIPPABLE), _zstd),
    Codec("xz", (b"\xfd7zXZ\0",), _xz),
    Codec("bzip2", (b"BZh",), _bzip2),
    Codec("lz4", (b"\x04\x22\x4d\x18",), _lz4),
)
MAGIC_BYTES = max(len(magic) for codec in CODECS for magic in codec.magics)


def codec_of(head: bytes) -> Codec | None:
    """The compression of a file that begins with ``head``."""
    return next((codec for codec in CODECS if head.startswith(codec.magics)), None)


class DecompressedSource:
    """The bytes behind a compression; a :class:`~analyzer.capture.byte_source.ByteSource`."""

    def __init__(self, raw: RawSource, codec: Codec) -> None:
        self.fault: str | None = None
        self._raw = raw
        self._codec = codec
        self._decoder, self._errors = codec.decoder()
        self._over = False
        self._plain_bytes = 0

    def readinto(self, view: memoryview) -> int:
        """See :class:`~analyzer.capture.byte_source.ByteSource`."""
        plain = b""
        while not plain and not self._over and self.fault is None:
            data = b""
            if self._decoder.eof:
                data = self._next_member()
            elif self._decoder.needs_input:
                data = self._raw.read(INPUT_BYTES)
                if not data:
                    self.fault = self._raw.fault or f"its {self._codec.name} data ends too early"
            if self._over or self.fault is not None:
                break
            try:
                plain = self._decoder.decompress(data, len(view))
            except self._errors:
                where = f" after {self._plain_bytes:,} decompressed bytes" if self._plain_bytes else ""
                self.fault = f"its {self._codec.name} data is broken{where}"
        view[: len(plain)] = plain
        self._plain_bytes += len(plain)
        return len(plain)

    def idle(self, seconds: float) -> bool:
        """See :class:`~analyzer.capture.byte_source.ByteSource`."""
        return self._decoder.needs_input and self._raw.idle(seconds)

    def _next_member(self) -> bytes:
        """First bytes of the member that follows, past the zeros that tapes and xz put between members."""
        rest = (self._decoder.unused_data or b"").lstrip(b"\0")
        while len(rest) < MAGIC_BYTES and (more := self._raw.read(INPUT_BYTES)):
            rest = (rest + more).lstrip(b"\0")
        if not rest:
            self._over, self.fault = True, self._raw.fault
        elif rest.startswith(self._codec.magics):
            self._decoder, self._errors = self._codec.decoder()
        else:
            self.fault = f"its {self._codec.name} data is followed by something else"
        return rest
