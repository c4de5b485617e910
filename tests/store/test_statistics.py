"""PostgreSQL knows how large the tables are, though they grew in one transaction, and makes its plans accordingly."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, select, text

from analyzer.inventory.session import Session
from analyzer.store import initialise, open_store, statistics
from analyzer.store.engine import engine_of, transaction
from analyzer.store.schema import clients
from analyzer.store.statistics import GROWN, Statistics
from analyzer.store.url import url_of
from tests.store.sessions import session
from tests.support.postgresql import Server

FIRST = 20


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted sooner."""
    assert statistics.FIRST >= 1000
    monkeypatch.setattr("analyzer.store.statistics.FIRST", FIRST)
    monkeypatch.setattr("analyzer.store.ingest.PORTION", 7)


@pytest.fixture
def made(postgresql: Server) -> str:
    url = postgresql.database()
    initialise(url)
    return url


def _sessions(count: int, first: int = 0) -> list[Session]:
    return [session(client_port=1024 + first + number) for number in range(count)]


def _counted(url: str) -> int:
    """Rows of the sessions' table that the server knows of: -1 while they were never counted."""
    with transaction(engine_of(url_of(url)), writes=False) as connection:
        return int(connection.execute(text("SELECT reltuples FROM pg_class WHERE relname = 'sessions'")).scalar_one())


def _name(url: str) -> str:
    return url.removeprefix("postgresql://smtpauth@/").split("?")[0]


def test_after_many_sessions_they_are_counted(made: str) -> None:
    with open_store(made) as store:
        store.ingest(_sessions(FIRST + 30))
    assert _counted(made) == FIRST + 30


def test_few_sessions_are_left_to_the_server(made: str) -> None:
    with open_store(made) as store:
        store.ingest(_sessions(FIRST - 1))
    assert _counted(made) == -1


def test_it_is_counted_more_rarely_the_more_there_is(tmp_path: Path) -> None:
    counts = []

    class Counting(Statistics):
        def count(self) -> None:
            super().count()
            counts.append(self._counted)

    with transaction(
        engine_of(url_of(str(tmp_path / "store.db"))), writes=True
    ) as connection:  # of which nothing is asked
        counting = Counting(connection)
        for _ in range(100 * FIRST):
            counting.grew(1)
        counting.finish()
        counting.finish()
    assert counts == [FIRST, FIRST * GROWN, FIRST * GROWN**2, FIRST * GROWN**3, 100 * FIRST]


def test_a_user_who_may_write_but_does_not_own_the_tables_can_store(made: str, postgresql: Server) -> None:
    with postgresql.connect(_name(made)) as server:
        server.execute("CREATE USER sensor")
        server.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO sensor")
        server.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO sensor")
    with open_store(made.replace("smtpauth@", "sensor@")) as store:
        assert store.ingest(_sessions(FIRST + 1)).added == FIRST + 1
    assert _counted(made) == -1


def test_a_table_that_is_being_vacuumed_is_not_waited_for(made: str, postgresql: Server) -> None:
    with postgresql.connect(_name(made)) as server, server.transaction():
        server.execute("LOCK TABLE sessions, facts IN SHARE UPDATE EXCLUSIVE MODE")  # as VACUUM does
        with open_store(made, wait=0.2) as store:
            assert store.ingest(_sessions(FIRST + 1)).added == FIRST + 1
    assert _counted(made) == -1


def test_no_plan_is_kept_from_when_the_tables_were_empty(made: str) -> None:
    def prepared(connection: Connection) -> int:
        return int(connection.execute(text("SELECT count(*) FROM pg_prepared_statements")).scalar_one())

    with transaction(engine_of(url_of(made)), writes=True) as connection:
        for number in range(20):
            connection.execute(select(clients.c.id).where(clients.c.ip == str(number))).all()
        assert prepared(connection) == 0


def test_before_the_transaction_is_over_the_server_knows_how_few_sessions_a_key_has(
    made: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Expecting a share of all, it would read all of them and of their facts, once they are many."""
    keys = 100
    asked: list[tuple[str, Any]] = []
    plans: list[str] = []

    class Explaining(Statistics):
        def finish(self) -> None:
            statement, parameters = asked[-1]
            plans.extend(self._connection.exec_driver_sql(f"EXPLAIN {statement}", parameters).scalars())

    def noted(_connection: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        if statement.startswith("SELECT sessions.key"):
            asked.append((statement, parameters))

    monkeypatch.setattr("analyzer.store.ingest.Statistics", Explaining)
    monkeypatch.setattr("analyzer.store.ingest.PORTION", keys)
    event.listen(Engine, "before_cursor_execute", noted)
    try:
        with open_store(made) as store:
            store.ingest(_sessions(40 * keys))
    finally:
        event.remove(Engine, "before_cursor_execute", noted)
    expected = re.search(r"rows=(\d+)", plans[0])
    assert expected is not None
    assert int(expected[1]) <= keys * 1.1, plans
