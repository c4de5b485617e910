"""TLS of which bytes are missing where it begins: a part of a record is no refusal in the clear."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.inventory.session import Session
from tests.support.scans import sessions_of
from tests.tls import wire
from tests.verify.dialogues import Line, Pcap

GREETED: tuple[Line, ...] = (
    ("S", b"220 mail.example.org ESMTP\r\n"),
    ("C", b"EHLO copier\r\n"),
    ("S", b"250-mail.example.org\r\n250 STARTTLS\r\n"),
    ("C", b"STARTTLS\r\n"),
    ("S", b"220 go\r\n"),
)
HELLO = wire.record(22, wire.message(1, wire.client_hello()))
FLIGHT = wire.SERVER_HELLO_13 + wire.record(23, b"\xbe\xff\x01" * 500)  # looks like SSL 2.0, too
FINISHED = wire.record(23, b"\x9b" * 69)


def session_without(folder: Path, missing: bytes, *rest: bytes) -> Session:
    """The session in which the server's flight is ``missing`` and ``rest``, and the packet with the former was lost."""
    flight: list[Line] = [("S", part) for part in (missing, *rest)]
    before: list[Line] = [*GREETED, ("C", HELLO)]
    whole = Pcap().add([*before, *flight, ("C", FINISHED)]).bytes()
    begin, end = (len(Pcap().add([*before, *flight[:count]], close=False).bytes()) for count in (0, 1))
    path = folder / "torn.pcap"
    path.write_bytes(whole[:begin] + whole[end:])
    (session,) = sessions_of(path)
    return session


@pytest.mark.parametrize("lost", [10, 700, 701, 702])
def test_a_record_whose_beginning_is_missing_is_no_answer_in_the_clear(tmp_path: Path, lost: int) -> None:
    session = session_without(tmp_path, FLIGHT[:lost], FLIGHT[lost:])
    assert (session.tls_established, session.method, session.reason) == (None, "unknown", "gap")
    assert "tls-to-plain" not in session.oddities


def test_a_server_that_goes_on_in_the_clear_after_missing_bytes_was_not_seen_to_refuse(tmp_path: Path) -> None:
    session = session_without(tmp_path, b"454 4.7.0 TLS not ", b"available\r\n")
    assert (session.method, session.reason) == ("unknown", "gap")
