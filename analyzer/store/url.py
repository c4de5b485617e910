"""Where a store is: the path of a file, or the URL of a database."""

from __future__ import annotations

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from analyzer.errors import UsageError

_POSTGRESQL = frozenset({"postgresql", "postgres", "postgresql+psycopg"})
_SECRET = frozenset({"password", "passfile", "sslpassword"})
"""Query parameters that libpq takes, and nobody else needs to see."""


def url_of(text: str) -> URL:
    """What SQLAlchemy connects to.

    Raises:
        UsageError: it is no such URL; what is said does not repeat it, for a password may be in it.
    """
    if not text or "\0" in text:
        raise UsageError("the store has no name; give a file, or postgresql://USER@HOST/DATABASE")
    if "://" not in text:
        return URL.create("sqlite", database=text)
    try:
        url = make_url(text)
        backend = url.drivername
        if backend == "sqlite" and url.database and not url.host:
            return url.set(query={})
        if backend in _POSTGRESQL:
            return url.set(drivername="postgresql+psycopg")
    except (ArgumentError, ValueError):  # a port that is no number, brackets that do not close
        backend = text.split(":", 1)[0]
        if backend in _POSTGRESQL or backend == "sqlite":
            raise UsageError(
                f"that is no URL of a store ({backend}://…); one is postgresql://USER:PASSWORD@HOST:PORT/DATABASE, "
                "with special characters of the password percent-encoded"
            ) from None
    raise UsageError("a store is a file of SQLite (its path, or sqlite:///path) or postgresql://USER@HOST/DATABASE")


def shown(url: URL) -> str:
    """``url`` for people, without passwords; of SQLite, the file's name."""
    if url.drivername == "sqlite":
        return url.database or ""
    return url.set(drivername="postgresql").difference_update_query(_SECRET).render_as_string(hide_password=True)
