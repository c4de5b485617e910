"""Keys in a whole run: which sessions wait, which are amended, and what becomes of them when tshark fails."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from analyzer.capture import open_captures
from analyzer.decryption import stage as module
from analyzer.decryption import wire
from analyzer.decryption.keylog import KeyRing
from analyzer.decryption.stage import Counts, Decryption
from analyzer.errors import UsageError
from analyzer.inventory.session import Session
from analyzer.packets import SUBMISSION_PORTS
from analyzer.pipeline import Analysis, InOrder
from analyzer.tshark.program import Tshark, find_tshark
from tests.decryption.sealed import Sealed, lines_of, sealed, session
from tests.smtp.playing import NO, OK, SECRET, b64, playbook
from tests.support.programs import program
from tests.support.tools import needs_tshark
from tests.verify.dialogues import Pcap

PLAIN = [f"C: AUTH PLAIN {b64(f'{chr(0)}scan@example.com{chr(0)}{SECRET}')}", OK]
CLEAR = playbook("S: 220 mail.example ESMTP", "C: EHLO copier.example", "S: 250-mail.example", "S: 250 STARTTLS")
STARTTLS = CLEAR + playbook("C: STARTTLS", "S: 220 go ahead")


@dataclass
class Ran:
    sessions: list[Session]
    decryption: Decryption


def decrypt(
    capture: bytes | Sequence[Path],
    keys: Iterable[bytes] = (),
    *,
    ports: Iterable[int] = (),
    tshark: str | None = None,
    block_bytes: int = 1 << 20,
) -> Ran:
    ring = KeyRing()
    for log in keys:
        ring.add(log.splitlines())
    found: list[Session] = []
    stdin = io.BytesIO(capture) if isinstance(capture, bytes) else None
    paths = ["-"] if isinstance(capture, bytes) else [str(path) for path in capture]
    with (
        Decryption(ring, lambda: find_tshark(tshark)) as decryption,
        open_captures(
            paths, stdin=stdin, block_bytes=block_bytes, on_keys=lambda text: ring.add(text.splitlines())
        ) as captures,
    ):
        names = [source.name for source in captures.sources]
        analysis = Analysis(names, found.append, SUBMISSION_PORTS | frozenset(ports), decryption=decryption)
        for batch in captures.batches():
            analysis.feed(batch)
        analysis.finish()
    return Ran(sorted(found, key=lambda one: one.start), decryption)


def implicit(*exchange: str, version: str = "1.3") -> Sealed:
    return sealed(session(*exchange), version)


def after_starttls(*exchange: str) -> Sealed:
    return sealed(session(*exchange)[1:])


def judged(one: Session) -> tuple[str, str | None, str | None]:
    return one.method, one.evidence, one.reason


@needs_tshark
@pytest.mark.parametrize("port", [25, 465, 587, 2465, 2525, 2587, 1025])
@pytest.mark.parametrize("starttls", [False, True], ids=["implicit", "STARTTLS"])
def test_keys_open_tls_on_every_port_implicit_or_after_starttls(port: int, starttls: bool) -> None:
    connection = after_starttls(*PLAIN) if starttls else implicit(*PLAIN)
    lines = lines_of(STARTTLS if starttls else []) + lines_of(connection.sent)
    ran = decrypt(Pcap().add(lines, server_port=port).bytes(), [connection.keys], ports=[1025])
    (found,) = ran.sessions
    assert judged(found) == ("basic", "decrypted", None)
    assert [(a.mechanism, a.username, a.outcome) for a in found.auth] == [("PLAIN", "scan@example.com", "success")]
    assert (found.messages, found.ehlo, found.tls_mode) == (1, "copier.example", "starttls" if starttls else "implicit")
    assert ran.decryption.counts == Counts(1, 1, 1)
    assert ran.decryption.fault is None


@needs_tshark
def test_only_the_connections_that_the_keys_fit_are_changed_and_nobody_else_waits() -> None:
    one, other = implicit(*PLAIN), implicit(*PLAIN)
    capture = Pcap().add(lines_of(one.sent), port=40001, server_port=465)
    capture.add(lines_of(other.sent), port=40002, server_port=465)
    capture.add(lines_of(session(*PLAIN)), port=40003)
    ran = decrypt(capture.bytes(), [other.keys])
    first, second, third = ran.sessions
    assert first.evidence != "decrypted"
    assert judged(second) == ("basic", "decrypted", None)
    assert judged(third) == ("basic", "observed", None)
    assert ran.decryption.counts == Counts(tls=2, fitting=1, decrypted=1)


@needs_tshark
def test_a_login_before_tls_stays_in_the_clear_and_one_inside_is_decrypted() -> None:
    connection = after_starttls(*PLAIN)
    clear = CLEAR + playbook(f"C: AUTH PLAIN {b64(f'{chr(0)}first{chr(0)}{SECRET}')}", NO) + STARTTLS[-2:]
    (found,) = decrypt(Pcap().add(lines_of(clear) + lines_of(connection.sent)).bytes(), [connection.keys]).sessions
    assert [(a.username, a.evidence, a.outcome) for a in found.auth] == [
        ("first", "observed", "failure"),
        ("scan@example.com", "decrypted", "success"),
    ]
    assert found.evidence == "decrypted"
    assert "cleartext-auth" in found.findings


@needs_tshark
def test_a_connection_that_goes_on_in_the_next_file_is_one(tmp_path: Path) -> None:
    connection = implicit(*PLAIN)
    whole = Pcap().add(lines_of(connection.sent), server_port=465).bytes()
    header, records = whole[:24], whole[24:]
    cut = 0
    for _ in range(9):
        cut += 16 + int.from_bytes(records[cut + 8 : cut + 12], "little")
    parts = [tmp_path / "part1.pcap", tmp_path / "part2.pcap"]
    parts[0].write_bytes(header + records[:cut])
    parts[1].write_bytes(header + records[cut:])
    (found,) = decrypt(parts, [connection.keys]).sessions
    assert judged(found) == ("basic", "decrypted", None)


@needs_tshark
@pytest.mark.parametrize("block_bytes", [700, 3000, 1 << 20])
def test_the_result_is_the_same_wherever_the_capture_is_cut_into_batches(block_bytes: int) -> None:
    connection = after_starttls(*PLAIN)
    capture = Pcap().add(lines_of(STARTTLS) + lines_of(connection.sent)).bytes()
    (found,) = decrypt(capture, [connection.keys], block_bytes=block_bytes).sessions
    assert judged(found) == ("basic", "decrypted", None)


@needs_tshark
def test_a_packet_that_is_missing_inside_tls_leaves_no_claim_that_nobody_logged_in() -> None:
    connection = implicit()
    lines = lines_of(connection.sent)
    at = max(index for index, (side, _) in enumerate(lines[:8]) if side == "C")
    lines[at] = ("-", lines[at][1])
    (found,) = decrypt(Pcap().add(lines, server_port=465).bytes(), [connection.keys]).sessions
    assert found.gaps
    assert found.method == "unknown"
    assert found.reason in ("decryption-incomplete", "gap")


@needs_tshark
def test_a_capture_that_ends_early_leaves_no_claim_that_nobody_logged_in() -> None:
    connection = implicit()
    lines = lines_of(connection.sent[:7])
    (found,) = decrypt(Pcap().add(lines, server_port=465, close=False).bytes(), [connection.keys]).sessions
    assert judged(found) == ("unknown", None, "cut-off")


@needs_tshark
def test_a_session_that_waits_holds_back_those_that_began_after_it() -> None:
    connection = implicit(*PLAIN)
    capture = Pcap()
    for number in range(40):
        capture.add(lines_of(connection.sent), port=40000 + number, server_port=465)
        capture.add(lines_of(session(*PLAIN)), port=50000 + number)
    ring = KeyRing()
    ring.add(connection.keys.splitlines())
    ordered: list[Session] = []
    in_order = InOrder(ordered.append)
    with (
        Decryption(ring, find_tshark) as decryption,
        open_captures(["-"], stdin=io.BytesIO(capture.bytes()), block_bytes=5000) as captures,
    ):
        analysis = Analysis(["x"], in_order.add, decryption=decryption)
        for batch in captures.batches():
            analysis.feed(batch)
            in_order.release(int(batch.time[-1]) + InOrder.JITTER, analysis.earliest_open)
        analysis.finish()
    in_order.finish()
    assert [one.client_port for one in ordered] == [port + n for n in range(40) for port in (40000, 50000)]
    assert {one.evidence for one in ordered if one.client_port < 50000} == {"decrypted"}


@needs_tshark
def test_when_too_many_wait_the_analysis_waits_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", 300)
    connection = implicit(*PLAIN)
    capture = Pcap()
    for number in range(900):
        capture.add(lines_of(connection.sent), port=20000 + number, server_port=465)
    ran = decrypt(capture.bytes(), [connection.keys])
    assert len(ran.sessions) == 900
    assert ran.decryption.counts == Counts(900, 900, 900)


@needs_tshark
def test_keys_that_a_capture_carries_are_used(tmp_path: Path) -> None:
    connection = implicit(*PLAIN)
    plain = Pcap().add(lines_of(connection.sent), server_port=465).bytes()[24:]
    blocks, at = b"", 0
    while at < len(plain):
        size = int.from_bytes(plain[at + 8 : at + 12], "little")
        frame = plain[at + 16 : at + 16 + size]
        body = bytes(12) + len(frame).to_bytes(4, "little") * 2 + frame
        blocks += wire._framed(6, body)
        at += 16 + size
    head = wire._framed(0x0A0D0D0A, bytes.fromhex("4d3c2b1a01000000ffffffffffffffff"))
    head += wire._framed(1, bytes.fromhex("0100000000000000"))
    (tmp_path / "a.pcapng").write_bytes(head + wire.secrets(connection.keys) + blocks)
    assert judged(decrypt([tmp_path / "a.pcapng"]).sessions[0]) == ("basic", "decrypted", None)


# --- without tshark, and with one that fails --------------------------------------------------------


def test_tshark_is_looked_for_only_where_keys_fit() -> None:
    def never() -> Tshark:
        raise AssertionError

    connection, other = implicit(*PLAIN), implicit(*PLAIN)
    ring = KeyRing()
    ring.add(other.keys.splitlines())
    found: list[Session] = []
    stdin = io.BytesIO(Pcap().add(lines_of(connection.sent), server_port=465).bytes())
    with Decryption(ring, never) as decryption, open_captures(["-"], stdin=stdin) as captures:
        analysis = Analysis(["x"], found.append, decryption=decryption)
        for batch in captures.batches():
            analysis.feed(batch)
        analysis.finish()
    assert (len(found), decryption.missing, decryption.fault) == (1, None, None)
    assert decryption.counts == Counts(tls=1, fitting=0, decrypted=0)


def test_without_tshark_the_analysis_goes_on_and_says_so_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def missing() -> Tshark:
        asked.append(1)
        raise UsageError("no tshark here")

    connection = implicit(*PLAIN)
    capture = Pcap()
    for number in range(3):
        capture.add(lines_of(connection.sent), port=40000 + number, server_port=465)
    ring = KeyRing()
    ring.add(connection.keys.splitlines())
    found: list[Session] = []
    with (
        Decryption(ring, missing) as decryption,
        open_captures(["-"], stdin=io.BytesIO(capture.bytes())) as captures,
    ):
        analysis = Analysis(["x"], found.append, decryption=decryption)
        for batch in captures.batches():
            analysis.feed(batch)
        analysis.finish()
    assert (len(found), asked, decryption.missing) == (3, [1], "no tshark here")
    assert decryption.counts == Counts(tls=3, fitting=3, decrypted=0)


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("import os; os.kill(os.getpid(), 11)", "tshark crashed (signal 11)"),
        ("sys.stdin.buffer.read()", "tshark ended before its input did"),
        ("sys.stdin.buffer.read(500); sys.exit(0)", "tshark ended before its input did"),
    ],
)
def test_every_session_comes_out_even_of_a_tshark_that_fails(tmp_path: Path, body: str, fault: str) -> None:
    connection = implicit(*PLAIN)
    capture = Pcap()
    for number in range(300):
        capture.add(lines_of(connection.sent), port=20000 + number, server_port=465)
    ran = decrypt(capture.bytes(), [connection.keys], tshark=program(tmp_path, body), block_bytes=50_000)
    assert len(ran.sessions) == 300
    assert {one.evidence for one in ran.sessions} <= {None, "inferred"}
    assert ran.decryption.fault == fault
    assert ran.decryption.counts.decrypted == 0
