from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from analyzer.tshark import lines
from analyzer.tshark.program import find_tshark
from analyzer.verify.records import PeerSession
from analyzer.verify.tshark import TsharkReading
from tests.support.programs import program
from tests.support.tools import children, needs_tshark
from tests.tls.wire import client_hello, message, record, server_name
from tests.verify.dialogues import Pcap, b64, bye, hello

PORTS = (25, 465, 587, 2465, 2525, 2587)
LOGIN = [
    ("C", b"AUTH PLAIN " + b64(b"\0scan@example.com\0CANARY") + b"\r\n"),
    ("S", b"235 2.7.0 Authentication successful\r\n"),
]
CLIENT_HELLO = record(22, message(1, client_hello(server_name(b"mail.example.com"))), 0x0301)


def read(path: Path, tshark: str | None = None) -> tuple[list[PeerSession], str | None]:
    with TsharkReading(find_tshark(tshark), str(path), PORTS) as reading:
        return reading.finish()


@needs_tshark
def test_a_login_is_read_and_its_secret_is_not(tmp_path: Path) -> None:
    sessions, fault = read(Pcap().add(hello() + LOGIN + bye()).write(tmp_path / "a.pcap"))
    assert fault is None
    (session,) = sessions
    assert (session.client, session.server) == (("10.0.0.1", 40000), ("10.0.0.2", 587))
    assert [(item.mechanism, item.code, item.alone) for item in session.auth] == [("PLAIN", 235, True)]
    assert session.auth[0].user is not None
    assert "CANARY" not in repr(session)


@needs_tshark
@pytest.mark.parametrize("port", [*PORTS, 1025])
def test_smtp_and_tls_are_read_on_every_port_whatever_is_customary_there(tmp_path: Path, port: int) -> None:
    starttls = [("C", b"STARTTLS\r\n"), ("S", b"220 go\r\n"), ("C", CLIENT_HELLO)]
    capture = Pcap()
    capture.add(hello() + LOGIN + bye(), port=40001, server_port=port)
    capture.add([("C", CLIENT_HELLO)], port=40002, server_port=port)
    capture.add(hello() + starttls, port=40003, server_port=port)
    with TsharkReading(find_tshark(), str(capture.write(tmp_path / "a.pcap")), [*PORTS, 1025]) as reading:
        (plain, implicit, later), fault = reading.finish()
    assert fault is None
    assert [item.mechanism for item in plain.auth] == ["PLAIN"]
    assert (implicit.implicit, implicit.tls_sni) == (True, "mail.example.com")
    assert (later.implicit, later.starttls_code, later.tls_sni) == (False, 220, "mail.example.com")


@needs_tshark
def test_a_reading_works_inside_a_running_event_loop(tmp_path: Path) -> None:
    path = Pcap().add(hello() + bye()).write(tmp_path / "a.pcap")

    async def inside() -> int:
        return len(read(path)[0])

    assert asyncio.run(inside()) == 1


@needs_tshark
def test_no_process_is_left_behind(tmp_path: Path) -> None:
    before = children()
    read(Pcap().add(hello() + bye()).write(tmp_path / "a.pcap"))
    assert children() == before


@needs_tshark
def test_a_damaged_capture_gives_what_comes_before_the_damage_and_one_clean_line(tmp_path: Path) -> None:
    path = tmp_path / "a.pcap"
    path.write_bytes(Pcap().add(hello() + LOGIN + bye()).bytes()[:-20])
    sessions, fault = read(path)
    assert len(sessions) == 1
    assert fault == "tshark stopped: it appears to have been cut short in the middle of a packet"


@needs_tshark
def test_what_is_no_capture_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.pcap"
    path.write_bytes(b"no capture\n" * 9)
    assert read(path) == ([], "tshark stopped: it isn't a capture file in a format TShark understands")


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("sys.stderr.write('tshark: out of memory\\n'); sys.exit(3)", "tshark stopped: out of memory"),
        ("sys.stderr.write('Running as user \"root\"\\n'); sys.exit(4)", "tshark stopped with exit code 4"),
        ("import os; os.kill(os.getpid(), 11)", "tshark crashed (signal 11)"),
        ("print('nonsense')", "1 lines of tshark's output were not understood"),
        ("sys.stderr.buffer.write(b'\\xff' * 100000 + b'\\nlast\\n'); sys.exit(1)", "tshark stopped: last"),
    ],
)
def test_a_tshark_that_fails_is_one_line(tmp_path: Path, body: str, fault: str) -> None:
    capture = Pcap().write(tmp_path / "a.pcap")
    assert read(capture, program(tmp_path, body)) == ([], fault)


def test_a_program_that_disappears_is_one_line(tmp_path: Path) -> None:
    path = program(tmp_path, "")
    tshark = find_tshark(path)
    os.unlink(path)
    with TsharkReading(tshark, str(Pcap().write(tmp_path / "a.pcap")), PORTS) as reading:
        assert reading.finish() == ([], "tshark could not be started (No such file or directory)")


def test_leaving_early_ends_the_process_even_one_that_has_much_to_say(tmp_path: Path) -> None:
    before = children()
    path = program(tmp_path, "while True:\n    print('x' * 1000)")
    with TsharkReading(find_tshark(path), str(Pcap().write(tmp_path / "a.pcap")), PORTS):
        pass
    assert children() == before


def test_output_of_absurd_length_is_dropped_and_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MAX_LINE", 1000)
    path = program(tmp_path, "print('x' * 300000)")
    capture = Pcap().write(tmp_path / "a.pcap")
    assert read(capture, path) == ([], "1 packets of absurd size were left out")
