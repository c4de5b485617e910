"""Which program runs on which host, with which files, as data: a new server is a new row of :data:`SERVERS`."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from string import Template

from scripts.labkit.credentials import ACCOUNTS
from scripts.labkit.material import PROGRAMS, Material
from scripts.labkit.network import Network
from scripts.labkit.world import BY_NAME

CONFIG = Path(__file__).parent / "config"

STARTUP_SECONDS = 20
"""More than the slowest server needs on a busy machine."""


@dataclass(frozen=True, slots=True)
class Server:
    """One server: ``files`` maps a path to the templates it is made of, ``commands`` run until the lab ends.

    In both, ``$folder`` is the lab's folder, ``$run`` a directory of the server's own, ``$host`` its host,
    ``$inputs`` the accounts and its certificate and key, the others what they say. ``stack`` is its TLS library,
    ``padding`` the block size to which it pads its records of TLS 1.3.
    """

    label: str
    host: str
    ports: tuple[int, ...]
    commands: tuple[str, ...]
    files: tuple[tuple[str, tuple[str, ...]], ...] = ()
    stack: str = "OpenSSL"
    padding: int = 0


_PROVIDER = "$python $programs/serve_provider.py {} $inputs $keylog"
_INTROSPECTION = "$python $programs/serve_introspection.py $folder/accounts.json"

SERVERS = (
    Server(
        "postfix",
        "relay",
        (25, 465, 587, 2525),
        ("dovecot -F -c $run/dovecot.conf", _INTROSPECTION, "postfix start-fg"),
        (
            ("/etc/postfix/main.cf", ("postfix-main.cf",)),
            ("/etc/postfix/master.cf", ("postfix-master.cf",)),
            ("$run/dovecot.conf", ("dovecot-auth.conf", "dovecot-sasl.conf")),
            ("$run/oauth2.conf", ("dovecot-oauth2.conf",)),
        ),
    ),
    Server(
        "dovecot",
        "dovecot",
        (465, 587, 2525),
        ("dovecot -F -c $run/dovecot.conf", _INTROSPECTION, _PROVIDER.format("sink")),
        (
            ("$run/dovecot.conf", ("dovecot-auth.conf", "dovecot-submission.conf")),
            ("$run/oauth2.conf", ("dovecot-oauth2.conf",)),
        ),
    ),
    Server(
        "exim",
        "exim",
        (25, 465, 587, 2525),
        ("exim4 -bdf -C $run/exim.conf",),
        (("$run/exim.conf", ("exim.conf",)),),
        stack="GnuTLS",
    ),
    Server(
        "aiosmtpd",
        "aiosmtpd",
        (25, 465, 587, 2525),
        ("$python $programs/serve_aiosmtpd.py $inputs $keylog",),
    ),
    Server(
        "nodemailer",
        "nodemailer",
        (25, 465, 587, 2525),
        ("node --tls-keylog=$keylog $programs/serve_nodemailer.cjs $inputs",),
    ),
    Server("exchange-dialogue", "exchange", (25, 587), (_PROVIDER.format("exchange"),)),
    Server("gmail-dialogue", "gmail", (25, 465, 587), (_PROVIDER.format("gmail"),)),
    Server(
        "postfix-cyrus",
        "campus",
        (25, 88, 465, 587, 2525),
        ("sh $run/start.sh",),
        (
            ("$run/start.sh", ("campus-start.sh",)),
            ("$run/main.cf", ("campus-main.cf",)),
            ("$run/master.cf", ("postfix-master.cf", "campus-master.cf")),
            ("$run/smtpd.conf", ("campus-smtpd.conf",)),
            ("/etc/krb5.conf", ("krb5.conf",)),
            ("$run/kdc.conf", ("kdc.conf",)),
        ),
    ),
    Server(
        "dovecot-kerberos",
        "institute",
        (465, 587, 2525),
        ("dovecot -F -c $run/dovecot.conf", _INTROSPECTION, _PROVIDER.format("sink")),
        (
            ("$run/dovecot.conf", ("dovecot-auth.conf", "dovecot-submission.conf", "dovecot-kerberos.conf")),
            ("$run/oauth2.conf", ("dovecot-oauth2.conf",)),
        ),
    ),
    Server(
        "chasquid",
        "chasquid",
        (25, 465, 587, 2525),
        ("sh $run/start.sh",),
        (("$run/start.sh", ("chasquid-start.sh",)), ("$run/chasquid.conf", ("chasquid.conf",))),
        stack="Go",
    ),
    Server(
        "aiosmtpd",
        "padded",
        (25, 465, 587, 2525),
        ("$python $programs/serve_aiosmtpd.py $inputs $keylog",),
        padding=64,
    ),
)

BY_HOST = {server.host: server for server in SERVERS}

OPEN_DEVICES = ("ups-basement", "camera-gate")
"""May send through the relay without AUTH, by address."""


def start(network: Network, material: Material, folder: Path, key_log: Path) -> list[subprocess.Popen[bytes]]:
    """Start every server and return when all of them accept connections; raise with the log of one that does not."""
    processes = []
    for server in SERVERS:
        values = _values(server, material, folder, key_log)
        run = Path(values["run"])
        run.mkdir(parents=True)
        run.chmod(0o755)
        for target, parts in server.files:
            text = "".join((CONFIG / part).read_text() for part in parts)
            Path(Template(target).substitute(values)).write_text(Template(text).substitute(values))
        if server.label == "exim":
            subprocess.run(["chown", "Debian-exim:Debian-exim", str(run)], check=True)
        env = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "NODE_PATH": str(material.node_modules),
            "SSLKEYLOGFILE": str(key_log),
            "LD_PRELOAD": str(material.shim),
        }
        if server.padding:
            env["LAB_TLS_PADDING"] = str(server.padding)
        for command in server.commands:
            with (folder / f"{server.host}.log").open("ab") as log:
                processes.append(network.start(server.host, Template(command).substitute(values).split(), log, env))
    for server in SERVERS:
        _wait(network, server, folder)
    return processes


def prepare_postfix() -> None:
    """Make the queue directories the package's install script would have made."""
    for directory in (
        "active",
        "bounce",
        "corrupt",
        "defer",
        "deferred",
        "flush",
        "hold",
        "incoming",
        "private",
        "saved",
        "trace",
    ):
        _directory(Path("/var/spool/postfix") / directory, "postfix:root", 0o700)
    _directory(Path("/var/spool/postfix/public"), "postfix:postdrop", 0o710)
    _directory(Path("/var/spool/postfix/maildrop"), "postfix:postdrop", 0o730)
    _directory(Path("/var/spool/postfix/pid"), "root:root", 0o755)
    _directory(Path("/var/lib/postfix"), "postfix:postfix", 0o755)
    for program in ("postdrop", "postqueue"):
        subprocess.run(["chgrp", "postdrop", f"/usr/sbin/{program}"], check=True)
        Path("/usr/sbin", program).chmod(0o2555)


