"""Which schema a database has, and making it the one that is used here."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from analyzer.errors import InputError
from analyzer.store.engine import transaction
from analyzer.store.schema import REVISIONS
from analyzer.store.url import shown

_VERSIONS = "alembic_version"


def revision_of(connection: Connection) -> str | None:
    """The revision of the tables that are there; ``None`` where there are none of ours."""
    if not inspect(connection).has_table(_VERSIONS):
        return None
    revision = connection.execute(text(f"SELECT version_num FROM {_VERSIONS}")).scalar()  # noqa: S608 - a constant
    return None if revision is None else str(revision)


def is_empty(connection: Connection) -> bool:
    """Whether the database holds nothing at all."""
    return not inspect(connection).get_table_names()


def check(connection: Connection) -> None:
    """See that the schema is the one used here.

    Raises:
        InputError: it is another one, or there is none.
    """
    revision, name = revision_of(connection), shown(connection.engine.url)
    if revision == REVISIONS[-1]:
        return
    if revision is None:
        if not is_empty(connection):
            raise InputError(name, "this database holds something else, and no store", "give another one")
        raise InputError(name, "there is no store yet", "'smtpauth store init' makes one")
    if revision in REVISIONS:
        raise InputError(
            name, f"its schema is {revision}, older than {REVISIONS[-1]}", "'smtpauth store init' upgrades it"
        )
    raise InputError(name, f"its schema ({revision}) is newer than this program knows", "upgrade smtp-auth-analyzer")


def initialise(engine: Engine) -> bool:
    """Make the tables, or bring them up to date; returns whether there was anything to do.

    Raises:
        InputError: the schema is newer, or the database holds something else.
    """
    with transaction(engine, writes=True) as connection:
        revision = revision_of(connection)
        if revision == REVISIONS[-1]:
            return False
        if (revision is None and not is_empty(connection)) or (revision and revision not in REVISIONS):
            check(connection)
        from alembic import command
        from alembic.config import Config

        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
        try:
            command.upgrade(config, "head")
        except OSError as error:  # a run that gave up its privileges, and a program in somebody's home
            raise InputError(
                shown(engine.url), f"making its tables failed ({error.strerror})", "'smtpauth store init' does it"
            ) from None
        return True
