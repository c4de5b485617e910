"""Reads what was said in a recorded session: through tshark, with the lab's keys.

This is a second reader beside the analyzer, and much simpler: a lab recording is complete, in order, and lock-step,
so commands and replies are paired by counting.
"""

from __future__ import annotations

import base64
import binascii
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_FIELDS = [
    "tcp.stream",
    "frame.time_epoch",
    "ip.src",
    "ipv6.src",
    "tcp.srcport",
    "ip.dst",
    "ipv6.dst",
    "tcp.dstport",
    "eth.src",
    "tcp.flags.syn",
    "tcp.flags.ack",
    "tls.handshake.type",
    "tls.handshake.version",
    "tls.handshake.extensions.supported_version",
    "tls.handshake.ciphersuite",
    "tls.handshake.extension.type",
]

_VERSIONS = {"0x0301": "1.0", "0x0302": "1.1", "0x0303": "1.2", "0x0304": "1.3"}
_SERVER_HELLO, _CERTIFICATE, _CERTIFICATE_VERIFY = "2", "11", "15"
_ENCRYPT_THEN_MAC = "22"
_PORTS = (25, 587, 2525)
_TOGETHER = 50
"""Streams read by one run of tshark, which can follow several at once."""

Said = list[tuple[bool, bytes]]
"""(from the client, bytes) in order."""


@dataclass(slots=True)
class Attempt:
    """One AUTH command; ``code`` is the final reply's, as text."""

    mechanism: str
    initial_response: bool
    username: str | None = None
    outcome: str = "unknown"
    code: str | None = None


@dataclass(slots=True)
class Connection:
    """One TCP connection of a recording."""

    stream: int
    start: float
    client_ip: str
    client_port: int
    server_ip: str
    server_port: int
    client_mac: str
    tls: str = "none"
    tls_version: str | None = None
    cipher: str | None = None
    readable: bool = True
    resumed: bool = False
    retried: bool = False
    encrypt_then_mac: bool = False
    client_certificate: bool = False
    pipelined: bool = False
    ehlo: str | None = None
    messages: int = 0
    attempts: list[Attempt] = field(default_factory=list)


def connections(capture: Path, key_log: Path, cipher_names: dict[int, str]) -> list[Connection]:
    """Every TCP connection of ``capture``, by start, with all that was said in it."""
    found: dict[int, Connection] = {}
    hellos: dict[int, int] = {}
    certified: set[int] = set()
    for row in _rows(capture, key_log):
        stream = int(row["tcp.stream"])
        if row["tcp.flags.syn"] == "1" and row["tcp.flags.ack"] == "0":
            source, target = row["ip.src"] or row["ipv6.src"], row["ip.dst"] or row["ipv6.dst"]
            found[stream] = Connection(
                stream,
                float(row["frame.time_epoch"]),
                source,
                int(row["tcp.srcport"]),
                target,
                int(row["tcp.dstport"]),
                row["eth.src"],
            )
        handshake = row["tls.handshake.type"].split(",")
        from_client = int(row["tcp.srcport"]) == found[stream].client_port
        if _CERTIFICATE in handshake and not from_client:
            certified.add(stream)
        if _CERTIFICATE_VERIFY in handshake and from_client:
            found[stream].client_certificate = True
        if _SERVER_HELLO in handshake:
            hellos[stream] = hellos.get(stream, 0) + 1
            found[stream].encrypt_then_mac = _ENCRYPT_THEN_MAC in row["tls.handshake.extension.type"].split(",")
            version = row["tls.handshake.extensions.supported_version"] or row["tls.handshake.version"]
            found[stream].tls_version = _VERSIONS[version.split(",")[0]]
            found[stream].cipher = cipher_names[int(row["tls.handshake.ciphersuite"].split(",")[0], 16)]
    said = _said(capture, key_log, list(found))
    for stream, connection in found.items():
        _read(connection, said["tcp", stream], said["tls", stream])
        connection.resumed = stream in hellos and connection.readable and stream not in certified
        connection.retried = hellos.get(stream, 0) > 1
    return sorted(found.values(), key=lambda connection: connection.start)


