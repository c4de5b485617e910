from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from analyzer.delivery import syslog
from analyzer.delivery.syslog import SyslogSender
from analyzer.delivery.syslog_message import SD_ID, SyslogMessages
from analyzer.delivery.syslog_target import syslog_target
from tests.delivery.rfc5424 import frames, parse
from tests.delivery.servers import (
    Rsyslogd,
    collector,
    eventually,
    free_port,
    needs_rsyslogd,
    needs_rsyslogd_tls,
)
from tests.support.authority import Authority
from tests.support.events import event, hostile_event
from tests.support.reports import HOSTILE

Start = Callable[..., SyslogSender]


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def start(said: list[str]) -> Iterator[Start]:
    """Makes senders, which are closed in the end and leave no thread behind."""
    senders: list[SyslogSender] = []

    def begin(url: str, **options: float) -> SyslogSender:
        settings: dict[str, float] = {"first_pause": 0.05, **options}
        senders.append(SyslogSender(syslog_target(url), SyslogMessages(), said.append, **settings))  # type: ignore[arg-type]
        return senders[-1]

    yield begin
    for sender in senders:
        sender.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "syslog"]


def users(log: list[list[str]]) -> list[str]:
    return [fields[4].partition('user="')[2].partition('"')[0] for fields in log]


# --- rsyslogd ---------------------------------------------------------------------------------------


@needs_rsyslogd
@pytest.mark.parametrize("scheme", ["udp", "tcp"])
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_rsyslogd_reads_fields_and_text(scheme: str, host: str, tmp_path: Path, start: Start) -> None:
    with Rsyslogd(tmp_path, host) as server:
        sender = start(f"{scheme}://{f'[{host}]' if ':' in host else host}:{server.port}")
        for n in range(20):
            sender.send(event(username=f"user{n}"))
        eventually(lambda: len(server.log()) == 20)
        assert users(server.log()) == [f"user{n}" for n in range(20)]
        priority, app, id, name, structured, text = server.log()[0]
        assert (priority, app, id) == ("82", "smtpauth", "password-in-clear")
        assert name == socket.gethostname()
        assert f"[{SD_ID} " in structured
        assert text.startswith("critical password-in-clear: ")
        assert sender.counters.sent == 20


@needs_rsyslogd
@needs_rsyslogd_tls
def test_rsyslogd_reads_them_inside_tls(tmp_path: Path, start: Start, said: list[str]) -> None:
    authority = Authority(tmp_path)
    with Rsyslogd(tmp_path, certificate=(authority.ca, *authority.server("127.0.0.1"))) as server:
        sender = start(f"tls://127.0.0.1:{server.port}?ca={authority.ca}")
        for n in range(20):
            sender.send(event(username=f"user{n}"))
        eventually(lambda: len(server.log()) == 20)
        assert users(server.log()) == [f"user{n}" for n in range(20)]
        sender.close()
    assert said == []


@needs_rsyslogd
def test_hostile_names_are_one_line_each_to_rsyslogd(tmp_path: Path, start: Start) -> None:
    with Rsyslogd(tmp_path) as server:
        sender = start(f"tcp://127.0.0.1:{server.port}")
        for text in HOSTILE.values():
            sender.send(hostile_event(text))
        sender.send(event(username="last"))
        eventually(lambda: users(server.log())[-1:] == ["last"])
        lines = (tmp_path / "log").read_text().split("\n")[:-1]
        assert len(lines) == len(HOSTILE) + 1
        assert all(line.startswith("82|smtpauth|password-in-clear|") for line in lines)
        assert all(line.replace("\ufeff", "").isprintable() for line in lines)


@needs_rsyslogd
@pytest.mark.parametrize("scheme", ["udp", "tcp"])
def test_events_wait_while_rsyslogd_is_away(scheme: str, tmp_path: Path, start: Start, said: list[str]) -> None:
    with Rsyslogd(tmp_path) as server:
        sender = start(f"{scheme}://127.0.0.1:{server.port}")
        sender.send(event(username="before"))
        eventually(lambda: users(server.log()) == ["before"])
        server.stop()
        if scheme == "udp":
            sender.send(event(username="lost"))  # its loss is how the absence shows
        eventually(lambda: len(said) == 1)
        for n in range(5):
            sender.send(event(username=f"user{n}"))
        server.start()
        eventually(lambda: len(server.log()) == 6)
        assert users(server.log()) == ["before", *(f"user{n}" for n in range(5))]
        eventually(lambda: len(said) == 2)
    assert "cannot be reached" in said[0]
    assert "is back; 0 events were dropped" in said[1]
    assert sender.counters.dropped == 0


# --- what goes over the wire ------------------------------------------------------------------------


def test_messages_of_a_stream_have_their_length_in_front(start: Start) -> None:
    with collector() as server:
        sender = start(f"tcp://127.0.0.1:{server.port}")
        for text in ("scan", "複合機", "x" * 500):
            sender.send(event(username=text))
        eventually(lambda: len(frames(b"".join(server.received))) == 3)
        messages = [parse(frame) for frame in frames(b"".join(server.received))]
    assert [message.elements[SD_ID]["user"][:4] for message in messages] == ["scan", "複合機", "xxxx"]
    assert [message.elements["meta"]["sequenceId"] for message in messages] == ["1", "2", "3"]


