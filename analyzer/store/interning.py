"""Facts and clients get numbers, by which rows refer to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sqlalchemy import Column, Connection, Table, bindparam, func, select, update

from analyzer.store.facts import hash_of, marks_of
from analyzer.store.rows import among, append
from analyzer.store.schema import clients, facts

ASKED: Final = 500
"""Keys in one query: SQLite of old allows 999."""

REMEMBERED: Final = 50_000
"""Numbers remembered during one transaction, some 150 bytes each; beyond that they are asked for again."""


class Numbers:
    """Numbers of facts and clients, within one transaction that holds the writer's lock."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._facts: dict[str, int] = {}
        self._clients: dict[str, tuple[int, int]] = {}

    def of_facts(self, contents: Mapping[str, str]) -> dict[str, int]:
        """The number of each of the contents, by their hashes; those that are new are stored."""
        if len(self._facts) > REMEMBERED:
            self._facts.clear()
        unknown = [key for key in contents if key not in self._facts]
        self._facts.update(self._look_up(facts, facts.c.hash, unknown))
        fresh = [key for key in unknown if key not in self._facts]
        if fresh:
            start = self._next(facts)
            rows = []
            for number, key in enumerate(fresh, start):
                content = contents[key]
                rows.append({"id": number, "hash": key, "content": content, **marks_of(content)})
                self._facts[key] = number
            append(self._connection, facts, rows)
        return {key: self._facts[key] for key in contents}

    def of_content(self, content: str) -> int:
        """The number of these facts."""
        key = hash_of(content)
        return self.of_facts({key: content})[key]

    def of_clients(self, first: Mapping[str, int]) -> dict[str, int]:
        """The number of each client address.

        Args:
            first: by address, when it was seen first, as far as the caller knows; 0 where no packet had a time.
        """
        if len(self._clients) > REMEMBERED:
            self._clients.clear()
        unknown = [ip for ip in first if ip not in self._clients]
        for at in range(0, len(unknown), ASKED):
            query = select(clients).where(among(self._connection, clients.c.ip, unknown[at : at + ASKED]))
            self._clients.update({row.ip: (row.id, row.first) for row in self._connection.execute(query)})
        fresh = [ip for ip in unknown if ip not in self._clients]
        if fresh:
            start = self._next(clients)
            rows = [{"id": number, "ip": ip, "first": first[ip]} for number, ip in enumerate(fresh, start)]
            self._clients.update({ip: (number, first[ip]) for number, ip in enumerate(fresh, start)})
            append(self._connection, clients, rows)
        earlier = []
        for ip, time in first.items():
            number, known = self._clients[ip]
            if time and (not known or time < known):
                self._clients[ip] = (number, time)
                earlier.append({"number": number, "time": time})
        if earlier:
            statement = update(clients).where(clients.c.id == bindparam("number")).values(first=bindparam("time"))
            self._connection.execute(statement, earlier)
        return {ip: self._clients[ip][0] for ip in first}

    def _look_up(self, table: Table, key: Column[str], wanted: list[str]) -> dict[str, int]:
        found: dict[str, int] = {}
        for at in range(0, len(wanted), ASKED):
            query = select(key, table.c.id).where(among(self._connection, key, wanted[at : at + ASKED]))
            found.update((name, number) for name, number in self._connection.execute(query))
        return found

    def _next(self, table: Table) -> int:
        return int(self._connection.execute(select(func.coalesce(func.max(table.c.id), 0))).scalar_one()) + 1
