"""TLS keys: lines of NSS key logs (``SSLKEYLOGFILE``; RFC 9850), by the client random of the connection they open.

The lines come from files that the user names and from pcapng captures that carry them. They are checked here: what is
no key never reaches tshark. Old forms that name a connection by anything but its client random (``RSA …``) are not
read; programs have not written them for ten years.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from analyzer.capture.names import inert
from analyzer.errors import InputError
from analyzer.tshark.lines import LineSplitter

MAX_CONNECTIONS: Final = 200_000
"""Connections whose keys are kept, at some 400 bytes each."""

PATIENCE_BYTES: Final = 16 << 20
"""A file in which so many bytes hold no key is something else, however long it goes on."""

_BLOCK: Final = 1 << 18
_RANDOM_DIGITS: Final = 64

_LABELS: Final = (
    b"CLIENT_RANDOM",  # the master secret of TLS 1.2 and older
    b"CLIENT_EARLY_TRAFFIC_SECRET",
    b"CLIENT_HANDSHAKE_TRAFFIC_SECRET",
    b"SERVER_HANDSHAKE_TRAFFIC_SECRET",
    b"CLIENT_TRAFFIC_SECRET_0",
    b"SERVER_TRAFFIC_SECRET_0",
)
_NUMBERS: Final = {label: number for number, label in enumerate(_LABELS)}
_UNNEEDED: Final = frozenset((b"EXPORTER_SECRET", b"EARLY_EXPORTER_SECRET", b"ECH_SECRET", b"ECH_CONFIG"))
"""Honest lines that open no records."""

_MASTER_DIGITS: Final = (96,)
_TRAFFIC_DIGITS: Final = (64, 96)  # the hash's length: SHA-256 or SHA-384 (RFC 8446 section 7.1)


class KeyRing:
    """Keys by client random. Nothing but :meth:`lines` lets one out.

    Attributes:
        usable: lines taken.
        unusable: lines that are no keys; comments, empty lines and keys for other purposes are neither.
        beyond: lines left out because :data:`MAX_CONNECTIONS` were known.
    """

    def __init__(self) -> None:
        # One string for each connection: number of the label, length and bytes of the secret, and the next.
        self._secrets: dict[bytes, bytes] = {}
        self.usable = self.unusable = self.beyond = 0

    def __len__(self) -> int:
        """Connections that there are keys for."""
        return len(self._secrets)

    def __contains__(self, random: bytes) -> bool:
        return random in self._secrets

    def add(self, lines: Iterable[bytes]) -> None:
        """Take the keys in ``lines``; what is none is counted."""
        for line in lines:
            words = line.split()
            if not words or words[0].startswith(b"#") or words[0] in _UNNEEDED:
                continue
            key = _key(words)
            if key is None:
                self.unusable += 1
                continue
            random, entry = key
            known = self._secrets.get(random, b"")
            if not known and len(self._secrets) >= MAX_CONNECTIONS:
                self.beyond += 1
                continue
            self.usable += 1
            if entry not in known:
                self._secrets[random] = known + entry

    def lines(self, random: bytes) -> bytes:
        """The key log of one connection."""
        name = random.hex().encode()
        text, entries, at = b"", self._secrets.get(random, b""), 0
        while at < len(entries):
            label, size = entries[at], entries[at + 1]
            at += 2 + size
            text += b"%s %s %s\n" % (_LABELS[label], name, entries[at - size : at].hex().encode())
        return text


def _key(words: list[bytes]) -> tuple[bytes, bytes] | None:
    """Client random and entry of a line, or ``None`` where it is no key."""
    number = _NUMBERS.get(words[0])
    if number is None or len(words) != 3 or len(words[1]) != _RANDOM_DIGITS:
        return None
    if len(words[2]) not in (_TRAFFIC_DIGITS if number else _MASTER_DIGITS):
        return None
    try:
        random, secret = (bytes.fromhex(word.decode("ascii")) for word in words[1:])
    except ValueError:
        return None
    return random, bytes((number, len(secret))) + secret


def read_key_log(path: str, ring: KeyRing) -> str | None:
    """Take the keys of a file into ``ring``.

    Returns:
        What the user should know, as a line, or ``None``.

    Raises:
        InputError: it cannot be read.
    """
    name = inert(path)
    usable, unusable, beyond = ring.usable, ring.unusable, ring.beyond
    splitter, size = LineSplitter(), 0
    try:
        with Path(path).open("rb", buffering=0) as file:
            while block := file.read(_BLOCK):
                size += len(block)
                ring.add(splitter.feed(block))
                if size >= PATIENCE_BYTES and ring.usable == usable:
                    break
    except FileNotFoundError:
        raise InputError(name, "no such key log", "check the spelling") from None
    except OSError as error:
        raise InputError(name, f"the key log cannot be read ({error.strerror or type(error).__name__})") from None
    except ValueError:
        raise InputError(name, "no file can have such a name", "check the spelling") from None
    ring.add(splitter.feed(b"\n"))
    others = ring.unusable - unusable + splitter.dropped
    if ring.beyond > beyond:
        return f"{name}: keys beyond those of {MAX_CONNECTIONS:,} connections were left out; give fewer key logs"
    if ring.usable == usable:
        what = "it is empty" if not size else "it holds no TLS keys"
        return f"{name}: {what}; a key log is what programs write where SSLKEYLOGFILE says (NSS format)"
    if others:
        return f"{name}: {others:,} of its lines {'is no TLS key' if others == 1 else 'are no TLS keys'}"
    return None
