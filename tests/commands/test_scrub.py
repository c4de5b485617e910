"""The command as users, pipes and scheduled jobs meet it."""

from __future__ import annotations

import fcntl
import io
import os
import signal
import stat
import struct
import termios
from pathlib import Path
from time import monotonic, sleep

import pytest

from analyzer.cli import main
from analyzer.scrub import Scrubber, plan
from tests.capture.writers import Frame, pcap
from tests.commands.running import GENERATED, MECHANISMS, OFFICE, PATIENCE, run, shell, start
from tests.smtp.canaries import shows
from tests.test_secrets import CANARY

ONE = OFFICE / "office-1.pcap"
SUMMARY = "smtpauth: 451 of 490 packets kept, of 15 conversations, 39 left out; 13 credentials blanked\n"


def inventory(*paths: Path | str) -> str:
    return run("scan", *paths, "-q").stdout.partition("\n\n")[0]


def silent(path: Path) -> bool:
    return not shows(path.read_bytes(), CANARY.decode())


def test_the_copy_says_the_same_and_shows_no_secret(tmp_path: Path) -> None:
    shared = tmp_path / "shared.pcap"
    done = run("scrub", ONE, shared)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == SUMMARY
    assert silent(shared)
    assert not silent(ONE)
    assert inventory(shared) == inventory(ONE)
    assert {path.name for path in tmp_path.iterdir()} == {"shared.pcap"}


def test_several_inputs_become_one_capture(tmp_path: Path) -> None:
    shared = tmp_path / "shared.pcap"
    assert (
        run("scrub", OFFICE / "office-1.pcap", OFFICE / "office-2.pcap.gz", OFFICE / "office-3.pcap", shared).returncode
        == 0
    )
    assert inventory(shared) == inventory(OFFICE)
    assert silent(shared)


def test_a_pipe_is_read_twice_and_written_to_a_pipe() -> None:
    done = shell(f"smtpauth scrub - - < {ONE} | smtpauth scan -q -")
    assert (done.returncode, done.stderr) == (
        0,
        "smtpauth: 451 of 490 packets kept, of 15 conversations, 39 left out; 13 credentials blanked\n",
    )
    assert done.stdout.partition("\n\n")[0] == inventory(ONE)
    piped = shell(f"cat {ONE} | smtpauth scrub -q - - | smtpauth scan -q -")
    assert piped.stdout == done.stdout


def test_an_output_among_the_inputs_is_none_of_them(tmp_path: Path) -> None:
    (tmp_path / "one.pcap").write_bytes(ONE.read_bytes())
    assert main(["scrub", "-q", str(tmp_path), str(tmp_path / "shared.pcap")]) == 0
    assert inventory(tmp_path / "shared.pcap") == inventory(ONE)


def test_options_say_what_is_shown(tmp_path: Path) -> None:
    large = MECHANISMS / "clear-several-messages.pcap"
    text = b"Subject:"
    copies = {}
    for option in ("--same-lengths", "--keep-messages", "--redact-users"):
        copies[option] = tmp_path / option
        assert main(["scrub", "-q", option, str(large), str(copies[option])]) == 0
    assert text not in copies["--same-lengths"].read_bytes()
    assert text in copies["--keep-messages"].read_bytes()
    assert copies["--same-lengths"].stat().st_size == large.stat().st_size
    assert "bench@" in inventory(copies["--keep-messages"])
    assert "user-" in inventory(copies["--redact-users"])
    assert b"bench@" not in copies["--redact-users"].read_bytes()


def test_verbose_tells_what_else_was_blanked_and_quiet_tells_nothing(tmp_path: Path) -> None:
    told = run("scrub", "-v", ONE, tmp_path / "a").stderr
    assert "also blanked: 0 lines that were no known command" in told
    assert "office-1.pcap: pcap, 490 packets" in told
    assert run("scrub", "-q", ONE, tmp_path / "b").stderr == ""


# --- what goes wrong ------------------------------------------------------------------------------


def said(*arguments: str | Path, capsys: pytest.CaptureFixture[str]) -> str:
    """What the command says when it refuses: one line."""
    assert main(["scrub", *map(str, arguments)]) == 2
    told = capsys.readouterr()
    assert not told.out
    assert told.err.count("\n") == 1
    return told.err


def test_a_capture_is_never_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = tmp_path / "copy.pcap"
    copy.write_bytes(ONE.read_bytes())
    for arguments in ([copy, copy], [ONE, copy]):
        assert "it is a capture" in said(*arguments, capsys=capsys)
    assert copy.read_bytes() == ONE.read_bytes()


