"""New stores, one for each round: files in a folder, or databases of a server of PostgreSQL, dropped afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from analyzer.store import initialise


@contextmanager
def new_store(url: str | None, folder: Path, name: str) -> Iterator[str]:
    """URL of an empty store.

    Args:
        url: of a database of PostgreSQL, whose user may make others beside it; without it, a file in ``folder``.
    """
    if url is None:
        yield str(folder / f"{name}.db")
        return
    made = f"storekills_{name}"
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(made)))
    try:
        where = make_url(url).set(database=made).render_as_string(hide_password=False)
        initialise(where)
        yield where
    finally:
        with psycopg.connect(url, autocommit=True) as server:  # FORCE: of a killed client the server learns later
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(made)))
