"""Postfix as a client: a queue and an smtp(8) of its own, which relays through a server with a password.

Argument: one JSON object (see labkit.clients). Runs until the queue is empty or has been tried once.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

SECONDS = 25

send: dict[str, Any] = json.loads(sys.argv[1])
folder = Path(tempfile.mkdtemp(prefix="postfix-", dir=os.environ["HOME"]))
folder.chmod(0o755)
kept = "MAIL_CONFIG TZ LANG=C SSLKEYLOGFILE LD_PRELOAD KRB5CCNAME LAB_TLS_PADDING LAB_TLS_NO_ETM LAB_TLS_GROUPS"
kept += " LAB_TLS_CIPHERS LAB_TLS_SUITES LAB_TLS_MIN LAB_TLS_MAX"
settings = {
    "compatibility_level": "3.6",
    "import_environment": kept,
    "queue_directory": folder / "spool",
    "data_directory": folder / "data",
    "myhostname": send["ehlo"],
    "mydestination": "",
    "alias_maps": "",
    "maillog_file_prefixes": folder,
    "maillog_file": folder / "log",
    "relayhost": f"[{send['name']}]:{send['port']}",
    "smtp_host_lookup": "native",
    "inet_protocols": "ipv4",
    "smtp_tls_security_level": "encrypt",
    "smtp_tls_CAfile": send["ca"],
    "smtp_tls_wrappermode": "yes" if send["tls"] == "implicit" else "no",
    "smtp_tls_session_cache_database": f"btree:{folder}/data/sessions",
    "smtp_tls_mandatory_protocols": ">=TLSv1",
    "tls_medium_cipherlist": "ALL:!EXPORT:!LOW:!aNULL:@SECLEVEL=0",
    "minimal_backoff_time": "1h",
    # A connection is kept for the next message where several are told.
    "smtp_connection_cache_on_demand": "yes",
    "smtp_connection_cache_destinations": send["name"] if len(send["messages"]) > 1 else "",
    "default_destination_concurrency_limit": "1",
    "smtp_destination_concurrency_limit": "1",
}
if send["mechanism"]:
    (folder / "password").write_text(f"{settings['relayhost']} {send['user']}:{send['secret']}\n")
    settings |= {
        "smtp_sasl_auth_enable": "yes",
        "smtp_sasl_password_maps": f"texthash:{folder}/password",
        "smtp_sasl_mechanism_filter": send["mechanism"],
        "smtp_sasl_security_options": "",
        "smtp_sasl_auth_soft_bounce": "no",
    }
if send["mechanism"] == "GSSAPI":
    shutil.chown(os.environ["KRB5CCNAME"].removeprefix("FILE:"), "postfix")
if send["certificate"]:
    settings |= {"smtp_tls_cert_file": send["certificate"][0], "smtp_tls_key_file": send["certificate"][1]}
(folder / "main.cf").write_text("".join(f"{name} = {value}\n" for name, value in settings.items()))
services = [line for line in Path("/etc/postfix/master.cf").read_text().splitlines() if " inet " not in line]
(folder / "master.cf").write_text("\n".join([*services, "smtp unix - - n - 1 smtp", "relay unix - - n - 1 smtp", ""]))
for name in ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private", "saved"):
    (folder / "spool" / name).mkdir(parents=True)
for name in ("trace", "public", "maildrop", "pid"):
    (folder / "spool" / name).mkdir()
(folder / "data").mkdir()
for path in (folder / "data", *(folder / "spool").iterdir()):
    if path.name != "pid":
        shutil.chown(path, "postfix", "postdrop" if path.name in ("public", "maildrop") else None)
master = subprocess.Popen(["/usr/lib/postfix/sbin/master", "-d", "-c", str(folder)], start_new_session=True)
deadline = time.monotonic() + SECONDS
while not (folder / "spool/public/pickup").exists() and time.monotonic() < deadline:
    time.sleep(0.05)


def queued() -> int:
    """How many messages wait or are on their way; one that was put off has been tried."""
    return sum(
        path.is_file() for name in ("maildrop", "incoming", "active") for path in (folder / "spool" / name).rglob("*")
    )


for part in range(send["connections"]):
    for message in send["messages"]:
        command = ["sendmail", "-C", str(folder), "-f", send["sender"], *send["recipients"]]
        subprocess.run(command, input=message.replace("\r\n", "\n").encode(), check=True)
    time.sleep(0.2)
    while queued() and time.monotonic() < deadline:
        time.sleep(0.05)
    if part + 1 < send["connections"]:
        time.sleep(2.5)
time.sleep(2.5 if len(send["messages"]) > 1 else 0.1)
master.terminate()
master.wait()
log = folder / "log"
print(log.read_text() if log.exists() else "no log")
