"""What hosts are called, learned day after day: each thing once, with the days on which it was learned first and last.

A device says its name when it asks for an address, which may be days before it sends mail; so a report looks back
:data:`REACH` days for names. Not for leases: an address that is somebody else's by now is not two devices'.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from hashlib import blake2b
from typing import Any, Final, get_args

from sqlalchemy import Connection, delete, func, select

from analyzer.addresses import canonical
from analyzer.hostnames import Learned, Source
from analyzer.hostnames.learned import host_name, vendor_class
from analyzer.store.interning import ASKED
from analyzer.store.rows import among, insert_into, merge
from analyzer.store.schema import names
from analyzer.store.times import DAY, LATEST, bounded, day_of, monday_of, number_of

REACH: Final = 30
"""Days before a period whose names count in it, too: leases are renewed within a week or two, caches of names within
days."""

MOST_STORED: Final = 100_000
"""Things kept, some 20 MB: ten of each of 10,000 hosts. Beyond that those go that were learned last the longest ago."""

_PORTION: Final = 1000


def keep(connection: Connection, learned: Iterable[Learned]) -> set[int]:
    """Remember what was learned; twice is as good as once. Returns what :func:`keep_spans` does."""
    days = ((_content(one), day_of(bounded(one.time))) for one in learned)
    return keep_spans(connection, ((content, day, day) for content, day in days))


def keep_spans(connection: Connection, spans: Iterable[tuple[str, int, int]]) -> set[int]:
    """The same, of contents with the days on which they were learned first and last.

    Returns:
        A day of each week in which it is told anew whom addresses were leased to: its devices may be others.
    """
    reach: dict[str, tuple[int, int]] = {}
    for content, first, last in spans:
        known = reach.get(content, (first, last))
        reach[content] = min(first, known[0]), max(last, known[1])
    rows = [
        {
            "hash": blake2b(content.encode("ascii"), digest_size=16).hexdigest(),
            "content": content,
            "first": first,
            "last": last,
        }
        for content, (first, last) in reach.items()
    ]
    if not rows:
        return set()
    rows.sort(key=lambda row: str(row["hash"]))  # two sensors that write at a time lock rows in one order
    told_anew = _weeks_with_other_leases(connection, rows)
    statement = insert_into(connection, names)
    new = statement.excluded
    # SQLite's min and max of two are PostgreSQL's least and greatest.
    least, most = (func.min, func.max) if connection.dialect.name == "sqlite" else (func.least, func.greatest)
    statement = statement.on_conflict_do_update(
        index_elements=["hash"],
        set_={"first": least(names.c.first, new.first), "last": most(names.c.last, new.last)},
    )
    for at in range(0, len(rows), _PORTION):
        merge(connection, statement, rows[at : at + _PORTION])
    _make_room(connection)
    return told_anew


def _weeks_with_other_leases(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> set[int]:
    leases = {row["hash"]: (row["first"], row["last"]) for row in rows if _restored(row["content"], 0).is_lease}
    known: dict[str, tuple[int, int]] = {}
    wanted = list(leases)
    for at in range(0, len(wanted), ASKED):
        query = select(names.c.hash, names.c.first, names.c.last).where(
            among(connection, names.c.hash, wanted[at : at + ASKED])
        )
        known.update({digest: (first, last) for digest, first, last in connection.execute(query)})
    found: set[int] = set()
    for digest, (first, last) in leases.items():
        first_known, last_known = known.get(digest, (last + 1, last))
        for begin, end in ((first, first_known - 1), (last_known + 1, last)):
            if begin <= end:
                found.update(range(monday_of(begin), end + 1, 7))
    return found


def _make_room(connection: Connection) -> None:
    beyond = int(connection.execute(select(func.count()).select_from(names)).scalar_one()) - MOST_STORED
    if beyond <= 0:
        return
    oldest = select(names.c.hash).order_by(names.c.last, names.c.hash).limit(beyond)
    connection.execute(delete(names).where(names.c.hash.in_(oldest)))


def recall(connection: Connection, first: date, last: date) -> Iterator[Learned]:
    """What was learned in these days, both included, and names that were in the :data:`REACH` days before them."""
    column = names.c
    query = select(column.content, column.first, column.last).where(
        column.last >= number_of(first) - REACH, column.first <= number_of(last)
    )
    for content, began, ended in connection.execute(query.order_by(column.hash)):
        for day in sorted({began, ended}):
            learned = _restored(content, day)
            if ended >= number_of(first) or not learned.is_lease:
                yield learned


def export(connection: Connection) -> Iterator[dict[str, Any]]:
    """Everything, as values that :func:`spans_of` takes back."""
    column = names.c
    for content, first, last in connection.execute(
        select(column.content, column.first, column.last).order_by(column.hash)
    ):
        yield {"learned": json.loads(content), "first": first, "last": last}


def span_of(values: dict[str, Any]) -> tuple[str, int, int]:
    """What :func:`export` gave, checked.

    Raises:
        ValueError, KeyError or TypeError: it is something else.
    """
    first, last = values["first"], values["last"]
    if type(first) is not int or type(last) is not int or not 0 <= first <= last <= day_of(LATEST):
        raise ValueError(first)
    source, address, mac, name, described = values["learned"]
    if source not in get_args(Source) or not (mac is None or (type(mac) is int and 0 < mac < 1 << 48)):
        raise ValueError(source)
    if name is not None and host_name(name.encode()) != name:
        raise ValueError(name)
    if described is not None and vendor_class(described.encode("latin-1")) != described:
        raise ValueError(described)
    checked = None if address is None else canonical(address)
    return _content(Learned(source, 0, checked, mac, name, described)), first, last


def _restored(content: str, day: int) -> Learned:
    source, address, mac, name, described = json.loads(content)
    return Learned(source, day * DAY, address, mac, name, described)


def _content(learned: Learned) -> str:
    kept = (learned.source, learned.address, learned.mac, learned.name, learned.vendor_class)
    return json.dumps(kept, separators=(",", ":"))
