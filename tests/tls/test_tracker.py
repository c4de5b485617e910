"""Whole connections, built by hand."""

from __future__ import annotations

import pickle
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.tls import CLIENT, SERVER, TlsSession, TlsTracker
from analyzer.tls.certificate import parse_certificate
from analyzer.tls.hellos import HELLO_RETRY_REQUEST
from tests.tls import wire
from tests.tls.certificates import certificate, chain
from tests.tls.wire import Turn, track

RETRY = wire.record(
    22, wire.message(2, wire.server_hello(wire.extension(43, wire.numbers(0x0304)), random=HELLO_RETRY_REQUEST))
)
LEAF = certificate("mx", names=("mx.example", "*.example"))
CERTIFICATE = wire.message(11, chain(LEAF, certificate("Test CA")))
SERVER_CERTIFICATE = wire.record(22, CERTIFICATE) + wire.SERVER_HELLO_DONE
FULL_12: list[Turn] = [
    (CLIENT, wire.CLIENT_HELLO_12),
    (SERVER, wire.SERVER_HELLO_12 + SERVER_CERTIFICATE),
    (CLIENT, wire.record(22, wire.message(16, b"k" * 66)) + wire.CCS + wire.FINISHED_12),
    (SERVER, wire.CCS + wire.FINISHED_12),
]
FULL_13: list[Turn] = [
    (CLIENT, wire.CLIENT_HELLO_13),
    (SERVER, wire.SERVER_HELLO_13 + wire.CCS + wire.data(23) + wire.data(900) + wire.data(96) + wire.data(53)),
    (CLIENT, wire.CCS + wire.data(53) + wire.data(40)),
    (SERVER, wire.data(120)),
]


def test_full_handshake_of_tls_1_2() -> None:
    assert track(FULL_12) == TlsSession(
        version="1.2",
        cipher="TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        sni="mx.example",
        client_versions=("1.2",),
        ja3="349640b9e304f8ea23a8e0f71dde2248",
        ja3_raw="771,4865-49199,0,,",
        ja4="t12d020100_c1929292aa6b_000000000000",
        ja4_raw="t12d020100_1301,c02f_",
        certificate=parse_certificate(CERTIFICATE[4:]),
        established=True,
        resumed=False,
        client_certificate=False,
    )


def test_full_handshake_of_tls_1_3() -> None:
    assert track(FULL_13) == TlsSession(
        version="1.3",
        cipher="TLS_AES_128_GCM_SHA256",
        sni="mx.example",
        client_versions=("1.3", "1.2"),
        ja3="925846c3879e9d47a4c3a9c1b98e6ee0",
        ja3_raw="771,4865-49199,43-0,,",
        ja4="t13d020200_c1929292aa6b_b9a491fefe05",
        ja4_raw="t13d020200_1301,c02f_002b",
        established=True,
        resumed=False,
    )


def test_abbreviated_handshake_is_a_resumption() -> None:
    ticket = wire.record(22, wire.message(4, b"t" * 200))
    session = track(
        [
            (CLIENT, wire.CLIENT_HELLO_12),
            (SERVER, wire.SERVER_HELLO_12 + ticket + wire.CCS + wire.FINISHED_12),
            (CLIENT, wire.CCS + wire.FINISHED_12),
        ]
    )
    assert (session.resumed, session.established) == (True, True)


def test_accepted_pre_shared_key_is_a_resumption() -> None:
    extensions = (wire.extension(43, wire.numbers(0x0304)), wire.extension(41, wire.numbers(0)))
    hello = wire.record(22, wire.message(2, wire.server_hello(*extensions, suite=0x1301)))
    assert track([(CLIENT, wire.CLIENT_HELLO_13), (SERVER, hello)]).resumed is True


def test_handshake_messages_sharing_one_record() -> None:
    messages = wire.message(2, wire.server_hello()) + CERTIFICATE + wire.message(14, b"")
    turns = [FULL_12[0], (SERVER, wire.record(22, messages)), *FULL_12[2:]]
    assert track(turns) == track(FULL_12)


