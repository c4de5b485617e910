"""``smtpauth scan --workers``: the same answer from several processes, and when there are several unasked."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
from types import SimpleNamespace

import pytest

from analyzer.commands import sharing
from analyzer.commands.sharing import MOST, WORTH_IT, Sharing
from analyzer.errors import UsageError
from tests.commands.running import GENERATED, MECHANISMS, OFFICE, PATIENCE, run, start
from tests.support.material import REPOSITORY

TLS = REPOSITORY / "captures" / "tls"
SECRETS = GENERATED / "pcapng-secrets.pcapng"


@pytest.mark.parametrize(
    "how", [["--format", "json"], ["--sessions", "--format", "jsonl"]], ids=["devices", "sessions"]
)
def test_the_answer_is_the_same_to_the_byte(how: list[str]) -> None:
    alone, together = (run("scan", OFFICE, MECHANISMS, TLS, *how, "-v", "--workers", n) for n in ("1", "3"))
    assert alone.returncode == together.returncode == 0
    assert len(alone.stdout) > 10_000
    assert together.stdout == alone.stdout
    assert together.stderr == alone.stderr


def test_a_store_gets_what_one_process_would_have_given_it(tmp_path: os.PathLike[str]) -> None:
    for n in ("1", "2"):
        store = os.path.join(tmp_path, f"{n}.db")
        assert run("scan", OFFICE, "--store", store, "--sensor", "here", "--workers", n).returncode == 0
    told = [run("store", "export", os.path.join(tmp_path, f"{n}.db")).stdout for n in ("1", "2")]
    assert sorted(told[0].splitlines()) == sorted(told[1].splitlines())


def test_what_is_known_when_the_user_has_had_enough_is_written() -> None:
    """Ctrl-C reaches every process of a terminal's group; the workers go on until they are told."""
    ours, theirs = os.pipe()
    process = start("scan", "-", "--workers", "2", "--format", "jsonl", stdin=ours, start_new_session=True)
    try:
        os.write(theirs, (MECHANISMS / "clear-login-two-steps.pcap").read_bytes())
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=4)  # it reads on
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
        os.close(ours)
        os.close(theirs)
    assert process.returncode == 130
    assert out.count(b"\n") == 1
    assert err.decode() == "smtpauth: Interrupted: the result covers what had been read until then.\n"


def test_keys_are_not_used_by_several_and_that_is_told() -> None:
    refused = run("scan", SECRETS, "--keylog", REPOSITORY / "captures" / "keys.log", "--workers", "2")
    assert refused.returncode == 2
    assert refused.stderr == "smtpauth: --workers goes without --keylog: keys are used by one process\n"
    found = run("scan", SECRETS, "--workers", "2")
    assert found.returncode == 3
    assert "TLS keys: the capture has some, which --workers cannot use; leave it out" in found.stderr


@pytest.mark.parametrize("number", ["0", "-1", "two"])
def test_a_number_of_workers_that_is_none_is_told(number: str) -> None:
    assert run("scan", OFFICE, "--workers", number).returncode == 2


# --- how many there are unasked ------------------------------------------------------------------------


def size(segments: int, *, read: int = 1, total: int | None = 1, **given: object) -> int:
    """Processes for a capture of which so much was read, with so many segments in it."""
    options = argparse.Namespace(**{"workers": None, "keylog": [], **given})
    captures = SimpleNamespace(sources=[SimpleNamespace(format="pcap")], bytes_read=read, bytes_total=total)
    return Sharing(options, captures).size(segments)  # type: ignore[arg-type]


def test_there_are_several_only_where_there_is_much_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "_processors", lambda: 3)
    assert size(WORTH_IT) == 3
    assert size(WORTH_IT - 1) == 1
    assert size(WORTH_IT // 10, read=5, total=50) == 3  # the rest is like the beginning
    assert size(WORTH_IT // 10, read=5, total=49) == 1
    assert size(WORTH_IT, total=None) == 1  # a pipe: nobody knows
    assert size(0, read=0, total=0) == 1
    monkeypatch.setattr(sharing, "_processors", lambda: 64)
    assert size(WORTH_IT) == MOST


def test_what_is_asked_for_is_done() -> None:
    assert size(1, workers=7) == 7
    assert size(10 * WORTH_IT, workers=1) == 1


def test_one_process_uses_keys() -> None:
    assert size(10 * WORTH_IT, keylog=["keys.log"]) == 1
    with pytest.raises(UsageError, match="without --keylog"):
        size(1, keylog=["keys.log"], workers=2)
    pcapng = SimpleNamespace(sources=[SimpleNamespace(format="pcapng")], bytes_read=1, bytes_total=1)
    options = argparse.Namespace(workers=None, keylog=[])
    assert Sharing(options, pcapng).size(10 * WORTH_IT) == 1  # type: ignore[arg-type]


def test_the_processors_are_those_that_may_be_used() -> None:
    assert 1 <= sharing._processors() <= (os.cpu_count() or 1)
