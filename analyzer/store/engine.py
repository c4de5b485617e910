"""Connections to the database, and what to say where there is none.

One writer at a time: a transaction that writes takes the database's lock before it looks at anything. Whether a session
is known is decided by looking first and writing then, and nobody may come in between.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from analyzer.errors import InputError
from analyzer.store.damage import is_damaged
from analyzer.store.url import shown

WAIT: Final = 60
"""Seconds to wait for another writer. A large capture takes that long; whoever waits longer meets a hanging process."""

CONNECT: Final = 10
"""Seconds to wait for a server to answer."""

_PATIENCE: Final = {
    "tcp_user_timeout": "60000",
    "keepalives_idle": "20",
    "keepalives_interval": "10",
    "keepalives_count": "4",
}
"""A minute without a sign of the server (milliseconds; seconds, seconds, times): where a cable is pulled nobody says
so, and we would wait for an answer for hours."""

IDLE: Final = 120
"""Seconds after which the server ends a writer of which it hears nothing, so that others get the lock: its machine may
be gone. We are busy with a portion for seconds at most; a pipe that is imported from may be slower."""

LOCK: Final = 0x534D5450
"""Number of the advisory lock in PostgreSQL (``SMTP``)."""

CACHE: Final = 64 << 10
"""KB of pages that SQLite keeps in memory: the indexes of a million sessions."""


def engine_of(url: URL, wait: float = WAIT) -> Engine:
    """An engine for ``url``; nothing is connected yet.

    Args:
        wait: seconds to wait for another writer.
    """
    if url.drivername == "sqlite":
        engine = create_engine(url, poolclass=NullPool, connect_args={"timeout": wait})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        options = {"connect_timeout": str(CONNECT), "application_name": "smtpauth", "client_encoding": "utf8"}
        options |= _PATIENCE
        unset = {name: value for name, value in options.items() if name not in url.query}
        # A plan that was made for an empty table would be kept while it grows; poolers of connections know none either.
        engine = create_engine(url, poolclass=NullPool, connect_args={**unset, "prepare_threshold": None})
        event.listen(engine, "connect", lambda connection, _: _check_encoding(connection, url))
        event.listen(engine, "begin", lambda connection: _begin_postgresql(connection, wait))
    return engine


def _check_encoding(connection: Any, url: URL) -> None:
    """See that names in any script have a place there: better told at once than by the first that has none."""
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise InputError(
            shown(url), f"its encoding is {encoding}, which does not hold every name", "createdb -E UTF8 -T template0"
        )


def _prepare_sqlite(connection: sqlite3.Connection, _: object) -> None:
    connection.isolation_level = None  # transactions begin where we say so
    connection.execute(f"PRAGMA cache_size = -{CACHE}")
    connection.execute("PRAGMA synchronous = NORMAL")  # a power cut may undo the last transactions, as a whole


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _begin_postgresql(connection: Connection, wait: float) -> None:
    if connection.get_execution_options().get("writes"):
        connection.exec_driver_sql(f"SET LOCAL idle_in_transaction_session_timeout = {IDLE * 1000}")
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {int(wait * 1000)}")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
    else:  # several queries that belong together see the same
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")


@contextmanager
def transaction(engine: Engine, *, writes: bool) -> Iterator[Connection]:
    """A transaction, undone where an error comes out of the block.

    Raises:
        InputError: the database cannot be used.
    """
    with told(engine), engine.connect().execution_options(writes=writes) as connection, connection.begin():
        yield connection


def use_write_ahead_log(engine: Engine) -> None:
    """Let SQLite's readers and its writer not wait for each other; kept in the file, and harmless to ask for again."""
    if engine.dialect.name == "sqlite":
        with told(engine), engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            driver.execute("PRAGMA journal_mode = WAL")


@contextmanager
def told(engine: Engine) -> Iterator[None]:
    """Errors of the database become one line for the user; nothing that the library says of itself, nor a password.

    Raises:
        InputError: in place of them.
    """
    url = engine.url
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        problem, remedy = _of_sqlite(cause) if url.drivername == "sqlite" else _of_postgresql(cause, url)
        raise InputError(shown(url), problem, remedy) from None
    except SQLAlchemyError as error:
        raise InputError(shown(url), f"it cannot be used{_in_brackets(error)}") from None
    except OF_DAMAGE:
        if not is_damaged(engine):
            raise
        raise InputError(shown(url), *_DAMAGED) from None