def test_hello_cut_into_one_byte_records() -> None:
    whole = wire.CLIENT_HELLO_12[5:]
    cut = b"".join(wire.record(22, whole[at : at + 1]) for at in range(len(whole)))
    assert track([(CLIENT, cut), *FULL_12[1:]]) == track(FULL_12)


def test_hello_retry_request_is_not_the_server_hello() -> None:
    turns = [(CLIENT, wire.CLIENT_HELLO_13), (SERVER, RETRY + wire.CCS), (CLIENT, wire.CCS + wire.CLIENT_HELLO_13)]
    session = track(turns)
    assert (session.version, session.cipher) == (None, None)
    session = track([*turns, *FULL_13[1:]])
    assert (session.version, session.established) == ("1.3", True)
    assert session.oddities == Counter({"tls-hello-retry": 1})


@pytest.mark.parametrize("name", ["ssl3", "unknown"])
def test_versions_beside_the_usual_ones(name: str) -> None:
    version, shown = {"ssl3": (0x0300, "SSLv3"), "unknown": (0x7F1C, "0x7f1c")}[name]
    selected = (wire.extension(43, wire.numbers(version)),) if version > 0x0304 else ()
    hello = wire.server_hello(*selected, version=min(version, 0x0303), suite=0xFE01)
    session = track([(SERVER, wire.record(22, wire.message(2, hello), version=0x0300))])
    assert (session.version, session.cipher) == (shown, "0xfe01")


def test_ssl2_compatible_hello_tells_its_version() -> None:
    hello = bytes.fromhex("802e 01 0301 0015 0000 0010") + bytes(21) + bytes(16)
    session = track([(CLIENT, hello), *FULL_12[1:]])
    assert (session.client_versions, session.version, session.established) == (("1.0",), "1.2", True)
    assert session.oddities == Counter({"sslv2-hello": 1})


def test_fatal_alert_is_a_named_failure() -> None:
    session = track([(CLIENT, wire.CLIENT_HELLO_12), (SERVER, wire.FATAL_HANDSHAKE_FAILURE)])
    assert (session.established, session.alert) == (False, "handshake_failure")


def test_certificate_refused_by_the_client() -> None:
    for turns in (FULL_12, FULL_13):
        session = track([*turns[:2], (CLIENT, wire.record(21, b"\x02\x30"))])
        assert (session.established, session.alert) == (False, "unknown_ca")


def test_warnings_and_closing_alerts_are_no_failures() -> None:
    unrecognized_name, close_notify = wire.record(21, b"\x01\x70"), wire.record(21, b"\x01\x00")
    session = track([FULL_12[0], (SERVER, unrecognized_name), *FULL_12[1:], (CLIENT, close_notify)])
    assert (session.established, session.alert) == (True, None)
    encrypted_alert = wire.record(21, bytes(26))
    session = track([*FULL_12, (CLIENT, encrypted_alert), (SERVER, encrypted_alert)], complete=True)
    assert (session.established, session.alert) == (True, None)


@pytest.mark.parametrize("turns", [FULL_12, FULL_13])
@pytest.mark.parametrize("count", [1, 2])
def test_client_that_goes_away_has_failed_if_all_of_it_was_seen(turns: list[Turn], count: int) -> None:
    assert track(turns[:count], complete=True).established is False
    assert track(turns[:count]).established is None


def test_tls_to_a_server_that_speaks_clear_text() -> None:
    session = track([(CLIENT, wire.CLIENT_HELLO_13), (SERVER, b"500 5.5.2 Error: bad syntax\r\n")])
    assert session.established is False
    assert session.oddities == Counter({"tls-to-plain": 1})


def test_bytes_that_are_no_tls() -> None:
    tracker = TlsTracker()
    assert tracker.is_tls is None
    tracker.feed(CLIENT, b"EHLO copier.example.org\r\n", 0)
    assert tracker.is_tls is False
    session = tracker.finish(complete=True)
    assert session.established is None
    assert session.oddities == Counter({"not-tls": 1})


def test_is_tls_from_the_first_record_header() -> None:
    tracker = TlsTracker()
    tracker.feed(SERVER, wire.SERVER_HELLO_12[:4], 0)
    assert tracker.is_tls is None
    tracker.feed(SERVER, wire.SERVER_HELLO_12[4:5], 0)
    assert tracker.is_tls is True


