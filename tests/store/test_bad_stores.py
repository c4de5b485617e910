"""A store that cannot be used is one clear line, and nothing is lost."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from analyzer.errors import UsageError
from analyzer.history.compile import compile_report
from analyzer.history.periods import day_of
from analyzer.inventory.session import Session
from analyzer.store import initialise, open_store
from analyzer.store.engine import engine_of, transaction
from analyzer.store.url import url_of
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


def _torn_name(path: Path) -> None:
    """In SQLite's table of tables a name that is no text: the library's own message is none, either."""
    open_store(str(path)).close()
    content = path.read_bytes()
    assert content.count(b"CREATE TABLE settings") == 1
    path.write_bytes(content.replace(b"CREATE TABLE settings", b"CREATE TABLE\xff\xffettings"))


def _filled(path: Path) -> None:
    with open_store(str(path)) as store:
        store.ingest([session(ehlo="copier.office.example")])
        store.refresh()


def _torn_facts(path: Path) -> None:
    """A byte that SQLite does not miss: JSON that is none any more."""
    _filled(path)
    _changed(path, "UPDATE facts SET content = replace(content, '\":\"', '\"x\"')")


def _other_facts(path: Path) -> None:
    _filled(path)
    _changed(path, "UPDATE facts SET content = replace(content, 'server_port', 'ser6er_port')")


def _other_type(path: Path) -> None:
    _filled(path)
    _changed(path, "UPDATE clients SET ip = 7")


def _other_address(path: Path) -> None:
    _filled(path)
    _changed(path, "UPDATE clients SET ip = '10.20.0.x'")


def _other_day(path: Path) -> None:
    _filled(path)
    _changed(path, "UPDATE aggregates SET day = 1 << 62")


def _other_setting(path: Path) -> None:
    _filled(path)
    _changed(path, "INSERT OR REPLACE INTO settings VALUES ('sessions_from', 'x')")


def _other_week(path: Path) -> None:
    _filled(path)
    _changed(path, "UPDATE weeks SET statuses = '{'")


def _changed(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        assert connection.execute(statement).rowcount > 0


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _circle(path: Path) -> None:
    path.symlink_to(path)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (Path.mkdir, "it is a directory"),
        (_of_text, "not a database of SQLite"),
        (_capture, "not a database of SQLite"),
        (_torn, "damaged|cannot be used"),
        (_torn_name, "the database is damaged"),
        (_pipe, "it is no file but a device, pipe or socket"),
        (_circle, "it cannot be opened"),
    ],
)
def test_what_is_no_store_is_told_and_left_as_it_is(tmp_path: Path, spoil: object, words: str) -> None:
    path = tmp_path / "store.db"
    spoil(path)  # type: ignore[operator]
    before = path.read_bytes() if path.is_file() else None
    for create in (True, False):
        _told(str(path), words, create=create)
    with pytest.raises(UsageError, match=words):
        initialise(str(path))
    assert before is None or path.read_bytes() == before


def _use(name: str) -> None:
    with open_store(name, create=False) as store:
        compile_report(store, day_of(date(2026, 11, 23)))
        list(store.export())
        store.status()


@pytest.mark.parametrize(
    "spoil", [_torn_facts, _other_facts, _other_type, _other_address, _other_day, _other_setting, _other_week]
)
def test_rows_that_nobody_stored_are_told_and_left_as_they_are(tmp_path: Path, spoil: object) -> None:
    path = tmp_path / "store.db"
    spoil(path)  # type: ignore[operator]
    before = path.read_bytes()
    with pytest.raises(UsageError) as raised:
        _use(str(path))
    assert str(raised.value) == f"{path}: the database is damaged; restore it from a backup"
    assert path.read_bytes() == before


def test_what_a_server_holds_is_looked_at_likewise(postgresql: Server) -> None:
    url = postgresql.database()
    initialise(url)
    with open_store(url) as store:
        store.ingest([session(ehlo="copier.office.example")])
        with postgresql.connect(url.removeprefix("postgresql://smtpauth@/").split("?")[0]) as server:
            server.execute("UPDATE facts SET content = 'x'")
        with pytest.raises(UsageError, match="the database is damaged"):
            list(store.export())


@pytest.mark.parametrize("url", ["sqlite", "postgresql"], indirect=True)
def test_an_error_of_the_program_is_not_blamed_on_a_sound_database(url: str) -> None:
    def broken() -> Iterator[Session]:
        yield session()
        raise KeyError("of ours")

    with open_store(url) as store:
        store.ingest([session(client_port=9)])
        store.refresh()
        with pytest.raises(KeyError, match="of ours"):
            store.ingest(broken())


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
        ("a" * 300, "it cannot be opened"),
        (":memory:", "gone with the program"),
        ("sqlite:///:memory:", "gone with the program"),
        ("sqlite:///store.db?mode=ro", "takes no parameters"),
        ("postgresql://smtpauth:my@secret@db.example.com/store", "special characters"),
        ("postgresql://smtpauth:my@/secret@db.example.com/store", "special characters"),
        ("postgresql//smtpauth:secret@db.example.com/store", "no URL of a store"),
        ("postgresql:/smtpauth:secret@db.example.com/store", "no URL of a store"),
        ("postgresql:smtpauth:secret@db.example.com/store", "no URL of a store"),
        ("host=db.example.com password=secret dbname=store", "no URL of a store"),
    ],
)
def test_a_url_that_is_none_is_told_without_its_password(url: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as raised:
        open_store(url)
    assert "secret" not in str(raised.value)


def test_a_file_that_is_not_there_is_only_made_where_it_may_be(tmp_path: Path) -> None:
    _told(str(tmp_path / "store.db"), "'smtpauth store init' makes one", create=False)
    assert not list(tmp_path.iterdir())


def test_a_store_that_is_removed_while_it_is_used_is_told(url: str, postgresql: Server) -> None:
    with open_store(url) as store:
        store.ingest([session()])
        if url.startswith("postgresql"):
            with postgresql.connect(url.removeprefix("postgresql://smtpauth@/").split("?")[0]) as server:
                server.execute("DROP TABLE inputs, settings")
        else:
            Path(url).unlink()
        with pytest.raises(UsageError, match="was it removed or replaced meanwhile"):
            store.ingest([session(client_port=9)])


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


def test_a_writer_that_is_heard_of_no_more_gives_the_lock_to_others(
    postgresql: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("analyzer.store.engine.IDLE", 1)
    url = postgresql.database()
    initialise(url)
    with open_store(url) as store, open_store(url) as other:

        def asleep() -> Iterator[Session]:
            other.ingest([session(client_port=9)])  # waits for the lock, and gets it
            yield session()

        with pytest.raises(UsageError, match="it heard nothing"):
            store.ingest(asleep())
        assert store.status().sessions == 1


def test_a_server_that_is_silent_is_not_waited_for_for_hours(postgresql: Server) -> None:
    url = postgresql.url_by_password("postgres", PASSWORD)
    with engine_of(url_of(url)).connect() as connection:
        parameters = connection.connection.driver_connection.info.get_parameters()  # type: ignore[union-attr]
    assert parameters["tcp_user_timeout"] == "60000"
    assert parameters["keepalives_idle"] == "20"


def test_a_query_that_the_server_ends_is_told(postgresql: Server) -> None:
    engine = engine_of(url_of(postgresql.database() + "&options=-c%20statement_timeout%3D50"))
    with pytest.raises(UsageError, match="the server ended it"), transaction(engine, writes=False) as connection:
        connection.exec_driver_sql("SELECT pg_sleep(60)")


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_a_database_that_does_not_hold_every_name_is_told(postgresql: Server, encoding: str) -> None:
    with postgresql.connect() as server:
        server.execute(
            f"CREATE DATABASE {encoding} ENCODING '{encoding}' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'"
        )
    for ask in (initialise, open_store):
        with pytest.raises(UsageError, match=f"its encoding is {encoding}"):
            ask(postgresql.url(encoding.lower()))


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
def test_where_the_disk_is_full_no_store_is_made_and_one_that_is_there_stays(tmp_path: Path) -> None:
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(folder)], check=True)
    try:
        store = folder / "store.db"
        _filled(store)
        before = store.read_bytes()
        with contextlib.suppress(OSError), (folder / "rest").open("wb", buffering=0) as rest:
            while rest.write(bytes(4096)):
                pass
        _told(str(folder / "new.db"), "the disk is full")
        with pytest.raises(UsageError, match="the disk is full"):
            initialise(str(folder / "new.db"))
        _told(str(store), "the disk (is|may be) full")
        (folder / "rest").unlink()
        assert store.read_bytes() == before
        with open_store(str(store)) as again:
            assert again.ingest([session(client_port=9)]).added == 1
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


@needs_root
@pytest.mark.parametrize(
    ("of_directory", "of_file", "words"),
    [
        (0o000, 0o600, "check the rights of its directory"),
        (0o700, 0o000, "check its owner and rights"),
        (0o500, 0o600, "no file can be made beside it"),
    ],
)
def test_rights_that_are_lacking_are_told(tmp_path: Path, of_directory: int, of_file: int, words: str) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    store = folder / "store.db"
    open_store(str(store)).close()
    store.chmod(of_file)
    folder.chmod(of_directory)
    try:
        for action in ("init", "status", "prune"):
            done = run("store", action, store, before=["setpriv", "--bounding-set=-all"])
            assert (done.returncode, done.stdout) == (2, "")
            assert done.stderr.count("\n") == 1
            assert words in done.stderr
    finally:
        folder.chmod(0o700)


def test_whatever_a_name_or_a_database_says_it_stays_one_line_without_escapes(tmp_path: Path) -> None:
    path = tmp_path / "a\n\x1b[31mb.db"
    done = run("store", "init", path)
    assert (done.returncode, done.stderr) == (0, f"smtpauth: {tmp_path}/a\\n\\x1b[31mb.db: ready\n")
    _changed(path, "UPDATE alembic_version SET version_num = char(27) || '[31m' || char(10)")
    done = run("store", "status", path)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "\x1b" not in done.stderr


def test_the_command_says_it_in_one_line_and_exits_with_2(tmp_path: Path) -> None:
    done = run("scan", OFFICE, "--store", tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "it is a directory" in done.stderr
    done = run("store", "status", tmp_path / "none.db")
    assert done.returncode == 2
    assert "there is no store yet" in done.stderr
