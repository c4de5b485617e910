"""Real clients log in to a real server across a network, and a third listens: what it tells is what took place."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from shutil import which
from typing import Any

import pytest

from analyzer.cli import main
from tests.capture.live.network import NEAR, Namespace, has_networks, needs_tcpdump
from tests.capture.live.network import network as network
from tests.commands.running import PATIENCE
from tests.commands.test_sniff import sniffing
from tests.commands.test_sniff import tmp_path as tmp_path
from tests.support.authority import Authority
from tests.support.material import REPOSITORY
from tests.support.root import needs_root

needs_curl = pytest.mark.skipif(which("curl") is None, reason="curl is not installed")
pytestmark = [needs_root, has_networks, needs_tcpdump, needs_curl]

SERVER = "10.9.0.1"
PASSWORD, TOKEN = "canary-4711", "canary-token-0815-0123456789abcdef0123456789abcdef"
SERVE = REPOSITORY / "scripts" / "labkit" / "programs" / "serve_aiosmtpd.py"

CLIENTS: dict[str, tuple[list[str], tuple[str, str]]] = {
    "10.9.0.11": (["smtp://{server}:587", "--user", "scan:{password}"], ("exposed", "basic")),
    "10.9.0.12": (["smtp://{server}:587", "--ssl-reqd", "--user", "erp:{password}"], ("password", "basic")),
    "10.9.0.13": (
        ["smtps://{server}:465", "--user", "erp:{password}", "--login-options", "AUTH=LOGIN"],
        ("password", "basic"),
    ),
    "10.9.0.14": (
        ["smtp://{server}:587", "--ssl-reqd", "--user", "wiki", "--oauth2-bearer", "{token}"],
        ("oauth", "oauth"),
    ),
    "10.9.0.15": (["smtp://{server}:25"], ("no-auth", "none")),
    "10.9.0.16": (["smtp://{server}:587", "--user", "wiki", "--oauth2-bearer", "{token}"], ("exposed", "oauth")),
}
"""curl's arguments by client address, and the status and method that such a device has."""


@pytest.fixture
def office(network: Namespace, tmp_path: Path) -> Iterator[Namespace]:
    """The clients' network, across the near end from a server in ``network``."""
    name = f"{network.name}-c"
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        clients = Namespace(name)
        network.ip("link", "set", "far0", "netns", name)
        network.ip("addr", "add", f"{SERVER}/24", "dev", NEAR)
        clients.ip("link", "set", "lo", "up")
        clients.ip("link", "set", "far0", "up")
        for client in CLIENTS:
            clients.ip("addr", "add", f"{client}/24", "dev", "far0")
        yield clients
    finally:
        subprocess.run(["ip", "netns", "del", name], check=True)


@pytest.fixture
def served(network: Namespace, office: Namespace, tmp_path: Path) -> Iterator[None]:
    """A mail server in ``network``."""
    accounts = [{"user": user, "password": PASSWORD, "tokens": [TOKEN]} for user in ("scan", "erp", "wiki")]
    (tmp_path / "accounts.json").write_text(json.dumps(accounts))
    certificate, key = Authority(tmp_path).server(SERVER)
    with network.entered():
        Path("/proc/sys/net/ipv6/conf/lo/disable_ipv6").write_text("0")  # the server listens there, too
    command = [sys.executable, str(SERVE), str(tmp_path / "accounts.json"), str(certificate), str(key)]
    with (tmp_path / "server").open("wb") as said:
        server = network.start([*command, str(tmp_path / "keys")], stdout=said, stderr=said)
        try:
            deadline = time.monotonic() + PATIENCE
            probe = ["curl", "-s", "--max-time", "2", f"smtps://{SERVER}:465", "-k", "-X", "NOOP"]
            while office.start(probe, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).wait() != 0:
                assert time.monotonic() < deadline, (tmp_path / "server").read_text()
                time.sleep(0.2)
            yield
        finally:
            server.kill()
            server.wait()


def send(office: Namespace, client: str, arguments: list[str], message: Path) -> None:
    """A message from a client's address."""
    filled = [argument.format(server=SERVER, password=PASSWORD, token=TOKEN) for argument in arguments]
    command = ["curl", "-sS", "-k", "--interface", client, "--max-time", str(PATIENCE), *filled]
    command += ["--mail-from", f"{client}@example.com", "--mail-rcpt", "a@example.com", "-T", str(message)]
    done = office.start(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    _, said = done.communicate(timeout=PATIENCE)
    assert done.returncode == 0, (client, said)


def statuses(inventory: Path) -> dict[str, tuple[str, str]]:
    """Status and the one method of each client's device."""
    devices: list[dict[str, Any]] = json.loads(inventory.read_text())["devices"]
    return {
        device["device"]: (device["status"], next(iter(device["methods"])))
        for device in devices
        if device["device"] in CLIENTS
    }


def test_who_logs_in_how_is_told_of_real_clients_and_as_from_a_capture_of_the_same(
    network: Namespace, office: Namespace, served: None, tmp_path: Path
) -> None:
    message = tmp_path / "message"
    message.write_text("Subject: scan\r\n\r\none page\r\n")
    recorded = tmp_path / "recorded.pcap"
    tcpdump = network.start(["tcpdump", "-i", NEAR, "-Z", "root", "-U", "-w", str(recorded)], stderr=subprocess.PIPE)
    assert tcpdump.stderr is not None
    assert any("listening on" in line for line in tcpdump.stderr)
    with sniffing(network, tmp_path) as sniff:
        for client, (arguments, _) in CLIENTS.items():
            send(office, client, arguments, message)
        sniff.wait_for(lambda: sniff.printed.count('"new-device"') >= len(CLIENTS))
        sniff.wait_for(lambda: recorded.stat().st_size)
        time.sleep(0.5)  # the last packets
        assert sniff.end() == 130
        events = sniff.events
    tcpdump.terminate()
    tcpdump.communicate(timeout=PATIENCE)

    assert statuses(tmp_path / "devices.json") == {client: truth for client, (_, truth) in CLIENTS.items()}
    assert main(["scan", str(recorded), "--format", "json", "--output", str(tmp_path / "scan.json"), "-q"]) == 0
    assert statuses(tmp_path / "scan.json") == statuses(tmp_path / "devices.json")

    told = {(event["kind"], event["device"]) for event in events}
    assert ("password-in-clear", "10.9.0.11") in told
    assert ("token-in-clear", "10.9.0.16") in told
    assert {device for kind, device in told if kind.endswith("in-clear")} == {"10.9.0.11", "10.9.0.16"}
    first = {device for kind, device in told if kind == "first-password-login"}
    assert first == {"10.9.0.11", "10.9.0.12", "10.9.0.13"}
    for name in ("stdout", "stderr", "devices.json"):
        text = (tmp_path / name).read_text()
        assert PASSWORD not in text
        assert TOKEN not in text