def test_server_that_falls_back_to_clear_text_after_tls() -> None:
    session = track([*FULL_12, (SERVER, b"421 mail.example.org lost input connection\r\n")], complete=True)
    assert session.established is True
    assert session.oddities == Counter({"clear-text-after-tls": 1})


@pytest.mark.parametrize("turns", [FULL_12, FULL_13])
def test_one_side_alone_tells_what_it_knows(turns: list[Turn]) -> None:
    whole = track(turns)
    client = track([turn for turn in turns if turn[0] == CLIENT])
    assert (client.sni, client.client_versions) == (whole.sni, whole.client_versions)
    assert (client.version, client.established, client.resumed) == (None, None, None)
    server = track([turn for turn in turns if turn[0] == SERVER])
    assert (server.version, server.cipher, server.resumed) == (whole.version, whole.cipher, whole.resumed)
    assert (server.sni, server.established) == (None, None)


def test_missing_certificate_is_not_taken_for_a_resumption() -> None:
    certificate = len(SERVER_CERTIFICATE)
    tracker = TlsTracker()
    tracker.feed(CLIENT, wire.CLIENT_HELLO_12, 0)
    tracker.feed(SERVER, wire.SERVER_HELLO_12, 0)
    tracker.gap(SERVER, certificate, 0)
    tracker.feed(SERVER, wire.CCS + wire.FINISHED_12 + wire.FINISHED_12, 0)
    assert tracker.finish().resumed is None


@pytest.mark.parametrize("cut", range(4, len(CERTIFICATE), 97))
def test_certificate_that_is_missing_in_part_is_still_a_full_handshake(cut: int) -> None:
    tracker = TlsTracker()
    tracker.feed(CLIENT, wire.CLIENT_HELLO_12, 0)
    tracker.feed(SERVER, wire.SERVER_HELLO_12 + wire.record(22, CERTIFICATE)[: 5 + cut], 0)
    shown = tracker.finish().certificate
    assert (shown is not None) == (cut >= 4 + 6 + len(LEAF))
    tracker.gap(SERVER, len(CERTIFICATE) - cut, 0)
    tracker.feed(SERVER, wire.SERVER_HELLO_DONE + wire.CCS + wire.FINISHED_12, 0)
    session = tracker.finish()
    assert (session.resumed, session.certificate, session.oddities) == (False, shown, {})


def test_certificate_cut_into_small_records_is_read() -> None:
    stream = CERTIFICATE + wire.message(14, b"")
    cut = b"".join(wire.record(22, stream[at : at + 10]) for at in range(0, len(stream), 10))
    assert track([FULL_12[0], (SERVER, wire.SERVER_HELLO_12 + cut), *FULL_12[2:]]) == track(FULL_12)


@pytest.mark.parametrize(
    "body", [b"", b"\0\0", chain(), chain(b"c" * 900), chain(bytes(60_000)), b"\0\0\x03\xff\xff\xff"]
)
def test_certificate_that_cannot_be_read_is_counted(body: bytes) -> None:
    stream = wire.message(11, body) + wire.message(14, b"")
    records = b"".join(wire.record(22, stream[at : at + 16_000]) for at in range(0, len(stream), 16_000))
    session = track([FULL_12[0], (SERVER, wire.SERVER_HELLO_12 + records), *FULL_12[2:]])
    assert (session.certificate, session.resumed, session.established) == (None, False, True)
    assert session.oddities == {"tls-certificate-malformed": 1}


def test_second_certificate_message_is_not_read() -> None:
    other = wire.message(11, chain(certificate("other")))
    for records in (wire.record(22, CERTIFICATE) + wire.record(22, other), wire.record(22, CERTIFICATE + other)):
        assert track([*FULL_12[:1], (SERVER, wire.SERVER_HELLO_12 + records)]).certificate == track(FULL_12).certificate


def test_certificate_of_the_client_is_not_the_servers() -> None:
    session = track([(CLIENT, wire.record(22, CERTIFICATE)), *FULL_12[:1]])
    assert (session.certificate, session.resumed, session.sni) == (None, None, "mx.example")


