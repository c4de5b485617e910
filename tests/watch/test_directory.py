"""What a directory is seen to hold, and which files belong to one series."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.errors import InputError
from analyzer.watch.directory import Entry, listing, look
from tests.watch.folder import Folder


def entry(name: str) -> Entry:
    return Entry(name, name, 1, 2, 3, 4, 5)


@pytest.mark.parametrize(
    "names",
    [
        ("mail.pcap", "mail.pcap1", "mail.pcap2", "mail.pcap10"),
        ("mail.pcap00", "mail.pcap01"),
        ("mail-20261124-0900.pcap", "mail-20261124-1000.pcap"),
        ("mail20261124.pcap", "mail20261125.pcap"),
        ("mail_00001_20261124090000.pcapng", "mail_00002_20261124100000.pcapng"),
        ("mail-09:00:00.pcap", "mail-10:00:00.pcap.gz", "MAIL-11:00:00.PCAP.ZST"),
        ("day/24/mail.pcap", "day/25/mail.pcap"),
        ("1795521600.pcap", "1795525200.pcap"),
    ],
    ids=lambda names: names[0],
)
def test_files_of_a_rotating_writer_are_a_series(names: tuple[str, ...]) -> None:
    assert len({entry(name).series for name in names}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("eth0-20261124.pcap", "eth1-20261124.pcap"),
        ("a-0900.pcap", "b-0900.pcap"),
        ("mail-0900.pcap", "mail-0900.pcapng"),
        ("span1.pcap", "span2.pcap"),
    ],
)
def test_files_of_two_writers_are_two_series(one: str, other: str) -> None:
    assert entry(one).series != entry(other).series


@given(st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1), st.integers(0, 10**15))
def test_a_number_behind_a_separator_never_makes_another_series(name: str, number: int) -> None:
    assert entry(f"{name}-{number}.pcap").series == entry(f"{name}-0.pcap").series


def test_files_below_and_linked_files_are_found_and_nothing_else(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "in")
    folder.put("b.pcap")
    folder.put("below/a.pcap")
    folder.put(".b.pcap.Xy12Za", b"half copied by rsync")
    folder.put(".trash/c.pcap")
    outside = Folder(tmp_path / "out").put("d.pcap")
    (folder.path / "link.pcap").symlink_to(outside)
    (folder.path / "dangling.pcap").symlink_to(tmp_path / "nowhere")
    (folder.path / "loop").symlink_to(folder.path)
    os.mkfifo(folder.path / "pipe.pcap")
    found = listing(str(folder.path))
    assert sorted(each.name for each in found.entries) == ["b.pcap", "below/a.pcap", "link.pcap"]


@pytest.mark.parametrize(
    ("pattern", "names"),
    [("*.pcap", ["a.pcap", "b/a.pcap"]), ("b/*", ["b/a.pcap"]), ("[a-z].txt", ["c.txt"]), ("*.PCAP", [])],
)
def test_a_pattern_picks_by_name_or_with_a_slash_by_path(tmp_path: Path, pattern: str, names: list[str]) -> None:
    folder = Folder(tmp_path)
    for name in ("a.pcap", "b/a.pcap", "c.txt"):
        folder.put(name)
    assert sorted(each.name for each in listing(str(tmp_path), pattern).entries) == names


def test_files_beyond_the_limit_are_counted(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    for number in range(5):
        folder.put(f"{number}.pcap")
    found = listing(str(tmp_path), most=3)
    assert (len(found.entries), found.unlisted) == (3, 2)


def test_a_name_cannot_colour_the_terminal(tmp_path: Path) -> None:
    Folder(tmp_path).put("\x1b[31m.pcap")
    (found,) = listing(str(tmp_path)).entries
    assert found.name == "\\x1b[31m.pcap"
    assert look(found.path, found.name) == found


@pytest.mark.parametrize(("name", "says"), [("nowhere", "there is no such directory"), ("file", "it is no directory")])
def test_what_is_no_directory_is_told(tmp_path: Path, name: str, says: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(InputError, match=says):
        listing(str(tmp_path / name))


def test_the_name_of_a_loop_of_links_is_told_not_followed(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(InputError, match="it cannot be read"):
        listing(str(tmp_path / "loop"))