def _tshark(*arguments: str) -> str:
    decode = [option for port in _PORTS for option in ("-d", f"tcp.port=={port},smtp")]
    done = subprocess.run(["tshark", "-n", *decode, *arguments], check=True, capture_output=True, text=True)
    return done.stdout


def _rows(capture: Path, key_log: Path) -> Iterator[dict[str, str]]:
    options = [option for name in _FIELDS for option in ("-e", name)]
    # A flag's value is 1 or True, depending on tshark's version.
    text = _tshark("-r", str(capture), *_with(key_log), "-Y", "tcp", "-T", "fields", *options)
    text = text.replace("True", "1").replace("False", "0")
    for line in text.splitlines():
        yield dict(zip(_FIELDS, line.split("\t"), strict=True))


def _with(key_log: Path) -> list[str]:
    return ["-o", f"tls.keylog_file:{key_log}"]


def _said(capture: Path, key_log: Path, streams: list[int]) -> dict[tuple[str, int], Said]:
    """What was said in each stream, by layer (``tcp``, ``tls``) and stream."""
    said: dict[tuple[str, int], Said] = {(layer, stream): [] for layer in ("tcp", "tls") for stream in streams}
    layer, stream, server_is_first = "", 0, False
    for start in range(0, len(streams), _TOGETHER):
        wanted = streams[start : start + _TOGETHER]
        follow = [option for layer in ("tcp", "tls") for n in wanted for option in ("-z", f"follow,{layer},raw,{n}")]
        for line in _tshark("-q", "-r", str(capture), *_with(key_log), *follow).splitlines():
            if line.startswith("Follow:"):
                layer = line.removeprefix("Follow: ").partition(",")[0]
            elif line.startswith("Filter:"):
                stream = int(line.rpartition(" ")[2])
            elif line.startswith("Node 0:"):
                server_is_first = int(line.rpartition(":")[2]) in (25, 465, 587, 2525)
            elif re.fullmatch(r"\t?[0-9a-f]+", line):
                first = not line.startswith("\t")
                said[layer, stream].append((first != server_is_first, bytes.fromhex(line.strip())))
    return said


def _read(connection: Connection, said: Said, inside: Said) -> None:
    client, server, tls_at = b"", b"", None
    for from_client, data in said:
        if (
            from_client
            and data[:2] == b"\x16\x03"
            and (not client or client.upper().rstrip().endswith((b"STARTTLS", b"NOOP")))
        ):
            tls_at = "implicit" if not client else "starttls"
            break
        client, server = (client + data, server) if from_client else (client, server + data)
    if tls_at == "implicit":
        client = server = b""
    if tls_at is None and client.upper().rstrip().endswith(b"STARTTLS"):
        tls_at = "starttls"  # promised, never begun
    connection.tls = tls_at or "none"
    reader = _Reader(connection)
    connection.pipelined = _pipelined(said if tls_at is None else inside)
    # Whatever was pipelined behind STARTTLS is thrown away by a careful server (RFC 3207 section 4.2).
    client = re.sub(rb"(?i)(STARTTLS\r\n).*", rb"\1", client, flags=re.S)
    reader.read(client, server)
    if tls_at is not None:
        connection.readable = bool(inside)
        client = b"".join(data for from_client, data in inside if from_client)
        server = b"".join(data for from_client, data in inside if not from_client)
        reader.read(client, server, greeted=tls_at == "starttls")


def _pipelined(said: Said) -> bool:
    """Whether MAIL and RCPT were sent without a reply in between."""
    turn = b""
    for from_client, data in said:
        turn = turn + data.upper() if from_client else b""
        if re.search(rb"(?m)^MAIL FROM:", turn) and re.search(rb"(?m)^RCPT TO:", turn):
            return True
    return False


