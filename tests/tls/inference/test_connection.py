"""From packets to the session: what is inferred of whole connections, and when nothing is."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from analyzer.inventory.session import Session
from analyzer.tls import CLIENT, SERVER, Clues, TlsTracker
from analyzer.tls.inference import ABSTENTIONS
from analyzer.tls.inference.turns import MAX_RECORDS, RecordLog
from tests.smtp.canaries import reachable
from tests.tls import wire
from tests.tls.inference.connections import GREETED, client_hello, connection, lines, opened, seen, server_hello
from tests.tls.inference.sealing import (
    CBC_10,
    CBC_12,
    CHACHA20_12,
    GCM_12,
    GCM_13,
    GCM_13_SHA384,
    TICKET,
    Record,
    Suite,
    Turn,
    handshake,
    sealed,
)
from tests.tls.inference.worlds import POSTFIX, World
from tests.verify.dialogues import Line

SUITES = (GCM_13, GCM_13_SHA384, GCM_12, CHACHA20_12, CBC_12, CBC_10)


def dialogue(kind: str | None = "LOGIN", *, starttls: bool = False, message: bool = True) -> list[Turn]:
    world = World(1)
    world.server = POSTFIX
    login = world.login(kind) if kind else []
    return world.session(login, world.message() if message else [], starttls=starttls)


def verdict(session: Session) -> tuple[str, str | None, str | None]:
    return session.method, session.evidence, session.reason


# --- answers --------------------------------------------------------------------------------------


@pytest.mark.parametrize("suite", SUITES, ids=str)
@pytest.mark.parametrize("starttls", [False, True], ids=["implicit", "starttls"])
def test_a_login_inside_tls_is_inferred(suite: Suite, starttls: bool, tmp_path: Path) -> None:
    sent = connection(dialogue(starttls=starttls), suite, tickets=2)
    session = seen(tmp_path, sent, port=587 if starttls else 465)
    assert verdict(session) == ("basic", "inferred", None)
    assert (session.messages, session.tls_established, session.complete) == (1, True, True)
    (attempt,) = session.auth
    assert (attempt.mechanism, attempt.evidence, attempt.confidence) == ("LOGIN", "inferred", session.confidence)
    assert {"auth-keyword", "response", "mail-after-login"} <= set(session.reasons)


@pytest.mark.parametrize("suite", [GCM_13, GCM_12], ids=str)
def test_mail_without_a_login_is_inferred(suite: Suite, tmp_path: Path) -> None:
    session = seen(tmp_path, connection(dialogue(None, starttls=True), suite), port=25)
    assert verdict(session) == ("none", "inferred", None)
    assert (session.messages, session.auth) == (1, [])


def test_a_connection_that_ends_before_a_word_was_said_shows_no_login(tmp_path: Path) -> None:
    for suite in (GCM_13, GCM_12):
        session = seen(tmp_path, connection([], suite), port=465)
        assert (session.method, session.messages, session.auth) == ("none", 0, [])


def test_tls_that_never_came_about_shows_no_login(tmp_path: Path) -> None:
    session = seen(tmp_path, opened(GCM_13), port=465)
    assert verdict(session) == ("none", "observed", None)
    assert session.tls_established is False


def test_how_packets_are_cut_does_not_show(tmp_path: Path) -> None:
    sent = connection(dialogue(), GCM_13, tickets=2)
    whole = seen(tmp_path, sent, port=465)
    for size in (1, 7, 100):
        cut = [(side, data[at : at + size]) for side, data in sent for at in range(0, len(data), size)]
        session = seen(tmp_path, cut, port=465)
        assert verdict(session) == verdict(whole)
        assert (session.auth[0].mechanism, session.reasons) == (whole.auth[0].mechanism, whole.reasons)


def test_a_handshake_in_two_attempts_is_one(tmp_path: Path) -> None:
    """HelloRetryRequest: RFC 8446 section 4.1.4."""
    retry = wire.server_hello(
        wire.extension(43, wire.numbers(0x0304)),
        random=bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c"),
        suite=GCM_13.number,
    )
    first: list[Line] = [("C", client_hello()), ("S", wire.record(22, wire.message(2, retry)) + wire.CCS)]
    session = seen(tmp_path, [*first, *connection(dialogue(), GCM_13)], port=465)
    assert verdict(session) == ("basic", "inferred", None)


# --- abstentions ----------------------------------------------------------------------------------


@pytest.mark.parametrize("starttls", [False, True], ids=["implicit", "starttls"])
def test_missing_bytes_are_a_gap(starttls: bool, tmp_path: Path) -> None:
    sent = connection(dialogue(starttls=starttls), GCM_13, tickets=2)
    at = [nth for nth, (side, _) in enumerate(sent) if side == "C"]
    for lost in at[-6:]:
        torn = [*sent[:lost], ("-", sent[lost][1]), *sent[lost + 1 :]]
        assert verdict(seen(tmp_path, torn, port=465)) == ("unknown", None, "gap")


def test_a_connection_that_began_before_the_capture_is_mid_stream(tmp_path: Path) -> None:
    sent = connection(dialogue(), GCM_13)
    for first in (0, 1, 5):
        assert verdict(seen(tmp_path, sent[first:], port=465, begun=False)) == ("unknown", None, "mid-stream")


def test_a_connection_that_goes_on_after_the_capture_is_cut_off(tmp_path: Path) -> None:
    sent = connection(dialogue(), GCM_13)
    for kept in (4, 5, 6):  # to the greeting, EHLO, its reply
        assert verdict(seen(tmp_path, sent[:kept], port=465, ended=False)) == ("unknown", None, "cut-off")


def test_a_login_that_was_seen_to_begin_stands_although_its_end_is_missing(tmp_path: Path) -> None:
    session = seen(tmp_path, connection(dialogue(), GCM_13)[:-6], port=465, ended=False)
    assert verdict(session) == ("basic", "inferred", None)


def padded(records: list[Record], block: int) -> list[Record]:
    return [(side, -(-(length - 16) // block) * block + 16) for side, length in records]


@pytest.mark.parametrize("block", [64, 256, 1024])
def test_padded_records_are_told_as_that(block: int, tmp_path: Path) -> None:
    records = sealed(dialogue(), GCM_13)
    everything = [*opened(GCM_13), *lines(padded(records, block))]
    assert verdict(seen(tmp_path, everything, port=465)) == ("unknown", None, "padding")
    dialogue_only = [*records[:5], *padded(records[5:], block)]
    assert verdict(seen(tmp_path, [*opened(GCM_13), *lines(dialogue_only)], port=465)) == ("unknown", None, "padding")


def test_compressed_records_are_told_as_that(tmp_path: Path) -> None:
    sent = [*opened(GCM_12, compression=1), *lines(sealed(dialogue(), GCM_12))]
    assert verdict(seen(tmp_path, sent, port=465)) == ("unknown", None, "compression")


def test_data_ahead_of_the_handshake_is_told_as_that(tmp_path: Path) -> None:
    """0-RTT: offered and accepted with a pre-shared key (RFC 8446 section 4.2.10)."""
    early, key = wire.extension(42, b""), wire.extension(41, wire.numbers(0))
    sent = [*opened(GCM_13, offer=[early], answer=[key]), *lines(sealed(dialogue(), GCM_13))]
    assert verdict(seen(tmp_path, sent, port=465)) == ("unknown", None, "early-data")
    resumed = [*opened(GCM_13, answer=[key]), *lines(sealed(dialogue(), GCM_13))]
    assert verdict(seen(tmp_path, resumed, port=465)) == ("basic", "inferred", None)


def test_a_suite_that_nobody_described_is_told_as_that(tmp_path: Path) -> None:
    odd = GCM_12._replace(number=0xC100)
    assert verdict(seen(tmp_path, connection(dialogue(), odd), port=465)) == ("unknown", None, "cipher-suite-unknown")


def test_a_server_that_speaks_first_after_starttls_is_told_as_that(tmp_path: Path) -> None:
    sent = [*GREETED, *connection(dialogue(), GCM_12)]
    assert verdict(seen(tmp_path, sent)) == ("unknown", None, "server-spoke-first")


def test_a_second_handshake_inside_is_told_as_that(tmp_path: Path) -> None:
    sent = connection(dialogue(), GCM_12)
    again = [*sent[:-4], ("C", wire.record(22, b"h" * 300)), *sent[-4:]]
    assert verdict(seen(tmp_path, again, port=465)) == ("unknown", None, "renegotiation")


def test_a_hello_that_was_not_seen_leaves_the_middle_of_a_stream(tmp_path: Path) -> None:
    tracker = TlsTracker()
    for side, data in [(CLIENT, client_hello()), (SERVER, wire.data(900))]:
        tracker.feed(side, data, 0)
    inference = tracker.finish(clues=Clues()).inference
    assert inference is not None
    assert inference.reason == "mid-stream"


@pytest.mark.parametrize("size", [3, None], ids=["inside a record", "of unknown size"])
def test_bytes_that_the_tracker_missed_are_a_gap_whatever_else_is_known(size: int | None) -> None:
    sides = {"C": CLIENT, "S": SERVER}
    tracker = TlsTracker()
    for side, data in connection(dialogue(), GCM_13):
        tracker.feed(sides[side], data, 0)
    tracker.feed(CLIENT, wire.data(100)[:40], 0)
    tracker.gap(CLIENT, size, 0)
    inference = tracker.finish(clues=Clues()).inference
    assert inference is not None
    assert (inference.method, inference.reason) == ("unknown", "gap")


def test_nothing_is_inferred_where_nothing_is_asked() -> None:
    tracker = TlsTracker()
    tracker.feed(CLIENT, client_hello(), 0)
    assert tracker.finish().inference is None


# --- hostile bytes --------------------------------------------------------------------------------


WELL_FORMED = b"".join(data for _, data in connection(dialogue(), GCM_13))
torn: list[list[Line]] = [[("C", client_hello())], [("S", server_hello(GCM_13))], []]
hellos = st.sampled_from([*[opened(suite) for suite in SUITES], *torn])
versions = st.sampled_from([0x0300, 0x0301, 0x0303, 0x0304, 0x7F00])
pieces = st.one_of(
    st.binary(max_size=300),
    st.builds(wire.record, st.integers(0, 255), st.binary(max_size=200), versions),
    st.builds(wire.data, st.integers(0, 1 << 14)),
    st.builds(lambda length: b"\x17\x03\x03" + length.to_bytes(2, "big") + b"lying", st.integers(0, 0xFFFF)),
    st.integers(0, len(WELL_FORMED) - 300).map(lambda at: WELL_FORMED[at : at + 300]),
)
turns = st.lists(st.tuples(st.sampled_from(["C", "S", "C", "S", "-"]), pieces), max_size=24)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(hello=hellos, rest=turns, starttls=st.booleans(), begun=st.booleans(), ended=st.booleans())
@example(
    hello=opened(GCM_13),
    rest=[("C", wire.data(53)), ("S", b"\x17\x03\x03\xff\xff"), ("C", b"\x17")],
    starttls=False,
    begun=True,
    ended=True,
)
def test_whatever_the_bytes_are_the_session_says_something_sensible(
    hello: list[Line], rest: list[Line], starttls: bool, begun: bool, ended: bool, tmp_path: Path
) -> None:
    sent = [*(GREETED if starttls else ()), *hello, *rest]
    if not any(data for side, data in sent if side != "-"):
        return
    session = seen(tmp_path, sent, port=587 if starttls else 465, begun=begun, ended=ended)
    assert (session.method == "unknown") == (session.confidence is None) == (session.reason is not None)
    if session.tls_mode != "none" and session.reason in ABSTENTIONS:
        assert not [one for one in session.auth if one.evidence == "inferred"]


def kept(tracker: TlsTracker) -> int:
    """Bytes of all that can be reached from ``tracker``."""
    return sum(map(sys.getsizeof, reachable(tracker)))


@pytest.mark.parametrize("length", [1, 90, 1024, 1 << 14])
@pytest.mark.parametrize("step", [1, 2, 3])
def test_what_is_kept_of_a_connection_has_a_limit(length: int, step: int) -> None:
    tracker = TlsTracker()
    for side, data in [(CLIENT, client_hello()), (SERVER, server_hello(GCM_13))]:
        tracker.feed(side, data, 0)
    record = wire.data(length)
    sizes: list[int] = []
    for nth in range(6000 if length < 1 << 14 else 1500):
        tracker.feed(CLIENT if nth % (step + 1) else SERVER, record, nth)
        if nth in (1000, 1400):
            sizes.append(kept(tracker))
    sizes.append(kept(tracker))
    assert max(sizes) - min(sizes) <= 64  # a counter
    assert max(sizes) < 24 << 10
    assert tracker.finish(clues=Clues()).inference is not None


def test_thousands_of_turns_are_read_to_where_they_were_kept(tmp_path: Path) -> None:
    records = [*handshake(GCM_13), (SERVER, GCM_13.sealed(60))]
    records += [(CLIENT, GCM_13.sealed(6)), (SERVER, GCM_13.sealed(14))] * 3000
    session = seen(tmp_path, [*opened(GCM_13), *lines(records)], port=465)
    assert (session.method, session.reason) in [("unknown", reason) for reason in ("not-smtp", "ambiguous", "cut-off")]


def test_a_lying_length_swallows_what_follows_and_nothing_else(tmp_path: Path) -> None:
    sent = connection(dialogue(), GCM_13)
    session = seen(tmp_path, [*sent[:8], ("C", b"\x17\x03\x03\x40\x00"), *sent[8:]], port=465)
    assert session.method in ("unknown", "basic", "none")
    assert not session.auth or session.auth[0].method == "basic"


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 0xFFFF)), max_size=1000))
def test_a_log_holds_no_more_than_its_limit(records: list[tuple[bool, int]]) -> None:
    log = RecordLog()
    for is_server, length in records:
        log.application_data(int(is_server), min(length, 0x7FFF))
        log.handshake(int(is_server), length)
    assert len(log.sizes) <= MAX_RECORDS
    assert max(len(log.finished[CLIENT]), len(log.finished[SERVER])) <= 2


def test_tickets_of_any_number_do_not_hide_the_dialogue(tmp_path: Path) -> None:
    for count in (0, 1, 2, 3, 4):
        sent = connection(dialogue(), GCM_13, tickets=count)
        assert seen(tmp_path, sent, port=465).method == "basic"
    flood = [*opened(GCM_13), *lines([*handshake(GCM_13), *[(SERVER, GCM_13.sealed(TICKET))] * 400])]
    assert seen(tmp_path, flood, port=465).auth == []  # the client never spoke
