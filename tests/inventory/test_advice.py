from __future__ import annotations

import pytest

from analyzer.inventory.advice import advice
from analyzer.inventory.status import STATUSES, Status


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_has_one_sentence(status: Status) -> None:
    text = advice(status, (), ())
    assert text.endswith(".")
    assert text.count(". ") == 0


def test_a_retiring_provider_adds_what_it_announced() -> None:
    text = advice("password", ["basic-to-retiring-provider"], ["postmark", "exchange-online"])
    assert "December 2026" in text
    assert "December 2026" not in advice("password", [], ["exchange-online"])


def test_mail_that_is_being_refused_comes_first() -> None:
    assert "refused because passwords are switched off" in advice("exposed", ["basic-disabled"], [])
    assert "until it authenticates" in advice("no-auth", ["auth-required"], [])
    assert "until it begins TLS" in advice("no-auth", ["starttls-required", "no-message-accepted"], [])
    assert "every TLS handshake fails" in advice("no-auth", ["tls-never-established"], [])


def test_a_device_whose_mail_nobody_took_is_not_asked_to_confirm_that_it_sends() -> None:
    assert "Nothing that this device sent was accepted" in advice("no-auth", ["no-message-accepted"], [])


def test_a_login_readable_after_starttls_says_what_to_check() -> None:
    assert "if no decrypting device feeds this capture" in advice("password", ["readable-after-starttls"], [])


def test_an_unknown_provider_adds_nothing() -> None:
    assert advice("password", ["basic-to-retiring-provider"], ["of-a-later-version"]).count(";") == 0


def test_a_login_that_is_hidden_by_tls_is_said_plainly_and_a_better_capture_is_not_asked_for() -> None:
    text = advice("unknown", [], [], "inside-tls")
    assert text.startswith("The login lies inside TLS")
    assert "capture whole" not in text


def test_a_login_whose_packets_are_missing_asks_for_a_better_capture() -> None:
    text = advice("unknown", [], [], "lost")
    assert "capture whole sessions" in text
    assert "TLS" not in text


def test_without_a_single_reason_both_ways_are_told() -> None:
    text = advice("unknown", [], [])
    assert "inside TLS" in text
    assert "capture whole sessions" in text


def test_why_a_login_was_not_seen_matters_to_unknown_alone() -> None:
    assert advice("password", [], [], "inside-tls") == advice("password", [], [])
    assert advice("unknown", ["auth-required"], [], "lost") == advice("unknown", ["auth-required"], [])
