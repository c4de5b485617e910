from __future__ import annotations

import pytest

from analyzer.inventory.exposure import crossed_in_clear, exposes_secret, proof_was_sent, was_in_clear
from analyzer.smtp.records import StartTls
from tests.support.sessions import attempt, session


@pytest.mark.parametrize(
    ("mechanism", "outcome", "code", "initial_response", "username", "sent"),
    [
        ("PLAIN", "success", 235, True, "u", True),
        ("PLAIN", "failure", 535, False, "u", True),
        ("PLAIN", "failure", 538, True, "u", True),  # refused, but the command line had carried it already
        ("PLAIN", "failure", 538, False, None, False),
        ("PLAIN", "cancelled", 501, False, None, False),
        ("LOGIN", "success", 235, False, None, True),  # the name was not readable; a success needs a password
        ("LOGIN", "failure", 535, False, "u", True),
        ("LOGIN", "failure", 504, False, None, False),
        ("LOGIN", "failure", 538, True, "u", False),  # the initial response of LOGIN is the name alone
        ("LOGIN", "cancelled", 501, False, "u", False),
        ("LOGIN", "failure", 501, False, None, False),
        ("LOGIN", "failure", 534, False, "u", True),  # "application password needed" judges a password
        ("LOGIN", "failure", 534, False, None, False),  # "mechanism too weak" does not
        ("LOGIN", "unknown", None, False, "u", True),  # one direction captured: name and password, no reply
        ("LOGIN", "unknown", None, False, None, False),
        ("XOAUTH2", "failure", 535, False, "u", True),
        ("XOAUTH2", "failure", 504, False, None, False),
        ("CRAM-MD5", "failure", 535, False, "u", True),
        ("CRAM-MD5", "failure", 504, False, None, False),
    ],
)
def test_proof_counts_as_sent_only_once_its_turn_came(
    mechanism: str, outcome: str, code: int | None, initial_response: bool, username: str | None, sent: bool
) -> None:
    tried = attempt(mechanism, outcome, code=code, initial_response=initial_response, username=username)
    assert proof_was_sent(tried) is sent


def test_a_challenge_response_is_sent_but_is_no_reusable_secret() -> None:
    seen = session(attempt("CRAM-MD5"))
    assert crossed_in_clear(seen, "challenge")
    assert not exposes_secret(seen)


def test_what_keys_made_readable_was_not_in_the_clear() -> None:
    seen = session(attempt("PLAIN", evidence="decrypted"), evidence="decrypted", method="basic", confidence=1.0)
    assert not was_in_clear(seen, seen.auth[0])
    assert not exposes_secret(seen)


def test_a_decrypting_middleboxs_mirror_was_not_in_the_clear() -> None:
    mirrored = StartTls(True, True, True, still_plain=True)
    assert not exposes_secret(session(attempt("PLAIN", after_starttls=True), starttls=mirrored))


def test_a_login_before_starttls_was_in_the_clear_whatever_is_mirrored_after_it() -> None:
    mirrored = StartTls(True, True, True, still_plain=True)
    assert exposes_secret(session(attempt("PLAIN"), attempt("XOAUTH2", after_starttls=True), starttls=mirrored))
