"""Where a store is: the path of a file, or the URL of a database."""

from __future__ import annotations

import re
from typing import Final

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from analyzer.errors import UsageError

_POSTGRESQL = frozenset({"postgresql", "postgres", "postgresql+psycopg"})
_SECRET = frozenset({"password", "passfile", "sslpassword"})
"""Query parameters that libpq takes, and nobody else needs to see."""

_SLIP: Final = re.compile(r"\s*(postgres(ql)?(\+\w+)?(:|//)|(.*\s)?password\s*=)", re.IGNORECASE | re.DOTALL)
"""What was meant as a URL and lacks a sign of it, or is another way to name a server. Taken for the name of a file it
would be told, and a password in it, too."""


def url_of(text: str) -> URL:
    """What SQLAlchemy connects to.

    Raises:
        UsageError: it is no such URL; what is said does not repeat it, for a password may be in it.
    """
    if not text or "\0" in text:
        raise UsageError("the store has no name; give a file, or postgresql://USER@HOST/DATABASE")
    if text == ":memory:":
        raise UsageError("a store in memory would be gone with the program; give a file")
    if "://" not in text:
        if _SLIP.match(text):
            raise _not_a_url("postgresql")
        return URL.create("sqlite", database=text)
    backend = text.split(":", 1)[0]
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):  # a port that is no number, brackets that do not close
        url = None
    if backend in _POSTGRESQL:
        if url is None or text.count("@") > 1:  # of a password with @ in it a part would be the host's name
            raise _not_a_url(backend)
        return url.set(drivername="postgresql+psycopg")
    if backend == "sqlite":
        if url is None:
            raise _not_a_url(backend)
        if url.query:
            raise UsageError("the URL of a file of SQLite takes no parameters; give its path alone")
        if url.database and not url.host:
            return url_of(url.database)
    raise UsageError("a store is a file of SQLite (its path, or sqlite:///path) or postgresql://USER@HOST/DATABASE")


def _not_a_url(backend: str) -> UsageError:
    return UsageError(
        f"that is no URL of a store ({backend}://…); one is postgresql://USER:PASSWORD@HOST:PORT/DATABASE, "
        "with special characters of user and password percent-encoded (@ is %40)"
    )


def shown(url: URL) -> str:
    """``url`` for people, without passwords; of SQLite, the file's name."""
    if url.drivername == "sqlite":
        return url.database or ""
    return url.set(drivername="postgresql").difference_update_query(_SECRET).render_as_string(hide_password=True)
