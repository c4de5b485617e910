"""Exim as a client, which relays through a server with a password. Argument: one JSON object (see labkit.clients)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

send: dict[str, Any] = json.loads(sys.argv[1])
folder = Path(tempfile.mkdtemp(prefix="exim-", dir=os.environ["HOME"]))
folder.chmod(0o755)
shutil.chown(folder, "Debian-exim", "Debian-exim")

user, secret = send["user"], send["secret"]
drivers = {
    "PLAIN": f"driver = plaintext\n  client_send = ^{user}^{secret}",
    "LOGIN": f"driver = plaintext\n  client_send = : {user} : {secret}",
    "CRAM-MD5": f"driver = cram_md5\n  client_name = {user}\n  client_secret = {secret}",
    "NTLM": f"driver = spa\n  client_username = {user}\n  client_password = {secret}",
    "XOAUTH2": f"driver = plaintext\n  client_send = user={user}\\x01auth=Bearer {secret}\\x01\\x01",
    "EXTERNAL": f"driver = external\n  client_send = {user}",
}
authenticator = ""
hosts_auth = ""
if send["mechanism"]:
    text = drivers[send["mechanism"]]
    if send["mechanism"] == "XOAUTH2":
        # The parts of client_send are expanded; \x01 is written by ${...}.
        text = text.replace("\\x01", "${sg{x}{x}{\\x01}}")
    authenticator = f"a:\n  {text}\n  public_name = {send['mechanism']}\n"
    hosts_auth = "  hosts_require_auth = *\n"
certificate = ""
if send["certificate"]:
    certificate = f"  tls_certificate = {send['certificate'][0]}\n  tls_privatekey = {send['certificate'][1]}\n"
priorities = f"  tls_require_ciphers = {send['priorities']}\n" if send["priorities"] else ""
(folder / "exim.conf").write_text(
    f"""primary_hostname = {send["ehlo"]}
exim_user = Debian-exim
exim_group = Debian-exim
trusted_users = root
spool_directory = {folder}
log_file_path = {folder}/%slog
keep_environment = SSLKEYLOGFILE : LD_PRELOAD
disable_ipv6
host_lookup =

begin routers
all:
  driver = manualroute
  route_list = * {send["name"]}::{send["port"]} byname
  transport = relay

begin transports
relay:
  driver = smtp
  protocol = {"smtps" if send["tls"] == "implicit" else "smtp"}
  hosts_require_tls = *
  tls_verify_certificates = {send["ca"]}
  helo_data = {send["ehlo"]}
{hosts_auth}{certificate}{priorities}
begin retry
* * F,1h,1h

begin authenticators
{authenticator}"""
)
exim = ["exim4", "-C", str(folder / "exim.conf")]
how = "-odi" if len(send["messages"]) == 1 else "-odqs"
for message in send["messages"]:
    command = [*exim, how, "-f", send["sender"], *send["recipients"]]
    subprocess.run(command, input=message.replace("\r\n", "\n").encode(), check=False)
if how == "-odqs":
    subprocess.run([*exim, "-qq"], check=False)  # a queue run in two steps: all messages for a host on one connection
for log in ("mainlog", "paniclog"):
    if (folder / log).exists():
        print((folder / log).read_text())
