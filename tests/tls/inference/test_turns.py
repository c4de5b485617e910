"""From records to exchanges: where the handshake ends, what is no dialogue, what is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from analyzer.tls import CLIENT, SERVER
from analyzer.tls.inference.turns import MAX_RECORDS, MAX_RUN, Exchange, RecordLog, Unreadable, dialogue_of
from tests.tls.inference.eager import eagerly
from tests.tls.inference.sealing import (
    CBC_10,
    CBC_12,
    CBC_12_ETM,
    CBC_12_SHA256,
    CERTIFICATE,
    CERTIFICATE_VERIFY,
    CHACHA20_12,
    CLOSE_NOTIFY,
    EMPTY_CERTIFICATE,
    EXACT,
    GCM_12,
    GCM_13,
    GCM_13_SHA384,
    IN_BLOCKS,
    TICKET,
    TLS_1_0,
    TLS_1_3,
    Record,
    Suite,
    application,
    dialogue,
    flight,
    handshake,
    log_of,
    sealed,
    written,
)

JAVA = 16
"""Zero bytes in every record of Java's TLS 1.3."""


def c(*lengths: int, suite: Suite = GCM_13) -> list[Record]:
    """Records of the client with so many bytes of plaintext."""
    return [(CLIENT, suite.sealed(length)) for length in lengths]


def s(*lengths: int, suite: Suite = GCM_13) -> list[Record]:
    return [(SERVER, suite.sealed(length)) for length in lengths]


def said(client: int | None, *server: int, pieces: int = 1) -> Exchange:
    """An exchange with exact lengths."""
    readings = tuple((length, length) for length in server)
    return Exchange(None if client is None else (client, client), readings, pieces)


def read(records: Iterable[Record], suite: Suite = GCM_13, *, client_first: bool = False) -> list[Exchange]:
    return list(dialogue(records, suite, client_first=client_first))


def refusal(records: Iterable[Record], suite: Suite = GCM_13, *, client_first: bool = False) -> str:
    with pytest.raises(Unreadable) as caught:
        read(records, suite, client_first=client_first)
    return str(caught.value)


HANDSHAKE = handshake(GCM_13)
FLIGHT = flight(GCM_13)
FINISHED = GCM_13.finished
TALK = [*s(60), *c(22), *s(180), *c(6), *s(15)]
TOLD = [said(None, 60), said(22, 180), said(6, 15)]


# --- where the handshake ends in TLS 1.3 ----------------------------------------------------------


@pytest.mark.parametrize("suite", EXACT, ids=str)
def test_the_dialogue_begins_behind_the_clients_finished(suite: Suite) -> None:
    records = [*handshake(suite), *s(60, suite=suite), *c(22, suite=suite), *s(180, suite=suite)]
    assert read(records, suite) == [said(None, 60), said(22, 180)]


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        ([FINISHED], False),
        ([EMPTY_CERTIFICATE, FINISHED], False),
        ([EMPTY_CERTIFICATE + FINISHED], False),
        ([CERTIFICATE, CERTIFICATE_VERIFY, FINISHED], True),
        ([CERTIFICATE, CERTIFICATE_VERIFY + FINISHED], True),
        ([CERTIFICATE + CERTIFICATE_VERIFY + FINISHED], True),
    ],
    ids=["finished", "none", "none, coalesced", "certificate", "certificate, half coalesced", "certificate, coalesced"],
)
@pytest.mark.parametrize("client_first", [False, True])
def test_a_client_that_was_asked_for_a_certificate_answers_before_its_finished(
    answer: list[int], shown: bool, client_first: bool
) -> None:
    talk = TALK[1:] if client_first else TALK
    found = dialogue([*FLIGHT, *c(*answer), *talk], GCM_13, client_first=client_first)
    assert (list(found), found.client_certificate) == (TOLD[1:] if client_first else TOLD, shown)


def test_before_tls_1_3_the_handshake_has_told_of_the_certificate() -> None:
    assert dialogue(application(written("S: 220 hi"), GCM_12), GCM_12).client_certificate is None


def test_a_resumed_handshake_is_short() -> None:
    assert read([*s(10, FINISHED), *c(FINISHED), *TALK]) == TOLD


