"""A client that makes each session different cannot fill a store for good."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from analyzer.errors import UsageError
from analyzer.inventory.session import Session
from analyzer.store import aggregate, open_store
from analyzer.store.times import date_of
from tests.store.sessions import DAY, SECOND, START, content, directly, fresh, session
from tests.support.sessions import attempt

_EVER = (date_of(0), date_of(106_751))
MOST = 5


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """A smaller limit, which is reached sooner."""
    assert aggregate.MOST_FACTS >= 100
    monkeypatch.setattr("analyzer.store.aggregate.MOST_FACTS", MOST)


def _hostile(count: int, **fields: object) -> list[Session]:
    return [
        session(
            attempt(username=f"user{number}@example.com"),
            ehlo=f"name{number}.example.com",
            client="10.6.6.6",
            client_port=1024 + number,
            start=START + number,
            end=START + number + SECOND,
            **fields,
        )
        for number in range(count)
    ]


def test_beyond_the_limit_names_are_left_out_and_counted(url: str) -> None:
    found = [*_hostile(40), session(attempt(), client="10.0.0.1")]
    with open_store(url) as store:
        assert store.ingest(found).added == 41
        status = store.status()
        assert status.aggregates <= MOST + 3
        assert status.reduced == 40 - MOST
        assert store.quality(*_EVER).reduced == 40 - MOST
        kept, scanned = store.inventory(*_EVER), directly(found)
        assert [(d.device, d.status, d.sessions, d.messages, d.auth_success) for d in kept.devices()] == [
            (d.device, d.status, d.sessions, d.messages, d.auth_success) for d in scanned.devices()
        ]
        assert kept.summary().sessions == 41


def test_what_is_kept_depends_on_no_order(tmp_path: Path) -> None:
    found = [*_hostile(30), *_hostile(12, messages=0, complete=False)]
    for one in found[30:]:
        one.start, one.end = one.start + DAY, one.end + DAY
    contents = []
    for seed in range(4):
        random.Random(seed).shuffle(found)  # noqa: S311 - an order
        with fresh(tmp_path) as store:
            for at in range(0, len(found), 7 + seed):
                store.ingest(found[at : at + 7 + seed])
            store.ingest(found[:9])
            contents.append((content(store), store.inventory(*_EVER).devices()))
    assert all(other == contents[0] for other in contents)


def test_other_clients_and_other_days_are_not_touched(url: str) -> None:
    quiet = session(attempt(), client="10.0.0.1", ehlo="copier.example.com")
    with open_store(url) as store:
        store.ingest([*_hostile(40), quiet])
        device = next(d for d in store.inventory(*_EVER).devices() if d.device == "10.0.0.1")
        assert device.names == ("copier.example.com",)


def test_what_is_remembered_to_save_time_is_limited_and_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = _hostile(40)
    with fresh(tmp_path) as store:
        store.ingest(found)
        expected, devices = content(store), store.inventory(*_EVER).devices()
    for name in ("ingest.CONTENTS", "ingest.PORTION", "interning.REMEMBERED", "interning.ASKED", "query.FETCHED"):
        monkeypatch.setattr(f"analyzer.store.{name}", 3)
    with fresh(tmp_path) as store:
        store.ingest(found)
        assert content(store) == expected
        assert store.inventory(*_EVER).devices() == devices


def test_a_line_without_end_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with fresh(tmp_path) as store:
        store.ingest([session(attempt())])
        lines = list(store.export())
    monkeypatch.setattr("analyzer.store.transfer.LONGEST_LINE", max(map(len, lines)) - 1)
    with fresh(tmp_path) as store, pytest.raises(UsageError, match="not what 'smtpauth store export' writes"):
        store.import_lines(lines)
