"""``smtpauth store``, and ``scan --store``."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from shutil import copy
from typing import NamedTuple

import pytest

from analyzer.cli import main
from analyzer.report.redact import Redactor
from analyzer.store import open_store
from tests.commands.running import COMMAND, OFFICE, environment, shell
from tests.support.material import REPOSITORY

_EVER = (date(1970, 1, 1), date(2262, 1, 1))


class Done(NamedTuple):
    """What a call of the command came to."""

    returncode: int
    stdout: str
    stderr: str


Call = Callable[..., Done]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Call:
    """The command, called in this process: starting one for each call would take most of the time."""

    def called(*arguments: str | Path, folder: Path | None = None, **variables: str) -> Done:
        if folder is not None:
            monkeypatch.chdir(folder)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        capsys.readouterr()
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as exit:
            code = int(exit.code or 0)
        return Done(code, *capsys.readouterr())

    return called


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of the office's traffic, not to be changed."""
    folder = tmp_path_factory.mktemp("office")
    name = folder / "mail.db"
    assert main(["scan", str(OFFICE), "--store", str(name), "--sensor", "tap1", "-q", "--output", f"{folder}/o"]) == 0
    return name


@pytest.fixture
def filled(office: Path, tmp_path: Path) -> str:
    """A copy of it."""
    return str(copy(office, tmp_path / "mail.db"))


def test_a_scan_puts_into_the_store_what_it_prints(call: Call, filled: str, tmp_path: Path) -> None:
    printed = call("scan", OFFICE, "--format", "json")
    with open_store(filled) as store:
        inventory = store.inventory(*_EVER)
        devices = {device.device: device.status for device in inventory.devices()}
        assert store.status().sensors == ("tap1",)
        assert store.status().inputs == 3
    assert devices == {device["device"]: device["status"] for device in json.loads(printed.stdout)["devices"]}


def test_the_same_captures_again_in_parts_change_nothing(call: Call, filled: str, tmp_path: Path) -> None:
    before = call("store", "export", filled).stdout
    for capture in sorted(OFFICE.glob("*.pcap*"), reverse=True):
        done = call("scan", capture, "--store", filled, "--sensor", "tap1", "--format", "csv")
        assert done.returncode in (0, 3), done.stderr
    with open_store(filled) as store:
        assert store.inventory(*_EVER).summary().sessions == 37
    assert before.count('"session"') == 37


def test_what_became_of_the_sessions_is_told_with_verbose(call: Call, filled: str) -> None:
    done = call("scan", OFFICE, "--store", filled, "-v")
    assert "0 sessions stored, 0 completed, 37 known already" in done.stderr


def test_a_cut_capture_is_stored_and_marked(call: Call, tmp_path: Path) -> None:
    cut = tmp_path / "cut.pcap"
    cut.write_bytes((OFFICE / "office-1.pcap").read_bytes()[:-17])
    assert call("scan", cut, "--store", tmp_path / "mail.db").returncode == 3
    with open_store(str(tmp_path / "mail.db")) as store:
        assert store.status().sessions > 0
        assert store.quality(*_EVER).damaged == 1


def test_user_names_are_replaced_before_they_are_stored(call: Call, tmp_path: Path) -> None:
    name = tmp_path / "mail.db"
    done = call("scan", OFFICE, "--store", name, "--redact-users", SMTPAUTH_REDACT_KEY="k")
    assert done.returncode == 0
    exported = call("store", "export", name).stdout
    plain = call("scan", OFFICE, "--format", "json")
    users = {user for device in json.loads(plain.stdout)["devices"] for user in device["accounts"]}
    assert users
    raw = b"".join(path.read_bytes() for path in tmp_path.glob("mail.db*"))
    for user in users:
        assert f'"username":"{user}"' not in exported
        assert f'"username":"{user}"'.encode() not in raw
        assert Redactor(b"k").alias(user) in exported


