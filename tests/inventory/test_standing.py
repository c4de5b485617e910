"""What a password is worth at a server, and which of several servers matters."""

from __future__ import annotations

import pytest

from analyzer.inventory.device import Server
from analyzer.inventory.providers import providers, use_own_providers
from analyzer.inventory.standing import Standing, deciding, password_servers, standing_of

PUBLIC, PRIVATE = "192.0.43.8", "10.0.0.25"


def server(provider: str | None = None, ip: str = PUBLIC, method: str = "basic") -> Server:
    return Server(ip, None, (587,), provider, 1, {method: 1})


@pytest.mark.parametrize(
    ("provider", "ip", "expected"),
    [
        ("exchange-online", PUBLIC, "retiring"),
        ("exchange-hve", PUBLIC, "retiring"),
        ("outlook-personal", PUBLIC, "ended"),
        ("gmail", PUBLIC, "kept"),
        ("sendgrid", PUBLIC, "kept"),
        ("exchange-online-relay", PUBLIC, "unclear"),
        ("of-a-later-version", PUBLIC, "unclear"),
        (None, PUBLIC, "unclear"),
        (None, PRIVATE, "own"),
        (None, "fd00::25", "own"),
        (None, "100.64.0.25", "own"),
        (None, "127.0.0.1", "own"),
        (None, "fe80::25", "own"),
        (None, "198.51.100.25", "unclear"),  # documentation: stands for a public address
        (None, "2001:db8::25", "unclear"),
        ("exchange-online", PRIVATE, "retiring"),  # a mirror or translation: the name says whose it is
    ],
)
def test_standing_comes_from_the_provider_else_from_the_address(
    provider: str | None, ip: str, expected: Standing
) -> None:
    assert standing_of(server(provider, ip), providers()) == expected


@pytest.mark.parametrize(
    ("uses", "expected"),
    [
        (["sendgrid", "exchange-online", "outlook-personal"], "outlook-personal"),
        (["sendgrid", "exchange-hve", "exchange-online"], "exchange-online"),  # 2026 before 2028
        (["sendgrid", None], None),
        (["gmail", "sendgrid"], "gmail"),  # equal: the one used most
    ],
)
def test_the_server_that_matters_is_where_the_password_stops_working_first(
    uses: list[str | None], expected: str | None
) -> None:
    chosen = deciding([server(use) for use in uses], providers())
    assert chosen is not None
    assert chosen.provider == expected


def test_without_servers_none_matters() -> None:
    assert deciding([], providers()) is None


def test_only_servers_that_got_a_password_count() -> None:
    got, oauth, unread = server("sendgrid"), server("exchange-online", method="oauth"), server(method="unknown")
    assert password_servers("password", [oauth, unread, got]) == [got]
    assert password_servers("password", [oauth, unread]) == [unread]
    assert password_servers("exposed", [oauth]) == [oauth]
    assert password_servers("oauth", [oauth, got]) == []


def test_own_rows_replace_and_add_to_recognition_and_are_taken_back() -> None:
    from analyzer.inventory.providers import Provider, ending_passwords, provider_of

    before = providers()["sendgrid"]
    mine = Provider("mine", "Mine", ("smtp.mine.example",), "retiring", "me", before.as_of)
    gone = Provider("sendgrid", "SendGrid", ("smtp.sendgrid.net",), "ended", "me", before.as_of)
    assert provider_of("smtp.mine.example") is None
    try:
        use_own_providers({"mine": mine, "sendgrid": gone})
        assert provider_of("smtp.mine.example") == "mine"
        assert providers()["sendgrid"].basic == "ended"
        assert {"mine", "sendgrid", "exchange-online"} <= ending_passwords()
    finally:
        use_own_providers({})
    assert provider_of("smtp.mine.example") is None
    assert providers()["sendgrid"] == before
