"""A live run and its store: what cannot be reached is waited for, within a limit, and told once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path

import pytest

from analyzer.commands import storing
from analyzer.commands.storing import LiveStoring
from analyzer.errors import UsageError
from analyzer.hostnames import Learned
from analyzer.inventory.session import Session
from analyzer.report.model import InputSummary
from analyzer.store import Ingested, Source, Store, open_store
from tests.commands.running import PATIENCE
from tests.store.sessions import directly, same, session
from tests.support.sessions import attempt

_EVER = (date(1970, 1, 1), date(2262, 1, 1))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storing, "EVERY", 0.02)


def _inputs() -> list[InputSummary]:
    return [InputSummary("eth0", "interface", 5, 0, first=1, last=2, dropped=3)]


def _wait(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class _Unreachable(Store):
    """A store whose server goes away and comes back."""

    reachable = False
    asked = 0

    def ingest(self, sessions: Iterable[Session], *sources: Source, names: Iterable[Learned] = ()) -> Ingested:
        self.asked += 1
        if not self.reachable:
            raise UsageError("db.example.com: the server cannot be reached")
        return super().ingest(sessions, *sources, names=names)


@pytest.fixture
def unreachable(tmp_path: Path) -> Iterator[_Unreachable]:
    with _Unreachable(str(tmp_path / "mail.db")) as store:
        yield store


def _made(count: int) -> Sequence[Session]:
    return [session(attempt(), client_port=2000 + n) for n in range(count)]


def test_sessions_are_stored_while_the_run_goes_on(tmp_path: Path) -> None:
    name = str(tmp_path / "mail.db")
    live = LiveStoring(name, "tap", None, _inputs)
    with open_store(name) as store:
        for one in _made(3):
            live.take(one)
        _wait(lambda: store.inventory(*_EVER).summary().sessions == 3)
        more = session(attempt(), client="10.0.0.9")
        live.take(more)
        live.finish()
        same(store.inventory(*_EVER), directly([*_made(3), more]))
        quality = store.quality(*_EVER)
        assert (quality.sensors, quality.inputs, quality.dropped) == (("tap",), 1, 3)
    assert live.lost == 0
    assert list(live.news()) == []


def test_a_store_that_cannot_be_reached_is_told_once_and_waited_for(unreachable: _Unreachable) -> None:
    live = LiveStoring("", None, None, _inputs, store=unreachable)
    for one in _made(3):
        live.take(one)
    _wait(lambda: unreachable.asked > 3)
    told = list(live.news())
    assert len(told) == 1
    assert "cannot be reached" in told[0]
    unreachable.reachable = True
    _wait(lambda: live.trouble is None)
    assert [line.rpartition(": ")[2] for line in live.news()] == ["it can be used again"]
    live.finish()
    assert unreachable.inventory(*_EVER).summary().sessions == 3
    assert live.lost == 0


def test_what_waits_is_limited_and_what_is_lost_is_counted(
    unreachable: _Unreachable, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert storing.MOST_WAITING >= 10_000
    monkeypatch.setattr(storing, "MOST_WAITING", 4)
    live = LiveStoring("", None, None, _inputs, store=unreachable)
    for one in _made(6):
        live.take(one)
    assert live.lost == 2
    live.finish()
    assert live.lost == 6


def test_a_store_that_is_none_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="directory"):
        LiveStoring(str(tmp_path), None, None, _inputs)