def test_the_result_is_printed_even_if_the_store_breaks(filled: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import sqlite3

    other = sqlite3.connect(filled, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    program = "from analyzer.store import engine; engine.WAIT = 0.2\n"
    program += "import analyzer.store.store as s; s.open_store.__kwdefaults__['wait'] = 0.2\n"
    program += "import sys; from analyzer.cli import main; sys.exit(main(sys.argv[1:]))"
    arguments = ["scan", str(OFFICE), "--store", filled]
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False, cwd=REPOSITORY
    )
    other.close()
    assert done.returncode == 2
    assert "another process keeps it locked" in done.stderr
    assert "10.20.0" in done.stdout


def test_status_tells_what_is_there(call: Call, filled: str) -> None:
    table = call("store", "status", filled)
    assert table.returncode == 0
    assert "Sessions    37" in table.stdout
    record = json.loads(call("store", "status", filled, "--format", "json").stdout)
    assert (record["sessions"], record["sensors"], record["first"]) == (37, ["tap1"], "2026-11-24")


def test_a_store_goes_through_a_pipe_into_another(call: Call, filled: str, tmp_path: Path) -> None:
    piped = shell(f"smtpauth store export {filled} - | smtpauth store import {tmp_path}/b.db -")
    assert piped.returncode == 0, piped.stderr
    assert "37 sessions stored" in piped.stderr
    again = call("store", "export", tmp_path / "b.db", tmp_path / "b.jsonl")
    assert (again.returncode, again.stdout) == (0, "")
    assert sorted((tmp_path / "b.jsonl").read_text().splitlines()) == sorted(
        call("store", "export", filled).stdout.splitlines()
    )
    done = call("store", "import", tmp_path / "b.db", tmp_path / "b.jsonl")
    assert "0 sessions stored, 0 completed, 37 known already" in done.stderr


def test_prune_and_init_say_what_they_did(call: Call, filled: str, tmp_path: Path) -> None:
    assert "0 sessions removed" in call("store", "prune", filled, "--keep-days", "1000000000").stderr
    assert "0 sessions removed" in call("store", "prune", filled, "--keep-days", "007").stderr
    assert json.loads(call("store", "status", filled, "--format", "json").stdout)["keep_days"] == 7
    assert "nothing to do" in call("store", "init", filled).stderr
    done = call("store", "init", tmp_path / "new.db")
    assert (done.returncode, done.stderr.endswith("ready\n")) == (0, True)
    assert call("store", "init", tmp_path / "new.db", "-q").stderr == ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["status", "x.db", "y"], "takes no file"),
        (["status", "x.db", "--keep-days", "3"], "goes with 'store prune'"),
        (["prune", "x.db", "--keep-days", "0"], "positive whole number"),
        (["prune", "x.db", "--keep-days", "1000000001"], "argument --keep-days: it is more than 1,000,000,000"),
        (["prune", "x.db", "--keep-days", "9" * 5_000], "argument --keep-days: it is more than 1,000,000,000"),
        (["vacuum", "x.db"], "invalid choice"),
        (["export", "none.db"], "there is no store yet"),
        (["import", "x.db", "no/such/file"], "cannot be read"),
        (["import", "x.db", "/dev/null"], "/dev/null: this is not what 'smtpauth store export' writes"),
        (["export", "mysql://a:secret@b/c"], "a store is"),
        (["postgresql://a:secret@b/c", "status"], "invalid choice: 'postgresql://a:***@b/c'"),
        (["status", "x.db", "y", "postgresql://a:my@secret@b/c"], "unrecognized arguments: postgresql://a:***@b/c"),
    ],
)
def test_what_cannot_be_done_is_one_line(call: Call, tmp_path: Path, arguments: list[str], words: str) -> None:
    done = call("store", *arguments, folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert words in done.stderr
    assert "secret" not in done.stderr


def test_a_reader_that_has_seen_enough_ends_an_export_quietly(filled: str) -> None:
    command = " ".join([*COMMAND, "store", "export", filled])
    done = subprocess.run(
        ["bash", "-c", f"{command} | head -c 1"], capture_output=True, text=True, check=True, env=environment()
    )
    assert done.stderr == ""
