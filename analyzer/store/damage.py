"""Whether a database holds what was put into it.

SQLite notices where its pages do not fit together, not what has changed inside of a row. So when reading fails in a way
that our own rows cannot cause, the rows are looked at, to tell a bad disk from an error of this program.
"""

from __future__ import annotations

import json
from typing import Any, Final

from sqlalchemy import Column, Connection, Engine, Table, func, select
from sqlalchemy.exc import SQLAlchemyError

from analyzer.addresses import canonical
from analyzer.store.facts import hash_of
from analyzer.store.schema import aggregates, clients, facts, inputs, metadata, names, sessions, settings, weeks
from analyzer.store.times import LATEST, day_of

_TIMES: Final = (
    *(aggregates.c[name] for name in ("first", "last", "end")),
    *(sessions.c[name] for name in ("start", "end")),
    *(inputs.c[name] for name in ("first", "last")),
    clients.c.first,
)
_DAYS: Final = (aggregates.c.day, sessions.c.day, names.c.first, names.c.last)
_STORED_AS: Final = {int: "integer", bool: "integer", str: "text", bytes: "blob"}
"""What SQLite calls the types of our columns."""

_FETCHED: Final = 1000


def is_damaged(engine: Engine) -> bool:
    """Whether anything in the database is not what this program stores; it may take as long as reading all of it."""
    try:
        with engine.connect() as connection:
            return _is_damaged(connection)
    except SQLAlchemyError:
        return engine.dialect.name == "sqlite"  # a server may just be away
    except (ValueError, TypeError, AttributeError, RecursionError):  # it cannot even be read
        return True


def _is_damaged(connection: Connection) -> bool:
    if connection.dialect.name == "sqlite":
        if connection.exec_driver_sql("PRAGMA quick_check(1)").scalar() != "ok":
            return True
        if any(_has_foreign_types(connection, table) for table in metadata.sorted_tables):
            return True
    latest = [(column, LATEST) for column in _TIMES] + [(column, day_of(LATEST)) for column in _DAYS]
    if any(_any(connection, column, ~column.between(0, most)) for column, most in latest):
        return True
    for table in (facts, names):
        query = select(table.c.content, table.c.hash).execution_options(yield_per=_FETCHED)
        with connection.execute(query) as rows:
            if any(hash_of(content) != digest for content, digest in rows):
                return True
    for ip in connection.execute(select(clients.c.ip)).scalars().all():
        canonical(ip)
    for value in connection.execute(select(settings.c.value)).scalars().all():
        int(value)
    for statuses in connection.execute(select(weeks.c.statuses)).scalars().all():
        if any(type(count) is not int for count in json.loads(statuses).values()):
            return True
    return False


def _has_foreign_types(connection: Connection, table: Table) -> bool:
    """Whether a column holds what is not of its type: SQLite takes anything anywhere."""
    for column in table.columns:
        wanted = _STORED_AS[column.type.python_type]
        if _any(connection, column, column.is_not(None) & (func.typeof(column) != wanted)):
            return True
    return False


def _any(connection: Connection, column: Column[Any], which: Any) -> bool:
    return connection.execute(select(column).where(which).limit(1)).first() is not None
