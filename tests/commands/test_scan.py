"""``smtpauth scan`` as its users meet it: the answer, standard input, redacted users, standard error."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from analyzer.cli import main
from tests.commands.running import GENERATED, OFFICE, PATIENCE, run, start

ONE = OFFICE / "office-1.pcap"
ALIAS = re.compile(r"user-[0-9a-f]{12}")


def test_the_office_is_answered(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", str(OFFICE), "--format", "json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    status = {device["device"]: device["status"] for device in answer["devices"]}
    assert status["10.20.0.101"] == "exposed"  # LOGIN in the clear, in a connection that crosses two files
    assert status["10.20.0.40"] == "password"  # CRAM-MD5 in the clear
    assert status["10.20.0.102"] == "password"  # inferred inside TLS
    assert status["10.20.0.42"] == "oauth"
    assert status["10.20.0.107"] == "no-auth"
    assert answer["summary"]["still_password"] == 10


def test_a_table_that_goes_to_a_pipe_fits_100_columns_and_has_no_colour() -> None:
    lines = run("scan", OFFICE).stdout.splitlines()
    assert max(map(len, lines)) <= 100
    assert all(line.isprintable() for line in lines)
    assert "10 of 14 devices still use a password: 6 exposed, 4 password; 2 no-auth, 1 certificate, 1 oauth." in lines


def test_standard_input_is_read() -> None:
    with ONE.open("rb") as capture:
        process = start("scan", "-", "--format", "jsonl", stdin=capture)
        out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    assert out.decode() == run("scan", ONE, "--format", "jsonl").stdout


# --- redacted users -------------------------------------------------------------------------------


def aliases(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], key: str | None, *more: str) -> str:
    """Output with users redacted under ``key``."""
    if key is None:
        monkeypatch.delenv("SMTPAUTH_REDACT_KEY", raising=False)
    else:
        monkeypatch.setenv("SMTPAUTH_REDACT_KEY", key)
    main(["scan", str(OFFICE), "--redact-users", "-v", *more])
    said = capsys.readouterr()
    return said.out + said.err


@pytest.mark.parametrize("format", ["table", "json", "jsonl", "csv", "markdown"])
@pytest.mark.parametrize("sessions", [[], ["--sessions"]], ids=["devices", "sessions"])
def test_redacted_users_are_in_no_output(
    format: str, sessions: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = aliases(monkeypatch, capsys, "key", "--format", format, *sessions)
    for user in ("scan@", "legal-scan", "branch@", "wiki@", "monitoring@"):
        assert user not in text
    assert "user-" in text


def test_a_key_gives_each_user_one_alias_in_every_run_and_format(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = [
        set(ALIAS.findall(aliases(monkeypatch, capsys, "key", "--format", format, *more)))
        for format, more in (("json", []), ("json", []), ("csv", []), ("jsonl", ["--sessions"]))
    ]
    assert len(found[0]) >= 5
    assert found[0] == found[1] == found[2] == found[3]


def test_another_key_or_none_gives_other_aliases(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = [
        set(ALIAS.findall(aliases(monkeypatch, capsys, key, "--format", "json")))
        for key in ("one", "two", None, None, "")
    ]
    for number, one in enumerate(found):
        assert one
        assert not any(one & other for other in found[number + 1 :])


# --- standard error -------------------------------------------------------------------------------


def test_a_clean_run_says_nothing_beside_its_result(capsys: pytest.CaptureFixture[str]) -> None:
    main(["scan", str(OFFICE)])
    assert capsys.readouterr().err == ""


def test_quiet_says_nothing_whatever_happened(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", "-q", str(GENERATED / "pcap-cut-record.pcap"), "absent.pcap"]) == 3
    assert capsys.readouterr().err == ""


def test_verbose_tells_the_story_of_each_input(capsys: pytest.CaptureFixture[str]) -> None:
    main(["scan", "-v", str(GENERATED / "compressed.pcap.gz"), str(GENERATED / "overlapping-segments.pcap")])
    said = capsys.readouterr().err
    assert re.search(r"compressed\.pcap\.gz: pcap, gzip, \d+ packets, [\d,]+ bytes", said)
    assert "oddities of the traffic: " in said


def test_packets_without_mail_get_a_hint_at_other_ports(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "headers.pcap"
    path.write_bytes(ONE.read_bytes()[:24])
    assert main(["scan", str(path), "--port", "1025"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("No device was seen sending mail.\n")
    assert "25, 465, 587, 1025, 2465, 2525, 2587; --port N looks at others" in said.err