def test_the_servers_flight_may_be_one_record_or_many() -> None:
    assert read([*s(1600), *c(FINISHED), *TALK]) == TOLD
    assert read([*s(*[1400] * 20, FINISHED), *c(FINISHED), *TALK]) == TOLD


def test_a_finished_of_another_hash_is_none() -> None:
    assert refusal([*FLIGHT, *c(4 + 64), *TALK]) == "padding"
    assert refusal([*flight(GCM_13_SHA384), *c(4 + 32), *TALK], GCM_13_SHA384) == "padding"


def test_a_client_that_says_nothing_leaves_nothing_to_read() -> None:
    assert refusal(FLIGHT) == "nothing-said"
    assert refusal([]) == "nothing-said"


def test_a_finished_that_comes_too_late_is_none() -> None:
    assert refusal([*FLIGHT, *c(20, 20, 20, 20, FINISHED), *TALK]) == "padding"
    assert refusal([*FLIGHT, *c(20, FINISHED), *TALK]) == "padding"


# --- padding --------------------------------------------------------------------------------------


def padded_by(records: Sequence[Record], bytes_more: int, side: int) -> list[Record]:
    return [(who, length + bytes_more * (who == side)) for who, length in records]


@pytest.mark.parametrize("sides", [(CLIENT,), (SERVER,), (CLIENT, SERVER)], ids=["client", "server", "both"])
@pytest.mark.parametrize("certificate", [[], [EMPTY_CERTIFICATE]], ids=["", "no certificate"])
def test_zero_bytes_of_java_are_taken_off(sides: tuple[int, ...], certificate: list[int]) -> None:
    records = [*FLIGHT, *c(*certificate, FINISHED), *TALK, *c(CLOSE_NOTIFY), *s(CLOSE_NOTIFY)]
    for side in sides:
        records = padded_by(records, JAVA, side)
    assert read(records) == TOLD


