from __future__ import annotations

import pytest

from analyzer.inventory.advice import advice
from analyzer.inventory.device import Server
from analyzer.inventory.status import STATUSES, Status


def server(provider: str | None = None, ip: str = "192.0.43.8") -> Server:
    return Server(ip, None, (587,), provider, 1, {"basic": 1})


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_has_one_sentence(status: Status) -> None:
    text = advice(status, ())
    assert text.endswith(".")
    assert text.count(". ") == 0


def test_a_retiring_provider_adds_what_it_announced() -> None:
    text = advice("password", (), [server("postmark"), server("exchange-online")])
    assert text.startswith("Move this device to OAuth")
    assert "December 2026" in text
    assert "December 2026" in advice("exposed", (), [server("exchange-online")])
    assert "December 2026" not in advice("password", (), [server()])


def test_a_server_that_nobody_knows_asks_for_a_question() -> None:
    assert advice("password", (), [server()]).startswith("Ask whoever runs the server")


def test_a_provider_that_keeps_passwords_asks_for_nothing_yet() -> None:
    assert advice("password", (), [server("sendgrid"), server("gmail")]).startswith("Nothing to do until")
    assert not advice("mixed", (), [server("sendgrid")]).startswith("Nothing to do")


def test_a_password_for_a_server_of_ones_own_says_to_look_at_that_server() -> None:
    assert "see how that one sends on" in advice("password", (), [server(ip="10.0.0.25")])


@pytest.mark.parametrize("status", ["oauth", "certificate", "kerberos"])
def test_there_is_something_to_do_where_logins_are_refused(status: Status) -> None:
    assert advice(status, ()).startswith("Nothing to do")
    assert advice(status, ["auth-failing"]).startswith("Its logins are refused")
    assert advice("password", ["auth-failing"], [server("sendgrid")]).startswith("Its logins are refused")


def test_mail_that_is_being_refused_comes_first() -> None:
    assert "refused because passwords are switched off" in advice("exposed", ["basic-disabled"])
    assert "until it authenticates" in advice("no-auth", ["auth-required"])
    assert "until it begins TLS" in advice("no-auth", ["starttls-required", "no-message-accepted"])
    assert "every TLS handshake fails" in advice("no-auth", ["tls-never-established"])


def test_a_device_whose_mail_nobody_took_is_not_asked_to_confirm_that_it_sends() -> None:
    assert "Nothing that this device sent was accepted" in advice("no-auth", ["no-message-accepted"])


def test_a_login_readable_after_starttls_says_what_to_check() -> None:
    assert "if no decrypting device feeds this capture" in advice("password", ["readable-after-starttls"])


def test_an_unknown_provider_adds_nothing() -> None:
    assert advice("password", ["basic-to-retiring-provider"], [server("of-a-later-version")]).count(";") == 0


def test_a_login_that_is_hidden_by_tls_is_said_plainly_and_a_better_capture_is_not_asked_for() -> None:
    text = advice("unknown", [], (), "inside-tls")
    assert text.startswith("The login lies inside TLS")
    assert "capture whole" not in text


def test_a_login_whose_packets_are_missing_asks_for_a_better_capture() -> None:
    text = advice("unknown", [], (), "lost")
    assert "capture whole sessions" in text
    assert "TLS" not in text


def test_without_a_single_reason_both_ways_are_told() -> None:
    text = advice("unknown", ())
    assert "inside TLS" in text
    assert "capture whole sessions" in text


def test_why_a_login_was_not_seen_matters_to_unknown_alone() -> None:
    assert advice("password", [], (), "inside-tls") == advice("password", ())
    assert advice("unknown", ["auth-required"], (), "lost") == advice("unknown", ["auth-required"])
