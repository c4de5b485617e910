"""Where clients run: their surroundings, and one run of one of them."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from scripts.labkit.material import PROGRAMS, Material
from scripts.labkit.network import Network
from scripts.labkit.sends import Send

CLIENT_SECONDS = 60
"""Longer than the slowest scene; a client that hangs shall not hang the lab."""

_VERSIONS = {"1.0": 0x0301, "1.1": 0x0302, "1.2": 0x0303, "1.3": 0x0304}


@dataclass(frozen=True, slots=True)
class Command:
    """A client's command line and what it reads on its standard input."""

    arguments: list[str]
    stdin: bytes = b""


@dataclass(frozen=True, slots=True)
class Run:
    """One finished run: when (Unix time), and what the client had to say."""

    send: Send
    started: float
    ended: float
    status: int
    said: str


@dataclass(frozen=True, slots=True)
class Client:
    """One program: how it is told what a send says, and the TLS library it uses."""

    command: Callable[[Bench, Send], Command]
    stack: str = "OpenSSL"


@dataclass(frozen=True, slots=True)
class Bench:
    """What every client needs: the network it sends in, the software, the lab's folder and key log."""

    network: Network
    material: Material
    folder: Path
    key_log: Path
    clients: Mapping[str, Client]

    def start(self, send: Send) -> subprocess.Popen[bytes]:
        """Start ``send``'s client on its device."""
        command = self.clients[send.client].command(self, send)
        env = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(self.folder),
            "NODE_PATH": str(self.material.node_modules),
            "SSLKEYLOGFILE": str(self.key_log),
            "PERL5LIB": str(PROGRAMS),
            "PERL5OPT": "-MLabKeys",
            "NODE_NO_WARNINGS": "1",
            "SSL_CERT_FILE": self.authority,
            "LD_PRELOAD": str(self.material.shim),
            "KRB5CCNAME": f"FILE:{self.folder}/tickets",
            **_tls_environment(send),
        }
        if send.mechanism == "GSSAPI":
            ticket = ["kinit", "-k", "-t", str(self.folder / "run/campus/bench.keytab"), "bench@CAMPUS.EXAMPLE"]
            subprocess.run(self.network.command(send.device, ticket), check=True, env=env)
        process = subprocess.Popen(
            self.network.command(send.device, command.arguments),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=env,
        )
        assert process.stdin is not None  # noqa: S101 - it is a pipe, see above
        try:
            process.stdin.write(command.stdin)
            process.stdin.close()
        except BrokenPipeError:
            pass  # a client may be refused before it reads its message
        process.stdin = None
        return process

    def run(self, send: Send) -> Run:
        """Run ``send``'s client to its end."""
        started = time.time()
        process = self.start(send)
        try:
            said, _ = process.communicate(timeout=CLIENT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            said, _ = process.communicate()
        return Run(send, started, time.time(), process.returncode, said.decode(errors="replace"))

    def certificate(self, send: Send) -> list[str] | None:
        """Client certificate and key, as paths."""
        if send.client_certificate is None:
            return None
        path = self.folder / "certificates" / f"client-{send.client_certificate}"
        return [f"{path}.pem", f"{path}.key"]

    @property
    def authority(self) -> str:
        """The certificate clients trust, as a path."""
        return str(self.folder / "certificates" / "ca.pem")


def message(send: Send, number: int = 1) -> str:
    """A message of about ``send.size`` bytes, with CRLF."""
    head = f"From: {send.sender}\r\nTo: {send.recipient}\r\nSubject: {send.device} {number}\r\n\r\n"
    line = "The quick brown fox jumps over the lazy dog, once more.\r\n"
    return head + line * max(1, (send.size - len(head)) // len(line))


def _tls_environment(send: Send) -> dict[str, str]:
    """What ``programs/tls_shim.c`` reads."""
    env: dict[str, str] = {}
    if send.tls_version is not None:
        env |= {"LAB_TLS_MIN": str(_VERSIONS[send.tls_version]), "LAB_TLS_MAX": str(_VERSIONS[send.tls_version])}
    if send.cipher is not None:
        env["LAB_TLS_SUITES" if send.cipher.startswith("TLS_") else "LAB_TLS_CIPHERS"] = send.cipher
    if send.groups is not None:
        env["LAB_TLS_GROUPS"] = send.groups
    if send.padding:
        env["LAB_TLS_PADDING"] = str(send.padding)
    if not send.encrypt_then_mac:
        env["LAB_TLS_NO_ETM"] = "1"
    return env
