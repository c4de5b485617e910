"""The exit code is the answer that scripts read: which one, and that an incomplete run never passes a gate."""

from __future__ import annotations

from pathlib import Path
from struct import pack, unpack_from

import pytest

from analyzer.cli import STATUSES, main
from analyzer.inventory.status import STATUSES as ALL_STATUSES
from tests.capture.writers import block, enhanced, interface, option, section
from tests.commands.running import GENERATED, OFFICE
from tests.verify.dialogues import Line, Pcap, b64, bye, hello

RELAY: list[Line] = [
    ("C", b"MAIL FROM:<a@example.com>\r\n"),
    ("S", b"250 OK\r\n"),
    ("C", b"RCPT TO:<b@example.com>\r\n"),
    ("S", b"250 OK\r\n"),
    ("C", b"DATA\r\n"),
    ("S", b"354 go ahead\r\n"),
    ("C", b"Subject: scan\r\n\r\n.\r\n"),
    ("S", b"250 OK\r\n"),
]
CHALLENGE: list[Line] = [
    ("C", b"AUTH CRAM-MD5\r\n"),
    ("S", b"334 " + b64(b"<1@mail.example.com>") + b"\r\n"),
    ("C", b64(b"erp 0123456789abcdef0123456789abcdef") + b"\r\n"),
    ("S", b"235 OK\r\n"),
]
PASSWORD: list[Line] = [("C", b"AUTH PLAIN " + b64(b"\0scan\0secret") + b"\r\n"), ("S", b"235 OK\r\n")]
TOKEN_NOT_SENT: list[Line] = [("C", b"AUTH XOAUTH2\r\n"), ("S", b"334 \r\n"), ("C", b"*\r\n"), ("S", b"501 OK\r\n")]
KERBEROS: list[Line] = [("C", b"AUTH GSSAPI\r\n"), ("S", b"504 not supported\r\n")]
CERTIFICATE: list[Line] = [("C", b"AUTH EXTERNAL =\r\n"), ("S", b"235 OK\r\n")]
UNHEARD_OF: list[Line] = [
    ("C", b"AUTH X-HOUSE-RULES\r\n"),
    ("S", b"334 \r\n"),
    ("C", b"aaaa\r\n"),
    ("S", b"235 OK\r\n"),
]
ANONYMOUS: list[Line] = [("C", b"AUTH ANONYMOUS =\r\n"), ("S", b"235 OK\r\n")]

SHOWS: dict[str, list[Line]] = {
    "exposed": PASSWORD,
    "password": CHALLENGE,
    "mixed": TOKEN_NOT_SENT + CHALLENGE,
    "unknown": UNHEARD_OF,
    "no-auth": RELAY,
    "certificate": CERTIFICATE,
    "kerberos": KERBEROS,
    "anonymous": ANONYMOUS,
    "oauth": TOKEN_NOT_SENT,
}
"""What a device says that earns a status."""


def capture(status: str, path: Path) -> Path:
    """A capture of one device of that status."""
    return Pcap().add(hello() + SHOWS[status] + bye()).write(path)


@pytest.mark.parametrize("gate", STATUSES)
@pytest.mark.parametrize("status", ALL_STATUSES)
def test_a_gate_stops_a_status_and_all_worse_ones(status: str, gate: str, tmp_path: Path) -> None:
    path = capture(status, tmp_path / "one.pcap")
    stopped = [*ALL_STATUSES].index(status) <= [*ALL_STATUSES].index(gate)  # type: ignore[arg-type]
    assert main(["scan", str(path), "-q", "--fail-on", gate]) == (1 if stopped else 0)


@pytest.mark.parametrize("status", ALL_STATUSES)
def test_each_capture_shows_the_status_it_is_named_after(
    status: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["scan", str(capture(status, tmp_path / "one.pcap"))])
    assert capsys.readouterr().out.splitlines()[2].split()[0] == status


def test_without_a_gate_every_complete_run_is_done() -> None:
    assert main(["scan", str(OFFICE), "-q"]) == 0


# --- incomplete runs ------------------------------------------------------------------------------


def relay() -> Pcap:
    """A device that relays by address: no gate of those below stops on it."""
    return Pcap().add(hello() + RELAY + bye())


