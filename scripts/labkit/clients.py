"""How each client is told what a :class:`~labkit.sends.Send` says; a new client is a new entry of :data:`CLIENTS`."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.labkit.material import Material
from scripts.labkit.network import Network
from scripts.labkit.sends import BEARER, Send
from scripts.labkit.servers import PROGRAMS
from scripts.labkit.world import server_name

CLIENT_SECONDS = 90
"""Longer than the slowest scene; a client that hangs shall not hang the lab."""


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
class Bench:
    """What every client needs: the network it sends in, the software, the lab's folder and key log."""

    network: Network
    material: Material
    folder: Path
    key_log: Path

    def start(self, send: Send) -> subprocess.Popen[bytes]:
        """Start ``send``'s client on its device."""
        command = CLIENTS[send.client](self, send)
        env = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(self.folder),
            "NODE_PATH": str(self.material.node_modules),
            "SSLKEYLOGFILE": str(self.key_log),
            "PERL5LIB": str(PROGRAMS),
            "PERL5OPT": "-MLabKeys",
            "NODE_NO_WARNINGS": "1",
        }
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
        said, _ = process.communicate(timeout=CLIENT_SECONDS)
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


def _curl(bench: Bench, send: Send) -> Command:
    scheme = "smtps" if send.tls == "implicit" else "smtp"
    name = server_name(send.server, ipv6=send.ipv6)
    arguments = ["curl", "-sS", "--max-time", "30", "--url", f"{scheme}://{name}:{send.port}/{send.ehlo}"]
    arguments += ["--mail-from", send.sender, "--mail-rcpt", send.recipient, "-T", "-"]
    if send.tls != "none":
        arguments += ["--ssl-reqd"] + (["--cacert", bench.authority] if send.trusted else [])
    if send.tls_version is not None:
        arguments += ["--tls-max", send.tls_version]
    if certificate := bench.certificate(send):
        arguments += ["--cert", certificate[0], "--key", certificate[1]]
    if send.mechanism:
        arguments += ["--login-options", f"AUTH={send.mechanism}"]
        if send.mechanism in BEARER:
            arguments += ["--user", send.user, "--oauth2-bearer", send.secret]
        else:
            arguments += ["--user", f"{send.user}:{'' if send.mechanism == 'EXTERNAL' else send.secret}"]
        if send.initial_response:
            arguments.append("--sasl-ir")
    return Command(arguments, message(send).encode())


def _swaks(bench: Bench, send: Send) -> Command:
    arguments = [
        "swaks",
        "--server",
        server_name(send.server, ipv6=send.ipv6),
        "--port",
        str(send.port),
        "--helo",
        send.ehlo,
    ]
    arguments += ["--from", send.sender, "--to", send.recipient, "--timeout", "30", "--data", "-"]
    if send.tls != "none":
        arguments += ["--tls-on-connect" if send.tls == "implicit" else "--tls", "--tls-sni", server_name(send.server)]
        if certificate := bench.certificate(send):
            arguments += ["--tls-cert", certificate[0], "--tls-key", certificate[1]]
    if send.mechanism:
        arguments += ["--auth", send.mechanism, "--auth-user", send.user, "--auth-password", send.secret]
    if send.pipelining:
        arguments.append("--pipeline")
    return Command(arguments, message(send).encode())


def _msmtp(bench: Bench, send: Send) -> Command:
    arguments = [
        "msmtp",
        f"--host={server_name(send.server, ipv6=send.ipv6)}",
        f"--port={send.port}",
        f"--domain={send.ehlo}",
    ]
    arguments += [f"--from={send.sender}", "--timeout=30"]
    if send.tls != "none":
        arguments += [
            "--tls=on",
            f"--tls-starttls={'off' if send.tls == 'implicit' else 'on'}",
            f"--tls-trust-file={bench.authority}",
        ]
        if certificate := bench.certificate(send):
            arguments += [f"--tls-cert-file={certificate[0]}", f"--tls-key-file={certificate[1]}"]
    if send.mechanism:
        secret = bench.folder / "secret"
        secret.write_text(send.secret)
        arguments += [f"--auth={send.mechanism.lower()}", f"--user={send.user}", f"--passwordeval=cat {secret}"]
    return Command([*arguments, send.recipient], message(send).replace("\r\n", "\n").encode())


def _program(interpreter: list[str], program: str) -> Callable[[Bench, Send], Command]:
    """A client of our own, told everything by one JSON object."""

    def command(bench: Bench, send: Send) -> Command:
        told: dict[str, Any] = {
            "name": server_name(send.server, ipv6=send.ipv6),
            "certificate": bench.certificate(send),
            "ca": bench.authority,
            "messages": [message(send, number) for number in range(1, send.messages + 1)],
        }
        for field in ("port", "tls", "ehlo", "mechanism", "user", "secret", "initial_response", "sender", "recipient"):
            told[field] = getattr(send, field)
        for field in ("tls_version", "trusted", "steps"):
            told[field] = getattr(send, field)
        filled = [part.format(python=bench.material.python, key_log=bench.key_log) for part in interpreter]
        return Command([*filled, str(PROGRAMS / program), json.dumps(told)])

    return command


CLIENTS: dict[str, Callable[[Bench, Send], Command]] = {
    "curl": _curl,
    "swaks": _swaks,
    "msmtp": _msmtp,
    "smtplib": _program(["{python}"], "send_smtplib.py"),
    "nodemailer": _program(["node", "--tls-keylog={key_log}", "--tls-min-v1.0"], "send_nodemailer.cjs"),
    "netsmtp": _program(["perl"], "send_netsmtp.pl"),
    "script": _program(["{python}"], "send_script.py"),
}