def in_blocks(records: Sequence[Record], block: int, sides: Sequence[int]) -> list[Record]:
    """Plaintext and content type padded to multiples of ``block`` (RFC 8446 section 5.4), handshake left alone."""
    overhead = GCM_13.sealed(0) - 1
    return [
        (side, -(-(length - overhead) // block) * block + overhead if side in sides else length)
        for side, length in records
    ]


@pytest.mark.parametrize("block", [16, 32, 64, 128, 256, 512, 4096])
@pytest.mark.parametrize("sides", [(CLIENT,), (SERVER,), (CLIENT, SERVER)], ids=["client", "server", "both"])
def test_padding_to_blocks_is_refused(block: int, sides: tuple[int, ...]) -> None:
    talk = written(
        *("S: 220 mail.example.org ESMTP Postfix", "C: EHLO copier.office.example", "S: 250-mail", "S: 250 AUTH LOGIN"),
        *("C: AUTH LOGIN", "S: 334 VXNlcm5hbWU6", f"C: {'u' * 24}", "S: 334 UGFzc3dvcmQ6", f"C: {'p' * 300}", "S: 235"),
        *(f"C: MAIL FROM:<{'x' * 600}>", f"S: 250-{'x' * 700}", "S: 250 ok", "C: DATA", "S: 354", f"C: {'x' * 5000}"),
        *(f"S: 250 {'x' * 5000}", "C: QUIT", "S: 221 bye"),
    )
    assert refusal([*HANDSHAKE, *in_blocks(application(talk, GCM_13), block, sides)]) == "padding"


@pytest.mark.parametrize("block", [64, 256])
def test_padding_of_the_handshake_as_well_is_refused(block: int) -> None:
    assert refusal(in_blocks([*HANDSHAKE, *TALK], block, (CLIENT, SERVER))) == "padding"


@pytest.mark.parametrize("length", [15, 63, 1023, 16383])
def test_any_number_of_padded_records_is_refused(length: int) -> None:
    for count in (2, 10, 1000):
        assert refusal([*HANDSHAKE, *[*s(length), *c(length)] * count]) == "padding"


def test_lengths_that_have_a_divisor_by_chance_are_no_padding() -> None:
    talk = [*s(59), *c(23), *s(179), *c(11), *s(15)]  # 60, 24, 180, 12, 16 with their content type
    assert len(read([*HANDSHAKE, *talk])) == 3


@pytest.mark.parametrize("suite", [GCM_12, CHACHA20_12, *IN_BLOCKS], ids=str)
def test_before_tls_1_3_the_finished_shows_padding(suite: Suite) -> None:
    log = RecordLog()
    log.handshake(CLIENT, suite.sealed(suite.finished))
    log.handshake(SERVER, suite.sealed(suite.finished) + 32)
    with pytest.raises(Unreadable, match="padding"):
        dialogue_of(log, suite.version, suite.number, client_first=False)


@pytest.mark.parametrize("seen", [(), (CLIENT,), (SERVER,)], ids=["none", "the client's", "the server's"])
def test_before_tls_1_3_both_must_have_finished(seen: tuple[int, ...]) -> None:
    log = RecordLog()
    for side in seen:
        log.handshake(side, GCM_12.sealed(GCM_12.finished))
    with pytest.raises(Unreadable, match="padding"):
        dialogue_of(log, GCM_12.version, GCM_12.number, client_first=False)


@pytest.mark.parametrize("side", [CLIENT, SERVER])
def test_a_second_handshake_is_refused(side: int) -> None:
    log = log_of(application(written("S: 220 hi", "C: EHLO x", "S: 250 hi"), GCM_12), GCM_12)
    log.handshake(side, 300)
    with pytest.raises(Unreadable, match="renegotiation"):
        dialogue_of(log, GCM_12.version, GCM_12.number, client_first=False)


@pytest.mark.parametrize("version", [TLS_1_0, TLS_1_3, 0x7F1C])
def test_a_suite_that_nobody_described_is_refused(version: int) -> None:
    with pytest.raises(Unreadable, match="cipher-suite-unknown"):
        dialogue_of(log_of(HANDSHAKE, GCM_13), version, 0x0A0A, client_first=False)


# --- session tickets ------------------------------------------------------------------------------


@pytest.mark.parametrize("tickets", range(5))
def test_tickets_before_the_greeting_are_one_reading_of_it(tickets: int) -> None:
    opening, *rest = read([*HANDSHAKE, *s(*[TICKET] * tickets), *TALK])
    assert (opening.client, rest) == (None, TOLD[1:])
    assert opening.server == tuple([(TICKET * count + 60,) * 2 for count in range(tickets, -1, -1)])


@pytest.mark.parametrize("tickets", range(5))
def test_tickets_behind_ehlo_are_one_reading_of_its_reply(tickets: int) -> None:
    first, *rest = read([*HANDSHAKE, *c(22), *s(*[TICKET] * tickets), *TALK[2:]], client_first=True)
    assert (first.client, rest) == ((22, 22), TOLD[2:])
    assert first.server == tuple([(TICKET * count + 180,) * 2 for count in range(tickets, -1, -1)])


@pytest.mark.parametrize("tickets", [1, 2])
def test_tickets_ahead_of_a_client_that_speaks_first_are_nothing_else(tickets: int) -> None:
    assert read([*HANDSHAKE, *s(*[TICKET] * tickets), *TALK[1:]], client_first=True) == TOLD[1:]


def test_one_ticket_may_come_ahead_and_one_behind() -> None:
    first, *_ = read([*HANDSHAKE, *s(TICKET), *c(22), *s(TICKET, 180)], client_first=True)
    assert first.server == ((TICKET + 180,) * 2, (180, 180))


def test_after_two_tickets_no_more_are_looked_for() -> None:
    first, *_ = read([*HANDSHAKE, *s(TICKET, TICKET), *c(22), *s(TICKET, 180)], client_first=True)
    assert first.server == ((TICKET + 180,) * 2,)


def test_a_reply_of_several_records_is_no_ticket_later_on() -> None:
    *_, last = read([*HANDSHAKE, *TALK, *c(12), *s(120, 90)])
    assert last == said(12, 210)


def test_a_record_too_short_for_a_ticket_is_a_part_of_the_reply() -> None:
    opening, *_ = read([*HANDSHAKE, *s(30, 60)])
    assert opening == said(None, 90)


def test_before_tls_1_3_tickets_come_in_the_handshake() -> None:
    records = application(written("S: 220-" + "x" * 200, "S: 220 hi"), GCM_12)
    assert [len(exchange.server) for exchange in read([*records, *records], GCM_12)] == [1]


# --- who speaks first -----------------------------------------------------------------------------


def test_a_server_that_speaks_first_after_starttls_is_refused() -> None:
    assert refusal([*HANDSHAKE, *s(30), *TALK[1:]], client_first=True) == "server-spoke-first"
    assert refusal(application(written("S: 220 hi"), GCM_12), GCM_12, client_first=True) == "server-spoke-first"


def test_a_client_may_speak_in_the_same_breath_as_its_finished() -> None:
    records = [*FLIGHT, *c(FINISHED, 22), *s(TICKET, 180), *TALK[3:]]
    assert read(records, client_first=True) == [said(22, TICKET + 180, 180), TOLD[2]]


def test_a_greeting_ahead_of_the_clients_finished_passes_for_handshake() -> None:
    """0.5-RTT data: RFC 8446 section 2."""
    records = [*FLIGHT, *s(60), *c(FINISHED), *TALK[1:]]
    assert read(records) == [said(None), *TOLD[1:]]


def test_a_dialogue_that_the_client_opens_has_an_opening_without_words() -> None:
    assert read([*HANDSHAKE, *TALK[1:]]) == [said(None), *TOLD[1:]]


def test_nothing_said_is_no_dialogue() -> None:
    assert read(HANDSHAKE) == []
    assert read(HANDSHAKE, client_first=True) == []
    assert read([*HANDSHAKE, *s(60)]) == [said(None, 60)]


# --- what is no dialogue --------------------------------------------------------------------------


def test_an_update_of_keys_is_dropped() -> None:
    updated = [*TALK[:3], *c(12), *s(10), *c(5), *s(5, 8), *c(30), *s(5, 37)]
    assert read([*HANDSHAKE, *updated]) == [*TOLD[:2], said(12, 18), said(30, 37)]


def test_an_update_of_keys_with_a_line_leaves_the_line() -> None:
    assert read([*HANDSHAKE, *TALK[:3], *c(5, 6), *s(5, 15)]) == TOLD


CLOSED = {
    "client": [*TALK, *c(CLOSE_NOTIFY)],
    "server": [*TALK, *s(CLOSE_NOTIFY)],
    "both": [*TALK, *s(CLOSE_NOTIFY), *c(CLOSE_NOTIFY)],
    "behind QUIT": [*TALK[:-1], *c(CLOSE_NOTIFY), *TALK[-1:], *s(CLOSE_NOTIFY)],
    "without any answer": [*TALK[:-1], *c(CLOSE_NOTIFY), *s(CLOSE_NOTIFY)],
}


@pytest.mark.parametrize("way", CLOSED)
def test_the_alert_that_closes_is_dropped(way: str) -> None:
    expected = [*TOLD[:-1], said(6)] if way == "without any answer" else TOLD
    assert read([*HANDSHAKE, *CLOSED[way]]) == expected


def test_a_client_that_closes_without_waiting_for_the_answer_says_so() -> None:
    records = [*HANDSHAKE, *TALK[:3], *c(CLOSE_NOTIFY), *s(24)]
    assert read(records) == [*TOLD[:2], said(CLOSE_NOTIFY, 24)]


def test_an_empty_response_is_as_long_as_the_alert_and_none() -> None:
    digest = [*TALK[:3], *c(17), *s(200), *c(280), *s(62), *c(2), *s(37), *TALK[3:]]
    expected = [*TOLD[:2], said(17, 200), said(280, 62), said(2, 37), TOLD[2]]
    assert read([*HANDSHAKE, *digest]) == expected
    assert read([*HANDSHAKE, *digest, *c(CLOSE_NOTIFY), *s(CLOSE_NOTIFY)]) == expected


def test_before_tls_1_3_alerts_are_marked_and_two_bytes_are_words() -> None:
    records = [*s(60, suite=GCM_12), *c(2, suite=GCM_12)]
    assert read(records, GCM_12) == [said(None, 60), said(2)]


# --- what a turn is -------------------------------------------------------------------------------


def test_records_of_one_turn_are_added_up_and_counted() -> None:
    records = [*HANDSHAKE, *TALK[:3], *c(10, 2), *s(60, 20, 10)]
    assert read(records)[2] == said(12, 90, pieces=2)


@pytest.mark.parametrize("suite", [CBC_12, CBC_12_SHA256, CBC_12_ETM], ids=str)
def test_cbc_leaves_a_range_as_wide_as_a_block(suite: Suite) -> None:
    _, exchange = read(application(written("S: 220 hi", "C: EHLO copier.example.org", "S: 250 hi"), suite), suite)
    least, most = exchange.client or (0, 0)
    assert least <= len("EHLO copier.example.org\r\n") <= most == least + 15


@given(st.lists(st.integers(1, 600), min_size=1, max_size=5))
def test_the_range_of_a_turn_is_that_of_its_records_together(lengths: list[int]) -> None:
    _, exchange = read([*s(60, suite=CBC_12), *c(*lengths, suite=CBC_12)], CBC_12)
    least, most = exchange.client or (0, 0)
    if sum(lengths) < 400:
        assert least <= sum(lengths) <= most <= least + 15 * len(lengths)
    assert exchange.pieces == len(lengths)


def test_in_tls_1_0_a_byte_that_goes_ahead_is_no_piece_of_its_own() -> None:
    records = application(written("S: 220 hi", "C: EHLO copier.example.org", "S: 250 hi"), CBC_10)
    assert len(records) == 4
    _, exchange = read(records, CBC_10)
    assert exchange.pieces == 1


def test_long_turns_are_said_in_round_numbers_with_their_remainder() -> None:
    exact = {length: read([*HANDSHAKE, *s(60), *c(length)])[1].client for length in range(1, 6000, 7)}
    for length, bounds in exact.items():
        assert bounds is not None
        least, most = bounds
        assert least == most
        assert most % 4 == length % 4
        assert most == length if length < 512 else 0.7 * min(length, 4096) <= most <= min(length, 4096) + 3
    assert len(set(exact.values())) < 600


# --- what is kept ---------------------------------------------------------------------------------


def test_a_message_of_thousands_of_records_keeps_what_follows() -> None:
    log = log_of([*HANDSHAKE, *TALK[:3], *c(*[80] * 5000), *s(40), *c(6), *s(15)], GCM_13)
    assert not log.overflow
    found = list(dialogue_of(log, GCM_13.version, GCM_13.number, client_first=False))
    assert [exchange.server for exchange in found[2:]] == [((40, 40),), ((15, 15),)]
    assert found[2].pieces == MAX_RUN


def test_more_turns_than_are_kept_are_told_as_that() -> None:
    log = log_of([*HANDSHAKE, *[*c(22), *s(60)] * 5000], GCM_13)
    assert log.overflow
    assert len(log.sizes) == MAX_RECORDS


@given(st.lists(st.tuples(st.sampled_from([CLIENT, SERVER]), st.integers(1, (1 << 14) + 2048)), max_size=600))
def test_the_log_keeps_the_beginning_of_every_turn_up_to_its_limit(records: list[Record]) -> None:
    kept: list[Record] = []
    run = 0
    for at, (side, length) in enumerate(records):
        run = run + 1 if at and records[at - 1][0] == side else 1
        if run <= MAX_RUN:
            kept.append((side, length))
    log = log_of(records, GCM_13)
    assert [(packed >> 15, packed & 0x7FFF) for packed in log.sizes] == kept[:MAX_RECORDS]
    assert log.overflow == (len(kept) > MAX_RECORDS)


@given(st.lists(st.tuples(st.sampled_from([CLIENT, SERVER]), st.integers(1, 1 << 14)), max_size=2000))
def test_encrypted_handshake_records_are_kept_while_they_tell_something(records: list[Record]) -> None:
    log = RecordLog()
    for side, length in records:
        log.handshake(side, length)
    for side in (CLIENT, SERVER):
        assert log.finished[side] == [length for who, length in records if who == side][:2]


# --- against a reading that does everything at once -----------------------------------------------


TELLING = (1, 2, 5, 6, 8, 12, 14, 15, 31, 36, 39, 40, 44, 47, 48, 52, 63, 79, TICKET, 511, 512, 900, 4095, 4100, 16384)
"""Plaintext lengths at which something is decided."""

plaintexts = st.one_of(st.sampled_from(TELLING), st.integers(1, 1 << 14))
talks = st.lists(st.tuples(st.sampled_from([CLIENT, SERVER]), plaintexts), max_size=40)
beginnings: dict[str, Callable[[Suite], list[Record]]] = {
    "nothing": lambda suite: [],
    "flight": flight,
    "handshake": handshake,
    "no certificate": lambda suite: [*flight(suite), *c(8, suite.finished, suite=suite)],
    "certificate": lambda suite: [*flight(suite), *c(900, 264, suite.finished, suite=suite)],
    "java": lambda suite: [(side, length + 16) for side, length in handshake(suite)],
}
suites = st.sampled_from([*EXACT, *IN_BLOCKS])


@given(st.sampled_from(sorted(beginnings)), talks, suites, st.booleans(), st.sampled_from([0, 0, 16]))
@example(
    "handshake", [(SERVER, 60), (CLIENT, 22), (CLIENT, 2), (SERVER, 100), (SERVER, 2), (CLIENT, 2)], GCM_13, False, 0
)
@example("handshake", [(SERVER, TICKET)] * 30 + [(CLIENT, 22)] * 30, GCM_13, True, 0)
@example("handshake", [(CLIENT, 22), (SERVER, 40)] * 200 + [(CLIENT, 2)], GCM_13, True, 0)
def test_exchanges_made_as_they_are_asked_for_are_those_of_an_eager_reading(
    beginning: str, talk: list[Record], suite: Suite, client_first: bool, pad: int
) -> None:
    records = beginnings[beginning](suite) + [(side, suite.sealed(length + pad)) for side, length in talk]
    log = log_of(records, suite)
    expected = eagerly(log, suite, client_first=client_first)
    if isinstance(expected, str):
        assert refusal(records, suite, client_first=client_first) == expected
        return
    found = dialogue_of(log, suite.version, suite.number, client_first=client_first)
    assert list(found) == expected
    assert len(found) == len(expected)
    assert found[:] == expected
    assert found[1::2] == expected[1::2]
    assert [found[at] for at in reversed(range(len(found)))] == expected[::-1]


def test_an_exchange_that_is_not_there_is_none() -> None:
    found = dialogue([*HANDSHAKE, *TALK], GCM_13)
    with pytest.raises(IndexError):
        found[len(found)]


@given(
    st.lists(st.tuples(st.sampled_from([CLIENT, SERVER]), st.integers(0, (1 << 15) - 1)), max_size=300),
    st.tuples(st.lists(st.integers(0, 1 << 15), max_size=3), st.lists(st.integers(0, 1 << 15), max_size=3)),
    st.sampled_from([0x0002, 0x0300, TLS_1_0, 0x0302, 0x0303, TLS_1_3, 0x7F1C]),
    st.sampled_from([suite.number for suite in (*EXACT, *IN_BLOCKS)]) | st.integers(0, 0xFFFF),
    st.booleans(),
)
def test_whatever_the_records_are_the_worst_is_that_they_cannot_be_read(
    records: list[Record], finished: tuple[list[int], list[int]], version: int, number: int, client_first: bool
) -> None:
    log = RecordLog()
    for side in (CLIENT, SERVER):
        for length in finished[side]:
            log.handshake(side, length)
    for side, length in records:
        log.application_data(side, length)
    try:
        found = dialogue_of(log, version, number, client_first=client_first)
    except Unreadable:
        return
    exchanges = list(found)
    assert len(exchanges) == len(found)
    for exchange in exchanges:
        assert all(0 <= least <= most for least, most in (exchange.client or (0, 0), *exchange.server))


def test_a_whole_connection_is_read_back() -> None:
    talk = written("S: 220 hi", "C: EHLO x", "S: 250-hi", "S: 250 AUTH PLAIN", "C: QUIT", "S: 221 bye")
    opening, *rest = read(sealed(talk, GCM_13, tickets=2))
    assert opening.server[-1] == (8, 8)
    assert rest == [said(8, 24), said(6, 9)]
