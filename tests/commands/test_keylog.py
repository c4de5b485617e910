"""``--keylog`` as its users meet it: what it says, what it costs, and what goes on without it."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from time import sleep
from typing import Any

import pytest

from analyzer.cli import main
from tests.commands.running import COMMAND, GENERATED, MECHANISMS, OFFICE, PATIENCE, environment, run, shell
from tests.support.material import REPOSITORY
from tests.support.programs import program
from tests.support.tools import needs_tshark

KEYS = REPOSITORY / "captures" / "keys.log"
TLS = MECHANISMS / "starttls-login-exchange-curl.pcap"
CARRIES_KEYS = GENERATED / "pcapng-secrets.pcapng"


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """A sound key log of connections that were never seen."""
    path = tmp_path / "foreign.log"
    path.write_text(f"# comment\nCLIENT_RANDOM {'ab' * 32} {'cd' * 48}\n")
    return path


def sessions(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


@needs_tshark
def test_scan_shows_who_logs_in_inside_tls(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", str(OFFICE), "--keylog", str(KEYS), "--format", "json"]) == 0
    out, err = capsys.readouterr()
    assert err == "smtpauth: the keys fitted 15 of 15 TLS sessions\n"
    by_device = {device["device"]: device for device in json.loads(out)["devices"]}
    copier = by_device["10.20.0.102"]
    assert (copier["status"], copier["evidence"], copier["confidence"]) == ("password", "decrypted", 1.0)
    assert copier["accounts"] == ["copier@office.example"]
    assert "unknown" not in {device["status"] for device in by_device.values()}


@needs_tshark
def test_a_session_says_that_it_was_decrypted_and_did_not_cross_in_the_clear(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["scan", str(TLS), "--keylog", str(KEYS), "--sessions", "--format", "jsonl"]) == 0
    (record,) = sessions(capsys.readouterr().out)
    (attempt,) = record["auth"]
    assert (record["method"], record["evidence"]) == ("basic", "decrypted")
    assert (attempt["evidence"], attempt["cleartext"]) == ("decrypted", False)
    assert record["offered_mechanisms"]["after_tls"]


@needs_tshark
def test_standard_input_is_read_once_and_decrypted_on_the_way(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(TLS.read_bytes())))
    assert main(["scan", "-", "--keylog", str(KEYS), "--sessions", "--format", "jsonl"]) == 0
    assert sessions(capsys.readouterr().out)[0]["evidence"] == "decrypted"


@needs_tshark
def test_several_key_logs_may_be_given_and_a_config_file_may_name_them(
    tmp_path: Path, foreign: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "smtpauth.toml"
    config.write_text(f'keylog = ["{foreign}"]\n')
    assert main(["scan", str(TLS), "--keylog", str(KEYS), "--config", str(config)]) == 0
    assert "keys fitted 1 of 1 TLS session" in capsys.readouterr().err


@needs_tshark
def test_keys_inside_a_capture_are_used_unasked(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", str(CARRIES_KEYS), "--sessions", "--format", "jsonl"]) == 0
    out, err = capsys.readouterr()
    assert sessions(out)[0]["evidence"] == "decrypted"
    assert err == "smtpauth: TLS keys in the captures fitted 1 of 1 TLS session\n"


# --- keys that are of no use ------------------------------------------------------------------------


def test_a_key_log_that_is_not_there_is_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("scan", "verify"):
        assert main([command, str(TLS), "--keylog", str(tmp_path / "absent")]) == 2
        err = capsys.readouterr().err
        assert err.count("\n") == 1
        assert "absent: no such key log" in err


def test_a_file_that_is_no_key_log_is_one_line_and_the_analysis_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", str(MECHANISMS / "clear-login-two-steps.pcap"), "--keylog", str(TLS)]) == 0
    out, err = capsys.readouterr()
    assert "1 of 1 device still uses a password" in out
    assert err.count("\n") == 1
    assert "it holds no TLS keys" in err


def test_foreign_keys_are_one_line_and_tshark_is_not_needed(
    foreign: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["scan", str(TLS), "--keylog", str(foreign)]) == 0
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "the keys fit none of 1 TLS session; they open only what the programs sent" in err


def test_quiet_is_quiet(foreign: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", str(TLS), "--keylog", str(foreign), "--keylog", str(TLS), "-q"]) == 0
    assert capsys.readouterr().err == ""


# --- a tshark that is of no use ---------------------------------------------------------------------


def test_keys_that_were_asked_for_and_cannot_be_used_make_the_run_incomplete(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["scan", str(TLS), "--keylog", str(KEYS), "--format", "json"]) == 3
    out, err = capsys.readouterr()
    answer = json.loads(out)
    assert answer["complete"] is False
    assert answer["damage"][0]["name"] == "TLS keys"
    assert len(answer["devices"]) == 1
    assert err.count("\n") == 1
    assert "apt install tshark" in err
    assert main(["scan", str(TLS), "--keylog", str(KEYS), "--fail-on", "exposed"]) == 3


def test_keys_that_nobody_asked_for_are_only_mentioned(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["scan", str(CARRIES_KEYS)]) == 0
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert err.startswith("smtpauth: TLS keys in the captures: not used, though they fit; this needs tshark")


@pytest.mark.parametrize(
    ("version", "problem"),
    [
        ("TShark (Wireshark) 3.4.10 (Git v3.4.10)", "is tshark 3.4.10, and 4.0 or newer is needed"),
        ("dig 9.18", "is not"),
    ],
)
def test_a_tshark_that_is_too_old_or_none_is_one_line_and_the_analysis_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], version: str, problem: str
) -> None:
    old = program(tmp_path, "", version)
    assert main(["scan", str(TLS), "--keylog", str(KEYS), "--tshark", old]) == 3
    out, err = capsys.readouterr()
    assert "1 session" in out
    assert err.count("\n") == 1
    assert problem in err


def test_a_tshark_that_crashes_is_one_line_and_the_analysis_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    crashing = program(tmp_path, "import os; os.kill(os.getpid(), 11)")
    assert main(["scan", str(OFFICE), "--keylog", str(KEYS), "--tshark", crashing]) == 3
    out, err = capsys.readouterr()
    assert "37 sessions" in out
    assert err == ("smtpauth: Incomplete: TLS keys: tshark crashed (signal 11); not all that they fit was decrypted.\n")


# --- what it costs ----------------------------------------------------------------------------------


@pytest.mark.parametrize("keys", [False, True], ids=["without keys", "with keys that fit nothing"])
def test_what_needs_no_tshark_does_not_load_what_drives_it(keys: bool, foreign: Path) -> None:
    program = "import sys, atexit; from analyzer.cli import main\n"
    program += "atexit.register(lambda: print(*sys.modules, file=sys.stderr)); sys.exit(main(sys.argv[1:]))"
    arguments = ["scan", str(OFFICE), *(["--keylog", str(foreign)] if keys else [])]
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, cwd=REPOSITORY, timeout=PATIENCE
    )
    loaded = set(done.stderr.splitlines()[-1].split())
    assert "analyzer.pipeline" in loaded
    assert not loaded & {"pyshark", "asyncio", "analyzer.tshark.capture"}


@needs_tshark
def test_no_file_is_written_and_no_key_is_on_the_command_line_of_tshark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted = tmp_path / "arguments"
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    body = f"import os; open({str(noted)!r}, 'w').write(repr(sys.argv))\nos.execvp('tshark', sys.argv)"
    assert main(["scan", str(TLS), "--keylog", str(KEYS), "--tshark", program(tmp_path, body), "-q"]) == 0
    secrets = {word for line in KEYS.read_text().splitlines() if line[0] != "#" for word in line.split()[1:]}
    assert not [secret for secret in secrets if secret in noted.read_text()]
    assert str(KEYS) not in noted.read_text()


# --- interruptions ----------------------------------------------------------------------------------


@needs_tshark
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_writes_what_was_decrypted_by_then(number: signal.Signals) -> None:
    ours, theirs = os.pipe()
    process = subprocess.Popen(
        [*COMMAND, "scan", "-", "--keylog", str(KEYS), "--format", "json"],
        stdin=ours,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
        start_new_session=True,  # a process group, as the shell makes one of a line
    )
    try:
        os.write(theirs, TLS.read_bytes())
        sleep(3)
        os.killpg(process.pid, number)
        out, _ = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
        os.close(ours)
        os.close(theirs)
    assert process.returncode == 130
    (device,) = json.loads(out)["devices"]
    if number == signal.SIGINT:  # SIGTERM to the whole group ends tshark, too
        assert (device["status"], device["evidence"]) == ("password", "decrypted")


def test_a_second_ctrl_c_ends_a_run_that_waits_for_tshark(tmp_path: Path) -> None:
    endless = program(tmp_path, "import time; time.sleep(3600)")
    process = subprocess.Popen(
        [*COMMAND, "scan", str(TLS), "--keylog", str(KEYS), "--tshark", endless],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    sleep(3)
    for _ in range(2):
        process.send_signal(signal.SIGINT)
        sleep(0.5)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out, err) == (130, b"", b"")


# --- verify -----------------------------------------------------------------------------------------


@needs_tshark
def test_verify_holds_the_inference_against_the_keys(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["verify", str(OFFICE), "--keylog", str(KEYS), "--format", "json"])
    answer = json.loads(capsys.readouterr().out)
    inference = answer["inference"]
    assert inference["sessions"] == 15
    assert inference["right"] + inference["wrong"] + inference["abstained"] == 15
    assert code == (1 if inference["wrong"] else 0)
    assert answer["summary"]["agree"] == 38  # as without keys


@needs_tshark
def test_verify_says_so_in_the_table_too_and_leaves_it_out_without_keys() -> None:
    shown = shell(f"smtpauth verify {OFFICE} --keylog {KEYS}").stdout
    assert "Of 15 TLS sessions: " in shown
    assert "Of 15 TLS" not in shell(f"smtpauth verify {OFFICE}").stdout


@needs_tshark
def test_verify_with_foreign_keys_says_that_nothing_was_decrypted(foreign: Path) -> None:
    assert "1 not decrypted" in run("verify", TLS, "--keylog", foreign).stdout
