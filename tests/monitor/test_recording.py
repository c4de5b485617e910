"""Packets of the sessions in question are kept, credentials blanked; of others nothing remains."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from pathlib import Path

from analyzer.capture import open_captures
from analyzer.inventory.session import Session
from analyzer.monitor import Monitor, Recorder, SteadyClock
from analyzer.monitor.recording import OVERHEAD, STALE, is_in_question
from analyzer.packets import SUBMISSION_PORTS
from analyzer.pipeline import Analysis
from analyzer.scrub import Policy, Scrubbed
from analyzer.scrub.frames import LINK_LAYERS
from analyzer.scrub.writer import CaptureWriter
from tests.support.material import REPOSITORY
from tests.verify.dialogues import Line, Pcap, b64, bye, hello

CAPTURES = REPOSITORY / "captures"
CANARY = b"canary-4711"
PASSWORD: list[Line] = [("C", b"AUTH PLAIN " + b64(b"\0scan\0" + CANARY) + b"\r\n"), ("S", b"235 OK\r\n")]
RELAY: list[Line] = [("C", b"MAIL FROM:<a@example.com>\r\n"), ("S", b"250 OK\r\n")]


class Run:
    """A monitor with a recorder, and what it recorded."""

    def __init__(self, **limits: int) -> None:
        self.recorded: list[list[Scrubbed]] = []
        self.recorder = Recorder(self._take, SUBMISSION_PORTS, Policy(), **limits)
        self.monitor = Monitor(["eth1"] * 200, lambda event: None, clock=SteadyClock(), recorder=self.recorder)

    def _take(self, packets: Iterable[Scrubbed]) -> None:
        self.recorded.append(list(packets))

    def feed(self, *paths: Path) -> None:
        with open_captures([str(path) for path in paths]) as captures:
            for batch in captures.batches():
                self.monitor.feed(batch)
        self.monitor.finish()

    def write(self, path: Path) -> Path:
        with path.open("wb") as out:
            writer = CaptureWriter(out, set(LINK_LAYERS))
            for packets in self.recorded:
                for packet in packets:
                    writer.write(packet)
        return path


def sessions(*paths: Path) -> list[Session]:
    found: list[Session] = []
    with open_captures([str(path) for path in paths]) as captures:
        analysis = Analysis(["x"] * len(captures.sources), found.append)
        for batch in captures.batches():
            analysis.feed(batch)
        analysis.finish()
    return found


def facts(session: Session) -> tuple[object, ...]:
    attempts = tuple((attempt.mechanism, attempt.outcome, attempt.username) for attempt in session.auth)
    return (session.client_ip, session.client_port, session.start, session.method, session.complete, attempts)


def test_a_session_with_a_password_is_recorded_and_others_are_not(tmp_path: Path) -> None:
    path = (
        Pcap()
        .add([*hello(), *PASSWORD, *bye()], client="10.0.0.1")
        .add([*hello(), *RELAY, *bye()], client="10.0.0.2")
        .write(tmp_path / "two.pcap")
    )
    run = Run()
    run.feed(path)
    (session,) = sessions(run.write(tmp_path / "recorded.pcapng"))
    original = next(each for each in sessions(path) if each.client_ip == "10.0.0.1")
    assert facts(session) == facts(original)
    assert session.complete
    assert (run.recorder.sessions, run.recorder.given_up) == (1, 0)


def test_the_password_is_nowhere_in_what_is_recorded(tmp_path: Path) -> None:
    path = Pcap().add([*hello(), *PASSWORD, *bye()]).write(tmp_path / "one.pcap")
    run = Run()
    run.feed(path)
    content = run.write(tmp_path / "recorded.pcapng").read_bytes()
    assert CANARY not in content
    for before in range(3):
        assert b64encode(b"x" * before + CANARY)[4:-4] not in content
    assert b64(b"\0scan\0" + CANARY) not in content


def test_what_is_recorded_of_real_sessions_shows_the_same_logins(tmp_path: Path) -> None:
    folder = CAPTURES / "mechanisms"
    run = Run()
    run.feed(folder)
    wanted = {facts(each) for each in sessions(folder) if is_in_question(each)}
    recorded = {facts(each) for each in sessions(run.write(tmp_path / "recorded.pcapng"))}
    assert recorded == wanted
    assert len(wanted) > 20
    assert run.recorder.given_up == 0


def test_what_has_no_room_is_counted_and_not_recorded_in_part(tmp_path: Path) -> None:
    path = Pcap().add([*hello(), *PASSWORD, *bye()]).write(tmp_path / "one.pcap")
    run = Run(most_bytes=3 * OVERHEAD)
    run.feed(path)
    assert (run.recorded, run.recorder.sessions, run.recorder.given_up) == ([], 0, 1)


def test_of_a_conversation_beyond_its_limit_the_beginning_is_recorded(tmp_path: Path) -> None:
    message = [
        ("C", b"DATA\r\n"),
        ("S", b"354 go\r\n"),
        *[("C", b"x" * 1400)] * 50,
        ("C", b"\r\n.\r\n"),
        ("S", b"250 OK\r\n"),
    ]
    path = Pcap().add([*hello(), *PASSWORD, *message, *bye()]).write(tmp_path / "one.pcap")
    run = Run(most_of_one=30 * OVERHEAD)
    run.feed(path)
    (session,) = sessions(run.write(tmp_path / "recorded.pcapng"))
    assert [attempt.outcome for attempt in session.auth] == ["success"]
    assert not session.complete
    assert 10 < len(run.recorded[0]) < 30


def test_packets_of_conversations_that_nobody_knows_are_forgotten(tmp_path: Path) -> None:
    stray = Pcap().add([], client="10.0.0.1", handshake=False).write(tmp_path / "stray.pcap")
    run = Run()
    with open_captures([str(stray)]) as captures:
        for batch in captures.batches():
            run.recorder.keep(batch)
            assert len(run.recorder._kept) == 1
            batch.time += STALE + 10**9
            later = batch.take(slice(0, 1))
            later.data = later.data.copy()
            later.data[later.start[0] + 29] ^= 7  # another address
            run.recorder.keep(later)
    assert len(run.recorder._kept) == 1
    assert run.recorder._size == sum(kept.size for kept in run.recorder._kept.values())
