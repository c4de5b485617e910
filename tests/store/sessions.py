"""Sessions as stores meet them: of few clients, ports and moments, so that many are views of the same one."""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import closing
from dataclasses import replace
from datetime import date
from functools import cache
from itertools import count
from pathlib import Path

from hypothesis import strategies as st

from analyzer.inventory.devices import Inventory
from analyzer.inventory.session import Session
from analyzer.store import Store, initialise, open_store
from tests.support import sessions as made

SECOND = made.SECOND
DAY = made.DAY
START = made.START
TODAY = date(2026, 11, 27)

_numbers = count()


def session(*attempts: object, **fields: object) -> Session:
    """One that was seen from its SYN to its end."""
    defaults: dict[str, object] = {"serial": 1000, "complete": True, "messages": 1}
    return settled(made.session(*attempts, **{**defaults, **fields}))  # type: ignore[arg-type]


def settled(session: Session) -> Session:
    """With attempts timed as the observer does: when the session began."""
    session.auth = [replace(attempt, time=session.start) for attempt in session.auth]
    return session


# Made once: to make a strategy takes longer than to draw from it.
_anyone = made.sessions()
_seconds = st.sampled_from([0, 1, 2, 4, 9, 30])
_days = st.integers(0, 2)
_durations = st.sampled_from([0, 1, 3, 20])
_fields: dict[str, st.SearchStrategy[object]] = {
    "client_port": st.sampled_from([40001, 40002]),
    "serial": st.sampled_from([None, 7, 8]),
    "complete": st.booleans(),
    "gaps": st.integers(0, 1),
    "mail_program": st.sampled_from([None, "MFP 2.1"]),
}
_tls_fields: dict[str, st.SearchStrategy[object]] = {
    "tls_mode": st.sampled_from(["starttls", "implicit", None]),
    "tls_ja4": st.sampled_from([None, "t13d1516h2_8daaf6152771_b0da82dd1658"]),
    "tls_sni": st.sampled_from([None, "smtp.office365.com"]),
}
_reasons = st.sampled_from(["ambiguous", "gap", "padding"])
_likelihoods: st.SearchStrategy[dict[str, float]] = st.sampled_from(
    [{}, {"basic": 0.0, "oauth": -2.5}, {"oauth": 0.0, "basic": -7.0}]
)


@st.composite
def sessions(draw: st.DrawFn, *, timeless: bool = False) -> Session:
    """Whole and half ones, with and without a serial, within some seconds or days of each other.

    Args:
        timeless: also some of captures without times.
    """
    found = draw(_anyone)
    start = START + draw(_seconds) * SECOND + draw(_days) * DAY
    found.start = draw(st.sampled_from([0, start, start, start])) if timeless else start
    found.end = found.start + draw(_durations) * SECOND
    for name, strategy in _fields.items():
        setattr(found, name, draw(strategy))
    if draw(st.booleans()):
        for name, strategy in _tls_fields.items():
            setattr(found, name, draw(strategy))
        if not found.auth:
            found.reason = draw(_reasons) if found.method == "unknown" else None
            found.likelihoods = dict(draw(_likelihoods))
    return settled(found)


def distinct(found: list[Session]) -> list[Session]:
    """The same sessions, no two of them of the same conversation."""
    return [replace(one, client_port=1024 + number, auth=list(one.auth)) for number, one in enumerate(found)]


def directly(found: list[Session]) -> Inventory:
    """What a scan says of them."""
    inventory = Inventory()
    for one in found:
        inventory.add(one)
    return inventory


def same(one: Inventory, other: Inventory) -> None:
    """They must say the same."""
    assert one.devices() == other.devices()
    assert one.summary() == other.summary()


@cache
def _empty() -> bytes:
    """A file of SQLite with the tables of a store and nothing in them: making one takes longer than using it."""
    with tempfile.TemporaryDirectory() as folder:
        initialise(f"{folder}/store.db")
        with closing(sqlite3.connect(f"{folder}/store.db")) as connection:
            connection.execute("PRAGMA journal_mode = DELETE")
        return Path(folder, "store.db").read_bytes()


def fresh(folder: Path) -> Store:
    """An empty store of SQLite; the same folder serves any number."""
    path = folder / f"{next(_numbers)}.db"
    path.write_bytes(_empty())
    return open_store(str(path), today=lambda: TODAY)


def content(store: Store) -> list[str]:
    """Everything in a store, in an order that no database chooses."""
    return sorted(store.export())
