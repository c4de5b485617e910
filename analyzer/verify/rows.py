"""One packet as tshark shows it: which fields are asked for, and what of them is kept.

Fields that hold nothing but credentials (``smtp.auth.password``, ``smtp.auth.username_password``, ``smtp.message``)
are never asked for. A command line may carry an initial response, and where tshark loses the thread of an exchange it
takes a line of credentials for a command: of a command line only a known verb and, after AUTH, a known mechanism
survive this module. User names become fingerprints under a key that lives as long as the run.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from ipaddress import ip_address
from typing import Any, Final

from analyzer.smtp.limits import MAX_NAME
from analyzer.smtp.mechanisms import mechanism
from analyzer.tls.code_points import CLIENT_HELLO, SERVER_HELLO, cipher_name, version_name
from analyzer.verify.records import Endpoint

FIELDS: Final = (
    "frame.number",
    "frame.protocols",
    "tcp.stream",
    "ip.src",
    "ip.dst",
    "ipv6.src",
    "ipv6.dst",
    "tcp.srcport",
    "tcp.dstport",
    "smtp.command_line",
    "smtp.response.code",
    "smtp.auth.username",
    "ntlmssp.auth.username",
    "ntlmssp.auth.domain",
    "tls.handshake.type",
    "tls.handshake.version",
    "tls.handshake.ciphersuite",
    "tls.handshake.extensions.supported_version",
    "tls.handshake.extensions_server_name",
)

SHOWING: Final = (
    "smtp.command_line || smtp.response.code || smtp.auth.username || (smtp && ntlmssp.auth.username)"
    " || tls.handshake.type == 1 || tls.handshake.type == 2"
)
"""Display filter: the packets that say something. Message text and encrypted records stay inside tshark."""

_SMTP_OPENINGS: Final = ("220 ", "220-", "EHLO", "ehlo", "HELO", "helo")

UNTOLD_TLS: Final = "(!tls && tcp.payload[0:2] == 16:03 && (tcp.payload[5:1] == 01 || tcp.payload[5:1] == 02))"
"""Display filter: a TLS hello where tshark was told to read SMTP."""

UNTOLD_SMTP: Final = (
    "(!smtp && (" + " || ".join(f"tcp.payload[0:4] == {word.encode().hex(':')}" for word in _SMTP_OPENINGS) + "))"
)
"""Display filter: SMTP where tshark was not told to read it. A spelling that is missing here costs an opinion."""

_TELLING: Final = ("smtp_response_code", "smtp_auth_username", "ntlmssp_auth_username", "tls_handshake_type")

VERBS: Final = frozenset(
    (
        "AUTH",
        "BDAT",
        "DATA",
        "EHLO",
        "ETRN",
        "EXPN",
        "HELO",
        "HELP",
        "LHLO",
        "MAIL",
        "NOOP",
        "QUIT",
        "RCPT",
        "RSET",
        "SAML",
        "SEND",
        "SOML",
        "STARTTLS",
        "TURN",
        "VRFY",
        "X-ANONYMOUSTLS",
        "X-EXPS",
        "XCLIENT",
        "XFORWARD",
    )
)
"""Verbs of RFC 5321 and its registered extensions, and of the private ones that servers in the field speak. What is
not here may be anything, a password included."""


@dataclass(frozen=True, slots=True)
class Command:
    """An SMTP verb, empty where it is none we know; with AUTH the mechanism, likewise ``None``."""

    verb: str
    mechanism: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """What one packet shows.

    Attributes:
        stream: tshark's number of the TCP connection.
        frame: number of the packet, from 1.
        time: nanoseconds since 1970-01-01 UTC (of millisecond resolution).
        hello: 1 for a ClientHello, 2 for a ServerHello, else ``None``; of it the three that follow.
        decrypted: SMTP was found inside TLS; it is not in the row.
        unfit: the packet was matched by one of the last two filters, and nothing that makes sense was decoded.
    """

    stream: int
    frame: int
    time: int
    source: Endpoint
    target: Endpoint
    commands: tuple[Command, ...] = ()
    codes: tuple[int, ...] = ()
    user: bytes | None = None
    hello: int | None = None
    version: str | None = None
    cipher: str | None = None
    sni: str | None = None
    decrypted: bool = False
    unfit: bool = False


class Fingerprints:
    """Lets two user names be compared without keeping them."""

    def __init__(self) -> None:
        self._key = os.urandom(32)

    def of(self, name: str) -> bytes | None:
        """Fingerprint of a user name; ``None`` for what is none.

        Characters that are not printable mean that tshark decoded something that was not base64 of a name; ``*`` is
        a cancelled exchange and ``=`` an empty initial response (RFC 4954 section 4), which tshark shows as names.
        """
        name = name.strip()[:MAX_NAME]
        if not name.isprintable() or "\ufffd" in name or name in ("", "*", "="):
            return None
        return blake2b(name.encode(), key=self._key, digest_size=16).digest()


class RowParser:
    """Turns tshark's output (``-T ek``: one JSON object per line) into rows.

    Attributes:
        unreadable: lines that were not understood.
    """

    def __init__(self, fingerprints: Fingerprints) -> None:
        self.fingerprints = fingerprints
        self.unreadable = 0

    def parse(self, line: bytes) -> Row | None:
        """The row in ``line``, or ``None`` where it holds none."""
        if len(line) < 3 or line.startswith(b'{"index"'):
            return None
        try:
            # Bytes that are no UTF-8 and raw control characters come through from the traffic.
            packet = json.loads(line.decode("utf-8", "replace"), strict=False)
            return self._row(packet)
        except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
            self.unreadable += 1
            return None

    def _row(self, packet: dict[str, Any]) -> Row:
        layers = packet["layers"]
        protocols: list[str] = layers["frame_protocols"][0].split(":")
        decrypted = "smtp" in protocols[_index(protocols, "tls") :]
        carrier = [name for name in protocols if name in ("ip", "ipv6")][-1]  # of tunnels, the innermost comes last
        hello, version, cipher, sni = _hello(layers)
        commands = () if decrypted else tuple(_command(line) for line in layers.get("smtp_command_line", ()))
        telling = any(name in layers for name in _TELLING) or any(command.verb for command in commands)
        return Row(
            stream=int(layers["tcp_stream"][-1]),
            frame=int(layers["frame_number"][-1]),
            time=int(packet.get("timestamp", 0)) * 1_000_000,
            source=(_address(layers[f"{carrier}_src"][-1]), int(layers["tcp_srcport"][-1])),
            target=(_address(layers[f"{carrier}_dst"][-1]), int(layers["tcp_dstport"][-1])),
            commands=commands,
            codes=() if decrypted else tuple(int(code) for code in layers.get("smtp_response_code", ())),
            user=None if decrypted else self._user(layers),
            hello=hello,
            version=version,
            cipher=cipher,
            sni=sni,
            decrypted=decrypted,
            unfit=not telling and not decrypted,
        )

    def _user(self, layers: dict[str, Any]) -> bytes | None:
        if names := layers.get("ntlmssp_auth_username"):
            domain = layers.get("ntlmssp_auth_domain", ("",))[-1]
            name = names[-1]
            return self.fingerprints.of(f"{domain}\\{name}" if domain not in ("", "NULL") else name)
        names = layers.get("smtp_auth_username", ())
        return self.fingerprints.of(names[-1]) if names else None


def _index(protocols: list[str], name: str) -> int:
    return protocols.index(name) if name in protocols else len(protocols)


def _hello(layers: dict[str, Any]) -> tuple[int | None, str | None, str | None, str | None]:
    kinds = {int(kind) for kind in layers.get("tls_handshake_type", ())}
    if SERVER_HELLO in kinds:
        # The version that TLS 1.3 negotiates stands in an extension; the field is frozen (RFC 8446 section 4.1.3).
        versions = layers.get("tls_handshake_extensions_supported_version") or layers.get("tls_handshake_version", ())
        suites = layers.get("tls_handshake_ciphersuite", ())
        version = version_name(int(versions[-1], 0)) if versions else None
        return SERVER_HELLO, version, cipher_name(int(suites[-1], 0)) if suites else None, None
    if CLIENT_HELLO in kinds:
        names = layers.get("tls_handshake_extensions_server_name", ())
        return CLIENT_HELLO, None, None, names[0] if names else None
    return None, None, None, None


def _command(line: str) -> Command:
    words = line.split(None, 2)
    verb = words[0].upper() if words else ""
    if verb not in VERBS:
        return Command("")
    if verb != "AUTH":
        return Command(verb)
    return Command(verb, listed(words[1])) if len(words) > 1 else Command(verb)


def listed(name: str) -> str | None:
    """The mechanism of this name, upper case, where it is one we know; a client may have put anything there."""
    row = mechanism(name.encode())
    return row.name if row.method != "unknown" else None


@lru_cache(maxsize=16384)
def _address(text: str) -> str:
    return str(ip_address(text))