OF_DAMAGE: Final = (ValueError, TypeError, LookupError, AttributeError, OverflowError)
"""What reading rows comes to that nobody stored. Errors of this program look the same, so damage is looked for."""

_DAMAGED: Final = ("the database is damaged", "restore it from a backup")

_REPLACED: Final = (
    "its tables are not those of a store; was it removed or replaced meanwhile?",
    "restore it from a backup, or make it anew with 'smtpauth store init'",
)

_NO_ROOM_BESIDE: Final = ("no file can be made beside it, as SQLite must even to read", "check its directory's rights")

_SQLITE: Final[dict[str, tuple[str, str | None]]] = {
    "SQLITE_BUSY": ("another process keeps it locked", "try again when that is done"),
    "SQLITE_LOCKED": ("another process keeps it locked", "try again when that is done"),
    "SQLITE_FULL": ("the disk is full; nothing of this run was stored", "make room, and run it again"),
    "SQLITE_CORRUPT": _DAMAGED,
    "SQLITE_NOTADB": ("it is no store: not a database of SQLite", "give another file"),
    "SQLITE_READONLY_DIRECTORY": _NO_ROOM_BESIDE,
    "SQLITE_READONLY_CANTINIT": _NO_ROOM_BESIDE,
    "SQLITE_READONLY": ("it cannot be written to", "check its owner and rights"),
    "SQLITE_CANTOPEN": ("it cannot be opened", "check its owner and rights"),
    "SQLITE_PERM": ("it cannot be opened: no permission", "check its owner and rights"),
    "SQLITE_IOERR": ("reading or writing it failed; the disk may be full or damaged", None),
}
"""By the error's name or the beginning of it (sqlite.org/rescode.html)."""


def _of_sqlite(error: BaseException | None) -> tuple[str, str | None]:
    name = getattr(error, "sqlite_errorname", None) or ""
    for beginning, said in _SQLITE.items():
        if name.startswith(beginning):
            return said
    if str(error).startswith("Could not decode to UTF-8"):  # Python's word for text that is none; it goes on with it
        return _DAMAGED
    if str(error).startswith(("no such table", "no such column")):  # for which SQLite has no code of its own
        return _REPLACED
    return f"it cannot be used{_in_brackets(error)}", None


_POSTGRESQL: Final[dict[str, tuple[str, str | None]]] = {
    "28": ("the server does not let this user in", "check user, password and pg_hba.conf"),
    "42P01": _REPLACED,
    "42703": _REPLACED,
    "3D000": ("there is no such database", "create it, then run 'smtpauth store init'"),
    "42501": ("this user may not do that", "grant it the right to create and change tables"),
    "53": (
        "the server has no room (disk or connections); nothing of this run was stored",
        "make room, and run it again",
    ),
    "55P03": ("another process keeps it locked", "try again when that is done"),
    "57014": ("the server ended it: somebody cancelled it, or a time limit", "run it again"),
    "57": ("the server is shutting down or starting", "try again later"),
    "XX001": _DAMAGED,
    "XX002": _DAMAGED,
    "25P03": (f"it heard nothing for {IDLE} seconds; nothing of this run was stored", "import a file, not a slow pipe"),
    "25006": ("it cannot be written to: the server is a read-only copy", "give the primary server"),
}
"""By SQLSTATE or the beginning of it (PostgreSQL's appendix A)."""


def _of_postgresql(error: BaseException | None, url: URL) -> tuple[str, str | None]:
    state = getattr(error, "sqlstate", None) or ""
    for beginning, said in _POSTGRESQL.items():
        if state.startswith(beginning):
            return said
    words = str(error)
    if url.password and str(url.password) in words:
        words = ""
    if "password" in words:  # before a connection stands, libpq tells no SQLSTATE
        return _POSTGRESQL["28"]
    if "does not exist" in words and "database" in words:
        return _POSTGRESQL["3D000"]
    if not state:
        return f"the server cannot be reached{_in_brackets(words)}", None
    return f"it cannot be used{_in_brackets(words)}", None


def _in_brackets(error: object) -> str:
    """The first line of what a library says, printable; nothing where it says nothing."""
    first = next(iter(str(error).strip().splitlines()), "")
    line = "".join(c if c.isprintable() else "?" for c in first)[:300]
    return f" ({line})" if line else ""


def size_of(connection: Connection) -> int | None:
    """Bytes that the database takes on disk."""
    if connection.dialect.name == "sqlite":
        query = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
    else:
        query = "SELECT pg_database_size(current_database())"
    size = connection.execute(text(query)).scalar()
    return None if size is None else int(size)
