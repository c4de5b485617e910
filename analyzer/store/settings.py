"""Numbers that a store remembers about itself."""

from __future__ import annotations

from sqlalchemy import Connection, select

from analyzer.store.rows import insert_into
from analyzer.store.schema import settings


def setting(connection: Connection, name: str) -> int | None:
    """A number from the settings; ``None`` where it was never set."""
    value = connection.execute(select(settings.c.value).where(settings.c.name == name)).scalar()
    return None if value is None else int(value)


def set_setting(connection: Connection, name: str, value: int) -> None:
    """Remember a number."""
    statement = insert_into(connection, settings).values(name=name, value=str(value))
    connection.execute(
        statement.on_conflict_do_update(index_elements=["name"], set_={"value": statement.excluded.value})
    )
