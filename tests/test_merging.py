"""The result over many inputs is the result over one: cut, rotated, overlapping or given twice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analyzer.inventory.session import Session
from tests.support.cutting import Record, records_of, write_cut, write_pcap
from tests.support.material import REPOSITORY
from tests.support.scans import sessions_of

pytestmark = pytest.mark.filterwarnings("error")
_CAPTURES = sorted(path for path in (REPOSITORY / "captures" / "mechanisms").glob("*.pcap") if path.stat().st_size)


@pytest.fixture(scope="module")
def records() -> list[Record]:
    """Several recorded conversations, interleaved in time."""
    found: list[Record] = []
    for path in _CAPTURES[:6]:
        own = records_of(path)
        start = own[0][0]
        found += [(1_700_000_000 + seconds - start, micros, frame) for seconds, micros, frame in own]
    return sorted(found, key=lambda record: record[:2])


def _same(sessions: list[Session]) -> list[Session]:
    """Sessions without the name of the file they began in."""
    return [replace(session, source="") for session in sessions]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_cut_into_files_gives_the_identical_result(
    records: list[Record], tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(records)), min_size=1, max_size=9))
    folder = tmp_path_factory.mktemp("cut")
    whole = sessions_of(write_pcap(folder / "whole.pcap", records))
    assert whole
    parts = write_cut(folder, records, cuts)
    order = data.draw(st.permutations(range(len(parts))))
    assert _same(sessions_of(*(parts[number] for number in order))) == _same(whole)


def test_the_same_capture_under_two_names_counts_once(records: list[Record], tmp_path: Path) -> None:
    first, second = (write_pcap(tmp_path / name, records) for name in ("a.pcap", "b.pcap"))
    assert _same(sessions_of(first, second)) == _same(sessions_of(first))


def test_captures_that_overlap_count_what_they_share_once(records: list[Record], tmp_path: Path) -> None:
    third = len(records) // 3
    early = write_pcap(tmp_path / "early.pcap", records[: 2 * third])
    late = write_pcap(tmp_path / "late.pcap", records[third:])
    whole = write_pcap(tmp_path / "whole.pcap", records)
    assert _same(sessions_of(late, early)) == _same(sessions_of(whole))
