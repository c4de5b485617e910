"""The rules of proof, on record sizes alone."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from analyzer.tls.code_points import TLS_1_2, TLS_1_3
from analyzer.tls.establishment import SMALLEST_FINISHED, Establishment
from analyzer.tls.sides import CLIENT, SERVER

ALERT, PADDED_ALERT = 19, 35
FLIGHT = [(SERVER, 23), (SERVER, 900), (SERVER, 96), (SERVER, 69)]
FINISHED = (CLIENT, 53)


def after(
    records: Iterable[tuple[int, int]], version: int | None = TLS_1_3, *, early_data: bool = False
) -> Establishment:
    evidence = Establishment()
    evidence.version = version
    evidence.early_data = early_data
    for side, length in records:
        if not evidence.proven:
            evidence.application_data(side, length)
    return evidence


def test_tls_1_3_is_established_when_the_server_says_more_than_an_alert_after_the_clients_finished() -> None:
    assert after([*FLIGHT, FINISHED, (SERVER, 24)]).verdict(complete=False) is True


def test_tls_1_3_server_that_only_sends_an_alert_after_the_clients_finished_leaves_it_open() -> None:
    evidence = after([*FLIGHT, FINISHED, (CLIENT, 40), (SERVER, ALERT)])
    assert evidence.verdict(complete=True) is None


@pytest.mark.parametrize("block", [16, 128, 512, 4096])
def test_padded_alert_is_no_proof(block: int) -> None:
    def padded(length: int) -> int:
        return -(-(length - 17) // block) * block + 17

    flight = [(SERVER, padded(length)) for _, length in FLIGHT]
    assert after([*flight, FINISHED, (SERVER, padded(ALERT))]).verdict(complete=False) is None


def test_alert_with_fixed_padding_is_no_proof() -> None:
    flight = [(SERVER, length + 16) for _, length in FLIGHT]
    assert after([*flight, (CLIENT, 85), (SERVER, PADDED_ALERT)]).verdict(complete=False) is None


def test_flight_in_one_record_needs_the_servers_third_turn() -> None:
    records = [(SERVER, 2000), FINISHED, (SERVER, 100), (CLIENT, 30)]
    assert after(records).verdict(complete=False) is None
    assert after([*records, (SERVER, 25)]).verdict(complete=False) is True


def test_client_that_answers_the_flight_with_an_alert_has_not_finished() -> None:
    evidence = after([*FLIGHT, (CLIENT, ALERT), (SERVER, ALERT)])
    assert evidence.verdict(complete=False) is None
    assert evidence.verdict(complete=True) is False


def test_client_finished_in_pieces_is_a_finished() -> None:
    pieces = [(CLIENT, 22)] * (SMALLEST_FINISHED // 22 + 1)
    assert after([*FLIGHT, *pieces]).verdict(complete=True) is None
    assert after([*FLIGHT, *pieces, (SERVER, 40)]).verdict(complete=True) is True


def test_early_data_is_not_taken_for_the_clients_finished() -> None:
    records = [(CLIENT, 200), *FLIGHT, (SERVER, 2000)]
    assert after(records, early_data=True).verdict(complete=False) is None
    turns = [*records, FINISHED, (SERVER, 30), (CLIENT, 30), (SERVER, 30)]
    assert after(turns, early_data=True).verdict(complete=False) is None
    assert after([*turns, (CLIENT, 30), (SERVER, 30)], early_data=True).verdict(complete=False) is True


def test_turns_prove_a_connection_whose_hellos_were_not_seen() -> None:
    turns = [(CLIENT, 30), (SERVER, 30)] * 4
    assert after(turns[:-1], None, early_data=True).verdict(complete=False) is None
    assert after(turns, None, early_data=True).verdict(complete=False) is True


def test_tls_1_2_is_established_when_both_sides_sent_data() -> None:
    assert after([(CLIENT, 30)], TLS_1_2).verdict(complete=False) is None
    assert after([(CLIENT, 30), (SERVER, 30)], TLS_1_2).verdict(complete=False) is True


def test_tls_1_2_is_established_when_both_sides_sent_their_finished() -> None:
    evidence = after([], TLS_1_2)
    evidence.finished(CLIENT)
    assert evidence.verdict(complete=False) is None
    evidence.finished(SERVER)
    assert evidence.verdict(complete=False) is True


def test_handshake_records_after_change_cipher_spec_prove_nothing_in_tls_1_3() -> None:
    evidence = after([])
    evidence.finished(CLIENT)
    evidence.finished(SERVER)
    assert evidence.verdict(complete=False) is None


@pytest.mark.parametrize("version", [None, TLS_1_2, TLS_1_3])
def test_absence_is_a_proof_only_when_everything_was_seen(version: int | None) -> None:
    evidence = after([], version)
    assert evidence.verdict(complete=False) is None
    assert evidence.verdict(complete=True) is False


def test_encrypted_records_without_a_server_hello_leave_it_open() -> None:
    assert after([(CLIENT, 30)], None).verdict(complete=True) is None


def test_what_was_proven_stays_proven() -> None:
    evidence = after([(CLIENT, 30), (SERVER, 30)], TLS_1_2)
    evidence.failed = True
    assert evidence.verdict(complete=True) is True
