"""Lines of JSON out of one store and into another."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analyzer.errors import UsageError
from analyzer.inventory.session import Session
from analyzer.store import Source, open_store
from analyzer.store.times import DAY, date_of, number_of
from tests.store.sessions import START, content, fresh, same, session, sessions
from tests.support.postgresql import Server
from tests.support.sessions import attempt

_EVER = (date_of(0), date_of(106_751))
TODAY = date(2026, 11, 25)


def _old_and_new() -> list[Session]:
    starts = [number_of(TODAY - timedelta(days)) * DAY for days in (400, 400, 100, 3, 0)]
    return [session(attempt(), start=s, end=s, client=f"10.0.0.{n}") for n, s in enumerate(starts, 1)]


def test_what_was_exported_says_the_same_elsewhere_however_often_it_is_taken(
    url: str, tmp_path: Path, postgresql: Server
) -> None:
    with open_store(str(tmp_path / "from.db"), today=lambda: TODAY) as store:
        store.ingest(_old_and_new(), Source("me", "office.pcap", START, START, 7, True, "digest"))
        assert store.status().sessions == 2
        lines = sorted(store.export(), key=lambda line: not line.startswith('{"type":"store"'))
        for _ in range(2):
            with open_store(url, today=lambda: TODAY) as other:
                other.import_lines(lines)
                assert content(other) == content(store)
                same(other.inventory(*_EVER), store.inventory(*_EVER))
                assert other.first_seen() == store.first_seen()
                assert other.known({"digest"}) == {"digest"}
                assert other.trend(99, TODAY) == store.trend(99, TODAY)


def test_days_that_have_sums_already_are_left_as_they_are(url: str, tmp_path: Path) -> None:
    with open_store(str(tmp_path / "from.db"), today=lambda: TODAY) as store:
        store.ingest(_old_and_new())
        lines = list(store.export())
    with open_store(url, today=lambda: TODAY) as other:
        other.ingest([_old_and_new()[0]])
        done, sums, skipped = other.import_lines(lines)
        assert (done.added, sums, skipped) == (2, 1, 2)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(found=st.lists(sessions(), max_size=8))
def test_any_store_survives_the_journey(tmp_path: Path, found: list[Session]) -> None:
    with fresh(tmp_path) as store, fresh(tmp_path) as other:
        store.ingest(found)
        other.import_lines(store.export())
        assert content(other) == content(store)
        same(other.inventory(*_EVER), store.inventory(*_EVER))


def _exported(tmp_path: Path) -> list[dict[str, Any]]:
    with fresh(tmp_path) as store:
        store.ingest([session(attempt())], Source("me", "x", 1, 1))
        return [json.loads(line) for line in store.export()]


_SPOILED: list[tuple[str, Any]] = [
    ("start", -1),
    ("start", 2**63),
    ("start", True),
    ("client", "nowhere"),
    ("port", None),
    ("facts", {"ehlo": 5}),
    ("facts", {"nonsense": 1}),
    ("facts", {"findings": [5]}),
    ("facts", {"auth": 3}),
    ("facts", {"server_ip": "x"}),
    ("facts", {"likelihoods": {"basic": "x"}}),
    ("facts", {"likelihoods": {"basic": 1}}),
    ("facts", {"confidence": float("nan")}),
    ("facts", {"provider": 7}),
    ("facts", {"provider": "\x1b[31m"}),
    ("facts", {"findings": ["made-up"]}),
    ("facts", {"method": "made-up"}),
    ("facts", {"client_mac": 1 << 48}),
    ("facts", {"server_port": "25"}),
    ("facts", {"tls_version": {}}),
    ("facts", {"auth": [{"code": []}]}),
    ("facts", {"sent": 1}),
    ("port", 65_536),
    ("serial", 1 << 32),
    ("messages", 1 << 31),
    ("facts", []),
    ("type", "other"),
    ("messages", 1.5),
]


@pytest.mark.parametrize(("name", "value"), _SPOILED, ids=str)
def test_a_line_that_is_none_of_ours_is_named_and_nothing_is_stored(tmp_path: Path, name: str, value: Any) -> None:
    lines = _exported(tmp_path)
    lines[-1][name] = value
    with fresh(tmp_path) as store:
        before = content(store)
        with pytest.raises(UsageError, match=f"line {len(lines)} "):
            store.import_lines(map(json.dumps, lines))
        assert content(store) == before


_SUM: dict[str, Any] = {
    **dict.fromkeys(("first", "last", "end"), 20_000 * DAY),
    **dict.fromkeys(("sessions", "messages", "complete", "gapped"), 3),
    "type": "sum",
    "day": 20_000,
    "client": "10.0.0.1",
    "facts": {"ehlo": "copier"},
}


@pytest.mark.parametrize(("name", "value"), [("day", 1 << 31), ("sessions", 1 << 31), ("facts", {"provider": 7})])
def test_a_sum_that_is_none_of_ours_is_named(tmp_path: Path, name: str, value: Any) -> None:
    header = {"type": "store", "version": 1, "sessions_from": 20_001}
    with fresh(tmp_path) as store:
        with pytest.raises(UsageError, match="line 2 "):
            store.import_lines(map(json.dumps, [header, {**_SUM, name: value}]))
        assert store.days() is None
        assert store.import_lines(map(json.dumps, [header, _SUM]))[1:] == (1, 0)


@pytest.mark.parametrize("until", [-1, 1.5, True, "7", None, 1 << 31, 1 << 64, float("inf")])
def test_a_first_day_that_is_none_is_told(tmp_path: Path, until: Any) -> None:
    header = json.dumps({"type": "store", "version": 1, "sessions_from": until})
    with fresh(tmp_path) as store, pytest.raises(UsageError, match="not what 'smtpauth store export' writes"):
        store.import_lines([header])


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", "{", "\0", '{"type":"store"}', "x" * 100, "[" * 100_000])
def test_what_is_no_export_at_all_is_told(tmp_path: Path, text: str) -> None:
    with fresh(tmp_path) as store, pytest.raises(UsageError, match="not what 'smtpauth store export' writes"):
        store.import_lines([text])


def test_another_version_is_refused(tmp_path: Path) -> None:
    header = json.dumps({"type": "store", "version": 2, "sessions_from": 0})
    with fresh(tmp_path) as store, pytest.raises(UsageError, match="another version"):
        store.import_lines([header])


def test_an_import_that_breaks_off_leaves_nothing(url: str, tmp_path: Path) -> None:
    lines = list(map(json.dumps, _exported(tmp_path)))

    def broken() -> Iterator[str]:
        yield from lines
        raise KeyboardInterrupt

    with open_store(url) as store:
        with pytest.raises(KeyboardInterrupt):
            store.import_lines(broken())
        assert store.days() is None