class _Reader:
    """Pairs the commands and replies of one side-by-side dialogue."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def read(self, client: bytes, server: bytes, *, greeted: bool = False) -> None:
        replies = re.findall(rb"(?m)^(\d{3})(?: ([^\r\n]*))?\r?\n", server)
        self.replies = iter((code.decode(), text) for code, text in replies)
        self.client = client
        if not greeted:
            self.reply()
        while self.client:
            self.command(self.line())

    def reply(self) -> tuple[str, bytes]:
        return next(self.replies, ("", b""))

    def line(self) -> bytes:
        line, _, self.client = self.client.partition(b"\n")
        return line.rstrip(b"\r")

    def command(self, line: bytes) -> None:
        verb, _, argument = line.partition(b" ")
        match verb.upper():
            case b"EHLO" | b"HELO":
                self.connection.ehlo = argument.decode(errors="replace").strip()
                self.reply()
            case b"AUTH":
                self.auth(argument.split())
            case b"DATA":
                if self.reply()[0] == "354":
                    while self.line() != b".":
                        pass
                    self.connection.messages += self.reply()[0] == "250"
            case b"BDAT":
                size, *last = argument.split()
                self.client = self.client[int(size) :]
                self.connection.messages += self.reply()[0] == "250" and bool(last)
            case _:
                self.reply()

    def auth(self, arguments: list[bytes]) -> None:
        attempt = Attempt(arguments[0].decode().upper(), len(arguments) > 1)
        self.connection.attempts.append(attempt)
        responses = arguments[1:2]
        cancelled = False
        code, _ = self.reply()
        while code == "334" and self.client:
            responses.append(self.line())
            cancelled = responses[-1] == b"*"
            code, _ = self.reply()
        if code == "334":
            code = ""  # the client left without an answer to this challenge
        attempt.username = _username(attempt.mechanism, responses)
        attempt.code = code or None
        if code:
            attempt.outcome = "success" if code == "235" else "cancelled" if cancelled else "failure"


def _username(mechanism: str, responses: list[bytes]) -> str | None:
    texts = []
    for response in responses:
        try:
            texts.append(base64.b64decode(response, validate=True))
        except binascii.Error:
            texts.append(b"")
    whole = [text for text in texts if text]
    if not whole:
        return None
    patterns = {
        "PLAIN": rb"^[^\0]*\0([^\0]*)\0",
        "LOGIN": rb"^(.*)$",
        "CRAM-MD5": rb"^(.*) [0-9a-f]{32}$",
        "DIGEST-MD5": rb'username="([^"]*)"',
        "XOAUTH2": rb"^user=([^\x01]*)",
        "OAUTHBEARER": rb"^n,a=([^,]*),",
        "EXTERNAL": rb"^(.*)$",
    }
    if mechanism.startswith("SCRAM-"):
        patterns[mechanism] = rb"^[nyp][^,]*,(?:a=[^,]*)?,n=([^,]*)"
    if mechanism == "NTLM":
        return _ntlm_user(whole[-1])
    found = re.search(patterns.get(mechanism, rb"(?!)"), whole[0], re.S)
    return found[1].decode(errors="replace") if found else None


def _ntlm_user(message: bytes) -> str | None:
    """User of an NTLM AUTHENTICATE message ([MS-NLMP] 2.2.1.3)."""
    if message[8:12] != b"\x03\0\0\0":
        return None
    length, offset = int.from_bytes(message[36:38], "little"), int.from_bytes(message[40:44], "little")
    flags = int.from_bytes(message[60:64], "little") if len(message) >= 64 else 0
    name = message[offset : offset + length]
    # JavaMail writes UTF-16 without saying so.
    return name.decode("utf-16-le" if flags & 1 or b"\0" in name else "latin-1")
