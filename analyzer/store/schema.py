"""The tables, the same in SQLite and PostgreSQL.

Times are nanoseconds since 1970-01-01 UTC, days are numbers of days since then.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, MetaData, String, Table, Text

REVISIONS: Final = ("0001", "0002", "0003")
"""Of the schema, oldest first, as :mod:`analyzer.store.migrations` makes them; the last is the one used here."""

metadata = MetaData()

# SQLite numbers the rows of a table by itself only where the key is called an integer.
_ROW: Final = BigInteger().with_variant(Integer, "sqlite")

settings = Table(
    "settings", metadata, Column("name", String(64), primary_key=True), Column("value", Text, nullable=False)
)
"""Numbers, see :mod:`analyzer.store.retention` and :mod:`analyzer.store.trend`."""

inputs = Table(
    "inputs",
    metadata,
    Column("sensor", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("first", BigInteger, primary_key=True),
    Column("last", BigInteger, nullable=False),
    Column("dropped", BigInteger, nullable=False),
    Column("damaged", Boolean, nullable=False),
    Column("identity", Text, index=True),
)
"""See :class:`analyzer.store.records.Source`."""

clients = Table(
    "clients",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("ip", String(64), nullable=False, unique=True),
    Column("first", BigInteger, nullable=False),
)
"""Client addresses; ``first`` is when they were seen first of all, 0 where no packet had a time."""

facts = Table(
    "facts",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("hash", String(32), nullable=False, unique=True),
    Column("content", Text, nullable=False),
    Column("mail", Boolean, nullable=False),
    Column("unknown", Boolean, nullable=False),
    Column("reduced", Boolean, nullable=False),
)
"""See :mod:`analyzer.store.facts`; and whether they are of a conversation of mail, whether its method is unknown, and
whether names were left out."""

sessions = Table(
    "sessions",
    metadata,
    Column("id", _ROW, primary_key=True),
    Column("key", BigInteger, nullable=False),
    Column("day", Integer, nullable=False),
    Column("client_id", Integer, nullable=False),
    Column("client_port", Integer, nullable=False),
    Column("facts_id", Integer, nullable=False),
    Column("serial", BigInteger),
    Column("start", BigInteger, nullable=False),
    Column("end", BigInteger, nullable=False),
    Column("messages", Integer, nullable=False),
    Column("complete", Boolean, nullable=False),
    Column("gapped", Boolean, nullable=False),
    Column("rank", Integer, nullable=False),
    Column("counts", Boolean, nullable=False),
    Index("sessions_by_endpoints", "key", "start"),
    Index("sessions_by_day", "day", "client_id"),
)
"""Views of sessions, see :mod:`analyzer.store.identity`; those that count make up the aggregates."""

aggregates = Table(
    "aggregates",
    metadata,
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("client_id", Integer, primary_key=True, autoincrement=False),
    Column("facts_id", Integer, primary_key=True, autoincrement=False),
    Column("sessions", Integer, nullable=False),
    Column("messages", BigInteger, nullable=False),
    Column("complete", Integer, nullable=False),
    Column("gapped", Integer, nullable=False),
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("end", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""Sums over the sessions that a client began on a day with the same facts: how many, their messages, how many were seen
whole and how many have gaps; when the first (with a time) and last began, and when the last of them ended."""

names = Table(
    "names",
    metadata,
    Column("hash", String(32), primary_key=True),
    Column("content", Text, nullable=False),
    Column("first", Integer, nullable=False),
    Column("last", Integer, nullable=False),
    Index("names_by_last", "last"),
)
"""What hosts are called, see :mod:`analyzer.store.names`; and the days on which that was learned first and last."""

weeks = Table(
    "weeks",
    metadata,
    Column("monday", Integer, primary_key=True, autoincrement=False),
    Column("made_by", String(32), nullable=False),
    Column("statuses", Text, nullable=False),
    Column("sessions", BigInteger, nullable=False),
    Column("roster", LargeBinary),
)
"""The trend as far as it was worked out, by which version of the program, and the devices in short (see
:mod:`analyzer.store.rosters`); a week that is not here is worked out when somebody asks."""
