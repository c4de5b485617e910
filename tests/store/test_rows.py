"""Many rows at once go in as they are, into both databases, and an error is one line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select

from analyzer.errors import UsageError
from analyzer.inventory.session import Session
from analyzer.store import initialise, open_store
from analyzer.store.engine import engine_of, transaction
from analyzer.store.rows import among, append, insert_into, merge
from analyzer.store.schema import facts, inputs, sessions
from analyzer.store.url import url_of
from tests.store.sessions import content, fresh, session
from tests.support.postgresql import Server

AWKWARD = ["", "\\N", "\\.", "a\tb\nc\rd\\e", "'\"{},%s%%(x)s:y", "é…\U0001f4e0", "\x01\x1b[31m\x7f", "null"]
LARGEST = 2**63 - 1


@pytest.fixture
def connection(url: str) -> Iterator[Connection]:
    open_store(url).close()
    with transaction(engine_of(url_of(url)), writes=True) as opened:
        yield opened


def _inputs(**fields: Any) -> list[dict[str, Any]]:
    usual = {"sensor": "here", "first": 1, "last": LARGEST, "dropped": 0, "damaged": False, "identity": None}
    return [{**usual, "name": name, **fields} for name in AWKWARD]


def _found(connection: Connection) -> list[dict[str, Any]]:
    rows = [dict(row) for row in connection.execute(select(inputs)).mappings()]
    return sorted(rows, key=lambda row: AWKWARD.index(row["name"]))


def test_rows_come_out_as_they_went_in(connection: Connection) -> None:
    append(connection, inputs, _inputs())
    assert _found(connection) == _inputs()


def test_of_rows_that_are_there_the_statement_says_what_becomes(connection: Connection) -> None:
    append(connection, inputs, _inputs()[:4])
    statement = insert_into(connection, inputs)
    new = statement.excluded
    statement = statement.on_conflict_do_update(
        index_elements=["sensor", "name", "first"],
        set_={"dropped": inputs.c.dropped + new.dropped + 1000, "damaged": new.damaged},
    )
    merge(connection, statement, _inputs(dropped=5, damaged=True))
    there = _inputs(dropped=1005, damaged=True)[:4]
    assert _found(connection) == there + _inputs(dropped=5, damaged=True)[4:]


def test_no_rows_are_nothing_to_do(connection: Connection) -> None:
    append(connection, inputs, [])
    merge(connection, insert_into(connection, inputs), [])
    assert _found(connection) == []


def test_rows_are_found_by_many_keys(connection: Connection) -> None:
    append(connection, inputs, _inputs())
    for asked in (AWKWARD, AWKWARD[2:5], [*AWKWARD[:1], "other"], []):
        query = select(inputs.c.name).where(among(connection, inputs.c.name, asked))
        assert set(connection.execute(query).scalars()) == set(asked) - {"other"}


def test_what_the_database_refuses_is_one_line_and_leaves_nothing(url: str) -> None:
    open_store(url).close()
    twice = {"id": 1, "hash": "a", "content": "{}", "mail": True, "unknown": True, "reduced": False}

    def refused() -> None:
        with transaction(engine_of(url_of(url)), writes=True) as connection:
            append(connection, inputs, _inputs())
            append(connection, facts, [twice, twice])

    with pytest.raises(UsageError, match="it cannot be used") as told:
        refused()
    assert "\n" not in str(told.value)
    with open_store(url) as store:
        assert store.status().inputs == 0


def test_a_server_that_goes_away_while_rows_travel_is_told_and_nothing_was_stored(
    postgresql: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgresql.database()
    initialise(url)

    def meanwhile() -> Iterator[Session]:
        for number in range(6):
            if number == 4:
                with postgresql.connect() as server:
                    server.execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'smtpauth'"
                    )
            yield session(client_port=1024 + number)

    monkeypatch.setattr("analyzer.store.ingest.PORTION", 2)
    with open_store(url) as store:
        with pytest.raises(UsageError, match="server") as told:
            store.ingest(meanwhile())
        assert "\n" not in str(told.value)
        assert store.status().views == 0
        assert store.ingest([session()]).added == 1


def test_both_databases_hold_the_same(url: str, tmp_path: Path) -> None:
    found = [
        session(client=f"10.0.{number % 3}.1", client_port=1024 + number, ehlo=AWKWARD[number % len(AWKWARD)])
        for number in range(40)
    ]
    with open_store(url) as store, fresh(tmp_path) as other:
        store.ingest(found)
        other.ingest(found)
        assert content(store) == content(other)
    with transaction(engine_of(url_of(url)), writes=False) as connection:
        assert len(connection.execute(select(sessions.c.id)).all()) == len(found)
