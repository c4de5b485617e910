"""``smtpauth explain`` as its users meet it: what is shown, which session is meant, and what is said where none is."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from time import sleep
from typing import Any

import pytest

from analyzer.cli import main
from analyzer.tls import ABSTENTIONS
from tests.commands.running import COMMAND, GENERATED, MECHANISMS, OFFICE, PATIENCE, environment, run
from tests.support.material import REPOSITORY
from tests.support.reports import HOSTILE
from tests.support.tools import needs_tshark
from tests.tls import wire
from tests.verify.dialogues import Line, Pcap, bye, hello

COPIER = "10.20.0.101:42940"
TLS = "10.20.0.102:50704"


def explain(*arguments: str | Path) -> int:
    return main(["explain", *map(str, arguments)])


def record(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> dict[str, Any]:
    assert explain(*arguments, "--format", "json") == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


# --- what is shown --------------------------------------------------------------------------------


def test_a_dialogue_in_the_clear_is_shown_line_by_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert explain(OFFICE, "--session", COPIER) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "basic: a password that can be used again; read in the clear." in out
    lines = [line[10:].rstrip() for line in out.splitlines()]
    start = lines.index("C  AUTH              AUTH LOGIN")
    assert lines[start : start + 7] == [
        "C  AUTH              AUTH LOGIN",
        "S  challenge         334 <challenge withheld>",
        "C  response          <response withheld>",
        "                     ^ user name: scan@office.example",
        "S  challenge         334 <challenge withheld>",
        "C  response          <response withheld>",
        "S  login accepted    235 2.7.0 <text withheld>",
    ]


def test_a_dialogue_inside_tls_is_shown_as_it_was_inferred(capsys: pytest.CaptureFixture[str]) -> None:
    assert explain(OFFICE, "--session", TLS) == 0
    out = capsys.readouterr().out
    assert "inferred from sizes and turns inside TLS, probability" in out
    assert "The client offered TLS 1.3, 1.2, 1.1, 1.0, for smtp.office365.com." in out
    turns = [line.split("  ") for line in out.splitlines() if line[:6].strip().isdigit()]
    words = [[part.strip() for part in turn if part.strip()] for turn in turns]
    assert [turn[2] for turn in words[:4]] == ["EHLO", "AUTH LOGIN", "user name", "password"]
    assert words[3][4] == "login accepted"
    assert words[1][5].startswith("a line exactly as long as AUTH")


def test_json_holds_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    found = record(capsys, OFFICE, "--session", TLS)
    assert (found["session"]["client"]["port"], found["verdict"]["method"]) == (50704, "basic")
    assert found["verdict"]["probability"][0] == found["session"]["confidence"] in (0.95, 0.99)
    assert [entry["kind"] for entry in found["clear"]] == ["reply", "ehlo", "reply", "starttls", "reply", "tls"]
    assert [turn["client"] for turn in found["inferred"]["turns"]][:4] == [
        "EHLO",
        "AUTH LOGIN",
        "user name",
        "password",
    ]
    assert found["inferred"]["probabilities"]["basic"][1] == 1.0
    assert (found["decrypted"], found["complete"], found["interrupted"]) == (None, True, False)


def test_a_session_over_ipv6_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    for client in ("2001:db8:20::109", "[2001:db8:20::109]:57712", "2001:0db8:0020::0109"):
        assert explain(OFFICE, "--session", client) == 0
        out = capsys.readouterr().out
        assert "client    [2001:db8:20::109]:57712" in out
        assert "none: no login; read in the clear." in out


def test_an_unknown_session_says_why_and_what_would_help(capsys: pytest.CaptureFixture[str]) -> None:
    found = record(capsys, GENERATED / "gap-in-auth.pcap", "--session", "10.20.0.200")
    assert found["verdict"]["unknown"]["id"] == "mechanism-not-seen"
    assert found["verdict"]["unknown"]["help"]
    kinds = [entry["kind"] for entry in found["clear"]]
    assert kinds[3:6] == ["gap", "challenge", "passed-over"]
    assert [oddity["id"] for oddity in found["clear"][4]["oddities"]] == ["unsolicited-reply"]


def test_records_that_tell_nothing_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    padded: list[Line] = [("CS"[number % 2], wire.data(16 + 64 * (1 + number % 3))) for number in range(20)]
    hellos: list[Line] = [("C", wire.CLIENT_HELLO_13), ("S", wire.SERVER_HELLO_13 + wire.data(976)), *padded]
    path = Pcap().add(hellos, server_port=465).write(tmp_path / "padded.pcap")
    unknown = record(capsys, path, "--session", "10.0.0.1")["verdict"]["unknown"]
    assert unknown["explanation"] == ABSTENTIONS[unknown["id"]]
    assert explain(path, "--session", "10.0.0.1") == 0
    out = capsys.readouterr().out
    assert f"({unknown['id']})" in out
    assert "> Look inside with the keys of one end (--keylog)" in out


@needs_tshark
def test_with_keys_the_dialogue_inside_tls_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    keys = REPOSITORY / "captures" / "keys.log"
    assert explain(OFFICE, "--session", TLS, "--keylog", keys) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "read inside TLS, with its keys." in out
    assert "AUTH LOGIN as copier@office.example: accepted (235 2.7.0)." in out
    assert "  C  MAIL              MAIL FROM:<copier@office.example>\n" in out
    assert "as it would have been inferred without the keys" in out
    assert explain(OFFICE, "--session", COPIER, "--keylog", keys) == 0
    assert capsys.readouterr().err == ""


@needs_tshark
def test_keys_that_do_not_fit_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    foreign = tmp_path / "foreign.log"
    foreign.write_text(f"CLIENT_RANDOM {'ab' * 32} {'cd' * 48}\n")
    assert explain(OFFICE, "--session", TLS, "--keylog", foreign) == 0
    out, err = capsys.readouterr()
    assert "the keys do not fit this session" in err
    assert "inferred from sizes" in out


def test_keys_without_tshark_make_an_incomplete_run(capsys: pytest.CaptureFixture[str]) -> None:
    keys = REPOSITORY / "captures" / "keys.log"
    assert explain(OFFICE, "--session", TLS, "--keylog", keys, "--tshark", "absent-program") == 3
    out, err = capsys.readouterr()
    assert "TLS keys: not used, though they fit" in err
    assert "inferred from sizes" in out


@pytest.mark.parametrize("kind", ["ansi", "c1", "bidi", "invisible", "nul", "long"])
def test_a_hostile_name_is_inert(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = HOSTILE[kind].encode("utf-8", "surrogatepass").replace(b"\n", b"")
    lines = [("S", b"220 " + name + b" ESMTP\r\n"), ("C", b"EHLO " + name + b"\r\n"), *hello()[2:], *bye()]
    path = Pcap().add(lines).write(tmp_path / "hostile.pcap")
    for format in ("table", "json"):
        assert explain(path, "--session", "10.0.0.1", "--format", format) == 0
        assert all(line.isprintable() for line in capsys.readouterr().out.splitlines())


def test_user_names_can_be_left_out(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMTPAUTH_REDACT_KEY", "a key")
    assert explain(OFFICE, "--session", COPIER, "--redact-users") == 0
    out = capsys.readouterr().out
    assert "scan@office.example" not in out
    assert out.count("user-") >= 3


# --- which session --------------------------------------------------------------------------------


def test_where_several_match_they_are_listed_with_ways_to_choose(capsys: pytest.CaptureFixture[str]) -> None:
    assert explain(OFFICE, "--session", "10.20.0.102") == 2
    out, err = capsys.readouterr()
    assert out == ""
    first, *table = err.splitlines()
    assert first.startswith(
        "smtpauth: 3 sessions match 10.20.0.102; choose one by port, with --start TIME or with --nth"
    )
    assert table[0].split() == ["Nth", "Start", "(UTC)", "Client", "Server", "TLS", "Login"]
    assert table[2].split()[:4] == ["1", "2026-11-24", "00:51:34.371821", "10.20.0.102:50704"]
    for number, line in enumerate(table[2:], 1):  # each way that the list shows leads to its session
        _, date, time, client = line.split()[:4]
        for choice in (["--nth", str(number)], ["--start", f"{date} {time}"], ["--start", f"{date}T{time}Z"]):
            assert explain(OFFICE, "--session", "10.20.0.102", *choice) == 0
            assert f"client    {client}" in capsys.readouterr().out
        assert explain(OFFICE, "--session", client) == 0
        capsys.readouterr()


def test_a_number_beyond_the_last_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert explain(OFFICE, "--session", TLS, "--nth", "2") == 2
    assert capsys.readouterr().err.startswith(f"smtpauth: --nth 2: only 1 session matches {TLS}:\n")


def test_a_client_that_is_not_there_is_told_with_some_that_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert explain(OFFICE, "--session", "10.9.9.9") == 2
    err = capsys.readouterr().err
    assert err.startswith("smtpauth: no session of 10.9.9.9; clients are 10.20.0.40, ")
    assert err.endswith(" and 9 more\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["10.20.0.102:7"], "no session of 10.20.0.102:7; the client 10.20.0.102 has others:"),
        (["10.20.0.102", "--start", "03:00"], "no session of 10.20.0.102 began at 03:00; the client 10.20.0.102"),
    ],
)
def test_a_near_miss_shows_the_clients_sessions(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert explain(OFFICE, "--session", *arguments) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"smtpauth: {said}")
    assert err.count("10.20.0.102:") >= 3


def test_many_matches_are_counted_and_the_first_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pcap = Pcap()
    for port in range(40000, 40030):
        pcap.add(hello() + bye(), port=port)
    assert explain(pcap.write(tmp_path / "many.pcap"), "--session", "10.0.0.1") == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("smtpauth: 30 sessions match")
    assert (len(lines), lines[-1]) == (24, "... and 10 more")


def test_no_mail_at_all_hints_at_other_ports(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = Pcap().add(hello() + bye(), server_port=1025).write(tmp_path / "other.pcap")
    assert explain(path, "--session", "10.0.0.1") == 2
    assert "no session at all on TCP ports 25, 465, 587" in capsys.readouterr().err
    assert explain(path, "--session", "10.0.0.1", "--port", "1025") == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--session", "copier"], "--session 'copier': not an address"),
        (["--session", "10.0.0.1:99999"], "99999 is not a TCP port"),
        (["--session", "10.0.0.1", "--start", "noon"], "--start 'noon': not a time"),
        (["--session", "10.0.0.1", "--nth", "0"], "'0' is not a positive whole number"),
        ([], "the following arguments are required: --session"),
    ],
)
def test_wrong_usage_is_one_line(arguments: list[str], said: str) -> None:
    done = run("explain", OFFICE, *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


# --- as other commands do -------------------------------------------------------------------------


def test_a_file_appears_only_where_there_is_something_to_explain(tmp_path: Path) -> None:
    path = tmp_path / "why.txt"
    assert explain(OFFICE, "--session", "10.9.9.9", "--output", path) == 2
    assert not path.exists()
    assert explain(OFFICE, "--session", COPIER, "--output", path) == 0
    assert path.read_text().startswith("Session\n")


def test_a_cut_capture_is_explained_and_incomplete(capsys: pytest.CaptureFixture[str]) -> None:
    path = GENERATED / "pcap-cut-record.pcap"
    assert explain(path, "--session", "10.20.0.200", "--format", "json") == 3
    out, err = capsys.readouterr()
    assert json.loads(out)["complete"] is False
    assert "Incomplete: " in err


def test_a_configuration_holds_for_explain_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "smtpauth.toml"
    config.write_text('[explain]\nformat = "json"\nredact-users = true\n')
    assert explain(OFFICE, "--session", COPIER, "--config", config) == 0
    assert json.loads(capsys.readouterr().out)["session"]["auth"][0]["username"].startswith("user-")


def test_standard_input_is_read() -> None:
    path = MECHANISMS / "clear-login-two-steps.pcap"
    with path.open("rb") as capture:
        done = run("explain", "-", "--session", "10.20.0.200", stdin=capture)
    assert (done.returncode, done.stderr) == (0, "")
    assert "AUTH LOGIN" in done.stdout


def test_a_pipe_gets_100_columns_and_no_colour() -> None:
    done = run("explain", OFFICE, "--session", TLS)
    assert max(map(len, done.stdout.splitlines())) <= 100
    assert "\x1b" not in done.stdout


def test_an_interrupted_run_explains_what_it_has() -> None:
    ours, theirs = os.pipe()
    process = subprocess.Popen(
        [*COMMAND, "explain", "-", "--session", "10.20.0.200", "-q"],
        stdin=ours,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    try:
        os.write(theirs, (MECHANISMS / "clear-login-two-steps.pcap").read_bytes())
        sleep(2)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
        os.close(ours)
        os.close(theirs)
    assert process.returncode == 130
    assert b"AUTH LOGIN" in out
