from __future__ import annotations

import pytest

from analyzer.decryption.plaintext import Decrypted, Plaintext
from analyzer.decryption.rows import Row
from tests.decryption.sealed import session
from tests.smtp.playing import OK, SECRET, b64, playbook

CLIENT, SERVER = 0, 1
LOGIN = [f"C: AUTH PLAIN {b64(f'{chr(0)}scan@example.com{chr(0)}{SECRET}')}", OK]


def follow(rows: list[Row], greets: bool | None = True) -> Decrypted:
    plaintext = Plaintext(5, greets)
    for row in rows:
        plaintext.take(row)
    return plaintext.finish()


def rows(*lines: str) -> list[Row]:
    return [Row(1, side, plain=[text]) for side, text in playbook(*lines)]


def test_a_login_inside_tls_is_read_like_one_in_the_clear_and_what_is_offered_there_is_offered_after_tls() -> None:
    found = follow([Row(1, side, plain=[text]) for side, text in session(*LOGIN)])
    assert (found.readable, found.whole) == (True, True)
    (attempt,) = found.dialogue.auth
    assert (attempt.mechanism, attempt.username, attempt.outcome) == ("PLAIN", "scan@example.com", "success")
    assert (attempt.time, found.dialogue.messages, found.dialogue.ehlo) == (5, 1, "copier.example")
    assert found.dialogue.mechanisms_before_tls is None
    assert "LOGIN" in (found.dialogue.mechanisms_after_tls or ())
    assert SECRET not in repr(found)


@pytest.mark.parametrize("greets", [False, None])
def test_after_starttls_the_client_speaks_first(greets: bool | None) -> None:
    found = follow(rows("C: EHLO copier.example", "S: 250 AUTH PLAIN", *LOGIN, "C: QUIT", "S: 221 bye"), greets)
    assert [attempt.outcome for attempt in found.dialogue.auth] == ["success"]
    assert not found.dialogue.auth_may_be_hidden


def test_where_nobody_knows_whether_the_server_greets_whoever_speaks_first_decides() -> None:
    found = follow([Row(1, side, plain=[text]) for side, text in session(*LOGIN)], None)
    assert found.dialogue.greeting == "mail.example ESMTP"
    assert [attempt.outcome for attempt in found.dialogue.auth] == ["success"]


def test_a_line_may_come_in_several_records() -> None:
    pieces = [(side, bytes([byte])) for side, text in session(*LOGIN) for byte in text]
    found = follow([Row(1, side, plain=[piece]) for side, piece in pieces])
    assert [attempt.username for attempt in found.dialogue.auth] == ["scan@example.com"]


@pytest.mark.parametrize("row", [Row(1, CLIENT, failed=1), Row(1, CLIENT, silent=(32, 4000))])
def test_a_clients_record_that_cannot_be_decrypted_may_hide_a_login(row: Row) -> None:
    found = follow([*rows("S: 220 mail.example ESMTP", "C: EHLO a", "S: 250 ok"), row, *rows("S: 235 ok")])
    assert (found.readable, found.whole) == (True, False)
    assert found.dialogue.auth_may_be_hidden


def test_a_servers_record_that_cannot_be_decrypted_hides_no_login() -> None:
    found = follow([*rows("S: 220 mail.example ESMTP"), Row(1, SERVER, failed=1), *rows("C: QUIT")])
    assert not found.whole
    assert not found.dialogue.auth_may_be_hidden


def test_empty_records_before_others_are_nothing() -> None:
    found = follow(
        [row for each in rows("S: 220 a.example", "C: QUIT") for row in (Row(1, each.side, silent=(32,)), each)]
    )
    assert found.whole
    assert not found.dialogue.auth_may_be_hidden


def test_short_records_after_which_nothing_can_be_read_any_more_are_not_empty() -> None:
    found = follow([*rows("S: 220 a.example"), Row(1, CLIENT, silent=(64,)), *rows("S: 221 bye")])
    assert not found.whole
    assert found.dialogue.auth_may_be_hidden


def test_where_the_client_says_nothing_and_nothing_is_missing_no_login_is_hidden() -> None:
    found = follow([Row(1, CLIENT, finished=True), *rows("S: 421 lost input connection")], False)
    assert (found.readable, found.whole) == (True, True)
    assert not found.dialogue.auth_may_be_hidden


def test_a_connection_in_which_both_handshakes_ended_and_nothing_was_said_was_read() -> None:
    assert follow([Row(1, SERVER, finished=True), Row(1, CLIENT, finished=True)]).readable
    assert not follow([Row(1, SERVER, finished=True)]).readable
    assert not follow([Row(1, CLIENT, failed=2)]).readable


def test_tls_inside_tls_is_looked_into_no_further() -> None:
    hello = b"\x16\x03\x01\x00\xf0\x01\x00\x00\xec\x03\x03" + bytes(200)
    lines = rows("S: 220 a.example", "C: EHLO a", "S: 250 STARTTLS", "C: STARTTLS", "S: 220 go")
    found = follow([*lines, Row(1, CLIENT, plain=[hello]), *rows("S: 235 ok")])
    assert not found.whole
