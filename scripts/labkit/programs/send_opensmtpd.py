"""OpenSMTPD as a client, which relays through a server with a password. Argument: one JSON object (see labkit.clients).

Its paths are fixed at compile time, so it runs in a mount namespace of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

SECONDS = 20
_INSIDE = "LAB_OPENSMTPD_INSIDE"

if _INSIDE not in os.environ:
    environment = os.environ | {_INSIDE: "1"}
    done = subprocess.run(["unshare", "--mount", sys.executable, *sys.argv], check=False, env=environment)
    sys.exit(done.returncode)

send: dict[str, Any] = json.loads(sys.argv[1])
for directory in ("/var/spool/smtpd", "/run"):
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=711", "lab", directory], check=True)
Path("/var/lib/opensmtpd/empty").mkdir(parents=True, exist_ok=True)
folder = Path(tempfile.mkdtemp(prefix="opensmtpd-", dir=os.environ["HOME"]))
folder.chmod(0o755)
scheme = "smtps" if send["tls"] == "implicit" else "smtp+tls"
label = "label@" if send["mechanism"] else ""
(folder / "secrets").write_text(f"label {send['user']}:{send['secret']}\n")
(folder / "smtpd.conf").write_text(f"""ca bench cert "{send["ca"]}"
table secrets file:{folder}/secrets
listen on socket
action "relay" relay host {scheme}://{label}{send["name"]}:{send["port"]} {"auth <secrets>" if label else ""} \\
  helo "{send["ehlo"]}" tls no-verify
match from any for any action "relay"
""")
(folder / "secrets").chmod(0o644)
(folder / "smtpd.conf").chmod(0o600)
daemon = subprocess.Popen(
    ["timeout", str(SECONDS), "smtpd", "-d", "-f", str(folder / "smtpd.conf")], stderr=subprocess.PIPE, text=True
)
deadline = time.monotonic() + SECONDS
while not Path("/run/smtpd.sock").exists() and time.monotonic() < deadline:
    time.sleep(0.05)
for message in send["messages"]:
    command = ["sendmail", "-f", send["sender"], *send["recipients"]]
    subprocess.run(command, executable="/usr/sbin/smtpctl", input=message.replace("\r\n", "\n").encode(), check=False)
assert daemon.stderr is not None  # noqa: S101 - it is a pipe, see above
said: list[str] = []
for line in daemon.stderr:
    said.append(line)
    if "mta disconnected" in line or "mta error" in line:
        break
time.sleep(0.1)
daemon.terminate()
sys.stdout.write("".join(said))