def test_inputs_that_cannot_be_read_leave_no_output(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out.pcap"
    assert "no such file" in said(tmp_path / "absent.pcap", out, capsys=capsys)
    (tmp_path / "text").write_text("no capture at all, just words")
    assert "not a capture" in said(tmp_path / "text", out, capsys=capsys)
    (tmp_path / "bus.pcap").write_bytes(pcap([Frame(0, b"x" * 60, 60, 1)], link_type=227))
    assert "link type 227, which cannot be decoded" in said(tmp_path / "bus.pcap", out, capsys=capsys)
    assert {path.name for path in tmp_path.iterdir()} == {"text", "bus.pcap"}


def test_an_output_that_cannot_be_written_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "cannot be written" in said(ONE, tmp_path / "no" / "such" / "folder", capsys=capsys)
    if os.path.exists("/dev/full"):
        assert "No space left" in said(ONE, "/dev/full", capsys=capsys)


def test_temporary_files_leave_nothing_behind(tmp_path: Path) -> None:
    done = run("scrub", ONE, tmp_path / "out", env={**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": "."})
    assert done.returncode == 0
    assert {path.name for path in tmp_path.iterdir()} == {"out"}


def test_a_terminal_is_no_place_for_a_capture(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdout", Terminal())
    assert main(["scrub", str(ONE), "-"]) == 2
    assert "the output is a terminal" in capsys.readouterr().err


def test_part_of_an_input_missing_makes_the_copy_incomplete(tmp_path: Path) -> None:
    done = run("scrub", GENERATED / "pcap-cut-record.pcap", tmp_path / "shared.pcap")
    assert done.returncode == 3
    assert "cut off in its last record" in done.stderr
    assert silent(tmp_path / "shared.pcap")


def test_conversations_that_memory_had_no_room_for_make_it_incomplete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(plan.Plans.__init__, "__kwdefaults__", {"most_pieces": 10, "most": 1})
    assert main(["scrub", str(ONE), str(tmp_path / "shared.pcap")]) == 3
    assert "conversations were left out to spare memory" in capsys.readouterr().err


def test_no_mail_at_all_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "other.pcap").write_bytes(pcap([Frame(0, b"x" * 60, 60, 1)]))
    assert main(["scrub", str(tmp_path / "other.pcap"), str(tmp_path / "shared.pcap")]) == 0
    assert "no mail was found" in capsys.readouterr().err
    assert (tmp_path / "shared.pcap").stat().st_size == 24


def test_keys_and_comments_of_a_capture_are_not_copied(tmp_path: Path) -> None:
    blob = (GENERATED / "pcapng-secrets.pcapng").read_bytes()
    assert b"CLIENT_" in blob
    assert main(["scrub", "-q", str(GENERATED / "pcapng-secrets.pcapng"), str(tmp_path / "shared")]) in (0, 3)
    assert b"CLIENT_" not in (tmp_path / "shared").read_bytes()


def test_a_copy_is_as_private_as_what_it_replaces(tmp_path: Path) -> None:
    (tmp_path / "shared.pcap").touch(0o600)
    assert main(["scrub", "-q", str(ONE), str(tmp_path / "shared.pcap")]) == 0
    assert stat.S_IMODE((tmp_path / "shared.pcap").stat().st_mode) == 0o600


def unread(pipe: int) -> int:
    """Bytes in a pipe that its reader has not taken."""
    count: int = struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))[0]
    return count


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_pipe_and_what_had_come_by_then_is_written(number: signal.Signals, tmp_path: Path) -> None:
    pipe, shared = tmp_path / "pipe", tmp_path / "shared.pcap"
    os.mkfifo(pipe)
    running = start("scrub", pipe, shared)
    with pipe.open("wb") as writer:
        writer.write(ONE.read_bytes()[:5000])
        writer.flush()
        deadline = monotonic() + PATIENCE
        while unread(writer.fileno()) and monotonic() < deadline:
            sleep(0.02)
        sleep(0.5)  # taken from the pipe, but perhaps not written down yet
        running.send_signal(number)
        assert running.wait(PATIENCE) == 130
    running.communicate()
    assert silent(shared)
    assert run("scan", shared, "-q").stdout


def test_a_named_pipe_is_read_twice_too(tmp_path: Path) -> None:
    done = shell(f"smtpauth scrub <(cat {ONE}) {tmp_path / 'shared.pcap'}")
    assert done.returncode == 0
    assert inventory(tmp_path / "shared.pcap") == inventory(ONE)


def test_a_run_that_is_interrupted_otherwise_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Scrubber, "scrub", interrupted)
    assert main(["scrub", str(ONE), str(tmp_path / "shared.pcap")]) == 130
    assert not [*tmp_path.iterdir()]


def test_a_configuration_file_has_defaults_for_it(tmp_path: Path) -> None:
    config = tmp_path / "smtpauth.toml"
    config.write_text("[scrub]\nredact-users = true\nquiet = true\n")
    done = run("scrub", "--config", config, ONE, tmp_path / "shared.pcap")
    assert (done.returncode, done.stderr) == (0, "")
    assert "user-" in inventory(tmp_path / "shared.pcap")
