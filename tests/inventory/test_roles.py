"""Who is the client where no SYN was captured: the port is guessed by, and the bytes know better."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.scans import sessions_of
from tests.tls import wire
from tests.verify.dialogues import Line, Pcap, b64, bye, hello

LOGIN: list[Line] = [("C", b"AUTH PLAIN " + b64(b"\0scan\0secret") + b"\r\n"), ("S", b"235 OK\r\n")]
HANDSHAKE: list[Line] = [
    ("C", wire.CLIENT_HELLO_12),
    ("S", wire.SERVER_HELLO_12 + wire.CCS + wire.FINISHED_12),
    ("C", wire.CCS + wire.FINISHED_12),
]


def swapped(lines: list[Line], folder: Path) -> Path:
    """A conversation whose client has the port of a server, and whose beginning was not captured."""
    ends = {"client": "10.0.0.9", "port": 25, "server": "10.0.0.1", "server_port": 40000}
    return Pcap().add(lines, handshake=False, **ends).write(folder / "swapped.pcap")  # type: ignore[arg-type]


@pytest.mark.parametrize("first", [0, 1])
def test_what_was_heard_before_the_roles_were_clear_is_heard_of_the_right_side(first: int, tmp_path: Path) -> None:
    (session,) = sessions_of(swapped([*hello()[first:], *LOGIN, *bye()], tmp_path))
    assert (session.client_ip, session.server_ip) == ("10.0.0.9", "10.0.0.1")
    assert session.server_name == "mail.example.com"
    assert session.ehlo == "copier.example.com"
    assert session.greeting == (None if first else "mail.example.com ESMTP")
    assert [(attempt.mechanism, attempt.username, attempt.outcome) for attempt in session.auth] == [
        ("PLAIN", "scan", "success")
    ]


def test_a_hello_that_shows_the_roles_is_read(tmp_path: Path) -> None:
    (session,) = sessions_of(swapped(HANDSHAKE, tmp_path))
    assert (session.client_ip, session.tls_mode, session.tls_version) == ("10.0.0.9", "implicit", "1.2")
    assert "tls-hello-from-wrong-side" not in session.oddities
