"""What devices are called, from the traffic, from the user's own list, and from a DNS server: as users meet it."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from analyzer.cli import main
from tests.commands.running import GENERATED, OFFICE
from tests.reverse_dns.name_server import name_server

NAMES = GENERATED / "host-names.pcap"


def devices(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> list[dict[str, Any]]:
    assert main(["scan", *map(str, arguments), "--format", "json"]) == 0
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["devices"]
    return found


def listed(folder: Path, text: str) -> str:
    file = folder / "devices.csv"
    file.write_text(text)
    return str(file)


def test_a_device_has_the_names_that_the_traffic_tells(capsys: pytest.CaptureFixture[str]) -> None:
    (device,) = devices(capsys, NAMES)
    assert device["hostnames"] == [
        {"name": "bench-dhcp", "source": "dhcp"},
        {"name": "bench-mdns.local", "source": "mdns"},
        {"name": "bench.office.example", "source": "ehlo"},
        {"name": "BENCH", "source": "netbios"},
    ]
    assert (device["name"], device["vendor_class"]) == ("bench-dhcp", "udhcp 1.36")


@pytest.mark.parametrize("format", ["table", "csv", "markdown"])
def test_every_format_shows_the_best_name(capsys: pytest.CaptureFixture[str], format: str) -> None:
    main(["scan", str(NAMES), "--format", format])
    assert "bench-dhcp" in capsys.readouterr().out


def test_the_users_list_names_devices_and_says_whose_they_are(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    text = "Hardware-Adresse;Name;Owner;Notes\n00-C0-EE-21-40-65;Reception copier;Ann;leased\n"
    file = listed(tmp_path, text + "\n".join(["", "-;;;"]))
    found = devices(capsys, OFFICE, "--assets", file)
    (copier,) = [device for device in found if device["device"] == "10.20.0.101"]
    assert copier["name"] == "Reception copier"
    assert copier["asset"] == {"name": "Reception copier", "owner": "Ann", "location": None, "notes": "leased"}
    assert [device for device in found if device["asset"]] == [copier]


def test_where_users_are_redacted_owners_and_notes_are(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = listed(tmp_path, "ip,name,owner,notes\n10.20.0.101,copier,Ann Example,ask Ann Example\n")
    for format in ("json", "csv", "table", "markdown"):
        main(["scan", str(OFFICE), "--assets", file, "--redact-users", "--format", format])
        said = capsys.readouterr().out
        assert "Ann" not in said
        assert "copier" in said


def test_a_bad_list_is_one_line_before_anything_is_read(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = listed(tmp_path, "ip,name\n10.20.0.999,copier\n")
    assert main(["scan", str(tmp_path / "no-capture.pcap"), "--assets", file]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines() == [
        f"smtpauth: {file}: line 2: '10.20.0.999' is no address or network; headers seen: 'ip', 'name'"
    ]


def test_reverse_dns_is_asked_only_when_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    with name_server({"200.0.20.10.in-addr.arpa.": ["desk7.office.example."]}) as asked:
        server = f"{asked.server.address}:{asked.server.port}"
        (device,) = devices(capsys, NAMES, "--rdns", "--dns-server", server)
    assert device["hostnames"][-1] == {"name": "desk7.office.example", "source": "rdns"}
    assert asked.names == ["200.0.20.10.in-addr.arpa."]


def test_a_name_server_that_says_nothing_is_told_and_changes_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("analyzer.reverse_dns.lookup.PATIENCE", 0.2)
    plain = devices(capsys, NAMES)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        server = f"127.0.0.1:{silent.getsockname()[1]}"
        assert main(["scan", str(NAMES), "--format", "json", "--rdns", "--dns-server", server]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["devices"] == plain
    assert "smtpauth: reverse DNS: no answer for 1 of 1 addresses" in said.err.splitlines()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--rdns", "--dns-server", "dns.example"], "'dns.example' is no address of a name server"),
        (["--dns-server", "10.0.0.53"], "--dns-server is for --rdns, which is off"),
    ],
)
def test_a_wrong_name_server_is_one_line(capsys: pytest.CaptureFixture[str], arguments: list[str], told: str) -> None:
    assert main(["scan", str(NAMES), *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert told in line
