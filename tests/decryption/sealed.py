"""Real TLS conversations, made in memory by Python's ssl module, with the keys that open them."""

from __future__ import annotations

import ssl
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.smtp.playing import MAIL, QUIT, Turns, greeting, playbook

PIECE = 16_000
"""Bytes of TLS that go into one packet at most."""


@cache
def _identity() -> bytes:
    """A certificate and its key, made up for this run."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.example")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2046, 1, 1, tzinfo=UTC))
        .sign(key, hashes.SHA256())
    )
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return certificate.public_bytes(serialization.Encoding.PEM) + key.private_bytes(serialization.Encoding.PEM, *form)


class Sealed:
    """A TLS connection that is spoken as it is built.

    Attributes:
        sent: what either side sent, as TLS records: side (0: client) and bytes.
        keys: the key log.
    """

    def __init__(self, version: str = "1.3", ciphers: str | None = None) -> None:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "identity").write_bytes(_identity())
            log = folder / "log"
            server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            server.load_cert_chain(folder / "identity")
            client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            client.check_hostname = False
            client.verify_mode = ssl.CERT_NONE
            client.keylog_filename = str(log)
            client.maximum_version = ssl.TLSVersion[f"TLSv{version.replace('.', '_')}"]
            if ciphers is not None:
                client.set_ciphers(ciphers)
                server.set_ciphers(ciphers)
            self._wires = [(ssl.MemoryBIO(), ssl.MemoryBIO()) for _ in range(2)]  # of each side, in and out
            self._ends = [
                client.wrap_bio(*self._wires[0]),
                server.wrap_bio(*self._wires[1], server_side=True),
            ]
            self.sent: Turns = []
            for _ in range(4):
                for side, end in enumerate(self._ends):
                    with suppress(ssl.SSLWantReadError):
                        end.do_handshake()
                    self._carry(side)
            self.keys = log.read_bytes()
        for side in (0, 1):
            self._hear(side)  # tickets

    def say(self, side: int, text: bytes) -> None:
        """One side says something."""
        for at in range(0, len(text), 1 << 20):
            self._ends[side].write(text[at : at + (1 << 20)])
            self._carry(side)
            self._hear(1 - side)

    def _carry(self, side: int) -> None:
        if data := self._wires[side][1].read():
            self.sent.append((side, data))
            self._wires[1 - side][0].write(data)

    def _hear(self, side: int) -> None:
        with suppress(ssl.SSLWantReadError):
            while self._ends[side].read(1 << 16):
                pass


def sealed(turns: Iterable[tuple[int, bytes]], version: str = "1.3", ciphers: str | None = None) -> Sealed:
    """``turns`` inside TLS."""
    connection = Sealed(version, ciphers)
    for side, text in turns:
        connection.say(side, text)
    return connection


def lines_of(turns: Turns) -> list[tuple[str, bytes]]:
    """``turns`` as a capture takes them: pieces that fit into packets."""
    return [("CS"[side], data[at : at + PIECE]) for side, data in turns for at in range(0, len(data), PIECE)]


def session(*exchange: str) -> Turns:
    """What is said in a session: greeting, EHLO, the exchange, a message, QUIT."""
    return playbook(*greeting(), *exchange, *MAIL, *QUIT)
