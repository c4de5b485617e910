"""What PostgreSQL knows of the tables' contents, by which it chooses between an index and reading everything.

The server counts by itself (autovacuum), but only what was committed, and some time later. A year that comes in at once
is one transaction: without these counts it would look for each portion's sessions among all those before it, and the
first report would be planned for empty tables. SQLite takes the index where there is one.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, text

from analyzer.store.schema import aggregates, clients, facts, sessions

FIRST: Final = 5000
"""Rows that have come in when they are counted first: with fewer, the worst choice costs little."""

GROWN: Final = 4
"""Counted again when so many times as many have come in; distributions stay true for longer than numbers of rows, which
the server takes from the size of the file."""

_COUNTED: Final = (sessions, aggregates, facts, clients)


class Statistics:
    """Keeps the server's counts up to date within a transaction that writes.

    A user who does not own the tables may not count, and a table that is being vacuumed is passed over: the server says
    so in a notice and goes on without.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows = self._counted = 0

    def grew(self, rows: int) -> None:
        """So many sessions have come in."""
        self._rows += rows
        if self._rows >= max(FIRST, GROWN * self._counted):
            self.count()

    def finish(self) -> None:
        """Nothing more comes in: leave counts to those who read next."""
        if self._rows >= FIRST and self._rows > self._counted:
            self.count()

    def count(self) -> None:
        """Count now: a sample of 30,000 rows of each table."""
        self._counted = self._rows
        if self._connection.dialect.name == "postgresql":
            self._connection.execute(text(f"ANALYZE (SKIP_LOCKED) {', '.join(table.name for table in _COUNTED)}"))
