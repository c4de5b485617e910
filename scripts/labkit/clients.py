"""How each client is told what a :class:`~labkit.sends.Send` says; a new client is a new entry of :data:`CLIENTS`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from scripts.labkit.bench import Bench, Client, Command, message
from scripts.labkit.mailers import MAILERS, gnutls_priorities
from scripts.labkit.material import PROGRAMS
from scripts.labkit.sends import BEARER, Send
from scripts.labkit.world import server_name


def _curl(bench: Bench, send: Send) -> Command:
    scheme = "smtps" if send.tls == "implicit" else "smtp"
    name = server_name(send.server, ipv6=send.ipv6)
    arguments = ["curl", "-sS", "--max-time", "30", "--url", f"{scheme}://{name}:{send.port}/{send.ehlo}"]
    arguments += ["--mail-from", send.sender, "-T", "-"]
    arguments += [part for recipient in send.all_recipients for part in ("--mail-rcpt", recipient)]
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
    arguments += ["--from", send.sender, "--to", ",".join(send.all_recipients), "--timeout", "30", "--data", "-"]
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
        if priorities := gnutls_priorities(send):
            arguments.append(f"--tls-priorities={priorities}")
        if certificate := bench.certificate(send):
            arguments += [f"--tls-cert-file={certificate[0]}", f"--tls-key-file={certificate[1]}"]
    if send.mechanism:
        secret = bench.folder / "secret"
        secret.write_text(send.secret)
        arguments += [f"--auth={send.mechanism.lower()}", f"--user={send.user}", f"--passwordeval=cat {secret}"]
    return Command([*arguments, *send.all_recipients], message(send).replace("\r\n", "\n").encode())


def _program(interpreter: list[str], program: str) -> Callable[[Bench, Send], Command]:
    """A client of our own, told everything by one JSON object."""

    def command(bench: Bench, send: Send) -> Command:
        told: dict[str, Any] = {
            "name": server_name(send.server, ipv6=send.ipv6),
            "certificate": bench.certificate(send),
            "ca": bench.authority,
            "messages": [message(send, number) for number in range(1, send.messages + 1)],
        }
        told |= {"recipients": send.all_recipients, "priorities": gnutls_priorities(send)}
        for field in ("port", "tls", "ehlo", "mechanism", "user", "secret", "initial_response", "sender", "recipient"):
            told[field] = getattr(send, field)
        for field in ("tls_version", "trusted", "steps", "cipher", "connections"):
            told[field] = getattr(send, field)
        values = {"python": bench.material.python, "key_log": bench.key_log, "go": bench.material.go_client}
        filled = [part.format(**values) for part in interpreter]
        return Command([*filled, *([str(PROGRAMS / program)] if program else []), json.dumps(told)])

    return command


def _java(bench: Bench, send: Send) -> Command:
    told: dict[str, Any] = {"name": server_name(send.server), "ca": bench.authority, "messages": send.messages}
    for field in (
        "port",
        "tls",
        "ehlo",
        "mechanism",
        "user",
        "secret",
        "sender",
        "tls_version",
        "cipher",
        "connections",
    ):
        told[field] = getattr(send, field)
    told["recipients"] = ",".join(send.all_recipients)
    path = "/usr/share/java/javax.mail.jar:/usr/share/java/javax.activation.jar"
    words = [f"{name}={value}" for name, value in told.items() if value is not None]
    return Command(["/usr/lib/jvm/default-java/bin/java", "-cp", path, str(PROGRAMS / "SendJavaMail.java"), *words])


CLIENTS: dict[str, Client] = {
    "curl": Client(_curl),
    "swaks": Client(_swaks),
    "msmtp": Client(_msmtp, "GnuTLS"),
    "smtplib": Client(_program(["{python}"], "send_smtplib.py")),
    "nodemailer": Client(_program(["node", "--tls-keylog={key_log}", "--tls-min-v1.0"], "send_nodemailer.cjs")),
    "netsmtp": Client(_program(["perl"], "send_netsmtp.pl")),
    "script": Client(_program(["{python}"], "send_script.py")),
    "postfix": Client(_program(["{python}"], "send_postfix.py")),
    "exim": Client(_program(["{python}"], "send_exim.py"), "GnuTLS"),
    "opensmtpd": Client(_program(["{python}"], "send_opensmtpd.py")),
    "go": Client(_program(["{go}"], ""), "Go"),
    "javamail": Client(_java, "Java"),
    "phpmailer": Client(_program(["php8.2"], "send_phpmailer.php")),
    "netsmtp-ruby": Client(_program(["ruby"], "send_netsmtp.rb")),
    **MAILERS,
}