def test_a_datagram_is_a_message(start: Start) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(20)
        sender = start(f"udp://127.0.0.1:{server.getsockname()[1]}")
        sender.send(event(username="one"))
        sender.send(event(username="two"))
        users = [parse(server.recv(65536)).elements[SD_ID]["user"] for _ in range(2)]
    assert users == ["one", "two"]


def test_a_server_that_hangs_up_is_called_again_and_nothing_that_waited_is_lost(start: Start) -> None:
    with collector() as server:
        sender = start(f"tcp://127.0.0.1:{server.port}")
        for n in range(5):
            sender.send(event(username=f"user{n}"))
            eventually(lambda n=n: sum(len(frames(data)) for data in server.received) == n + 1)  # type: ignore[misc]
            server.hang_up()
            eventually(lambda n=n: len(server.received) == n + 2)  # type: ignore[misc]
        assert [len(frames(data)) for data in server.received] == [1] * 5 + [0]


def test_a_long_outage_is_said_once(start: Start, said: list[str]) -> None:
    port = free_port()
    sender = start(f"tcp://127.0.0.1:{port}", first_pause=0.001)
    eventually(lambda: sender.counters.failures > 5)
    assert len(said) == 1
    assert said[0].startswith(f"tcp://127.0.0.1:{port}: the syslog server cannot be reached (")


def test_pauses_double_up_to_a_limit_and_begin_anew_after_a_connection_that_lasted(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    async def rest(sender: SyslogSender, pause: float) -> None:
        pauses.append(pause)
        await asyncio.sleep(0.001)

    monkeypatch.setattr(SyslogSender, "_rest", rest)
    monkeypatch.setattr(syslog, "LONGEST_PAUSE", 0.3)
    port = free_port()
    sender = start(f"tcp://127.0.0.1:{port}")
    eventually(lambda: len(pauses) >= 6)
    assert pauses[:6] == [0.05, 0.1, 0.2, 0.3, 0.3, 0.3]
    with collector(port=port) as server:
        eventually(lambda: sender.counters.connected)
        time.sleep(0.35)
        before = len(pauses)
        server.hang_up()
        eventually(lambda: len(pauses) > before)
        assert pauses[before] == 0.05


# --- limits -----------------------------------------------------------------------------------------


def test_events_beyond_the_limit_are_dropped_and_counted_and_the_first_are_kept(start: Start) -> None:
    port = free_port()
    sender = start(f"tcp://127.0.0.1:{port}", most_waiting=3)
    for n in range(10):
        sender.send(event(username=f"user{n}"))
    counters = sender.counters
    assert (counters.sent, counters.waiting, counters.dropped, counters.connected) == (0, 3, 7, False)
    sender.close()
    assert (sender.counters.waiting, sender.counters.dropped) == (0, 10)


def test_a_server_that_reads_nothing_holds_nobody_up(
    start: Start, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(syslog, "SENDS_WITHIN", 0.2)
    with collector(deaf=True) as server:
        sender = start(f"tcp://127.0.0.1:{server.port}")
        for _ in range(2000):
            sender.send(hostile_event("x" * 500))  # 3 KB each
        eventually(lambda: said)
        assert "no answer" in said[0]
        sender.close(0.1)
    assert sender.counters.sent + sender.counters.dropped == 2000


def test_closing_gives_up_on_a_server_that_does_not_answer_the_handshake(start: Start, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with collector(deaf=True) as server:
        sender = start(f"tls://127.0.0.1:{server.port}?ca={authority.ca}")
        sender.send(event())
        eventually(lambda: server.received)
        sender.close(0.1)
    assert sender.counters.dropped == 1


def test_closing_sends_what_waits(start: Start) -> None:
    with collector() as server:
        sender = start(f"tcp://127.0.0.1:{server.port}")
        for _ in range(500):
            sender.send(event())
        sender.close()
        sender.close()
        eventually(lambda: len(frames(b"".join(server.received))) == 500)
    assert (sender.counters.sent, sender.counters.dropped) == (500, 0)


# --- TLS --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", ["authority", "host"])
def test_a_server_whose_certificate_is_not_good_gets_nothing(
    wrong: str, tmp_path: Path, start: Start, said: list[str]
) -> None:
    (tmp_path / "other").mkdir()
    authority, other = Authority(tmp_path), Authority(tmp_path / "other")
    host = "127.0.0.1" if wrong == "authority" else "127.0.0.2"
    with collector(authority.server(host)) as server:
        ca = other.ca if wrong == "authority" else authority.ca
        sender = start(f"tls://127.0.0.1:{server.port}?ca={ca}")
        sender.send(event())
        eventually(lambda: said)
        assert "its certificate is not accepted" in said[0]
        sender.close()
        assert not any(server.received)
    assert sender.counters.sent == 0


def test_messages_inside_tls_have_their_length_in_front(tmp_path: Path, start: Start) -> None:
    authority = Authority(tmp_path)
    with collector(authority.server("127.0.0.1")) as server:
        sender = start(f"tls://127.0.0.1:{server.port}?ca={authority.ca}")
        sender.send(event())
        sender.send(event("new-device"))
        sender.close()
        eventually(lambda: len(frames(b"".join(server.received))) == 2)


def test_a_name_that_does_not_resolve_is_an_outage_and_no_end(start: Start, said: list[str]) -> None:
    sender = start("tcp://nowhere.invalid:514")
    sender.send(event())
    eventually(lambda: said)
    assert "nowhere.invalid" in said[0]
    assert sender.counters.waiting == 1
