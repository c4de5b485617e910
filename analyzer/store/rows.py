"""Many rows at once, the fast way of each database, past what SQLAlchemy does for each row.

SQLite is a library: one prepared statement, executed row by row, is as fast as it gets. PostgreSQL is a server, and
each statement travels: there all rows go in one, ``COPY`` where they are new, ``INSERT`` from a set of records where
they may be there already.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import (
    ARRAY,
    JSON,
    Column,
    ColumnElement,
    Connection,
    Table,
    any_,
    bindparam,
    column,
    func,
    insert,
    literal,
    select,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

    Insert = sqlite.Insert | postgresql.Insert
    """An insertion that may say what to do with rows that are there already; both databases have the same words for
    it."""

_ROWS: Final = "rows"


def insert_into(connection: Connection, table: Table) -> Insert:
    """An :data:`Insert`, for :func:`merge`."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql  # large, and of no use to most

    return postgresql.insert(table)


def append(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert ``rows``, none of which is there: all with the same columns and values that the driver takes as they are
    (numbers, text without zero bytes, booleans)."""
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        _one_by_one(connection, insert(table), rows)
    else:
        _copy(connection, table, rows)


def merge(connection: Connection, statement: Insert, rows: Sequence[dict[str, Any]]) -> None:
    """Execute ``statement`` (made by :func:`insert_into`) with ``rows`` as in :func:`append`, no two of them with the
    same key."""
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        _one_by_one(connection, statement, rows)
        return
    columns = [column(name, statement.table.c[name].type) for name in rows[0]]
    given = func.json_to_recordset(bindparam(_ROWS, type_=JSON)).table_valued(*columns)
    told = statement.from_select(list(rows[0]), select(given.render_derived(with_types=True)))
    connection.execute(told, {_ROWS: rows})


def among(connection: Connection, asked: Column[Any], values: Sequence[Any]) -> ColumnElement[bool]:
    """Whether ``asked`` is one of ``values``: hundreds are one parameter for PostgreSQL, and as many for SQLite."""
    if connection.dialect.name == "sqlite":
        return asked.in_(values)
    return asked == any_(literal(values, ARRAY(asked.type)))


def _one_by_one(connection: Connection, statement: Any, rows: Sequence[dict[str, Any]]) -> None:
    compiled = statement.compile(dialect=connection.dialect, column_keys=list(rows[0]))
    assert isinstance(compiled, SQLCompiler)  # noqa: S101 - of a statement
    fixed = {name: value for name, value in compiled.params.items() if name not in rows[0]}  # of the statement itself
    if fixed:
        rows = [{**fixed, **row} for row in rows]
    order = compiled.positiontup or ()
    connection.exec_driver_sql(str(compiled), [tuple([row[name] for name in order]) for row in rows])


def _copy(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    name = connection.dialect.identifier_preparer
    columns = ", ".join(map(name.quote, rows[0]))
    told = f"COPY {name.format_table(table)} ({columns}) FROM STDIN"
    driver: Any = connection.connection.driver_connection
    try:
        with driver.cursor() as cursor, cursor.copy(told) as copy:
            for row in rows:
                copy.write_row(tuple(row.values()))
    except connection.dialect.loaded_dbapi.Error as error:  # as SQLAlchemy does it for statements of its own
        raise DBAPIError(told, None, error) from error
