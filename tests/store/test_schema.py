"""Migrations make the tables that the code uses."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

import analyzer.store
from analyzer.errors import UsageError
from analyzer.store import initialise, open_store
from analyzer.store.engine import engine_of, transaction
from analyzer.store.schema import REVISIONS, metadata
from analyzer.store.url import url_of
from tests.support.postgresql import Server

MIGRATIONS = Path(analyzer.store.__file__).with_name("migrations")


def test_the_migrations_lead_to_the_schema(url: str) -> None:
    initialise(url)
    with transaction(engine_of(url_of(url)), writes=False) as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_the_revisions_are_those_of_the_migrations() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    found = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    assert tuple(reversed(found)) == REVISIONS


def test_initialising_again_does_nothing(url: str) -> None:
    initialise(url)
    assert not initialise(url)


@pytest.mark.parametrize("create", [True, False])
def test_a_schema_of_another_version_is_told(tmp_path: Path, create: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    name = str(tmp_path / "store.db")
    open_store(name).close()
    with closing(sqlite3.connect(name)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    for ask in (lambda: open_store(name, create=create), lambda: initialise(name)):
        with pytest.raises(UsageError, match="newer than this program knows"):
            ask()
    monkeypatch.setattr("analyzer.store.upgrade.REVISIONS", ("9999", "later"))
    with pytest.raises(UsageError, match="'smtpauth store init' upgrades it"):
        open_store(name, create=create)


def test_a_database_of_postgresql_is_not_taken_without_being_asked(postgresql: Server) -> None:
    url = postgresql.database()
    with pytest.raises(UsageError, match="'smtpauth store init' makes one"):
        open_store(url)
    assert initialise(url)
    open_store(url).close()


def test_a_database_with_something_else_in_it_is_left_alone(tmp_path: Path, postgresql: Server) -> None:
    name, url = str(tmp_path / "other.db"), postgresql.database()
    with closing(sqlite3.connect(name)) as connection, connection:
        connection.execute("CREATE TABLE customers (id INTEGER)")
    with postgresql.connect(url.split("/")[-1].split("?")[0] if "?host=/" not in url else _name(url)) as server:
        server.execute("CREATE TABLE customers (id INTEGER)")
    for ask in (open_store, initialise):
        for where in (name, url):
            with pytest.raises(UsageError, match="something else"):
                ask(where)


def _name(url: str) -> str:
    return url.removeprefix("postgresql://smtpauth@/").split("?")[0]
