"""What hosts are called is learned once and kept, found again for a period, and bounded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from analyzer.errors import UsageError
from analyzer.hostnames import Learned
from analyzer.inventory.device import Device
from analyzer.store import Source, Store, initialise, names, open_store
from tests.support.sessions import DAY, START, attempt, session

ON = date(2026, 11, 23)
MAC, ROUTER = 0x0017C8_000103, 0x00005E_000101
SOURCE = Source("here", "a.pcap", START, START)


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with open_store(url) as opened:
        yield opened


def named(name: str, time: int = START, **fields: Any) -> Learned:
    return Learned("dns", time, address="10.10.0.103", name=name, **fields)


def told(store: Store, first: date, last: date) -> list[str]:
    """The names of the one device in these days, but for what it said in EHLO."""
    (device,) = store.inventory(first, last).devices()
    return [name.name for name in device.hostnames if name.source != "ehlo"]


def device_in(store: Store) -> Device:
    (device,) = store.inventory(ON, ON).devices()
    return device


def test_a_period_has_the_names_that_were_learned_in_it(store: Store) -> None:
    store.ingest([session(attempt())], SOURCE, names=[named("copier3.example")])
    assert told(store, ON, ON) == ["copier3.example"]


def test_the_names_of_a_scan_and_of_a_store_are_the_same(store: Store) -> None:
    learned = [
        Learned("dhcp", START, address="10.10.0.103", mac=MAC),
        Learned("dhcp", START, mac=MAC, name="KMBT6D21", vendor_class="Kyocera"),
        Learned("mdns", START, address="10.10.0.103", name="KMBT6D21.local"),
    ]
    store.ingest([session(attempt(), client_mac=ROUTER, client_ttl=63)], SOURCE, names=learned)
    found = device_in(store)
    assert (found.mac, found.vendor_class, found.name) == (MAC, "Kyocera", "KMBT6D21")
    assert [name.source for name in found.hostnames] == ["dhcp", "mdns", "ehlo"]


def test_names_from_before_a_period_count_for_a_while(store: Store) -> None:
    later = ON + timedelta(days=names.REACH)
    began = START + names.REACH * DAY
    store.ingest([session(attempt(), start=began, end=began)], SOURCE, names=[named("copier3.example")])
    assert told(store, later, later) == ["copier3.example"]
    again = began + DAY
    store.ingest([session(attempt(), start=again, end=again)], SOURCE)
    assert told(store, later + timedelta(days=1), later + timedelta(days=1)) == []


def test_leases_from_before_a_period_do_not_count(store: Store) -> None:
    lease = Learned("dhcp", START - DAY, address="10.10.0.103", mac=MAC + 1)
    store.ingest([session(attempt(), client_mac=ROUTER, client_ttl=63)], SOURCE, names=[lease])
    assert device_in(store).mac is None
    store.ingest([], SOURCE, names=[lease._replace(time=START, mac=MAC)])
    assert (device_in(store).mac, device_in(store).clients_behind) == (MAC, 1)


def test_names_that_are_learned_after_a_period_do_not_count(store: Store) -> None:
    store.ingest([session(attempt())], SOURCE, names=[named("copier3.example", START + DAY)])
    assert told(store, ON, ON) == []


def test_the_same_again_adds_nothing(store: Store) -> None:
    for _ in range(2):
        store.ingest([], SOURCE, names=[named("a.example", START + DAY), named("a.example")])
    assert [json.loads(line) for line in store.export() if '"learned"' in line] == [
        {
            "type": "name",
            "learned": ["dns", "10.10.0.103", None, "a.example", None],
            "first": (ON - date(1970, 1, 1)).days,
            "last": (ON - date(1970, 1, 1)).days + 1,
        }
    ]


def test_beyond_the_limit_those_go_that_were_learned_last_the_longest_ago(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names, "MOST_STORED", 2)
    learned = [named(f"{day}.example", START + day * DAY) for day in (3, 0, 1, 2)]
    began = START + 3 * DAY
    store.ingest([session(attempt(), start=began, end=began)], SOURCE, names=learned)
    assert sorted(told(store, ON, ON + timedelta(days=3))) == ["2.example", "3.example"]


def test_an_export_holds_names(store: Store, tmp_path: Path) -> None:
    store.ingest([session(attempt())], SOURCE, names=[named("copier3.example")])
    with open_store(str(tmp_path / "other.db")) as other:
        for _ in range(2):
            other.import_lines(store.export())
        assert told(other, ON, ON) == ["copier3.example"]
        assert [*other.export()] == [*store.export()]


@pytest.mark.parametrize(
    "learned",
    [
        ["dns", "10.0.0.999", None, "a", None],
        ["dns", None, 1 << 48, "a", None],
        ["dns", None, -1, "a", None],
        ["made-up", "10.0.0.1", None, "a", None],
        ["dns", "10.0.0.1", None, "two words", None],
        ["dhcp", None, 5, None, "x\x1b[2J"],
        ["dns", "10.0.0.1", None, 7, None],
        ["dns"],
        "x",
        None,
    ],
)
def test_a_line_that_holds_something_else_is_refused(store: Store, learned: object) -> None:
    head = next(iter(store.export()))
    line = json.dumps({"type": "name", "learned": learned, "first": 1, "last": 2})
    with pytest.raises(UsageError, match="line 2 is not what"):
        store.import_lines([head, line])


def test_a_store_from_before_there_were_names_is_upgraded(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    with open_store(str(path)) as store:
        store.ingest([session(attempt())], SOURCE)
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE names"))
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    engine.dispose()
    with pytest.raises(UsageError, match="'smtpauth store init' upgrades it"):
        open_store(str(path))
    assert initialise(str(path))
    with open_store(str(path)) as store:
        store.ingest([], SOURCE, names=[named("copier3.example")])
        assert told(store, ON, ON) == ["copier3.example"]