def as_pcapng(pcap: bytes, after: bytes = b"") -> bytes:
    """The same packets in a pcapng file of one interface, with further blocks behind them."""
    blocks, position = [section(), interface()], 24
    while position < len(pcap):
        seconds, micros, captured, _ = unpack_from("<4I", pcap, position)
        blocks.append(enhanced(seconds * 1_000_000 + micros, pcap[position + 16 : position + 16 + captured]))
        position += 16 + captured
    return b"".join([*blocks, after])


def lost(count: int) -> bytes:
    """Interface statistics: ``count`` packets dropped by the system (isb_osdrop)."""
    return block(5, pack("<3I", 0, 0, 0) + option(7, pack("<Q", count)) + option(0, b""))


INCOMPLETE: dict[str, tuple[bytes, str]] = {
    "cut": (relay().bytes()[:-20], "cut off in its last record"),
    "damaged": (relay().bytes() + bytes(8) + b"\xff" * 40, "damaged from byte"),
    "dropped": (as_pcapng(relay().bytes(), after=lost(120)), "120 packets lost while it was captured"),
    "unknown-link-type": (
        as_pcapng(relay().bytes(), after=interface(147) + enhanced(0, b"?" * 60, number=1)),
        "Not decoded: 1 frame",
    ),
    "interface-ignored": (as_pcapng(relay().bytes(), after=block(1, bytes(4))), "interface-ignored 1"),
    "undeclared": (
        as_pcapng(relay().bytes(), after=enhanced(0, b"x" * 60, number=7)),
        "packet-of-undeclared-interface 1",
    ),
    "too-short": (as_pcapng(relay().bytes(), after=block(6, bytes(4))), "packet-block-too-short 1"),
}


@pytest.mark.parametrize("what", INCOMPLETE)
def test_an_incomplete_run_passes_no_gate_and_says_why(
    what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content, told = INCOMPLETE[what]
    path = tmp_path / "span"
    path.write_bytes(content)
    for gate in ([], ["--fail-on", "exposed"], ["--fail-on", "unknown"]):
        assert main(["scan", str(path), *gate]) == 3
        said = capsys.readouterr()
        assert "None of 1 device" in said.out
        assert told in said.err
        assert told in " ".join(said.out.split())


@pytest.mark.parametrize("what", INCOMPLETE)
def test_a_device_that_a_gate_stops_on_goes_before_what_is_missing(what: str, tmp_path: Path) -> None:
    path = tmp_path / "span"
    path.write_bytes(INCOMPLETE[what][0])
    assert main(["scan", str(path), "-q", "--fail-on", "no-auth"]) == 1


def test_a_limit_that_was_reached_makes_the_run_incomplete(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    open_ones = Pcap()
    for port in range(40000, 40050):
        open_ones.add(hello() + RELAY, port=port, close=False)
    path = open_ones.write(tmp_path / "many.pcap")
    assert main(["scan", str(path), "--fail-on", "unknown"]) == 0
    assert main(["scan", str(path), "--fail-on", "unknown", "--max-conversations", "1"]) == 3
    assert "raise --max-conversations" in capsys.readouterr().err


def test_a_limit_that_one_conversation_reached_by_itself_counts_as_well(tmp_path: Path) -> None:
    gaps: list[Line] = []
    for number in range(5000):
        gaps += [("-", b"lost"), ("C", b"X-%05d\r\n" % number)]
    path = Pcap().add(hello() + gaps, close=False).write(tmp_path / "held.pcap")
    assert main(["scan", str(path), "-q"]) == 3


def test_inputs_that_cannot_be_used_beside_ones_that_can_make_the_run_incomplete(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = relay().write(tmp_path / "good.pcap")
    (tmp_path / "empty").mkdir()
    bad = [tmp_path / "absent.pcap", tmp_path / "empty", Path(__file__)]
    assert main(["scan", str(good), *map(str, bad), "--fail-on", "unknown"]) == 3
    said = capsys.readouterr().err.splitlines()
    assert len(said) == len(bad)
    for path, line in zip(bad, said, strict=True):
        assert str(path) in line


def test_duplicates_and_other_peculiarities_cost_nothing(tmp_path: Path) -> None:
    path = relay().write(tmp_path / "good.pcap")
    copy = tmp_path / "second-tap.pcap"
    copy.write_bytes(path.read_bytes())
    assert main(["scan", str(path), str(copy), "-q", "--fail-on", "unknown"]) == 0
    assert main(["scan", str(GENERATED / "overlapping-segments.pcap"), "-q"]) == 0