def _values(server: Server, material: Material, folder: Path, key_log: Path) -> dict[str, str]:
    run, certificates = folder / "run" / server.host, folder / "certificates"
    open_addresses = [f"{BY_NAME[device].ipv4}/32 [{BY_NAME[device].ipv6}]/128" for device in OPEN_DEVICES]
    return {
        "folder": str(folder),
        "run": str(run),
        "host": server.host,
        "certificates": str(certificates),
        "inputs": f"{folder}/accounts.json {certificates}/{server.host}.pem {certificates}/{server.host}.key",
        "programs": str(PROGRAMS),
        "python": str(material.python),
        "keylog": str(key_log),
        "log": str(folder / f"{server.host}.log"),
        "passwd": str(folder / "passwd"),
        "introspection": str(run / "oauth2.conf"),
        "mail": str(run / "mail"),
        "open_devices": " ".join(open_addresses),
        "password": ACCOUNTS["bench@office.example"].password,
        "campus": str(folder / "run" / "campus"),
    }


def _directory(path: Path, owner: str, mode: int) -> None:
    path.mkdir(parents=True, exist_ok=True)
    subprocess.run(["chown", owner, str(path)], check=True)
    path.chmod(mode)


def _wait(network: Network, server: Server, folder: Path) -> None:
    deadline = time.monotonic() + STARTUP_SECONDS
    listening: set[int] = set()
    while not set(server.ports) <= listening:
        if time.monotonic() > deadline:
            log = (folder / f"{server.host}.log").read_text(errors="replace")[-3000:]
            raise RuntimeError(f"{server.label} does not listen on {set(server.ports) - listening}:\n{log}")
        time.sleep(0.2)
        sockets = subprocess.run(
            network.command(server.host, ["ss", "-Hltn"]), check=True, capture_output=True, text=True
        )
        listening = {int(line.split()[3].rpartition(":")[2]) for line in sockets.stdout.splitlines()}
