"""What several processes find out together is what one finds out, told at the same points; and how they end."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from multiprocessing import Pipe
from pathlib import Path

import numpy as np
import pytest

from analyzer.capture import open_captures
from analyzer.errors import UsageError
from analyzer.inventory.device import Device
from analyzer.inventory.session import Session
from analyzer.inventory.tally import Tally
from analyzer.packets import SUBMISSION_PORTS
from analyzer.packets.segments import SegmentBatch
from analyzer.pipeline import Analysis, InOrder
from analyzer.streams import Limits
from analyzer.workers import Crew, Orders
from analyzer.workers.crew import PULSE
from analyzer.workers.worker import Portion, Result, Told, work
from tests.support.cutting import records_of, write_pcap
from tests.support.material import REPOSITORY
from tests.workers.test_shares import batch_of

MECHANISMS = sorted((REPOSITORY / "captures" / "mechanisms").glob("clear-*.pcap"))


@dataclass
class Seen:
    """What a run told."""

    devices: list[Device]
    oddities: Counter[str]
    sessions: list[Session] = field(default_factory=list)
    passed_on: list[tuple[int, int]] = field(default_factory=list)
    """After which time how many sessions had been passed on in order."""


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Many conversations, one each ten seconds, each minutes long; some bytes of some are missing."""
    found = []
    for number, path in enumerate(MECHANISMS):
        own = [record for at, record in enumerate(records_of(path)) if number < 50 or at != 7]
        start = own[0][0]
        found += [
            (1_700_000_000 + 10 * number + 40 * (seconds - start), micros, frame) for seconds, micros, frame in own
        ]
    return write_pcap(tmp_path_factory.mktemp("crew") / "all.pcap", sorted(found, key=lambda record: record[:2]))


def run(capture: Path, size: int | None, *, one_by_one: bool, limits: Limits | None = None) -> Seen:
    """Read ``capture`` in small blocks, in ``size`` processes or in this one."""
    tally, seen = Tally(), Seen([], Counter())
    in_order = InOrder(seen.sessions.append)

    def take(session: Session) -> None:
        tally.add(session)
        in_order.add(session)

    with open_captures([str(capture)], block_bytes=8192) as captures:
        names = [source.name for source in captures.sources]
        orders = Orders(names, SUBMISSION_PORTS, limits or Limits(), one_by_one)
        crew = None if size is None else Crew(size, orders, tally, take)
        try:
            analysis = Analysis(names, take, limits=limits, crew=lambda: crew)
            for batch in captures.batches():
                analysis.feed(batch)
                while crew is not None and crew._rounds:  # it need not be so fast, but the points are the same
                    crew._listen(PULSE)
                if one_by_one:
                    in_order.release(analysis.now, analysis.earliest_open)
                    seen.passed_on.append((analysis.now, len(seen.sessions)))
            analysis.finish()
        finally:
            if crew is not None:
                crew.close()
    in_order.finish()
    seen.devices, seen.oddities = tally.inventory.devices(), tally.oddities + analysis.oddities
    return seen


@pytest.mark.parametrize("size", [1, 3])
def test_devices_are_those_that_one_process_finds(capture: Path, size: int) -> None:
    alone, together = (run(capture, workers, one_by_one=False) for workers in (None, size))
    assert sum(device.sessions for device in alone.devices) == len(MECHANISMS)
    assert together.devices == alone.devices
    assert together.oddities == alone.oddities
    assert not together.sessions


def test_sessions_are_the_same_in_the_same_order_and_known_at_the_same_points(capture: Path) -> None:
    alone, together = (run(capture, workers, one_by_one=True) for workers in (None, 2))
    assert len(alone.sessions) == len(MECHANISMS)
    assert together.sessions == alone.sessions
    assert together.devices == alone.devices
    assert together.passed_on == alone.passed_on
    assert len({count for _, count in alone.passed_on}) > 5


def test_limits_are_those_of_all_together(capture: Path) -> None:
    few = Limits(conversations=8)
    seen = run(capture, 2, one_by_one=True, limits=few)
    assert seen.oddities["conversation-evicted"]
    assert len(seen.sessions) >= len(MECHANISMS)


def test_a_process_that_is_killed_is_told_and_hangs_nothing() -> None:
    orders = Orders(["a.pcap"], SUBMISSION_PORTS, Limits(), sessions=False)
    batch = batch_of([((0, n, 40_000), (0, 1, 25), b"EHLO x\r\n") for n in range(64)])
    with closing(Crew(2, orders, Tally(), lambda session: None)) as crew:
        crew._members[0]._process.kill()
        crew._members[0]._process.join()
        with pytest.raises(UsageError, match=r"ended before its time.*--workers 1"):
            crew.add(batch)
        with pytest.raises(UsageError):
            crew.finish()
    assert not any(member._process.is_alive() or member._sender.is_alive() for member in crew._members)


def test_a_run_that_is_given_up_leaves_no_process() -> None:
    orders = Orders(["a.pcap"], SUBMISSION_PORTS, Limits(), sessions=True)
    with closing(Crew(2, orders, Tally(), lambda session: None)) as crew:
        crew.add(batch_of([((0, 2, 40_000), (0, 1, 25), b"EHLO x\r\n")]))
    assert not any(member._process.is_alive() or member._sender.is_alive() for member in crew._members)


# --- one worker, in a thread -------------------------------------------------------------------------


def answers(portions: Sequence[Portion | None], *, sessions: bool) -> list[Told | Result]:
    """What a worker tells when it is given these."""
    theirs, ours = Pipe(duplex=False)
    told, tell = Pipe(duplex=False)
    worker = threading.Thread(
        target=work, args=(Orders(["a.pcap"], SUBMISSION_PORTS, Limits(), sessions), theirs, tell)
    )
    worker.start()
    for portion in portions:
        ours.send(portion)
    ours.close()
    worker.join()
    tell.close()
    found: list[Told | Result] = []
    while told.poll():
        try:
            found.append(told.recv())
        except EOFError:
            break
    return found


def greeting() -> SegmentBatch:
    return batch_of([((0, 9, 25), (0, 1, 40_000), b"220 mail ESMTP\r\n")])


def test_time_passes_for_a_worker_that_has_nothing_to_do() -> None:
    later = 3600 * 1_000_000_000
    told = answers([Portion(greeting(), 0), Portion(None, later)], sessions=True)
    first, second = told
    assert isinstance(first, Told)
    assert isinstance(second, Told)
    assert (first.sessions, first.earliest) == ([], 0)
    assert (len(second.sessions), second.earliest) == (1, None)


def test_a_worker_says_all_at_the_end_where_nobody_wants_sessions() -> None:
    (result,) = answers([Portion(greeting(), 0), None], sessions=False)
    assert isinstance(result, Result)
    assert (result.tally.inventory.sessions, result.sessions) == (1, [])


def test_a_worker_ends_without_a_word_when_its_run_is_gone() -> None:
    assert answers([Portion(greeting(), 0)], sessions=False) == []


def test_an_empty_batch_is_no_round() -> None:
    crew = Crew.__new__(Crew)
    crew.add(greeting().take(np.empty(0, np.int64)))  # nobody is asked, for there is nobody
