"""What cannot be read at all: one line that names it and says what is wrong, exit code 2, and no traceback."""

from __future__ import annotations

import bz2
import errno
import gzip
import lzma
import os
import pty
import shutil
import subprocess
from pathlib import Path

import lz4.frame
import pytest
import zstandard

from analyzer.cli import main
from tests.commands.running import COMMAND, OFFICE, PATIENCE, environment, run, shell, start

WHOLE = (OFFICE / "office-1.pcap").read_bytes()
NOISE = bytes(range(256)) * 20

COMPRESS = {
    "gzip": gzip.compress,
    "zstd": zstandard.ZstdCompressor().compress,
    "xz": lzma.compress,
    "bzip2": bz2.compress,
    "lz4": lz4.frame.compress,
}

CONTENTS: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "it is empty"),
    "text": (b"Dear colleague,\n\nplease find attached\n", "not a capture: it looks like text"),
    "png": (b"\x89PNG\r\n\x1a\n" + bytes(100), "not a capture: it looks like a PNG image"),
    "noise": (b"\x99" + NOISE, "not a capture"),
    "pcap-header-cut": (WHOLE[:20], "cut off within its header"),
    "pcapng-header-cut": (b"\x0a\x0d\x0d\x0a\x1c\0\0\0\x4d\x3c", "cut off within its first block"),
    "unknown-link-type": (WHOLE[:20] + (147).to_bytes(4, "little") + WHOLE[24:], "link type 147"),
    **{f"{name}-of-noise": (compress(NOISE), "not a capture, behind its") for name, compress in COMPRESS.items()},
    **{f"{name}-of-nothing": (compress(b""), "of an empty file") for name, compress in COMPRESS.items()},
    **{f"{name}-cut": (compress(WHOLE)[:20], "data ends too early") for name, compress in COMPRESS.items()},
}


def refused(*arguments: str, code: int = 2) -> str:
    """What the command says on standard error, which is one line and all it says."""
    done = run("scan", *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith("smtpauth: ")
    assert done.stderr.count("\n") == 1
    return done.stderr


@pytest.mark.parametrize("kind", CONTENTS)
def test_what_is_no_capture_is_told_by_name(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content, problem = CONTENTS[kind]
    path = tmp_path / "input-of-mine"
    path.write_bytes(content)
    assert main(["scan", str(path)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert "input-of-mine" in said.err
    assert problem in said.err


def test_a_name_that_is_not_there_is_told() -> None:
    assert "absent.pcap: no such file or directory; check the spelling" in refused("absent.pcap")
    assert "absent-*.pcap: no file matches this pattern" in refused("absent-*.pcap")
    assert "'': no such file" in refused("")


def test_a_directory_without_captures_is_told(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    assert "this directory holds no capture" in refused(str(tmp_path))


def test_a_device_without_content_is_told() -> None:
    assert "/dev/null: it is empty" in refused("/dev/null")


def test_several_unusable_inputs_are_told_in_one_line(tmp_path: Path) -> None:
    said = refused("absent.pcap", str(tmp_path), "/dev/null", "gone.pcap", "lost.pcap")
    assert said.startswith("smtpauth: none of the 5 inputs can be used: absent.pcap: no such file")
    assert "and 2 more" in said


def test_control_characters_in_a_name_do_not_reach_the_terminal() -> None:
    said = refused("a\x1b[31mb\nc.pcap")
    assert said.strip().isprintable()


def test_a_file_that_may_not_be_read_is_told(tmp_path: Path) -> None:
    path = tmp_path / "secret.pcap"
    path.write_bytes(WHOLE)
    path.chmod(0)
    command = [*COMMAND, "scan", str(path)]
    if os.geteuid() == 0:  # root reads everything, unless it gives that right away
        setpriv = shutil.which("setpriv")
        if setpriv is None:
            pytest.skip("root cannot be kept from reading a file without setpriv")
        command = [setpriv, "--bounding-set=-dac_override,-dac_read_search", *command]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(), timeout=PATIENCE)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"smtpauth: {path}: permission denied; run as a user who may read it\n"


# --- standard input -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stdin", "told"),
    [
        ("</dev/null", "standard input: it is empty"),
        ("<&-", "standard input: it is closed"),
        (f"<{__file__}", "standard input: not a capture: it looks like text"),
    ],
)
def test_standard_input_that_is_no_capture_is_told(stdin: str, told: str) -> None:
    done = shell(f"smtpauth scan - {stdin}")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert told in done.stderr


def test_a_terminal_is_told_from_a_capture() -> None:
    ours, theirs = pty.openpty()
    try:
        process = start("scan", "-", stdin=theirs)
        _, said = process.communicate(timeout=PATIENCE)
    finally:
        os.close(ours)
        os.close(theirs)
    assert process.returncode == 2
    assert b"standard input: it is a terminal, not a capture" in said


def test_a_named_pipe_is_read_and_an_empty_one_told(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for content, code in ((WHOLE, 0), (b"", 2)):
        process = start("scan", pipe)
        with pipe.open("wb") as end:
            end.write(content)
        process.communicate(timeout=PATIENCE)
        assert process.returncode == code


# --- usage ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["scan"], "the following arguments are required: PATH (see 'smtpauth scan --help')"),
        (["scan", "x", "--port", "0"], "'0' is not a positive whole number"),
        (["scan", "x", "--port", "65536"], "'65536' is not a TCP port (1 to 65535)"),
        (["scan", "x", "--port", "smtp"], "'smtp' is not a positive whole number"),
        (["scan", "x", "--port", "٢٥"], "is not a positive whole number"),
        (["scan", "x", "--max-held", "-1"], "--max-held"),
        (["scan", "x", "--idle", "1.5"], "'1.5' is not a positive whole number"),
        (["scan", "x", "--format", "xml"], "invalid choice: 'xml'"),
        (["scan", "x", "--fail-on", "oauth"], "invalid choice: 'oauth'"),
        (["scan", "x", "--fail-on"], "expected one argument"),
        (["scan", "x", "--sess"], "unrecognized arguments: --sess"),
        (["verify", "x", "--workers", "2"], "unrecognized arguments: --workers"),
        (["snif"], "invalid choice: 'snif'"),
    ],
)
def test_wrong_usage_is_told_with_where_help_is(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert told in said.err
    assert "--help')" in said.err


def test_no_command_is_wrong_usage_and_gets_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("usage: smtpauth")


@pytest.mark.parametrize(
    ("shortage", "told"),
    [(MemoryError(), "out of memory; lower --max-held"), (OSError(errno.EMFILE, "Too many open files"), "ulimit -n")],
)
def test_a_shortage_is_one_line_with_a_way_out(
    shortage: Exception, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(paths: object, **_: object) -> None:
        raise shortage

    monkeypatch.setattr("analyzer.commands.scan.open_captures", fail)
    assert main(["scan", "x"]) == 2
    said = capsys.readouterr().err
    assert told in said
    assert said.count("\n") == 1


def test_a_bug_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analyzer.commands.scan.open_captures", lambda paths, **_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        main(["scan", "x"])
