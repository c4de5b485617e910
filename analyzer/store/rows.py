"""Many rows at once, past what SQLAlchemy does for each: half of the time that storing a session takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Executable
from sqlalchemy.sql.compiler import SQLCompiler


def write(connection: Connection, statement: Executable, rows: Sequence[dict[str, Any]]) -> None:
    """Execute ``statement`` once for each of ``rows``, which all have the same columns and values that the driver takes
    as they are: numbers, text, booleans."""
    if not rows:
        return
    compiled: Any = statement.compile(dialect=connection.dialect, column_keys=list(rows[0]))  # type: ignore[attr-defined]
    assert isinstance(compiled, SQLCompiler)  # noqa: S101 - of a statement
    fixed = {name: value for name, value in compiled.params.items() if name not in rows[0]}  # of the statement itself
    if fixed:
        rows = [{**fixed, **row} for row in rows]
    if compiled.positional:
        order = compiled.positiontup or []
        connection.exec_driver_sql(str(compiled), [tuple([row[name] for name in order]) for row in rows])
    else:
        connection.exec_driver_sql(str(compiled), rows)
