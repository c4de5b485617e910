"""TLS bytes built by hand from the RFCs' syntax, and ways to feed a tracker."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from analyzer.tls import TlsSession, TlsTracker

Turn = tuple[int, bytes]


def vector(data: bytes, width: int) -> bytes:
    return len(data).to_bytes(width, "big") + data


def record(kind: int, payload: bytes, version: int = 0x0303) -> bytes:
    return bytes([kind]) + version.to_bytes(2, "big") + vector(payload, 2)


def message(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + vector(body, 3)


def extension(kind: int, body: bytes) -> bytes:
    return kind.to_bytes(2, "big") + vector(body, 2)


def numbers(*values: int) -> bytes:
    return b"".join(value.to_bytes(2, "big") for value in values)


def server_name(name: bytes) -> bytes:
    return extension(0, vector(b"\0" + vector(name, 2), 2))


def alpn(*names: bytes) -> bytes:
    return extension(16, vector(b"".join(vector(name, 1) for name in names), 2))


def supported_versions(*versions: int) -> bytes:
    return extension(43, vector(numbers(*versions), 1))


def client_hello(
    *extensions: bytes, version: int = 0x0303, suites: Sequence[int] = (0x1301, 0xC02F), session_id: bytes = b""
) -> bytes:
    """The body of a ClientHello (RFC 8446 section 4.1.2)."""
    body = version.to_bytes(2, "big") + b"R" * 32 + vector(session_id, 1) + vector(numbers(*suites), 2) + b"\x01\0"
    return body + (vector(b"".join(extensions), 2) if extensions else b"")


def server_hello(
    *extensions: bytes,
    version: int = 0x0303,
    suite: int = 0xC02F,
    random: bytes = b"r" * 32,
    session_id: bytes = b"",
    compression: int = 0,
) -> bytes:
    """The body of a ServerHello (RFC 8446 section 4.1.3)."""
    body = version.to_bytes(2, "big") + random + vector(session_id, 1) + numbers(suite) + bytes((compression,))
    return body + (vector(b"".join(extensions), 2) if extensions else b"")


CLIENT_HELLO_13 = record(22, message(1, client_hello(supported_versions(0x0304, 0x0303), server_name(b"mx.example"))))
SERVER_HELLO_13 = record(22, message(2, server_hello(extension(43, numbers(0x0304)), suite=0x1301)))
CLIENT_HELLO_12 = record(22, message(1, client_hello(server_name(b"mx.example"))))
SERVER_HELLO_12 = record(22, message(2, server_hello()))
CCS = record(20, b"\x01")
SERVER_HELLO_DONE = record(22, message(14, b""))
FINISHED_12 = record(22, b"f" * 40)
FATAL_HANDSHAKE_FAILURE = record(21, b"\x02\x28")


def data(length: int) -> bytes:
    """An application-data record with ``length`` bytes of payload."""
    return record(23, b"d" * length)


def track(turns: Iterable[Turn], *, complete: bool = False) -> TlsSession:
    """The session after these turns were fed one by one."""
    tracker = TlsTracker()
    for time, (side, piece) in enumerate(turns):
        tracker.feed(side, piece, time)
    return tracker.finish(complete=complete)


def rechunk(turns: Iterable[Turn], sizes: Sequence[int]) -> list[Turn]:
    """The same bytes in the same order of sides, cut into pieces of the given sizes, again and again."""
    pieces: list[Turn] = []
    count = 0
    for side, whole in turns:
        at = 0
        while at < len(whole):
            size = sizes[count % len(sizes)]
            pieces.append((side, whole[at : at + size]))
            at += size
            count += 1
    return pieces
