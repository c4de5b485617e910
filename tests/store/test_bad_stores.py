"""A store that cannot be used is one clear line, and nothing is lost."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from analyzer.errors import UsageError
from analyzer.inventory.session import Session
from analyzer.store import initialise, open_store
from tests.commands.running import OFFICE, run
from tests.store.sessions import content, session
from tests.support.postgresql import PASSWORD, Server
from tests.support.root import needs_root


def _told(url: str, words: str, **options: object) -> None:
    with pytest.raises(UsageError, match=words) as raised:
        open_store(url, **options).ingest([session()])  # type: ignore[arg-type]
    said = str(raised.value)
    assert "\n" not in said
    assert said.isprintable()
    assert len(said) < 600


def _of_text(path: Path) -> None:
    path.write_text("no database at all, but a long enough text to look like one " * 40)


def _torn(path: Path) -> None:
    open_store(str(path)).close()
    content = bytearray(path.read_bytes())
    content[4096:20_000] = os.urandom(20_000 - 4096)
    path.write_bytes(content)


def _capture(path: Path) -> None:
    path.write_bytes((OFFICE / "office-1.pcap").read_bytes())


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (Path.mkdir, "it is a directory"),
        (_of_text, "not a database of SQLite"),
        (_capture, "not a database of SQLite"),
        (_torn, "damaged|cannot be used"),
    ],
)
def test_what_is_no_store_is_told_and_left_as_it_is(tmp_path: Path, spoil: object, words: str) -> None:
    path = tmp_path / "store.db"
    spoil(path)  # type: ignore[operator]
    before = path.read_bytes() if path.is_file() else None
    _told(str(path), words)
    assert before is None or path.read_bytes() == before


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "has no name"),
        ("mysql://a:secret@b/c", "a store is"),
        ("postgresql://a:secret@b:port/c", "no URL of a store"),
        ("postgresql://[::1/x", "no URL of a store|cannot be"),
        ("sqlite://", "a store is"),
        ("http://example.com/store.db", "a store is"),
        ("no/such/folder/store.db", "no such directory"),
        ("a\0b", "has no name"),
    ],
)
def test_a_url_that_is_none_is_told_without_its_password(url: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as raised:
        open_store(url)
    assert "secret" not in str(raised.value)


def test_a_file_that_is_not_there_is_only_made_where_it_may_be(tmp_path: Path) -> None:
    _told(str(tmp_path / "store.db"), "'smtpauth store init' makes one", create=False)
    assert not list(tmp_path.iterdir())


def test_a_locked_file_is_waited_for_and_then_told(tmp_path: Path) -> None:
    name = str(tmp_path / "store.db")
    with open_store(name, wait=0.2) as store:
        other = sqlite3.connect(name, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(UsageError, match="another process keeps it locked"):
            store.ingest([session()])
        other.execute("ROLLBACK")
        other.close()
        assert store.ingest([session()]).added == 1


def test_a_locked_server_is_waited_for_and_then_told(postgresql: Server) -> None:
    url = postgresql.database()
    initialise(url)

    def meanwhile() -> Iterator[Session]:
        with open_store(url, wait=0.2) as other, pytest.raises(UsageError, match="another process keeps it locked"):
            other.ingest([session()])
        yield session()

    with open_store(url) as store:
        assert store.ingest(meanwhile()).added == 1


def test_a_server_that_is_not_there_is_told() -> None:
    _told("postgresql://smtpauth:hunter2@127.0.0.1:1/store", "the server cannot be reached")


def test_a_wrong_password_is_told_and_no_password_is(postgresql: Server) -> None:
    postgresql.database()
    url = postgresql.url_by_password("store0", "wrong-canary")
    with pytest.raises(UsageError, match="does not let this user in") as raised:
        open_store(url)
    assert "canary" not in str(raised.value)
    initialise(postgresql.url_by_password("store0", PASSWORD))


def test_a_database_that_is_not_there_is_told(postgresql: Server) -> None:
    _told(postgresql.url("nowhere"), "there is no such database")


def test_a_user_who_may_only_read_can_read(postgresql: Server) -> None:
    url = postgresql.database()
    initialise(url)
    name = url.removeprefix("postgresql://smtpauth@/").split("?")[0]
    with open_store(url) as store:
        store.ingest([session()])
    with postgresql.connect(name) as server:
        server.execute("CREATE USER reader")
        server.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader")
    reading = url.replace("smtpauth@", "reader@")
    with open_store(reading) as store:
        reach = store.days()
        assert reach is not None
        assert store.trend(1, reach[1])[0].devices == 1
        with pytest.raises(UsageError, match="this user may not do that"):
            store.ingest([session(client_port=9)])


@needs_root
def test_a_full_disk_loses_nothing_that_was_stored(tmp_path: Path) -> None:
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(folder)], check=True)
    try:
        many = (session(client_port=1024 + n, ehlo=f"name{n}.example.com" * 9) for n in range(4_000))
        with open_store(str(folder / "store.db")) as store:
            store.ingest([session()])
            before = content(store)
            with pytest.raises(UsageError, match="disk"):
                store.ingest(many)
            assert content(store) == before
            store.ingest([session(serial=7, client_port=7)])
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@needs_root
def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir()
    open_store(str(folder / "store.db")).close()
    subprocess.run(["mount", "--bind", "-o", "ro", str(folder), str(folder)], check=True)
    try:
        _told(f"{folder}/store.db", "check its owner and rights")
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_the_command_says_it_in_one_line_and_exits_with_2(tmp_path: Path) -> None:
    done = run("scan", OFFICE, "--store", tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "it is a directory" in done.stderr
    done = run("store", "status", tmp_path / "none.db")
    assert done.returncode == 2
    assert "there is no store yet" in done.stderr
