"""What the user names becomes inputs, each once; what cannot be used is named in one line."""

from __future__ import annotations

import gzip
import io
import os
import sys
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from analyzer.capture import inert, inputs, open_captures
from analyzer.capture.inputs import expand
from analyzer.capture.names import natural_key
from analyzer.errors import InputError, UsageError
from tests.capture import writers
from tests.capture.reading import read_paths
from tests.capture.writers import frame

EARLY, LATE = writers.pcap([frame(1, b"early")]), writers.pcapng([frame(100, b"late")])


def names_of(*paths: Path | str) -> list[str]:
    found, failures = expand([str(path) for path in paths])
    assert not failures
    return [Path(one.name).name for one in found]


def message_of(*paths: Path | str, stdin: Any = None) -> str:
    with pytest.raises(UsageError) as caught:
        open_captures([str(path) for path in paths], stdin=stdin)
    message = str(caught.value)
    assert message.isprintable()
    return message


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder as people have them."""
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "office_10.pcap").write_bytes(EARLY)
    (tmp_path / "office_9.pcap").write_bytes(EARLY)
    (tmp_path / "notes.pcap").write_text("these are notes\n")
    (tmp_path / "empty.pcap").write_bytes(b"")
    (tmp_path / "image").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    (tmp_path / "log.gz").write_bytes(gzip.compress(b"a log\n"))
    (tmp_path / "deep" / "er" / "no-suffix").write_bytes(LATE)
    (tmp_path / "deep" / "packed").write_bytes(gzip.compress(LATE))
    os.mkfifo(tmp_path / "pipe.pcap")
    (tmp_path / "dangling.pcap").symlink_to(tmp_path / "gone")
    return tmp_path


def test_a_directory_gives_its_captures_by_content_and_in_natural_order(folder: Path) -> None:
    assert names_of(folder) == ["office_9.pcap", "office_10.pcap", "packed", "no-suffix"]


def test_a_directory_may_be_given_with_a_file_in_it_or_a_link_to_one(folder: Path) -> None:
    (folder / "deep" / "link").symlink_to(folder / "office_9.pcap")
    os.link(folder / "office_9.pcap", folder / "deep" / "hard-link")
    assert names_of(folder / "deep" / "link", folder, folder / "office_9.pcap").count("office_9.pcap") == 0
    assert len(names_of(folder, folder / "deep" / "link", folder)) == 4


def test_globs_are_expanded_where_no_file_has_the_name(folder: Path) -> None:
    assert names_of(folder / "office_*") == ["office_9.pcap", "office_10.pcap"]
    assert names_of(f"{folder}/**/no-*") == ["no-suffix"]
    (folder / "office_[9].pcap").write_bytes(LATE)
    assert names_of(folder / "office_[9].pcap") == ["office_[9].pcap"]


def test_a_truncated_archive_in_a_directory_is_not_passed_over(folder: Path) -> None:
    (folder / "cut.pcap.gz").write_bytes(gzip.compress(EARLY)[:11])
    _, captures = read_paths(folder)
    assert [failure.problem for failure in captures.failures] == ["its gzip data ends too early"]
    assert len(captures.sources) == 4


def test_standard_input_is_read_once() -> None:
    found, _ = expand(["-", "-"], io.BytesIO(EARLY))
    assert [one.name for one in found] == ["standard input"]


def test_the_process_has_a_standard_input_too() -> None:
    class Standard:
        buffer = io.BytesIO(EARLY)

    with patch.object(sys, "stdin", Standard):
        assert expand(["-"])[0][0].stream is Standard.buffer
    with patch.object(sys, "stdin", None):
        assert "closed" in message_of("-")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "it is empty"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(50), "a JPEG image"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "a PNG image"),
        (b"%PDF-1.7\n%\xe2\xe3", "a PDF document"),
        (b"PK\x03\x04" + bytes(50), "a ZIP archive or Office document; unpack it first"),
        (b"\x7fELF\x02\x01\x01" + bytes(50), "an ELF program"),
        (b"<!DOCTYPE html>\n<html><title>Sign in</title>", "an HTML page"),
        (b'<?xml version="1.0"?><pdml/>', "an XML document"),
        (b"12:00:01.5 IP 10.0.0.1.25 > 10.0.0.2: Flags [S]\n", "text"),
        ("größer".encode() * 100, "text"),
        (b"." + "ö".encode() * 300, "text"),  # cut within a character
        (b"\xf6 in Latin-1, or anything else" * 9, "not a capture; give a pcap or pcapng file"),
        (b"snoop\x00\x00\x00\x00\x00\x00\x02", "a Solaris snoop capture; convert it first: editcap"),
        (b"GMBU\x00\x02" + bytes(50), "a Microsoft Network Monitor 2 capture; convert it first"),
        (b"MZ" + bytes(50), "a Windows program or event trace"),
        (b"SQLite format 3\x00" + bytes(50), "an SQLite database"),
        (b"\x02\x21\x4c\x18" + bytes(50), "old-style (legacy) LZ4 data"),
        (b"\x1f\x9d\x90" + bytes(50), "Unix compress (.Z) data"),
        (b"\x01\x02\x03\x04" * 20, "not a capture; give a pcap or pcapng file"),
        (EARLY[:23], "is a pcap file cut off within its header"),
        (EARLY[:4], "is a pcap file cut off within its header"),
        (LATE[:20], "is a pcapng file cut off within its first block"),
    ],
)
def test_a_file_that_is_no_capture_is_named_by_what_it_looks_like(content: bytes, what: str, tmp_path: Path) -> None:
    path = tmp_path / "office.pcap"
    path.write_bytes(content)
    message = message_of(path)
    assert message.startswith(f"{path}: ")
    assert what in message
    assert "; " in message  # what to do


def test_inputs_that_are_not_there(tmp_path: Path) -> None:
    assert "no such file or directory; check the spelling" in message_of(tmp_path / "gone.pcap")
    assert "no file matches this pattern" in message_of(tmp_path / "*.pcap")
    assert "no such file" in message_of("")
    assert "no file can have such a name" in message_of("a\0b")
    assert "this directory holds no capture" in message_of(tmp_path)
    assert "no capture was named" in message_of()


def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "secret.pcap").write_bytes(EARLY)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    with patch.object(inputs, "open", refuse, create=True):
        assert "permission denied; run as a user who may read it" in message_of(tmp_path / "secret.pcap")
        assert "permission denied; run as a user who may read it" in message_of(tmp_path)


def test_a_folder_that_may_not_be_listed_is_reported_beside_what_can_be_read(folder: Path) -> None:
    real = os.scandir

    def scandir(path: Any) -> Any:
        if str(path).endswith("deep"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    with patch.object(os, "scandir", scandir):
        found, failures = expand([str(folder)])
    assert len(found) == 2
    assert [failure.problem for failure in failures] == ["permission denied"]


def test_a_terminal_is_no_input() -> None:
    class Terminal(io.BytesIO):
        def isatty(self) -> bool:
            return True

    assert "it is a terminal, not a capture; pipe one in: tcpdump" in message_of("-", stdin=Terminal())
    controller, terminal = os.openpty()
    try:
        assert "it is a terminal" in message_of(os.ttyname(terminal))
    finally:
        os.close(controller)
        os.close(terminal)


def test_one_bad_input_among_others_is_a_failure_and_the_others_are_read(folder: Path) -> None:
    frames, captures = read_paths(folder / "gone", folder / "office_9.pcap", folder / "image")
    assert frames == [frame(1, b"early")]
    assert [failure.problem for failure in captures.failures] == [
        "no such file or directory",
        "not a capture: it looks like a PNG image",
    ]
    assert all(isinstance(failure, InputError) for failure in captures.failures)


def test_when_none_of_several_inputs_can_be_used_one_line_says_so(folder: Path) -> None:
    message = message_of(*(folder / name for name in ("gone", "image", "empty.pcap", "notes.pcap", "log.gz")))
    assert message.startswith("none of the 5 inputs can be used: ")
    assert message.endswith("; and 2 more")


def test_names_cannot_act_on_a_terminal(tmp_path: Path) -> None:
    path = tmp_path / "a\x1bc\x07\r\n\u202eb\udc9bc.pcap"
    assert r"a\x1bc\x07\r\n\u202eb\udc9bc.pcap: no such file" in message_of(path)
    path.write_bytes(EARLY)
    _, captures = read_paths(path)
    assert captures.sources[0].name.isprintable()
    assert message_of(tmp_path / "\x1b]0;title\x07*")


def test_ordinary_names_are_left_alone() -> None:
    assert inert("Büro 3/скан.pcap") == "Büro 3/скан.pcap"


def test_numbers_in_names_count_as_numbers() -> None:
    names = ["cap10", "cap9", "cap", "10cap", "9cap", "cap9b2", "cap9b10"]
    assert sorted(names, key=natural_key) == ["9cap", "10cap", "cap", "cap9", "cap9b2", "cap9b10", "cap10"]
