"""Several processes write at the same time: nothing is lost, nothing counts twice."""

from __future__ import annotations

import subprocess
import sys

from analyzer.store import open_store
from analyzer.store.times import date_of
from tests.store.sessions import content, directly, same, session
from tests.support.material import REPOSITORY
from tests.support.sessions import attempt

_EVER = (date_of(0), date_of(106_751))
PROCESSES, ROUNDS = 3, 5

_WRITER = """
import sys
from analyzer.store import Source, open_store
from tests.store.test_concurrency import made
url, who = sys.argv[1], int(sys.argv[2])
with open_store(url) as store:
    for n in range({rounds}):
        store.ingest(made((n + who) % {rounds}), Source(f"sensor{{who}}", f"{{n}}.pcap", 1, 2))
        store.refresh()
"""


def made(number: int) -> list[object]:
    """Sessions of one input, some of which are in the next one, too."""
    return [
        session(attempt(username=f"u{client}"), client=f"10.0.0.{client}", client_port=2000 + number + more)
        for client in range(1, 6)
        for more in range(2)
    ]


def test_writers_at_the_same_time_leave_what_one_after_the_other_leave(url: str) -> None:
    program = _WRITER.format(rounds=ROUNDS)
    writers = [
        subprocess.Popen([sys.executable, "-c", program, url, str(who)], cwd=REPOSITORY, stderr=subprocess.PIPE)
        for who in range(PROCESSES)
    ]
    for writer in writers:
        _, said = writer.communicate(timeout=120)
        assert writer.returncode == 0, said.decode()
    sessions = {(s.client_ip, s.client_port): s for n in range(ROUNDS) for s in made(n)}  # type: ignore[attr-defined]
    with open_store(url) as store:
        same(store.inventory(*_EVER), directly(list(sessions.values())))  # type: ignore[arg-type]
        assert store.status().inputs == PROCESSES * ROUNDS
        assert len(content(store)) == 1 + PROCESSES * ROUNDS + 5 + len(sessions)


def test_many_may_make_the_same_new_file(tmp_path: object) -> None:
    program = "import sys; from analyzer.store import open_store; open_store(sys.argv[1]).days()"
    makers = [
        subprocess.Popen([sys.executable, "-c", program, f"{tmp_path}/new.db"], cwd=REPOSITORY, stderr=subprocess.PIPE)
        for _ in range(3)
    ]
    for maker in makers:
        _, said = maker.communicate(timeout=120)
        assert maker.returncode == 0, said.decode()


def test_readers_do_not_wait_for_the_writer_nor_see_half_of_what_it_writes(url: str) -> None:
    def while_writing() -> object:
        for number in range(2):
            yield session(attempt(), client_port=3000 + number)
            with open_store(url, wait=1) as reader:
                assert reader.days() is None

    with open_store(url) as store:
        assert store.ingest(while_writing()).added == 2  # type: ignore[arg-type]
        assert store.inventory(*_EVER).summary().sessions == 2