def test_absence_proves_nothing_where_bytes_are_missing() -> None:
    tracker = TlsTracker()
    tracker.feed(CLIENT, wire.CLIENT_HELLO_12, 0)
    tracker.feed(SERVER, wire.SERVER_HELLO_12, 0)
    tracker.gap(CLIENT, 300, 0)
    assert tracker.finish(complete=True).established is None


@pytest.mark.parametrize("size", [0, -5])
def test_gap_of_no_bytes_is_no_gap(size: int) -> None:
    tracker = TlsTracker()
    for side, piece in FULL_12:
        tracker.feed(side, piece[:3], 0)
        tracker.gap(side, size, 0)
        tracker.feed(side, piece[3:], 0)
    assert tracker.finish() == track(FULL_12)


def test_asking_changes_nothing() -> None:
    tracker = TlsTracker()
    for side, piece in FULL_13:
        tracker.feed(side, piece, 0)
        assert tracker.finish() == tracker.finish()
    assert tracker.finish() == track(FULL_13)


def test_hello_from_the_wrong_side_is_counted_and_not_believed() -> None:
    session = track([(SERVER, wire.CLIENT_HELLO_13), (CLIENT, wire.SERVER_HELLO_13)])
    assert (session.version, session.sni) == (None, None)
    assert session.oddities == Counter({"tls-hello-from-wrong-side": 2})


def test_oddities_of_hellos_are_counted() -> None:
    cut_short = wire.record(22, wire.message(1, wire.client_hello(wire.server_name(b"mx.example"))[:-3]))
    assert track([(CLIENT, cut_short)]).oddities == Counter({"tls-hello-malformed": 1})
    early = wire.record(22, wire.message(1, wire.client_hello(wire.extension(42, b""))))
    assert track([(CLIENT, early)]).oddities == Counter({"tls-early-data-offered": 1})
    endless = wire.record(22, b"\x02\x01\x00\x00" + bytes(16000)) + wire.record(22, bytes(16000)) * 4
    assert track([(SERVER, endless)]).oddities["tls-hello-too-long"] == 1


def test_endless_empty_records_are_counted() -> None:
    session = track([*FULL_12, *[(CLIENT, b"\x16\x03\x03\x00\x00" * 500)] * 100])
    assert session.established is True
    assert session.oddities == Counter({"tls-empty-record": 50_000})


def test_what_is_kept_is_small_and_holds_no_application_data() -> None:
    canary = b"AGNhbmFyeQBodW50ZXIy"
    tracker = TlsTracker()
    for side, piece in FULL_13:
        tracker.feed(side, piece, 0)
    for _ in range(200):
        tracker.feed(CLIENT, wire.record(23, canary * 600), 0)
    tracker.feed(CLIENT, wire.record(23, canary * 600)[:7000], 0)
    kept = pickle.dumps(tracker)
    assert canary not in kept
    assert len(kept) < 3000


def test_partial_hellos_are_bounded() -> None:
    tracker = TlsTracker()
    start = b"\x01\x00\xff\xff"
    for side in (CLIENT, SERVER):
        for piece in (start, *[b"x" * 16000] * 40):
            tracker.feed(side, wire.record(22, piece), 0)
    assert len(pickle.dumps(tracker)) < 2 * 0xFFFF + 3000


def test_tracker_can_be_carried_over_in_the_middle() -> None:
    tracker = TlsTracker()
    for side, piece in wire.rechunk(FULL_13, [7, 100, 3]):
        tracker.feed(side, piece, 0)
        tracker = pickle.loads(pickle.dumps(tracker))  # noqa: S301 - our own bytes
    assert tracker.finish() == track(FULL_13)


@given(st.lists(st.tuples(st.integers(0, 1), st.binary(max_size=60), st.none() | st.integers(0, 60)), max_size=12))
def test_random_bytes_and_gaps_are_no_exception(steps: list[tuple[int, bytes, int | None]]) -> None:
    tracker = TlsTracker()
    for side, piece, gap in steps:
        tracker.feed(side, piece, 0)
        if gap != 60:
            tracker.gap(side, gap, 0)
    assert tracker.finish(complete=True).established in (None, False, True)
